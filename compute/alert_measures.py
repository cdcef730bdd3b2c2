"""What the alerts measure: shares and differences, exact, each with the numbers that it was made of.

Source: `operations.md`, "Configuration", `[alerts]`; L-4; C.3.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import copysign, inf, log1p
from statistics import median

import polars as pl

from compute.company import Company
from compute.dispositions import DISPOSITION
from compute.judging import UNDATED
from compute.money import RATIO
from compute.months import Month
from compute.schema import Schema
from compute.volume import MAD_SCALE

# Block 1 of the investor report (E.1).
HEADLINE = ("M-01", "M-03", "M-02.net_new", "M-10", "M-11", "M-27", "M-29", "M-05", "M-51.closing", "M-41.mau", "M-42")
CHANGES = 12  # months before the judged one whose changes are known
COHORT: Schema = {
    "month": pl.String,
    "cohort": pl.String,
    "share": RATIO,
    "share_before": RATIO,
    "members": pl.Int64,
    "returned": pl.Int64,
}
Share = tuple[int, int]  # a part, and the whole
Figures = Mapping[tuple[str, str], Decimal | None]  # month and metric → the company's figure; None when it is null


@dataclass(frozen=True, slots=True)
class Measures:
    """What the alerts are judged from.

    Attributes:
        counts: DISPOSITION rows.
        late: date → accepted clicks that came late, and all.
        transitions: month → gap cases whose row is dated in it, and accepted status rows dated in it.
        variances: month → |Σ pipeline − Σ ledger| and |Σ ledger|, of reconciled months.
        drafted: figures of the live drafts.
        upstream: figures of the pipelines' gold, of drafted months and the 13 before each.
        margins: month → gross margins of its accounts.
        cohorts: COHORT rows: the published share of a cohort that pays and that of the month before, its members, and
            those of them who pay again.
        nulls: dataset and month → null values of optional fields, and all values of them.
        accounts: dataset and month → distinct accounts.
    """

    counts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=DISPOSITION))
    late: Mapping[date, Share] = field(default_factory=dict)
    transitions: Mapping[str, Share] = field(default_factory=dict)
    variances: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    drafted: Figures = field(default_factory=dict)
    upstream: Figures = field(default_factory=dict)
    margins: Mapping[str, list[Decimal]] = field(default_factory=dict)
    cohorts: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=COHORT))
    nulls: Mapping[tuple[str, str], Share] = field(default_factory=dict)
    accounts: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured of a dataset, a month or a date.

    Attributes:
        value: None while there is too little to tell.
        told: the numbers, in words.
    """

    dataset: str
    scope: str
    value: Fraction | float | None
    told: str


def _shares(parts: Iterable[tuple[str, str, int, int]], words: str) -> Iterator[Reading]:
    """Return a reading per dataset and scope; a share of nothing says nothing."""
    for dataset, scope, part, whole in sorted(parts):
        if whole:
            told = f"{words.format(part, whole)}, {part / whole:.2%}"
            yield Reading(dataset, scope, Fraction(part, whole), told)


def _of_received(given: Measures, part: pl.Expr) -> Iterator[tuple[str, str, int, int]]:
    received = pl.col("rows").filter(pl.col("code") == "").sum()
    counted = given.counts.group_by("dataset", "month").agg(part=pl.col("rows").filter(part).sum(), whole=received)
    yield from counted.filter(pl.col("month") != UNDATED).iter_rows()


def duplicates(given: Measures, _company: Company) -> Iterator[Reading]:
    """Return duplicates / received, per dataset and month."""
    is_one = (pl.col("disposition") == "duplicate") & (pl.col("code") == "")
    return _shares(_of_received(given, is_one), "{} of {} received rows")


def quarantine_shares(given: Measures, _company: Company) -> Iterator[Reading]:
    """Return quarantined / received, per dataset and month."""
    is_one = (pl.col("disposition") == "quarantined") & (pl.col("code") == "")
    return _shares(_of_received(given, is_one), "{} of {} received rows")


def parse_failures(given: Measures, _company: Company) -> Iterator[Reading]:
    """Return R00 / received, per dataset: a line that is no record has no month."""
    is_unread = pl.col("rows").filter(pl.col("code").str.ends_with("-R00")).sum()
    received = pl.col("rows").filter(pl.col("code") == "").sum()
    counted = given.counts.group_by("dataset").agg(is_unread.alias("part"), received.alias("whole"))
    parts = ((dataset, "", part, whole) for dataset, part, whole in counted.iter_rows())
    return _shares(parts, "{} of {} received lines")


def late_arrivals(given: Measures, company: Company) -> Iterator[Reading]:
    """Return clicks later than `late_hours` / accepted clicks, per event date (L-4)."""
    parts = (("click_events", day.isoformat(), late, clicks) for day, (late, clicks) in given.late.items())
    return _shares(parts, f"{{}} of {{}} clicks later than {company.limits.late_hours} h")


def missing_transitions(given: Measures, _company: Company) -> Iterator[Reading]:
    """Return gap cases / accepted status rows, per month."""
    parts = (("account_status_changes", month, cases, rows) for month, (cases, rows) in given.transitions.items())
    return _shares(parts, "{} gaps at {} status changes")


