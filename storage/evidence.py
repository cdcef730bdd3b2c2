"""What the records in silver can support: the first evidence, the first observed month.

Source: `metrics.md` §2.1, §2.2.
"""

import polars as pl

from compute.contracts.revenue import VOID
from compute.months import Month
from compute.mrr import evidence
from storage.catalog import SILVER
from storage.lake import Lake


def first_evidence(lake: Lake) -> Month | None:
    """Return the earliest birth of an account, or None when no record makes one (U-40)."""
    names = ("revenue", "account_status_changes", "license_changes", "subscription_renewals")
    return _earliest(evidence(*(lake.open(SILVER[name]).scan() for name in names)).select("birth"))


def first_observed(lake: Lake) -> Month | None:
    """Return the first month that has an accepted bill that is not void, over all accounts (U-50)."""
    issued = lake.open(SILVER["revenue"]).scan().filter(pl.col("payment_status") != VOID)
    return _earliest(issued.select("month"))


def _earliest(rows: pl.LazyFrame) -> Month | None:
    """Return the earliest of months; the rows are streamed, as bills of all months are many."""
    found = rows.select(pl.all().min()).collect(engine="streaming").item()
    return Month.parse(found) if found else None
