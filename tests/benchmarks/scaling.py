"""What does a month of clicks cost on a cluster? Measures the model's constants, or checks its prediction.

    .venv/bin/python tests/benchmarks/scaling.py measure             # writes docs/scaling.json
    .venv/bin/python tests/benchmarks/scaling.py check [CLICKS ...]  # predicts, then measures: 1, 3 and 10 million
    .venv/bin/python tests/benchmarks/scaling.py table               # the tables of docs/scaling.md

Work is measured as processor time of tasks that each have one processor, as on a cluster: a busy machine then changes
little. The shards are those of the flow, without Prefect.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from uuid import uuid4

import polars as pl

from compute.buckets import BUCKETS, bucket_ranges
from compute.cluster import run_here, run_on_ray
from compute.connection import connect
from compute.months import Month
from flows import user_days
from flows.job import start
from storage.catalog import CLICK_SESSION, SESSION_PART, USER_DAY_TABLE
from storage.files import write_files
from storage.lake import Lake
from storage.shards import _CLICK, CLICKS, USAGE, SessionShard, write_sessions, write_user_days
from storage.work import DataFile, Work
from tests.benchmarks.clicks_lake import MONTH, Shape, fill
from tests.benchmarks.scaling_model import CONSTANTS, Costs, processor_seconds, tables

_A_DAY = pl.DataFrame({**dict.fromkeys(USER_DAY_TABLE.schema), "month": MONTH}, schema=dict(USER_DAY_TABLE.schema))
WORK = Work(flow="benchmark", dataset="")
SIZES, SMALL, LARGE = (1_000_000, 3_000_000, 10_000_000), 200_000, 2_000_000
MANY_FILES, MANY_SHARDS = 10_000, 2_000


def rolled_up(root: str) -> dict[str, float]:
    """Roll up the month of a lake in this process; returns shards, processor seconds and bytes that it took."""
    os.environ |= {"TECHFLOW_LAKE": root, "TECHFLOW_HOME": root, "TECHFLOW_EXECUTOR": "inline"}
    before, began = _most_bytes(), time.process_time()
    job = start("benchmark", is_rebuild=True)
    sources = [job.lake.open(dataset) for dataset in (CLICKS, USAGE)]
    targets = [job.lake.open(dataset) for dataset in (USER_DAY_TABLE, SESSION_PART)]
    for table in targets:
        table.created()
    versions = {table.dataset.name: table.version for table in (*sources, *targets)}
    plan = user_days._plan(job, (Month.parse(MONTH),), sources, targets)
    shards = user_days._shards(job, versions, plan, sources)
    written = run_here(write_user_days, shards)
    for table in targets:
        files = [file for each in written for file in each[table.dataset.name].files]
        table.replace_files(files, {MONTH: str(uuid4())}, WORK)
    sessions, parts = job.lake.open(CLICK_SESSION), job.lake.open(SESSION_PART)
    sessions.created()
    versions = {each.dataset.name: each.version for each in (sessions, parts)}
    ranges = bucket_ranges(min(BUCKETS, len(shards)))
    joined = run_here(write_sessions, [SessionShard(root, versions, first, last, (MONTH,)) for first, last in ranges])
    files = [file for each in joined for file in each.files]
    sessions.replace_files(files, {MONTH: str(uuid4())}, WORK)
    seconds = time.process_time() - began
    return {"shards": len(shards), "seconds": round(seconds, 2), "memory": _most_bytes() - before}


def _most_bytes() -> int:
    """Return the most memory that this program has held; getrusage counts the one that started it, too."""
    told = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(told.partition("VmHWM:")[2].split()[0])


def cost_of(clicks: int) -> dict[str, float]:
    """Roll up so many clicks; returns clicks, bytes of one in silver, and what it took."""
    with tempfile.TemporaryDirectory() as root:
        count = fill(Lake(root), Shape(clicks=clicks))
        size = sum(path.stat().st_size for path in (Path(root) / CLICKS.name).rglob("*.parquet"))
        # A process of its own: what made the clicks has taken memory too.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
            return {"clicks": count, "bytes": size / count} | other.submit(rolled_up, root).result()


def read_again(clicks: int) -> float:
    """Return the processor seconds to read a click beyond those that a shard keeps."""
    with tempfile.TemporaryDirectory() as root:
        count = fill(Lake(root), Shape(clicks=clicks))
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as other:
            return other.submit(_read, root).result() / count


def _read(root: str) -> float:
    table = Lake(root).open(CLICKS)
    began = time.process_time()
    kept = table.read((pl.col("month") == MONTH) & (pl.col("timestamp") < datetime(2024, 1, 3, tzinfo=UTC)), _CLICK)
    assert kept.height
    return time.process_time() - began


def handing() -> float:
    """Return the driver's processor seconds for a shard that has nothing to do."""
    connect()
    run_on_ray(_nothing, [1])
    began = time.process_time()
    run_on_ray(_nothing, list(range(MANY_SHARDS)))
    return (time.process_time() - began) / MANY_SHARDS


