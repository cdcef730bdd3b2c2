"""When does Ray pay for the revenue join on this machine? Prints a table; run by hand.

    .venv/bin/python tests/benchmarks/break_even.py [ACCOUNTS ...]

Each line joins so many accounts with 12 bills, 12 expenses and a status row each, over 12 months: in this process,
on a Ray that must first be started, and on the one that then runs. All three write their Parquet files.
"""

import math
import sys
import tempfile
import time
from datetime import UTC, datetime

import numpy as np
import polars as pl
import ray

from compute.buckets import bucket_ranges, with_bucket
from compute.cluster import run_here, run_on_ray
from compute.company import Company
from compute.contracts.feeds import BY_NAME
from compute.current import silver_schema
from compute.months import Month
from compute.schema import typed
from compute.status import status_timeline
from flows.account_month import ROWS_PER_SHARD
from storage.catalog import ACCOUNT_MONTH_TABLE, SILVER, STATUS_STEP
from storage.lake import Lake
from storage.shape import ALL
from storage.shards import ACCOUNT_INPUTS, AccountShard, write_account_month
from storage.work import Work

MONTHS = Month(2024, 1).until(Month(2024, 12))
WORK = Work(flow="benchmark", dataset="")


def fill(lake: Lake, accounts: int) -> None:
    """Write silver tables of a company of so many accounts."""
    names = [f"ACC_{number}" for number in range(accounts)]
    random = np.random.default_rng(1)
    size = accounts * len(MONTHS)
    months = pl.Series("month", np.tile([str(month) for month in MONTHS], accounts))
    grid = pl.DataFrame(
        {"account_id": np.repeat(names, len(MONTHS)), "month": months, "cents": random.integers(100, 99999, size)}
    )
    amount = (pl.col("cents").cast(pl.Decimal(38, 2)) / 100).alias("amount")
    first = grid.with_columns(amount, on=(pl.col("month") + "-15").str.to_date())
    bills = first.select(
        "account_id", "month", subscription_tier=pl.lit("Starter"), monthly_revenue="amount", user_licenses=pl.lit(10),
        additional_features=pl.lit([], dtype=pl.List(pl.String)), feature_revenue=pl.lit(0), total_monthly_revenue="amount",
        billing_date="on", payment_status=pl.lit("Paid"),
    )  # fmt: skip
    costs = first.select(
        "account_id", "month", expense_category=pl.lit("Infrastructure"), monthly_cost="amount",
        cost_breakdown=pl.lit(None), expense_date="on",
    )  # fmt: skip
    opened = pl.DataFrame({"account_id": names}).select(
        "account_id", month=pl.lit("2024-01"), previous_status=pl.lit(None), new_status=pl.lit("Active"),
        change_date=pl.date(2024, 1, 1), change_reason=pl.lit(None), contract_value=pl.lit(None),
    )  # fmt: skip
    frames = {"revenue": bills, "expenses": costs, "account_status_changes": opened}
    for dataset, table in SILVER.items():
        contract = BY_NAME[dataset]
        if dataset not in frames:
            table_rows = pl.DataFrame(schema=silver_schema(contract))
        else:
            placed = with_bucket(frames[dataset], ["account_id"]).with_columns(
                _arrival=pl.lit(datetime(2025, 1, 1, tzinfo=UTC)), _file=pl.lit("f"), _batch_id=pl.lit("b"),
                _row=pl.int_range(pl.len()), _quality=pl.lit("ok"), _codes=pl.lit([], dtype=pl.List(pl.String)),
            )  # fmt: skip
            table_rows = typed(placed, silver_schema(contract)).sort("_bucket")
        lake.open(table).rewrite(table_rows, WORK)
    steps, _ = status_timeline(lake.read(SILVER["account_status_changes"]), Company().status_graph)
    lake.open(STATUS_STEP).replace(steps, {ALL: "benchmark"}, WORK)


def measure(accounts: int) -> tuple[int, int, float, float, float]:
    """Return rows read, shards, and seconds inline, on a cold Ray, on a warm one."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        fill(lake, accounts)
        lake.open(ACCOUNT_MONTH_TABLE).created()
        tables = [lake.open(dataset) for dataset in ACCOUNT_INPUTS.values()]
        rows = sum(table.count() for table in tables)
        versions = {table.dataset.name: table.version for table in tables}
        shards = [
            AccountShard(folder, versions, first, last, MONTHS, MONTHS[0], Company())
            for first, last in bucket_ranges(min(64, max(2, math.ceil(rows / ROWS_PER_SHARD))))
        ]
        seconds = []
        for run in (run_here, run_on_ray, run_on_ray):
            begin = time.perf_counter()
            run(write_account_month, shards)
            seconds.append(time.perf_counter() - begin)
        ray.shutdown()
    return rows, len(shards), *seconds  # type: ignore[return-value]


def main() -> None:
    """Print the table."""
    print(f"{'accounts':>10} {'rows':>12} {'shards':>7} {'inline s':>9} {'Ray cold s':>11} {'Ray warm s':>11}")  # noqa: T201
    for accounts in [int(word) for word in sys.argv[1:]] or [1_000, 10_000, 100_000]:
        rows, shards, here, cold, warm = measure(accounts)
        print(f"{accounts:>10,} {rows:>12,} {shards:>7} {here:>9.2f} {cold:>11.2f} {warm:>11.2f}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
