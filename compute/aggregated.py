"""Company figures that join the pipelines.

Source: `metrics.md` §8.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from compute.company_month import CompanyMonth
from compute.figures import Exact, Figure, Reason, company_frame, divide
from compute.months import Month

SMALLEST_BASE = 30  # paying accounts below which no LTV is published


@dataclass(frozen=True, slots=True)
class AggregatedInput:
    """What the joined figures of a month are made from.

    Attributes:
        figures: company figures of the month by metric id, as the pipelines stored them; sums of money are exact.
        year: the company's sums of the 12 months m-11 … m.
        year_ago: M-01(m-12), or its null reason.
        first_month: the first observed month, or None.
    """

    figures: Mapping[str, Exact]
    year: Sequence[CompanyMonth]
    year_ago: Exact
    first_month: Month | None


def aggregated_figures(given: AggregatedInput, month: Month) -> pl.DataFrame:
    """Return the FIGURE rows of a month."""
    quality = given.year[-1].both_quality
    figures = [
        Figure("M-32", rule_of_40(given, month)),
        Figure("M-33", Reason.NOT_COMPUTABLE),
        Figure("M-33.proxy", burn_multiple_proxy(given.figures), quality=quality),
        Figure("M-34", lifetime_value(given, month)),
        Figure("M-35", Reason.NOT_COMPUTABLE),
        Figure("M-36", Reason.NOT_COMPUTABLE),
    ]
    return company_frame(str(month), figures)


def stored_figures(figures: pl.DataFrame) -> dict[str, Exact]:
    """Return the company figures with key `company` as exact values or reasons, by metric id."""
    rows = figures.filter((pl.col("grain") == "company_month") & (pl.col("grain_key") == "company"))
    return {
        row["metric_id"]: Reason(row["null_reason"]) if row["value"] is None else Fraction(row["value"])
        for row in rows.iter_rows(named=True)
    }


def _has_a_year(given: AggregatedInput, month: Month) -> bool:
    return given.first_month is not None and month.plus(-12) >= given.first_month


def rule_of_40(given: AggregatedInput, month: Month) -> Exact:
    """Return M-01(m) / M-01(m-12) - 1 + M-29 / M-20, rounded once when stored (U-83)."""
    if not _has_a_year(given, month):
        return Reason.INSUFFICIENT_HISTORY
    growth = divide(given.figures["M-01"], given.year_ago)
    margin = divide(given.figures["M-29"], given.figures["M-20"])
    for part in (Reason.MISSING_INPUT, Reason.ZERO_DENOMINATOR):
        if part in (growth, margin):
            return part
    assert isinstance(growth, Fraction)  # neither part is a reason
    assert isinstance(margin, Fraction)
    return growth - 1 + margin


def burn_multiple_proxy(figures: Mapping[str, Exact]) -> Exact:
    """Return -M-29.collected / (12 × M-02.net_new); only where cash is burnt and MRR grows (U-83)."""
    net_new, collected = figures["M-02.net_new"], figures["M-29.collected"]
    if isinstance(net_new, Reason):
        return net_new
    if isinstance(collected, Reason):
        return Reason.MISSING_INPUT
    if collected >= 0 or net_new <= 0:
        return Reason.ZERO_DENOMINATOR
    return -collected / (12 * net_new)


def lifetime_value(given: AggregatedInput, month: Month) -> Exact:
    """Return ARPA × gross margin / mean logo churn of 12 months; the first reason that applies otherwise (U-82)."""
    reasons: tuple[tuple[Reason, Callable[[], bool]], ...] = (
        (Reason.INSUFFICIENT_HISTORY, lambda: not _has_a_year(given, month)),
        (Reason.MISSING_INPUT, lambda: _lacks_input(given)),
        (Reason.ZERO_DENOMINATOR, lambda: any(not _opening(each) for each in given.year) or not given.figures["M-20"]),
        (Reason.NO_LOSSES, lambda: not _mean_churn(given.year)),
        (Reason.SMALL_CELL, lambda: _value(given, "M-05") < SMALLEST_BASE),
    )
    for reason, applies in reasons:
        if applies():
            return reason
    revenue = _value(given, "M-20")
    margin = (revenue - _value(given, "M-27.cogs")) / revenue
    return _value(given, "M-01") / _value(given, "M-05") * margin / _mean_churn(given.year)


def _lacks_input(given: AggregatedInput) -> bool:
    needed = (given.figures[name] for name in ("M-01", "M-20", "M-27.cogs"))
    return any(each.guard for each in given.year) or any(isinstance(value, Reason) for value in needed)


def _value(given: AggregatedInput, metric_id: str) -> Fraction:
    value = given.figures[metric_id]
    assert isinstance(value, Fraction)  # asked only after the reasons
    return value


def _opening(sums: CompanyMonth) -> Fraction:
    """Return the paying accounts at the month's start."""
    assert isinstance(sums.paying, Fraction)  # no movement is unknown, so no MRR is null
    return sums.paying - sums.counts["new"] - sums.counts["reactivation"] + sums.counts["churn"]


def _mean_churn(year: Sequence[CompanyMonth]) -> Fraction:
    return sum((each.counts["churn"] / _opening(each) for each in year), Fraction(0)) / len(year)
