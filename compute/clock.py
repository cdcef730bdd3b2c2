"""What time alone changes about judged rows: an account that nobody names for too long, a session that stays open.

Counted from the rows themselves, or from the summaries of their files, which have nearly always the same to say.
"""

from datetime import timedelta

import polars as pl

from compute.company import Company
from compute.contracts.contract import Contract
from compute.current import Beside, accounts_in, strangers
from compute.schema import Schema, typed
from compute.summaries import ACCOUNT, AGING

MOVED: Schema = {"month": pl.String, "account_id": pl.String, "strange": pl.Int64, "aged": pl.Int64}


def moved_rows(
    judged: pl.DataFrame | pl.LazyFrame, contract: Contract, company: Company, beside: Beside
) -> pl.DataFrame:
    """Count by month and account the rows that time has moved until the as-of: MOVED rows.

    Lazy rows are streamed. A file feed has no such rows.
    """
    rows, ages_at = judged.lazy(), pl.lit(None) if contract.ages_at is None else contract.ages_at
    marked = rows.with_columns(
        _strange=strangers(accounts_in(rows), contract, company, beside),
        _aged=(ages_at < beside.as_of).fill_null(value=False),
    ).filter(pl.col("_strange") | pl.col("_aged"))
    account = pl.when("_strange").then("account_id")
    counts = marked.group_by("month", account_id=account).agg(
        strange=pl.col("_strange").sum(), aged=pl.col("_aged").sum()
    )
    return typed(counts.collect(engine="streaming"), MOVED)


def moved_in_files(summaries: pl.DataFrame, company: Company, beside: Beside) -> tuple[pl.DataFrame, list[str]]:
    """Count the same from the summaries of files; with the files whose rows it takes to count, which are left out.

    Args:
        summaries: SUMMARY rows.
        company: for `unknown_account_days`.
        beside: the accounts that are known, and the as-of.
    """
    is_account, days = pl.col("about") == ACCOUNT, timedelta(days=company.limits.unknown_account_days)
    unknown = is_account & ~pl.col("name").is_in(beside.accounts.implode())
    waits = summaries.filter(unknown | (pl.col("about") == AGING)).with_columns(
        _until=pl.when(is_account).then(pl.lit(beside.as_of) - days).otherwise(pl.lit(beside.as_of))
    )
    is_doubtful = (pl.col("first") < pl.col("_until")) & (pl.col("last") >= pl.col("_until"))
    doubtful = waits.filter(is_doubtful).get_column("file").unique()
    moved = waits.filter(pl.col("last") < pl.col("_until"), ~pl.col("file").is_in(doubtful.implode()))
    counts = moved.select(
        "month",
        account_id=pl.when(is_account).then("name"),
        strange=pl.when(is_account).then("rows").otherwise(0),
        aged=pl.when(is_account).then(0).otherwise("rows"),
    )
    return typed(counts, MOVED), doubtful.sort().to_list()


def clock_marks(moved: pl.DataFrame) -> dict[str, str]:
    """Return by month what time decides about its rows; a month in which it moved nothing is left out.

    Equal marks over equal rows give equal settled rows, so time that passes changes a month only when it must.

    Args:
        moved: MOVED rows.
    """
    accounts = pl.col("account_id").drop_nulls().unique().sort().str.join(" ")
    months = moved.group_by("month").agg(pl.col("strange").sum(), pl.col("aged").sum(), accounts=accounts)
    return {month: f"{strange} {aged} {names}" for month, strange, aged, names in months.rows()}