def null_shares(given: Measures, _company: Company) -> Iterator[Reading]:
    """Return null values / values of optional fields of current rows, per dataset and month."""
    parts = ((dataset, month, part, whole) for (dataset, month), (part, whole) in given.nulls.items())
    return _shares(parts, "{} of {} optional values")


def distinct_accounts(given: Measures, _company: Company) -> Iterator[Reading]:
    """Return the accounts that current rows name, per dataset and month."""
    for (dataset, month), count in sorted(given.accounts.items()):
        yield Reading(dataset, month, Fraction(count), f"{count} accounts")


def finance_variance(given: Measures, _company: Company) -> Iterator[Reading]:
    """Return |Σ pipeline − Σ ledger| / |Σ ledger|, per reconciled month."""
    for month, (net, ledger) in sorted(given.variances.items()):
        share = Fraction(net) / Fraction(ledger) if ledger else inf if net else Fraction(0)
        yield Reading("reconciliation", month, share, f"net {net} of {ledger}, {float(share):.3%}")


def _months(figures: Figures) -> list[Month]:
    return sorted({Month.parse(month) for month, _ in figures})


def net_new_accounts(given: Measures, _company: Company) -> Iterator[Reading]:
    """Return |net new − change in paying accounts|, per drafted month."""
    for month in _months(given.drafted):
        now, before = (given.upstream.get((str(each), "M-05")) for each in (month, month.plus(-1)))
        net_new = given.upstream.get((str(month), "M-52.net_new"))
        if now is not None and before is not None and net_new is not None:
            told = f"net new {net_new:.0f}, from {before:.0f} to {now:.0f}"
            yield Reading("growth", str(month), Fraction(abs(net_new - (now - before))), told)


def aggregate_vs_upstream(given: Measures, _company: Company) -> Iterator[Reading]:
    """Return the greatest difference of a drafted figure from its pipeline's, as a share of the latter, per month."""
    for month in map(str, _months(given.drafted)):
        of_month = [metric for name, metric in given.drafted if name == month]
        worst = max(of_month, key=lambda metric: _distance(given, month, metric))
        told = f"{worst}: {given.drafted[month, worst]} against {given.upstream.get((month, worst))}"
        yield Reading("aggregated", month, _distance(given, month, worst), told)


def _distance(given: Measures, month: str, metric: str) -> Fraction | float:
    drafted, upstream = given.drafted[month, metric], given.upstream.get((month, metric))
    if drafted == upstream:
        return Fraction(0)
    if drafted is None or not upstream:
        return inf
    return Fraction(abs(drafted - upstream)) / Fraction(abs(upstream))


def kpi_drift(given: Measures, company: Company) -> Iterator[Reading]:
    """Return |z| of a headline figure's change over the 12 changes before it, per drafted month.

    The change is one of sign × ln(1 + |x|): a figure may be negative, which D.2's ln(1 + x) cannot take.
    """
    for month in _months(given.drafted):
        for metric in HEADLINE:
            levels = [_level(given.upstream.get((str(month.plus(-back)), metric))) for back in range(CHANGES + 2)]
            known = [level for level in levels if level is not None]
            if levels[0] is None:
                continue
            if len(known) < CHANGES + 2:
                yield Reading(metric, str(month), None, f"{len(known)} of {CHANGES + 2} months known")
                continue
            change, *before = (now - then for now, then in pairwise(known))
            middle = median(before)
            spread = max(median(abs(each - middle) for each in before), company.volume.mad_floor)
            z = MAD_SCALE * (change - middle) / spread
            yield Reading(metric, str(month), abs(z), f"z {z:.1f} of its change, {CHANGES} changes before")


def _level(figure: Decimal | None) -> float | None:
    return None if figure is None else copysign(log1p(abs(float(figure))), float(figure))


def account_margins(given: Measures, company: Company) -> Iterator[Reading]:
    """Return how many accounts have a gross margin below the limit, per drafted month."""
    limit = company.alerts.account_margin.below
    for month, margins in sorted(given.margins.items()):
        count = sum(margin < limit for margin in margins)
        yield Reading("profit", month, Fraction(count), f"{count} of {len(margins)} accounts below {limit:.0%}")


def gross_margin(given: Measures, _company: Company) -> Iterator[Reading]:
    """Return the company's gross margin, per drafted month."""
    for month in map(str, _months(given.drafted)):
        margin = given.upstream.get((month, "M-27"))
        if margin is not None:
            yield Reading("profit", month, Fraction(margin), f"{margin:.2%}")


def retention_rise(given: Measures, _company: Company) -> Iterator[Reading]:
    """Return the greatest rise of a cohort's share that pays, those who returned left out, per month."""
    for (month,), part in sorted(given.cohorts.partition_by("month", as_dict=True).items()):
        rises = {
            row["cohort"]: Fraction(row["share"] - row["share_before"]) - Fraction(row["returned"], row["members"])
            for row in part.iter_rows(named=True)
        }
        worst = max(rises, key=lambda cohort: (rises[cohort], cohort))
        yield Reading("growth", str(month), rises[worst], f"cohort {worst}: {float(rises[worst]):+.2%}")
