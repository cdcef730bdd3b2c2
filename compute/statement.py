"""What a report tells beside the figures of its snapshot, reduced to a few lines: no account is named in any of it.

Each function is a pure reduction of tables; together they are stored as the snapshot's statement.
Source: `operations.md` E.1, blocks 2 to 8.
"""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

import polars as pl

from compute.company import Company
from compute.contracts.subscription_renewals import with_term
from compute.figures import FIGURE, Reason, company_frame
from compute.months import Month
from compute.retention import trials
from compute.schema import Schema

TRAILING_WEEKS = 13
DUE_DAYS = 90
MOST_TRIAL_MONTHS = 6  # a cohort of so many months ago is the last one that is looked at
COHORT_CELL: Schema = {
    "cohort": pl.String,
    "month": pl.String,
    "members": pl.Int64,
    "retained": pl.Int64,
    "mrr": pl.String,
}


def cohort_cells(rows: pl.LazyFrame, members: pl.DataFrame, month: Month) -> pl.DataFrame:
    """Return what is left of each cohort of the last 13 months, in each month since: COHORT_CELL rows.

    Args:
        rows: `account_id, month, mrr` of existing accounts.
        members: COHORT rows.
        month: the report's month; the last column of the triangle.
    """
    first, last = str(month.plus(-12)), str(month)
    shown = members.filter(pl.col("cohort").is_between(pl.lit(first), pl.lit(last)))
    sizes = shown.group_by("cohort").agg(members=pl.len().cast(pl.Int64))
    of_span = pl.col("month").is_between(pl.lit(first), pl.lit(last))
    paid = (
        rows.filter(of_span)
        .join(shown.lazy().select("account_id", "cohort"), on="account_id")
        .filter(pl.col("month") >= pl.col("cohort"))
        .group_by("cohort", "month")
        .agg(retained=(pl.col("mrr") > 0).sum().cast(pl.Int64), mrr=pl.col("mrr").sum().cast(pl.String))
        .collect(engine="streaming")
    )
    return paid.join(sizes, on="cohort").select(list(COHORT_CELL)).sort("cohort", "month")


def mature_trials(steps: pl.DataFrame, month: Month) -> pl.DataFrame:
    """Return the conversion of the newest trial cohort that is mature at the month's end, for 30 and for 90 days.

    Args:
        steps: STEP rows.
        month: the report's month; nothing later is known to it.

    Returns:
        FIGURE rows, each in the month of its cohort; none without a mature one.
    """
    found = {}
    for cohort in (month.plus(-back) for back in range(MOST_TRIAL_MONTHS, 0, -1)):
        for figure in trials(steps, cohort, month.last):
            if figure.metric_id != "M-17" and figure.value != Reason.INSUFFICIENT_HISTORY:
                found[figure.metric_id] = company_frame(str(cohort), [figure])
    return pl.concat([pl.DataFrame(schema=FIGURE), *found.values()])


def renewals_due(renewals: pl.DataFrame, month: Month) -> pl.DataFrame:
    """Return how many contracts end in the 90 days after the month, and their value: `contracts, value`.

    A contract's end is known from its last renewal, as no status event has a term; others are not among them.

    Args:
        renewals: silver renewals of all months.
        month: the report's month.
    """
    ends_on = pl.col("renewal_date").dt.offset_by(pl.concat_str("term_months", pl.lit("mo")))
    last = (
        with_term(renewals)
        .filter(pl.col("renewal_date") <= month.last)
        .sort("renewal_date")
        .group_by("account_id")
        .last()
    )
    until = month.last + timedelta(days=DUE_DAYS)
    due = last.filter((pl.col("new_contract_value") > 0) & (ends_on > month.last) & (ends_on <= until))
    return due.select(contracts=pl.len(), value=pl.col("new_contract_value").sum())


def licences_next(licences: pl.DataFrame, month: Month) -> pl.DataFrame:
    """Return what agreed licence changes bring in the month after: `changes, seats, revenue`.

    Args:
        licences: silver licence changes of the month after.
        month: the report's month; what was agreed later is not known to it.
    """
    agreed = licences.filter(pl.col("change_date") <= month.last)
    return agreed.select(
        changes=pl.len(),
        seats=(pl.col("new_licenses") - pl.col("previous_licenses")).sum(),
        revenue=pl.col("additional_revenue").sum(),
    )


def last_weeks(weeks: pl.DataFrame, month: Month, holidays: Collection[date]) -> pl.DataFrame:
    """Return the company's 13 ISO weeks that end by the month's end: `week, active_users, hours, sessions, holidays`.

    A week that the month's end cuts is left out: a partial one is never shown as whole.
    """
    ends_on = pl.col("starts_on") + timedelta(days=6)
    days = pl.Series(sorted(holidays), dtype=pl.Date)
    free = pl.sum_horizontal((pl.col("starts_on") + timedelta(days=day)).is_in(days.implode()) for day in range(7))
    return (
        weeks.filter(ends_on <= month.last)
        .sort("starts_on")
        .tail(TRAILING_WEEKS)
        .select("week", "active_users", "hours", "sessions", holidays=free)
    )


def variance(compared: pl.DataFrame) -> pl.DataFrame:
    """Return both sides of a reconciliation and how far they are apart: `pipeline, ledger, net, gross, versions`.

    Args:
        compared: RECONCILIATION rows; none when the ledger could not be read.
    """
    sides = {name: pl.col(name).sum() for name in ("pipeline", "ledger")}
    versions = pl.col("ledger_version").drop_nulls().unique().sort().str.join(", ")
    return compared.select(**sides, net=pl.col("delta").sum(), gross=pl.col("delta").abs().sum(), versions=versions)


def public_names(company: Company) -> pl.DataFrame:
    """Return the names of tiers and features that the company itself chose, so that a report may show them: `name`."""
    features = (*company.features.core, *company.features.aliases.values())
    return pl.DataFrame({"name": sorted({*features, *company.vocabulary.tiers})}, schema={"name": pl.String})


def lines(rows: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON values; decimals and dates are text."""
    texts = (pl.Decimal, pl.Date)
    return rows.with_columns(
        pl.col(name).cast(pl.String) for name, dtype in rows.schema.items() if dtype in texts
    ).to_dicts()
