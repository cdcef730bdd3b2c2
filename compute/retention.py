"""Retention and conversion: 12-month NRR and GRR, cohorts, trials.

Source: `metrics.md` §5, M-10, M-11, M-16, M-17, M-48.
"""

from datetime import date, timedelta
from fractions import Fraction

import polars as pl

from compute.company_month import worst
from compute.figures import COMPANY, Figure, Quality, Reason, divide, exact_sum, rank_of
from compute.money import MONEY, SUM
from compute.months import Month
from compute.schema import Schema

COHORT: Schema = {"account_id": pl.String, "cohort": pl.String, "cohort_mrr": MONEY, "cohort_quality": pl.String}


def yearly_retention(
    rows: pl.DataFrame, year_ago: pl.DataFrame, month: Month, first_month: Month | None
) -> list[Figure]:
    """Return M-10 and M-11: of the accounts with MRR(m-12) > 0, what is left, with and without growth."""
    start = month.plus(-12)
    if first_month is None or start < first_month:
        return [Figure(name, Reason.INSUFFICIENT_HISTORY) for name in ("M-10", "M-11")]
    then = year_ago.select("account_id", then="mrr", then_quality="mrr_quality")
    now = rows.select("account_id", now="mrr", now_quality="mrr_quality")
    members = then.filter(pl.col("then") > 0).join(now, on="account_id", how="left")
    if then.get_column("then").null_count() or members.get_column("now").null_count():
        return [Figure(name, Reason.MISSING_INPUT) for name in ("M-10", "M-11")]
    base = exact_sum(members, "then")
    kept = members.with_columns(kept=pl.min_horizontal("now", "then"))
    quality = worst(members, "then_quality", "now_quality")
    return [
        Figure("M-10", divide(exact_sum(members, "now"), base), quality=quality),
        Figure("M-11", divide(exact_sum(kept, "kept"), base), quality=quality),
    ]


def cohort_members(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return a COHORT row for every account that ever paid: its first month with MRR > 0, and that MRR (U-62).

    Args:
        rows: `account_id, month, mrr, mrr_quality` of the existing accounts of all months.
    """
    return (
        rows.filter(pl.col("mrr") > 0)
        .group_by("account_id")
        .agg(
            cohort=pl.col("month").min(),
            cohort_mrr=pl.col("mrr").min_by("month"),
            cohort_quality=pl.col("mrr_quality").min_by("month"),
        )
        .sort("cohort", "account_id")
    )


def cohorts(rows: pl.DataFrame, members: pl.DataFrame, month: Month) -> list[Figure]:
    """Return M-48 for every cohort up to the month.

    Args:
        rows: ACCOUNT_MONTH rows of the month that exist.
        members: COHORT rows.
        month: the month.
    """
    now = rows.select("account_id", "mrr", "mrr_quality")
    there = members.filter(pl.col("cohort") <= str(month)).join(now, on="account_id", how="left")
    mrr, quality = pl.col("mrr"), pl.max_horizontal(rank_of("mrr_quality"), rank_of("cohort_quality"))
    sums = there.group_by("cohort").agg(
        size=pl.len(),
        unknown=mrr.null_count(),
        kept=(mrr > 0).sum(),
        net=mrr.cast(SUM).sum(),
        base=pl.col("cohort_mrr").cast(SUM).sum(),
        rank=quality.max(),
    )
    figures = []
    for row in sums.sort("cohort").iter_rows(named=True):
        kept, net = (Reason.MISSING_INPUT if row["unknown"] else Fraction(row[name]) for name in ("kept", "net"))
        named = {"key": f"{COMPANY}|{row['cohort']}", "quality": tuple(Quality)[row["rank"]].value}
        figures += [
            Figure("M-48.logo", divide(kept, Fraction(row["size"])), **named),
            Figure("M-48.net", divide(net, Fraction(row["base"])), **named),
        ]
    return figures


def trials(steps: pl.DataFrame, month: Month, as_of: date | None) -> list[Figure]:
    """Return M-16 and M-17.

    Args:
        steps: STEP rows of all accounts.
        month: the month in which the trials of the cohort started.
        as_of: the day of the run's as-of when it was asked for; without it no cohort of the month is mature.
    """
    started = (
        steps.filter((pl.col("status") == "Trial") & pl.col("change_date").is_between(month.first, month.last))
        .sort("step")
        .unique("account_id", keep="first")
        .select("account_id", start_step="step", started_on="change_date", is_start_imputed="is_imputed")
    )
    cohort = Fraction(started.height)
    is_conversion = (pl.col("from_status") == "Trial") & (pl.col("status") == "Active")
    converted = steps.filter(is_conversion & pl.col("change_date").is_between(month.first, month.last))
    footnotes = _imputed(started, "is_start_imputed")
    diagnostic = Figure(
        "M-17",
        divide(Fraction(converted.get_column("account_id").n_unique()), cohort),
        footnotes=footnotes or _imputed(converted, "is_imputed"),
    )
    return [_conversion("M-16", 30, steps, started, month, as_of),
            _conversion("M-16.n90", 90, steps, started, month, as_of), diagnostic]  # fmt: skip


def _conversion(
    metric_id: str, days: int, steps: pl.DataFrame, started: pl.DataFrame, month: Month, as_of: date | None
) -> Figure:
    """Return the share of a trial cohort that became Active within so many days, inclusive (U-55)."""
    known_on = as_of or month.last
    if known_on < month.last + timedelta(days=days):
        return Figure(metric_id, Reason.INSUFFICIENT_HISTORY)
    later = started.join(steps.filter(pl.col("status") == "Active"), on="account_id").filter(
        (pl.col("step") > pl.col("start_step")) & (pl.col("change_date") <= pl.col("started_on") + timedelta(days=days))
    )
    converted = Fraction(later.get_column("account_id").n_unique())
    footnotes = _imputed(started, "is_start_imputed") or _imputed(later, "is_imputed")
    return Figure(metric_id, divide(converted, Fraction(started.height)), footnotes=footnotes)


def _imputed(rows: pl.DataFrame, column: str) -> tuple[str, ...]:
    return ("imputed_step",) if rows.get_column(column).any() else ()
