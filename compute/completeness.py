"""Completeness of a month, per dataset: accepted, quarantined and missing rows.

Source: `operations.md` C.4, "Completeness" (U-125, U-126).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from compute.judging import UNDATED
from compute.months import Month
from compute.profit import missing_teams
from compute.schema import Schema
from compute.statuses import PAYING, UNKNOWN

COMPLETENESS: Schema = {
    "month": pl.String,
    "dataset": pl.String,
    "accepted": pl.Int64,
    "quarantined": pl.Int64,
    "missing": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class CompletenessInput:
    """What completeness is judged from.

    Attributes:
        counts: DISPOSITION rows of all datasets.
        rows: ACCOUNT_MONTH rows of the month.
        salaries: current salary rows of the month; `prior_salaries` those of the month before.
        expenses: current expense rows of the month.
        immature_dates: dates of the month on which clicks may still be late (L-3).
    """

    counts: pl.DataFrame
    rows: pl.DataFrame
    salaries: pl.DataFrame
    prior_salaries: pl.DataFrame
    expenses: pl.DataFrame
    immature_dates: int


def completeness(given: CompletenessInput, month: Month) -> pl.DataFrame:
    """Count what is there, held and missing in a month; the gate passes when nothing is held or missing."""
    existing = given.rows.filter(pl.col("is_existing"))
    known = existing.filter(pl.col("status") != UNKNOWN).height
    accepted = {**_counted(given.counts, "accepted", (str(month),)), "account_status_changes": known}
    # A held row counts until its case is closed; one whose date cannot be read does so in every month.
    held = _counted(given.counts, "quarantined", (str(month), UNDATED))
    missing = {
        "revenue": _unbilled(existing),
        "expenses": _without_expense(existing, given.expenses),
        "salaries": len(missing_teams(given.salaries, given.prior_salaries)),
        "account_status_changes": existing.height - known,
        "click_events": given.immature_dates,
    }
    datasets = ("account_status_changes", "click_events", "expenses", "license_changes", "revenue", "salaries",
                "subscription_renewals", "team_activity", "usage_sessions")  # fmt: skip
    rows = [
        {"month": str(month), "dataset": dataset, "accepted": accepted.get(dataset, 0),
         "quarantined": held.get(dataset, 0), "missing": missing.get(dataset, 0)}
        for dataset in datasets
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=COMPLETENESS)


def _counted(counts: pl.DataFrame, disposition: str, months: tuple[str, ...]) -> Mapping[str, int]:
    totals = counts.filter(
        (pl.col("disposition") == disposition) & (pl.col("code") == "") & pl.col("month").is_in(months)
    )
    return dict(totals.group_by("dataset").agg((pl.col("rows") - pl.col("closed")).sum()).rows())


def _unbilled(existing: pl.DataFrame) -> int:
    """Count accounts whose status pays and that have no accepted non-void bill."""
    return existing.filter(pl.col("status").is_in(PAYING) & pl.col("bill_total").is_null()).height


def _without_expense(existing: pl.DataFrame, expenses: pl.DataFrame) -> int:
    """Count billed accounts without an expense row; a row of 0.00 will do."""
    billed = existing.filter(pl.col("bill_total").is_not_null())
    return billed.join(expenses, on="account_id", how="anti").height
