"""The revenue join of all accounts over 24 months beside other engines, on the same files of silver and timeline.

The others make the columns of `ANSWER`, of the 28 that ours makes, and only what a company without faults needs:
no void bills, no gaps in a timeline, no MRR carried forward, no expense of strangers.
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from compute.account_month import EARNING
from compute.buckets import BUCKETS, bucket_ranges
from compute.company import Company
from compute.contracts.expenses import SHARED
from compute.contracts.revenue import VOID
from compute.status import status_timeline
from compute.statuses import PAYING, UNKNOWN
from storage.catalog import ACCOUNT_MONTH_TABLE, SILVER, STATUS_STEP
from storage.files import Replacement
from storage.lake import Lake
from storage.shape import ALL
from storage.shards import ACCOUNT_INPUTS
from tests.benchmarks.lives import MONTHS, WORK, fill
from tests.benchmarks.race import FLOOR, Answer, Outcome, Race, hashed, run, spec_file
from tests.benchmarks.results import PLACE, peers

ENGINES = (FLOOR, "ours, ray", "ours, inline", "polars", "duckdb", "pyspark")
SLOW = ("pyspark",)
WARM = 100
TEXTS = ("account_id", "month", "status", "payment_status", "tier", "movement")
AMOUNTS = ("bill_total", "mrr", "prior_mrr", "movement_amount", "revenue", "collected", "direct_cost", "direct_cogs")
ANSWER = (*(pl.col(each).cast(pl.String) for each in TEXTS), pl.col("licences").cast(pl.Int64),
          *(pl.col(each).cast(pl.Decimal(18, 2)) for each in AMOUNTS))  # fmt: skip


def measured(accounts: int, rounds: int) -> Outcome:
    """Race over the records of so many accounts; prints a table."""
    lake, warm = _lake(accounts), _lake(WARM)
    race = Race(
        f"revenue join over {len(MONTHS)} months", accounts, "accounts",
        lambda engine, out: _command(engine, lake, warm, out), lambda engine, out: _answer(engine, lake, out),
    )  # fmt: skip
    return run(race, ENGINES, rounds, once=SLOW)


def _lake(accounts: int) -> Path:
    """Return a lake of so many accounts with their timelines, made once."""
    place = PLACE / f"accounts-{accounts}"
    if not (place / "made").exists():
        print(f"  making {accounts:,} accounts in {place} …", file=sys.stderr, flush=True)  # noqa: T201
        shutil.rmtree(place, ignore_errors=True)
        fill(str(place.resolve()), accounts)
        _timeline(Lake(str(place.resolve())))
        (place / "made").touch()
    return place


def _timeline(lake: Lake) -> None:
    """Order the status changes of all accounts, which the join reads, as the product does before it."""
    changes, written = lake.open(SILVER["account_status_changes"]), Replacement(lake, STATUS_STEP)

    def parts() -> Iterator[tuple[pl.Expr, pl.DataFrame]]:
        for first, last in bucket_ranges(min(BUCKETS, 1 + changes.count() // 250_000)):
            mine = pl.col("_bucket").is_between(first, last, closed="left")
            steps, _ = status_timeline(changes.read(mine), Company().status_graph)
            yield mine, steps.sort("_bucket", maintain_order=True)

    written.add_parts(ALL, parts())
    written.commit({ALL: "benchmark"}, WORK)


def _command(engine: str, lake: Path, warm: Path, out: Path) -> list[str]:
    if engine.startswith("ours"):
        for each in (lake, warm):
            shutil.rmtree(each / ACCOUNT_MONTH_TABLE.name, ignore_errors=True)
        places = [str(lake.resolve()), str(warm.resolve())]
        return [sys.executable, "-m", "tests.benchmarks.ours", "join", engine.rpartition(" ")[2], *places]
    company = Company()
    spec = {
        "tables": _tables(lake), "warm": _tables(warm), "out": str(out), "months": [str(month) for month in MONTHS],
        "cogs": [name for name, cost in company.expense_classes.items() if cost == "COGS"], "earning": EARNING,
        "paying": PAYING, "unknown": UNKNOWN, "void": VOID, "shared": SHARED,
    }  # fmt: skip
    return [peers(), "-m", "tests.benchmarks.peers.run", "join", engine, spec_file(out, spec)]


def _tables(lake: Path) -> dict[str, list[str]]:
    """Return the files of each table that the join reads."""
    return {
        name: sorted(map(str, (lake / dataset.name).resolve().rglob("*.parquet")))
        for name, dataset in ACCOUNT_INPUTS.items()
    }


def _answer(engine: str, lake: Path, out: Path) -> Answer:
    if engine.startswith("ours"):
        rows = Lake(str(lake)).open(ACCOUNT_MONTH_TABLE).scan()
    else:
        file = out / "joined.parquet"
        rows = pl.scan_parquet(sorted(file.rglob("*.parquet")) if file.is_dir() else file)
    return {"account_month": hashed(rows.select(ANSWER))}
