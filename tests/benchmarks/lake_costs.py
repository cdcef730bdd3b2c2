"""What the lake asks beside the rollup: `python -m tests.benchmarks.lake_costs`, in this process, medians of some runs.

A commit of 10,000 files, a snapshot replaced by partition beside the two ways of a Delta merge, and the contract's
check of clicks on their way into silver beside their rollup. Seconds of the processor say more than seconds on a busy
machine.
"""

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import polars as pl
from deltalake import DeltaTable

from compute.company import Company
from compute.contracts.feeds import BY_NAME
from compute.contracts.schema import require
from compute.schema import typed
from flows.user_days import ROWS_PER_SHARD
from storage.catalog import SNAPSHOT_FIGURE, USER_DAY_TABLE
from storage.lake import Lake
from storage.work import DataFile, Work
from tests.benchmarks.bare import roll_up
from tests.benchmarks.clicks_lake import CLICKS, Shape, fill

Cost = dict[str, float]
WORK = Work(flow="benchmark", dataset="")
FILES, SNAPSHOTS, FIGURES, CLICK_COUNT = 10_000, 12, 100_000, 1_000_000


def measured(times: int = 3) -> dict[str, Cost]:
    """Print a line for each; returns seconds by the clock and of the processor by name."""
    print(f"\n{'what the lake asks':<44} {'wall s':>8} {'cpu s':>8}")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        return (
            commit(Lake(f"{folder}/commit"), times)
            | snapshots(Lake(f"{folder}/snapshot"), times)
            | validation(Lake(f"{folder}/clicks"), times)
        )


def line(what: str, work: Callable[[], object], times: int) -> Cost:
    """Print the median of some runs, and return it."""
    taken = []
    for _ in range(times):
        begin, busy = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - begin, time.process_time() - busy))
    wall, cpu = (statistics.median(each) for each in zip(*taken, strict=True))
    print(f"{what:<44} {wall:>8.3f} {cpu:>8.3f}", flush=True)  # noqa: T201
    return {"wall": wall, "cpu": cpu}


def commit(lake: Lake, times: int) -> dict[str, Cost]:
    """Replace a month by 10,000 files, which a commit does not open."""
    files = [
        DataFile(f"month=2024-01/part-{number}.parquet", 1_000, 10, "2024-01", 1_700_000_000_000, '{"numRecords":10}')
        for number in range(FILES)
    ]
    lake.open(USER_DAY_TABLE).created()
    taken = line(
        f"commit of {FILES:,} files in place of as many",
        lambda: lake.open(USER_DAY_TABLE).replace_files(files, {"2024-01": "benchmark"}, WORK),
        times,
    )
    return {"commit": taken}


def snapshots(lake: Lake, times: int) -> dict[str, Cost]:
    """Replace one of twelve snapshots: as the product does, and by merges."""
    random = np.random.default_rng(1)
    for number in range(SNAPSHOTS):
        _replace(lake, _figures(f"S{number:02}", random))
    fresh = [_figures("S05", random) for _ in range(times)]
    changes = iter(fresh)
    found = {"replace": line("snapshot replaced by partition", lambda: _replace(lake, next(changes)), times)}
    for what, literal in (("that names the partition", " AND t.snapshot_id = 'S05'"), ("that does not", "")):
        merged = partial(_merge_next, lake, iter(fresh), literal)
        found[f"merge {what}"] = line(f"snapshot, merge {what}", merged, times)
    return found


def _figures(snapshot: str, random: np.random.Generator) -> pl.DataFrame:
    accounts = [f"ACC_{number:06}" for number in range(FIGURES)]
    rows = pl.DataFrame({"snapshot_id": snapshot, "grain_key": accounts, "value": random.integers(0, 10**6, FIGURES)},
                        strict=False)  # fmt: skip
    texts = {name: pl.lit("x") for name, dtype in SNAPSHOT_FIGURE.schema.items() if dtype == pl.String}
    missing = {name: texts.get(name, pl.lit(None)) for name in SNAPSHOT_FIGURE.schema if name not in rows.columns}
    return typed(rows.with_columns(**missing), SNAPSHOT_FIGURE.schema)


def _replace(lake: Lake, rows: pl.DataFrame) -> None:
    name = rows.get_column("snapshot_id").item(0)
    lake.open(SNAPSHOT_FIGURE).replace(rows, {name: f"benchmark {time.perf_counter_ns()}"}, WORK)


def _merge_next(lake: Lake, changes: Iterator[pl.DataFrame], literal: str) -> None:
    key = " AND ".join(f"t.{name} = s.{name}" for name in ("snapshot_id", "grain_key"))
    table = DeltaTable(f"{lake.root}/{SNAPSHOT_FIGURE.name}")
    source = next(changes).to_arrow(compat_level=pl.CompatLevel.oldest())
    merge = table.merge(source, key + literal, source_alias="s", target_alias="t")
    merge.when_matched_update_all().when_not_matched_insert_all().execute()


def validation(lake: Lake, times: int) -> dict[str, Cost]:
    """Hold a million clicks to their contract, as settling does, and roll the same clicks up."""
    fill(lake, Shape(CLICK_COUNT))
    rows = lake.read(CLICKS)
    clicks = f"{CLICK_COUNT:,} clicks"
    check = line(f"contract of {clicks}", lambda: require(BY_NAME["click_events"], Company(), rows), times)
    rollup = line(f"rollup of {clicks}, in this process", lambda: _rolled_up(lake), times)
    return {"contract": check, "rollup": rollup}


def _rolled_up(lake: Lake) -> None:
    shutil.rmtree(f"{lake.root}/gold", ignore_errors=True)
    roll_up(lake.root, ROWS_PER_SHARD)


if __name__ == "__main__":
    measured()
