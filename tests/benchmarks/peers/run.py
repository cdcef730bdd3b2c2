"""The work by other engines, each in a process of its own: `python -m tests.benchmarks.peers.run WORK ENGINE SPEC`.

SPEC names files, the rules, and where the answer goes; a small lake warms the engine up first. This runs in the
peers' own environment, so it imports nothing of the project.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.peers import join, sql
from tests.benchmarks.peers.polars_alone import NEEDED, rollup
from tests.benchmarks.peers.spark import start_spark
from tests.benchmarks.timed import timed

Spec = dict[str, Any]


def floor(spec: Spec) -> None:
    """Decode the needed columns, a file at a time."""
    import polars as pl

    for file in spec["files"]:
        pl.read_parquet(file, columns=NEEDED, hive_partitioning=False)


def polars(spec: Spec) -> None:
    """Polars by itself, streaming."""
    import polars as pl

    made = rollup(pl.scan_parquet(spec["files"], hive_partitioning=False), spec)
    sinks = [rows.sink_parquet(f"{spec['out']}/{name}.parquet", lazy=True) for name, rows in made.items()]
    pl.collect_all(sinks, engine="streaming")


def duckdb(spec: Spec) -> None:
    """DuckDB on its two threads."""
    import duckdb as engine

    with engine.connect() as database:
        query = sql.clicks(spec, f"read_parquet({spec['files']})", "epoch_us(timestamp)", "//")
        database.execute(f"CREATE VIEW clicks AS {query}")
        texts = "list(DISTINCT feature) FILTER (feature IS NOT NULL)"
        merged = "coalesce(array_to_string(list_sort(list_distinct(flatten(list(names)))), '|'), '')"
        queries = {
            "parts": sql.parts("clicks", texts, merged),
            "days": sql.days("clicks", f"coalesce(array_to_string(list_sort({texts[:-1]} AND qualifies)), '|'), '')"),
        }
        for name, query in queries.items():
            database.execute(f"COPY ({query}) TO '{spec['out']}/{name}.parquet' (FORMAT parquet, COMPRESSION zstd)")


def spark(spec: Spec) -> None:
    """PySpark, local, as many threads as there are cores."""
    session = start_spark()
    session.read.parquet(*spec["files"]).createOrReplaceTempView("stored")
    query = sql.clicks(spec, "stored", "unix_micros(timestamp)", "div")
    session.sql(query).createOrReplaceTempView("clicks")
    merged = "array_join(array_sort(array_distinct(flatten(collect_list(names)))), '|')"
    texts = "array_join(array_sort(collect_set(CASE WHEN qualifies THEN feature END)), '|')"
    for name, made in (
        ("parts", sql.parts("clicks", "collect_set(feature)", merged)),
        ("days", sql.days("clicks", texts)),
    ):
        session.sql(made).write.parquet(f"{spec['out']}/{name}.parquet", mode="overwrite", compression="zstd")


def daft(spec: Spec) -> None:
    """Daft on Ray."""
    from tests.benchmarks.peers.daft_on_ray import write

    write(spec)


def ray_data(spec: Spec) -> None:
    """Ray Data: a shuffle by bucket, Polars in each group."""
    import polars as pl
    import pyarrow as pa
    import ray

    data = ray.data.read_parquet(spec["files"], columns=[*NEEDED, "_bucket"], partitioning=None)

    def rolled(group: pa.Table) -> pa.Table:
        rows = pl.DataFrame(group)
        bucket = rows.get_column("_bucket").item(0)
        for name, made in rollup(rows.lazy(), spec).items():
            folder = Path(spec["out"]) / f"{name}.parquet"
            folder.mkdir(parents=True, exist_ok=True)
            made.collect().write_parquet(folder / f"{bucket}.parquet")
        return pa.table({"rows": [group.num_rows]})

    data.groupby("_bucket").map_groups(rolled, batch_format="pyarrow").materialize()


def start_ray() -> None:
    """Start Ray on this machine, for those who run on it."""
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)


Work = Callable[[Spec], None]
ENGINES: dict[str, dict[str, Work]] = {
    "rollup": {
        "floor": floor, "polars": polars, "duckdb": duckdb, "pyspark": spark, "daft": daft, "ray-data": ray_data
    },
    "join": {"floor": join.floor, "polars": join.polars, "duckdb": join.duckdb, "pyspark": join.spark},
}  # fmt: skip
STARTS: dict[str, Callable[[], object]] = {"pyspark": start_spark, "daft": start_ray, "ray-data": start_ray}
INPUT = {"rollup": "files", "join": "tables"}


def main(work: str, name: str, place: str) -> None:
    """Start the engine, warm it up, and time it."""
    spec = json.loads(Path(place).read_text(encoding="utf-8"))
    run, begin = ENGINES[work][name], STARTS.get(name, dict)
    begin()
    warm = spec | {INPUT[work]: spec["warm"], "out": f"{spec['out']}/warm"}
    Path(warm["out"]).mkdir(parents=True, exist_ok=True)  # a try before may have made it
    run(warm)
    timed(lambda: run(spec))


if __name__ == "__main__":
    main(*sys.argv[1:])
