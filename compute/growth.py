"""The growth figures of a month: MRR, movements, retention, licences, statuses.

Source: `metrics.md` §5.
"""

from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

import polars as pl

from compute.company_month import SEAT_MOVEMENTS, CompanyMonth, company_month
from compute.contracts.license_changes import CHANGE_TYPES
from compute.figures import (
    COMPANY,
    RANKS,
    Column,
    Exact,
    Figure,
    Reason,
    column_frame,
    company_frame,
    divide,
    exact_sum,
    guarded,
    rank_of,
    ratio,
    total,
)
from compute.money import SUM, sum_of_squares
from compute.months import Month
from compute.movements import MOVING, movement_reason
from compute.retention import cohorts, trials, yearly_retention
from compute.statuses import STATUSES, UNKNOWN


@dataclass(frozen=True, slots=True)
class GrowthInput:
    """What the growth figures are made from.

    Attributes:
        rows: ACCOUNT_MONTH rows of the month that exist; `year_ago` those of the month twelve before.
        members: COHORT rows of all accounts.
        steps: STEP rows.
        licences: current licence changes of the month.
        renewals: current renewals of the month.
        first_month: the first observed month, or None.
        as_of: the day of the run's as-of when it was asked for.
    """

    rows: pl.DataFrame
    year_ago: pl.DataFrame
    members: pl.DataFrame
    steps: pl.DataFrame
    licences: pl.DataFrame
    renewals: pl.DataFrame
    first_month: Month | None
    as_of: date | None


def growth_figures(given: GrowthInput, month: Month) -> pl.DataFrame:
    """Return the FIGURE rows of a month."""
    return pl.concat([growth_of_accounts(given.rows, given.first_month), growth_of_company(given, month)])


def growth_of_company(given: GrowthInput, month: Month) -> pl.DataFrame:
    """Return the FIGURE rows of the company."""
    rows = given.rows
    sums = company_month(rows, month, given.first_month)
    figures = [
        *_mrr(sums, rows),
        *_movements(sums),
        *yearly_retention(rows, given.year_ago, month, given.first_month),
        *trials(given.steps, month, given.as_of),
        *_renewals(given.renewals),
        *cohorts(rows, given.members, month),
        *_concentration(sums, rows),
        _explained(sums, rows, given.steps),
        *_licences(sums, given.licences),
        *_statuses(sums, rows),
    ]
    return company_frame(str(month), figures)


def growth_of_accounts(rows: pl.DataFrame, first_month: Month | None) -> pl.DataFrame:
    """Return the FIGURE rows of existing accounts, ACCOUNT_MONTH rows of a month, or of some of them."""
    rank = pl.max_horizontal(rank_of("mrr_quality"), rank_of("prior_mrr_quality"))
    both = rank.replace_strict({number: name for name, number in RANKS.items()}, return_dtype=pl.String)
    reason, quality = movement_reason(first_month), pl.col("mrr_quality")

    def moved(name: str, amount: pl.Expr) -> Column:
        return Column(f"M-02.{name}", pl.when(reason.is_null()).then(amount), reason, both)

    amount = pl.col("movement_amount")
    columns = [
        Column("M-01", pl.col("mrr"), quality=quality),
        *(moved(name, pl.when(pl.col("movement") == name).then(amount).otherwise(0)) for name in MOVING),
        moved("net_new", pl.col("mrr").cast(SUM) - pl.col("prior_mrr").cast(SUM)),
        ratio("M-07", pl.col("mrr"), pl.col("licences"), quality),
        *(
            Column(f"M-51.{name}", pl.when(pl.col("licences").is_not_null()).then(seats))
            for name, seats in SEAT_MOVEMENTS.items()
        ),
    ]
    return column_frame(rows, "account_month", pl.col("account_id"), columns)


def _mrr(sums: CompanyMonth, rows: pl.DataFrame) -> list[Figure]:
    closing, quality = sums.closing, sums.quality
    earning = rows.filter(pl.col("mrr") > 0)
    committed = total(closing, exact_sum(earning, "committed_change"))
    run_rate: Exact = closing if isinstance(closing, Reason) else 12 * closing
    return [
        Figure("M-01", closing, quality=quality),
        Figure("M-01.known", sums.known, quality=sums.known_quality),
        Figure("M-01.at_risk", sums.at_risk, quality=sums.known_quality),
        Figure("M-03", run_rate, quality=quality),
        Figure("M-04", committed, quality=quality),
        Figure("M-05", sums.paying, quality=quality),
        Figure("M-06", divide(closing, sums.paying), quality=quality),
        Figure("M-07", divide(closing, sums.licences), quality=quality),
    ]


