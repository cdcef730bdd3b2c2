"""Silver of a company of any size over 24 months, laid down without landing: what `growth.py` measures on.

Each account begins in some month, pays a bill a month, and now and then changes its seats; one in fifty a month
cancels, one in three of those comes back three months later; contracts are renewed after a year. Nobody clicks.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import polars as pl

from compute.buckets import BUCKETS, bucket_ranges, with_bucket
from compute.contracts.feeds import BY_NAME
from compute.current import silver_schema
from compute.months import Month
from compute.schema import typed
from storage.catalog import SILVER
from storage.files import Replacement
from storage.lake import Lake
from storage.work import Work

MONTHS = Month(2022, 1).until(Month(2023, 12))
ROWS_AT_ONCE = 200_000
WORK = Work(flow="benchmark", dataset="")
_NEVER = 99
_TEAMS = (
    ("ENG_001", "Platform Engineering"),
    ("ENG_002", "Frontend"),
    ("OPS_001", "Customer Support"),
    ("S_1", "Sales"),
)
_SHARED = ("Infrastructure", "Software Licenses", "Office & Facilities")


def lives(accounts: int) -> pl.DataFrame:
    """Return an account a row: when it begins, ends and comes back, as month numbers, its seats and their price."""
    random = np.random.default_rng(1)
    begins = np.where(random.random(accounts) < 0.4, 0, random.integers(0, len(MONTHS), accounts))
    ends = np.minimum(begins + random.geometric(0.02, accounts), _NEVER)
    back = np.where(random.random(accounts) < 1 / 3, ends + 3, _NEVER)
    rows = pl.DataFrame(
        {
            "account_id": pl.Series(np.arange(accounts)).cast(pl.String).str.zfill(7),
            "begins": begins,
            "ends": ends,
            "back": back,
            "seats": random.integers(1, 200, accounts),
            "price": random.integers(500, 9_900, accounts),
        }
    )
    return with_bucket(
        rows.with_columns(pl.concat_str(pl.lit("ACC_"), "account_id").alias("account_id")), ["account_id"]
    )


def fill(root: str, accounts: int) -> None:
    """Write the silver tables into a new lake."""
    lake, all_lives = Lake(root), lives(accounts)
    tables = {name: Replacement(lake, dataset) for name, dataset in SILVER.items()}
    for number, month in enumerate(MONTHS):
        for name, rows in records(all_lives, number, month):
            tables[name].add_parts(str(month), _parts(name, rows))
    for table in tables.values():
        if table.rows:
            table.commit({str(month): "benchmark" for month in MONTHS}, WORK)


def _parts(name: str, rows: pl.DataFrame) -> Iterator[tuple[pl.Expr, pl.DataFrame]]:
    """Return a month's rows as settling leaves them: by ranges of buckets, sorted within."""
    contract = BY_NAME[name]
    placed = rows.with_columns(
        _arrival=pl.lit(datetime(2024, 1, 1, tzinfo=UTC)), _file=pl.lit("f"), _batch_id=pl.lit("b"),
        _row=pl.int_range(pl.len()), _quality=pl.lit("ok"), _codes=pl.lit([], dtype=pl.List(pl.String)),
    )  # fmt: skip
    whole = typed(placed, silver_schema(contract)).sort("_bucket", "account_id" if contract.account else "_row")
    for first, last in bucket_ranges(min(BUCKETS, 1 + rows.height // ROWS_AT_ONCE)):
        mine = pl.col("_bucket").is_between(first, last, closed="left")
        yield mine, whole.filter(mine)


def records(all_lives: pl.DataFrame, number: int, month: Month) -> Iterator[tuple[str, pl.DataFrame]]:
    """Return the rows of each feed in a month, by dataset."""
    begins, ends, back = pl.col("begins"), pl.col("ends"), pl.col("back")
    named = all_lives.with_columns(month=pl.lit(str(month)), age=number - begins)
    grown = ((pl.col("age").clip(0) + pl.col("seats")) // 7) - (pl.col("seats") // 7)  # a step each seven months
    known = named.with_columns(held=pl.col("seats") + grown)
    pays = (begins <= number) & ((ends > number) | (back <= number))
    paying = known.filter(pays)
    cents = pl.col("price").cast(pl.Decimal(38, 2)) * pl.col("held") / 100
    billed = paying.with_columns(total=cents)
    yield "revenue", billed.select(
        "account_id", "_bucket", "month", subscription_tier=pl.lit("Starter"), monthly_revenue="total",
        user_licenses="held", additional_features=pl.lit([], dtype=pl.List(pl.String)), feature_revenue=pl.lit(0),
        total_monthly_revenue="total", billing_date=pl.lit(month.first), payment_status=pl.lit("Paid"),
    )  # fmt: skip
    own = paying.select(
        "account_id", "_bucket", "month", expense_category=pl.lit("Infrastructure"),
        monthly_cost=pl.col("price").cast(pl.Decimal(38, 2)) / 100, cost_breakdown=None, expense_date=pl.lit(month.first),
    )  # fmt: skip
    shared = pl.DataFrame({"expense_category": _SHARED}).select(
        "expense_category", account_id=pl.lit("SHARED"), _bucket=pl.lit(0, dtype=pl.Int32), month=pl.lit(str(month)),
        monthly_cost=pl.lit("80000.01").cast(pl.Decimal(38, 2)), cost_breakdown=None, expense_date=pl.lit(month.first),
    )  # fmt: skip
    yield "expenses", pl.concat([own, shared.select(own.columns)])
    steps = [
        (begins == number, None, "Active"), (ends == number, "Active", "Cancelled"),
        (back == number, "Cancelled", "Active"),
    ]  # fmt: skip
    yield "account_status_changes", pl.concat(
        known.filter(when).select(
            "account_id", "_bucket", "month", previous_status=pl.lit(before, dtype=pl.String), new_status=pl.lit(after),
            change_date=pl.lit(month.first), change_reason=None,
            contract_value=(pl.col("price").cast(pl.Decimal(38, 2)) * pl.col("held") * 12 / 100),
        )
        for when, before, after in steps
    )  # fmt: skip
    stepped = paying.filter((pl.col("age") > 0) & ((pl.col("age") + pl.col("seats")) % 7 == 0))
    yield "license_changes", stepped.select(
        "account_id", "_bucket", "month", previous_licenses=pl.col("held") - 1, new_licenses="held",
        change_date=pl.lit(month.first), change_type=pl.lit("Upgrade"),
        additional_revenue=pl.col("price").cast(pl.Decimal(38, 2)) / 100, effective_date=pl.lit(month.first),
    )  # fmt: skip
    value = pl.col("price").cast(pl.Decimal(38, 2)) * pl.col("held") * 12 / 100
    yield "subscription_renewals", paying.filter(pl.col("age") == 12).select(
        "account_id", "_bucket", "month", renewal_date=pl.lit(month.first), previous_contract_value=value,
        new_contract_value=value, renewal_type=pl.lit("Renewal"), contract_duration=pl.lit("12 months"),
    )  # fmt: skip
    yield "salaries", pl.DataFrame(_TEAMS, schema=["team_id", "team_name"], orient="row").select(
        "team_id", "team_name", monthly_salary_total=pl.lit("100000.00").cast(pl.Decimal(18, 2)), headcount=pl.lit(10),
        cost_per_engineer=pl.lit("10000.00").cast(pl.Decimal(18, 2)), salary_month=pl.lit(str(month)),
        _bucket=pl.lit(0, dtype=pl.Int32), month=pl.lit(str(month)),
    )  # fmt: skip
