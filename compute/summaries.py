"""What a file of judged rows says, summed up: all that deciding about other rows ever asks of it.

A file never changes, so its summary stays true as long as the file is part of the table, and of a long past no more
is read than its summaries. What they cannot tell is asked of the rows of those files alone.
"""

from collections.abc import Mapping

import polars as pl

from compute.contracts.contract import INSTANT, Contract
from compute.releases import RELEASED
from compute.schema import Schema, typed

SUMMARY: Schema = {
    "file": pl.String,
    "month": pl.String,
    "about": pl.String,
    "name": pl.String,
    "rows": pl.Int64,
    "bad": pl.Int64,
    "first": INSTANT,
    "last": INSTANT,
}
# What a line is about.
BATCH, FIX, DAY, ACCOUNT, AGING = "batch", "fix", "day", "account", "aging"


def summary(judged: pl.DataFrame | pl.LazyFrame, contract: Contract, file: str = "", month: str = "") -> pl.DataFrame:
    """Return the SUMMARY rows of a file; lazy rows are streamed.

    Args:
        judged: the file's rows, judged.
        contract: of the rows.
        file: the file's name.
        month: the month of its rows.

    Returns:
        A line for every batch and every fix that rows of the file came with, `bad` those that are rejected; for every
        date that rows arrived on, `bad` those that are not accepted; of a topic one for every account of accepted
        rows, and one for the rows that age some day. `first` and `last` are arrivals, of rows that age the instants
        from which on they are old.
    """
    rows, is_accepted = judged.lazy(), pl.col("_verdict") == "accepted"
    is_fix, is_rejected = pl.col("_source") == RELEASED, pl.col("_verdict") == "rejected"
    lines = [
        _lines(rows, pl.when(is_fix).then(pl.lit(FIX)).otherwise(pl.lit(BATCH)), pl.col("_batch_id"), is_rejected),
        _lines(rows, pl.lit(DAY), pl.col("_arrival").dt.date().cast(pl.String), ~is_accepted),
    ]
    if contract.unknown_account is not None:
        named = rows.filter(is_accepted, pl.col("account_id").is_not_null())
        lines.append(_lines(named, pl.lit(ACCOUNT), pl.col("account_id"), pl.lit(value=False)))
    if contract.ages_at is not None:
        aging = rows.with_columns(_arrival=contract.ages_at).filter(pl.col("_arrival").is_not_null())
        lines.append(_lines(aging, pl.lit(AGING), pl.lit(""), pl.lit(value=False)))
    found = pl.concat(pl.collect_all(lines, engine="streaming"))
    return typed(found.with_columns(file=pl.lit(file), month=pl.lit(month)), SUMMARY).sort("about", "name")


def _lines(rows: pl.LazyFrame, about: pl.Expr, name: pl.Expr, bad: pl.Expr) -> pl.LazyFrame:
    at = pl.col("_arrival")
    marked = rows.select(at, about=about, name=name, bad=bad)
    return marked.group_by("about", "name").agg(
        rows=pl.len().cast(pl.Int64), bad=pl.col("bad").sum().cast(pl.Int64), first=at.min(), last=at.max()
    )


def batches(summaries: pl.DataFrame, *about: str) -> pl.Series:
    """Return the ids of the batches, or fixes, or both, that judged rows came with."""
    return summaries.filter(pl.col("about").is_in(about)).get_column("name").unique()


def arrivals_by_day(summaries: pl.DataFrame) -> pl.DataFrame:
    """Return how many rows arrived on each date, and how many of them are bad: `day, received, bad`."""
    days = summaries.filter(pl.col("about") == DAY).group_by(day=pl.col("name").str.to_date("%Y-%m-%d"))
    return days.agg(received=pl.col("rows").sum(), bad=pl.col("bad").sum())


def rejects(summaries: pl.DataFrame) -> Mapping[str, int]:
    """Return how many rows of each batch and fix are rejected, of those that have some, by their ids in order."""
    some = summaries.filter(pl.col("about").is_in([BATCH, FIX]), pl.col("bad") > 0)
    return dict(some.group_by("name").agg(pl.col("bad").sum()).sort("name").rows())
