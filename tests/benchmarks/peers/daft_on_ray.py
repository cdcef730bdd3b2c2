"""The rollup in Daft's own words, on its Ray runner."""

from typing import Any

import daft  # type: ignore[import-not-found]
from daft import DataType, Window, col, lit
from daft.functions import when  # type: ignore[import-not-found]

from tests.benchmarks.peers.polars_alone import DAY, IDLE, NEEDED, VISIT


def write(spec: dict[str, Any]) -> None:
    """Write the session parts and the user-days of clicks."""
    daft.set_runner_ray(noop_if_initialized=True)
    us = col("timestamp").cast(DataType.int64())
    feature = col("feature_name")
    for used, sold in spec["aliases"].items():
        feature = when(col("feature_name") == used, lit(sold)).otherwise(feature)
    clicks = daft.read_parquet(spec["files"]).select(*NEEDED).select(
        "account_id", "user_id", "session_id", us.alias("us"), (us // DAY).cast(DataType.int64()).alias("day"),
        (us // IDLE).cast(DataType.int64()).alias("bin"), feature.alias("feature"),
        (~col("event_type").is_in(spec["deny"])).alias("qualifies"),
    )  # fmt: skip
    _parts(clicks).write_parquet(f"{spec['out']}/parts.parquet", write_mode="overwrite")
    _days(clicks).write_parquet(f"{spec['out']}/days.parquet", write_mode="overwrite")


def _parts(clicks: Any) -> Any:
    bins = clicks.groupby(*VISIT, "bin").agg(
        col("us").min().alias("first"), col("us").max().alias("last"), col("us").count().alias("n"),
        col("feature").list_agg_distinct().alias("names"),
    )  # fmt: skip
    visit = Window().partition_by(*VISIT).order_by("first")
    gap = (col("first") - col("last").lag(1).over(visit)).alias("gap")
    rows = bins.with_columns({"gap": gap})
    is_new = (col("session_id").is_null() & (col("gap").fill_null(0) > IDLE)).cast(DataType.int64())
    rows = rows.with_columns({"is_new": is_new})
    running = visit.rows_between(Window.unbounded_preceding, Window.current_row)
    rows = rows.with_columns({"part": col("is_new").sum().over(running)})
    capped = when(col("gap").fill_null(0) > IDLE, lit(IDLE)).otherwise(col("gap").fill_null(0))
    active = col("last") - col("first") + when(col("is_new") == 1, lit(0)).otherwise(capped)
    return rows.with_columns({"active": active}).groupby(*VISIT, "part").agg(
        col("first").min().alias("started"), col("last").max().alias("ended"),
        col("active").sum().alias("active"), col("n").sum().cast(DataType.int64()).alias("clicks"),
        col("names").list_agg().alias("names"),
    ).with_column("features", col("names").list_flatten().list_distinct().list_sort().list_join("|")).exclude("part", "names")  # fmt: skip


def _days(clicks: Any) -> Any:
    texts = when(col("qualifies"), col("feature")).otherwise(lit(None))
    return (
        clicks.with_column("texts", texts)
        .groupby("account_id", "user_id", "day")
        .agg(
            col("us").count().cast(DataType.int64()).alias("clicks"),
            col("qualifies").cast(DataType.int64()).sum().alias("qualifying"),
            col("texts").list_agg_distinct().alias("names"),
        )
        .with_column("features", col("names").list_sort().list_join("|"))
        .exclude("names")
    )