def _movements(sums: CompanyMonth) -> list[Figure]:
    """Return the bridges of MRR and logos, and the ratios made of them; all null with mv(m) when it is set."""
    guard, quality = sums.guard, sums.both_quality
    # Opening is null in the first observed month; later an unknown movement of the month leaves it a value.
    opening = guarded(guard if sums.is_early else None, sums.opening)
    new, expansion, back, contraction, churn = (sums.amounts[name] for name in MOVING)
    counts, paying = sums.counts, sums.paying
    net_logos = counts["new"] + counts["reactivation"] - counts["churn"]
    opening_logos = guarded(guard, total(paying, -net_logos))
    lost = contraction + churn
    base = Fraction(0) if isinstance(opening, Reason) else opening

    def of_opening(top: Fraction) -> Exact:
        return guarded(guard, divide(top, opening))

    def of_losses(top: Fraction) -> Exact:
        return guarded(guard, top / lost if lost else Reason.NO_LOSSES)

    values: dict[str, Exact] = {
        "M-02.opening": opening,
        **{f"M-02.{name}": guarded(guard, sums.amounts[name]) for name in MOVING},
        "M-02.net_new": guarded(guard, total(sums.closing, -base)),
        "M-05.opening": opening_logos,
        "M-05.new": guarded(guard, counts["new"]),
        "M-05.reactivated": guarded(guard, counts["reactivation"]),
        "M-05.churned": guarded(guard, counts["churn"]),
        "M-08": of_opening(base + expansion - lost),
        "M-09": of_opening(base - lost),
        "M-12": of_opening(lost),
        "M-13": of_opening(lost - expansion - back),
        "M-14": guarded(guard, divide(counts["churn"], opening_logos)),
        "M-15": of_losses(new + expansion + back),
        "M-15.baremetrics": of_losses(new + expansion),
    }
    figures = [Figure(name, value, quality=quality) for name, value in values.items()]
    # Opening rests on the month before alone: a bill that is missing now does not make it worse.
    return [
        replace(each, quality=sums.opening_quality) if each.metric_id == "M-02.opening" else each for each in figures
    ]


def _renewals(due: pl.DataFrame) -> list[Figure]:
    uplift = divide(exact_sum(due, "new_contract_value"), exact_sum(due, "previous_contract_value"))
    unknown = [Figure(f"M-19.{name}", Reason.NOT_COMPUTABLE) for name in ("net", "gross", "count")]
    return [Figure("M-18", uplift), *unknown]


def _concentration(sums: CompanyMonth, rows: pl.DataFrame) -> list[Figure]:
    """Return the shares of the largest accounts and the sum of squared shares."""
    largest = [Fraction(value) for value in rows.get_column("mrr").drop_nulls().top_k(10).sort(descending=True)]
    squares = sum_of_squares(rows.get_column("mrr"))
    closing = sums.closing
    square: Exact = closing if isinstance(closing, Reason) else closing * closing
    values = {
        **{f"M-49.top{count}": divide(sum(largest[:count], Fraction(0)), closing) for count in (1, 5, 10)},
        "M-49.hhi": divide(squares, square),
    }
    return [Figure(name, value, quality=sums.quality) for name, value in values.items()]


def _explained(sums: CompanyMonth, rows: pl.DataFrame, steps: pl.DataFrame) -> Figure:
    """Return M-50: the explained share of all movement amounts."""
    moved = rows.filter(pl.col("movement").is_in(("new", "reactivation", "churn")) & pl.col("is_explained"))
    guessed = steps.filter(
        pl.col("is_imputed") & pl.col("change_date").is_between(sums.month.first, sums.month.last)
    ).join(moved, on="account_id", how="semi")
    amount = sum(sums.amounts.values(), Fraction(0))
    footnotes = ("imputed_step",) if guessed.height else ()
    return Figure(
        "M-50", guarded(sums.guard, divide(sums.explained, amount)), quality=sums.both_quality, footnotes=footnotes
    )


def _licences(sums: CompanyMonth, licences: pl.DataFrame) -> list[Figure]:
    effective = licences.with_columns(seats=pl.col("new_licenses") - pl.col("previous_licenses"))
    by_type = [
        Figure("M-51.by_type", exact_sum(effective.filter(pl.col("change_type") == name), "seats"), f"{COMPANY}|{name}")
        for name in CHANGE_TYPES
    ]
    return [*(Figure(f"M-51.{name}", value) for name, value in sums.seats.items()), *by_type]


def _statuses(sums: CompanyMonth, rows: pl.DataFrame) -> list[Figure]:
    counts = sums.counts
    net = guarded(sums.guard, counts["new"] + counts["reactivation"] - counts["churn"])
    figures = [Figure("M-52.net_new", net)]
    for status in (*STATUSES, UNKNOWN):
        there = rows.filter(pl.col("status") == status)
        footnotes = ("imputed_step",) if there.get_column("is_imputed_status").any() else ()
        figures.append(Figure("M-52", Fraction(there.height), f"{COMPANY}|{status}", footnotes=footnotes))
    return figures
