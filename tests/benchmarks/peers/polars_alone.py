"""The rollup in Polars alone: one lazy query over all files, 30-minute bins, no loop over buckets."""

from typing import Any

import polars as pl

NEEDED = ["account_id", "user_id", "session_id", "event_type", "feature_name", "timestamp"]
IDLE, DAY = 1_800_000_000, 86_400_000_000
VISIT = ["account_id", "user_id", "session_id", "day"]


def rollup(stored: pl.LazyFrame, spec: dict[str, Any]) -> dict[str, pl.LazyFrame]:
    """Return the session parts and the user-days of clicks."""
    us = pl.col("timestamp").dt.epoch("us")
    clicks = stored.select(
        "account_id", "user_id", "session_id", us=us, day=us // DAY, bin=us // IDLE,
        feature=pl.col("feature_name").replace(spec["aliases"]), qualifies=~pl.col("event_type").is_in(spec["deny"]),
    )  # fmt: skip
    return {"parts": _parts(clicks), "days": _days(clicks)}


def _parts(clicks: pl.LazyFrame) -> pl.LazyFrame:
    names = pl.col("feature").drop_nulls().unique()
    bins = clicks.group_by(*VISIT, "bin").agg(
        first=pl.col("us").min(), last=pl.col("us").max(), clicks=pl.len().cast(pl.Int64), features=names
    )
    rows = bins.sort(*VISIT, "first")
    is_same = pl.all_horizontal([pl.col(name).eq_missing(pl.col(name).shift(1)) for name in VISIT])
    gap = pl.col("first") - pl.col("last").shift(1)
    is_joined = (is_same & (pl.col("session_id").is_not_null() | (gap <= IDLE))).fill_null(value=False)
    marked = rows.with_columns(
        part=(~is_joined).cum_sum(),
        active=pl.col("last") - pl.col("first") + pl.when(is_joined).then(gap.clip(0, IDLE)).otherwise(0),
    )
    return marked.group_by("part").agg(
        pl.first(*VISIT), started=pl.col("first").min(), ended=pl.col("last").max(),
        active=pl.col("active").sum(), clicks=pl.col("clicks").sum(),
        features=pl.col("features").explode().drop_nulls().unique().sort().str.join("|"),
    ).drop("part")  # fmt: skip


def _days(clicks: pl.LazyFrame) -> pl.LazyFrame:
    feature = pl.col("feature").filter(pl.col("qualifies")).drop_nulls().unique()
    days = clicks.group_by("account_id", "user_id", "day").agg(
        clicks=pl.len().cast(pl.Int64), qualifying=pl.col("qualifies").sum().cast(pl.Int64), features=feature
    )
    return days.with_columns(pl.col("features").list.sort().list.join("|"))
