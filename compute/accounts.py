"""The accounts there are: the union of all that current records name, and where each was first seen.

Whether an account exists for MRR is another question: `compute.mrr.births` (U-40).
Source: `data.md` A.10, XR-1.
"""

from collections.abc import Sequence

import polars as pl

from compute.contracts.contract import INSTANT
from compute.contracts.expenses import SHARED
from compute.schema import Schema, typed

ACCOUNT: Schema = {
    "account_id": pl.String,
    "first_seen_in": pl.String,
    "first_seen_at": INSTANT,
    "datasets": pl.List(pl.String),
}
NAMED: Schema = {"dataset": pl.String, "account_id": pl.String, "seen_at": INSTANT}


def named_in(dataset: str, current: pl.LazyFrame) -> pl.LazyFrame:
    """Return the accounts that current rows of a dataset name, with their first arrival: NAMED, lazily.

    The pool of shared expenses is no account.
    """
    named = current.filter(pl.col("account_id") != SHARED).group_by("account_id").agg(seen_at=pl.col("_arrival").min())
    return named.select(pl.lit(dataset).alias("dataset"), "account_id", "seen_at")


def accounts(named: pl.DataFrame, datasets: Sequence[str]) -> pl.DataFrame:
    """Return the union of the accounts named: ACCOUNT rows, sorted.

    Args:
        named: NAMED rows, at most one per dataset and account.
        datasets: all datasets; of several that name an account first, at one instant, the foremost counts.
    """
    rank = pl.col("dataset").replace_strict(list(datasets), range(len(datasets)), return_dtype=pl.Int64)
    ordered = named.with_columns(_rank=rank).sort("_rank")
    first = pl.col("dataset").sort_by("seen_at", maintain_order=True).first()
    union = ordered.group_by("account_id", maintain_order=True).agg(
        first_seen_in=first, first_seen_at=pl.col("seen_at").min(), datasets=pl.col("dataset")
    )
    return typed(union, ACCOUNT).sort("account_id")
