"""How long do 10,000 and 1,000,000 clicks take? Prints a table; run by hand.

    .venv/bin/python tests/benchmarks/clicks.py [CLICKS ...]

Multiplies the users of the clean company, runs its 14 months as a user does, in a process of its own, once with each
executor, and shows where the time goes: what the commits say of landing, judging, settling and the rollup.
"""

import gzip
import json
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from storage.catalog import BRONZE, JUDGED, SILVER, USER_DAY_TABLE
from storage.lake import Lake
from storage.runs import runs
from tests.conftest import EXAMPLES, environment

STAGES = (BRONZE["click_events"], JUDGED["click_events"], SILVER["click_events"], USER_DAY_TABLE)
MONTHS = "2023-01..2024-02"


def multiply(company: Path, clicks: int) -> int:
    """Give the company so many clicks by copying its users; returns how many there are."""
    log = company / "landing" / "topics" / "click_events.jsonl"
    lines = log.read_bytes().splitlines()
    copies = max(1, round(clicks / len(lines)))
    with gzip.open(f"{log}.gz", "wb", compresslevel=1) as out:
        for copy in range(copies):
            out.writelines(_copied(lines, copy))
    log.unlink()
    return copies * len(lines)


def _copied(lines: list[bytes], copy: int) -> Iterator[bytes]:
    for line in lines:
        envelope = json.loads(line)
        record = json.loads(envelope["payload"])
        record["user_id"] += f"-{copy}"
        envelope |= {"offset": envelope["offset"] * 1000 + copy, "payload": json.dumps(record)}
        yield json.dumps(envelope).encode() + b"\n"


def measure(clicks: int, executor: str) -> tuple[int, float, dict[str, float]]:
    """Return the clicks, the seconds of the whole run, and those of each stage."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(EXAMPLES / "clean.tar.xz") as packed:
            packed.extractall(folder, filter="data")
        home = Path(folder) / "clean"
        count = multiply(home, clicks)
        env = environment(home, home / "landing", Path(folder) / "prefect", TECHFLOW_EXECUTOR=executor)
        script = Path(sys.executable).with_name("techflow")
        begin = time.perf_counter()
        subprocess.run([str(script), "run", MONTHS], env=env, check=True, capture_output=True)
        seconds = time.perf_counter() - begin
        done = runs(Lake(str(home / "lake")))
        stages = {
            table.name: done.filter(pl.col("dataset") == table.name).get_column("seconds").sum() for table in STAGES
        }
    return count, seconds, stages


def main() -> None:
    """Print the table."""
    heads = " ".join(
        f"{table.name.partition('/')[0] if table is not USER_DAY_TABLE else 'rollup':>8}" for table in STAGES
    )
    print(f"{'clicks':>10} {'executor':>9} {'run s':>8} {heads}")  # noqa: T201
    for clicks in [int(word) for word in sys.argv[1:]] or [10_000, 1_000_000]:
        for executor in ("inline", "ray"):
            count, seconds, stages = measure(clicks, executor)
            parts = " ".join(f"{stage:>8.1f}" for stage in stages.values())
            print(f"{count:>10,} {executor:>9} {seconds:>8.1f} {parts}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