def _nothing(_: int) -> None:
    """Do nothing, as a task."""


def committing() -> tuple[float, float]:
    """Return the seconds of a commit, and of each file in it."""
    seconds = []
    for count in (1, MANY_FILES):
        with tempfile.TemporaryDirectory() as root:
            lake = Lake(root)
            table = lake.open(USER_DAY_TABLE)
            table.created()
            [file] = write_files(lake, USER_DAY_TABLE, _A_DAY)
            files = [_copied(Path(root) / USER_DAY_TABLE.name, file) for _ in range(count)]
            began = time.process_time()
            table.replace_files(files, {MONTH: "benchmark"}, WORK)
            seconds.append(time.process_time() - began)
    return seconds[0], (seconds[1] - seconds[0]) / (MANY_FILES - 1)


def _copied(folder: Path, file: DataFile) -> DataFile:
    path = f"{Path(file.path).parent}/part-{uuid4()}.parquet"
    shutil.copyfile(folder / file.path, folder / path)
    return replace(file, path=path)


def measure() -> None:
    """Measure the constants and keep them."""
    commit, file = committing()
    small, large = cost_of(SMALL), cost_of(LARGE)
    # Two equations: seconds = clicks × event + shards × shard.
    det = small["clicks"] * large["shards"] - large["clicks"] * small["shards"]
    event = (small["seconds"] * large["shards"] - large["seconds"] * small["shards"]) / det
    shard = (small["clicks"] * large["seconds"] - large["clicks"] * small["seconds"]) / det
    costs = Costs(
        event=event, shard=shard, reading=read_again(LARGE), handing=handing(), file=file, commit=commit,
        rows_per_shard=user_days.ROWS_PER_SHARD, stored_bytes=large["bytes"],
        memory_bytes=large["memory"] / (large["clicks"] / large["shards"]),
    )  # fmt: skip
    known = {"measured_on": datetime.now(UTC).date().isoformat(), "costs": asdict(costs), "fit": [small, large]}
    CONSTANTS.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(known, indent=2))  # noqa: T201


def check(sizes: Sequence[int]) -> None:
    """Predict the work of months that can be run here, then run them, and keep both."""
    known = json.loads(CONSTANTS.read_text(encoding="utf-8"))
    costs, runs = Costs(**known["costs"]), []
    for size in sizes:
        found = cost_of(size)
        predicted = processor_seconds(int(found["clicks"]), costs)
        runs.append(found | {"predicted": predicted})
        print(f"{found['clicks']:>12,} {predicted:>10.1f} {found['seconds']:>10.1f}", flush=True)  # noqa: T201
    CONSTANTS.write_text(json.dumps(known | {"runs": runs}, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Do what the first word says."""
    os.environ["POLARS_MAX_THREADS"] = "1"  # a task has one processor; read by the processes that do the work
    if sys.argv[1:2] == ["measure"]:
        measure()
    elif sys.argv[1:2] == ["check"]:
        check([int(word) for word in sys.argv[2:]] or SIZES)
    else:
        known = json.loads(CONSTANTS.read_text(encoding="utf-8"))
        print(tables(Costs(**known["costs"]), known["runs"]))  # noqa: T201


if __name__ == "__main__":
    main()
