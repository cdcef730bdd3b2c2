"""The company in a month: sums over its accounts, exact, from which company figures are made.

Source: `metrics.md` §4.2, §4.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from compute.account_month import AT_RISK
from compute.figures import RANKS, Exact, Reason, exact_sum
from compute.money import MONEY, SUM
from compute.months import Month
from compute.movements import MOVING
from compute.schema import Schema, typed

BRIDGE: Schema = {
    "month": pl.String,
    "tier": pl.String,
    "opening": MONEY,
    "first_observed": MONEY,
    **dict.fromkeys(MOVING, MONEY),
    "closing": MONEY,
    "has_unknown": pl.Boolean,
}
WHOLE_COMPANY = "company"


@dataclass(frozen=True, slots=True)
class CompanyMonth:
    """Sums over the existing accounts of a month.

    Attributes:
        month: the month.
        is_early: there is no first observed month, or the month is not after it.
        guard: mv(m), the null reason of the movement family, or None.
        closing: M-01; `known` and `at_risk` beside it.
        opening: Σ MRR(a,m-1); `missing_input` when one is null.
        amounts: MRR by movement class; `counts`: accounts by movement class.
        explained: the explained part of the amounts.
        paying: accounts with MRR > 0.
        licences: L(m) as `metrics.md` §2.4; `seats`: Σ L(a,m) by seat movement, null when any is.
        quality: worst quality of the MRR of m; `opening_quality`: of m-1; `both_quality`: of both.
    """

    month: Month
    is_early: bool
    guard: Reason | None
    closing: Exact
    known: Fraction
    at_risk: Fraction
    opening: Exact
    amounts: Mapping[str, Fraction]
    counts: Mapping[str, Fraction]
    explained: Fraction
    paying: Exact
    licences: Exact
    seats: Mapping[str, Exact]
    quality: str
    known_quality: str
    opening_quality: str
    both_quality: str


def company_month(rows: pl.DataFrame, month: Month, first_month: Month | None) -> CompanyMonth:
    """Sum a month's existing accounts.

    Args:
        rows: ACCOUNT_MONTH rows of the month that exist.
        month: the month.
        first_month: the first observed month, or None.
    """
    is_null = rows.get_column("mrr").null_count() > 0
    paying = Fraction(rows.filter(pl.col("mrr") > 0).height)
    at_risk = rows.filter(pl.col("payment_status").is_in(AT_RISK))
    is_opening_null = rows.get_column("prior_mrr").null_count() > 0
    by_class = {name: rows.filter(pl.col("movement") == name) for name in MOVING}
    explained = rows.filter(pl.col("movement").is_in(MOVING) & pl.col("is_explained"))
    known = exact_sum(rows, "mrr")
    return CompanyMonth(
        month=month,
        is_early=first_month is None or month <= first_month,
        guard=movement_guard(rows, month, first_month),
        closing=Reason.MISSING_INPUT if is_null else known,
        known=known,
        at_risk=exact_sum(at_risk, "mrr"),
        opening=Reason.MISSING_INPUT if is_opening_null else exact_sum(rows, "prior_mrr"),
        amounts={name: exact_sum(part, "movement_amount") for name, part in by_class.items()},
        counts={name: Fraction(part.height) for name, part in by_class.items()},
        explained=exact_sum(explained, "movement_amount"),
        paying=Reason.MISSING_INPUT if is_null else paying,
        licences=_licences(rows),
        seats=_seats(rows),
        quality=worst(rows, "mrr_quality"),
        known_quality=worst(rows.drop_nulls("mrr"), "mrr_quality"),
        opening_quality=worst(rows, "prior_mrr_quality"),
        both_quality=worst(rows, "mrr_quality", "prior_mrr_quality"),
    )


def movement_guard(rows: pl.DataFrame, month: Month, first_month: Month | None) -> Reason | None:
    """Return mv(m): `missing_input` before `insufficient_history` (U-41, U-50)."""
    if (rows.get_column("movement") == "unknown").any():
        return Reason.MISSING_INPUT
    if first_month is None or month <= first_month:
        return Reason.INSUFFICIENT_HISTORY
    return None


def worst(rows: pl.DataFrame, *columns: str) -> str:
    """Return the worst quality in the columns; `billed` when there is none."""
    found = {name for column in columns for name in rows.get_column(column).drop_nulls().unique()}
    return max(found, key=RANKS.__getitem__) if found else "billed"


def _licences(rows: pl.DataFrame) -> Exact:
    """Return L(m): an account without known licences counts 0 when its MRR is 0, else makes it null (U-64)."""
    unknown = rows.filter(pl.col("licences").is_null() & ((pl.col("mrr") != 0) | pl.col("mrr").is_null()))
    return Reason.MISSING_INPUT if unknown.height else exact_sum(rows, "licences")


SEAT_MOVEMENTS: Mapping[str, pl.Expr] = {
    "new": pl.when(pl.col("prior_licences") == 0).then("licences").otherwise(0),
    "upgrades": pl.when((pl.col("prior_licences") > 0) & (pl.col("licences") > pl.col("prior_licences")))
    .then(pl.col("licences") - pl.col("prior_licences"))
    .otherwise(0),
    "downgrades": pl.when((pl.col("licences") > 0) & (pl.col("licences") < pl.col("prior_licences")))
    .then(pl.col("prior_licences") - pl.col("licences"))
    .otherwise(0),
    "churned": pl.when((pl.col("licences") == 0) & (pl.col("prior_licences") > 0)).then("prior_licences").otherwise(0),
}


def _seats(rows: pl.DataFrame) -> Mapping[str, Exact]:
    """Return the parts of the seat bridge; all null when the licences of an account are (U-60)."""
    names = ("opening", *SEAT_MOVEMENTS, "closing")
    if rows.get_column("licences").null_count():
        return dict.fromkeys(names, Reason.MISSING_INPUT)
    moved = rows.select(opening="prior_licences", closing="licences", **SEAT_MOVEMENTS)
    return {name: exact_sum(moved, name) for name in names}


def bridges(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the MRR bridge of the company and of every tier, by month.

    Nulls count as nothing here; `has_unknown` tells where a movement is unknown. An account's prior and present
    MRR both stand in its tier of the month, so the tiers add up to the company (U-65).

    Args:
        rows: ACCOUNT_MONTH rows that exist.

    Returns:
        BRIDGE rows by month and tier; the tier `company` is the whole.
    """
    parts = {
        name: pl.col("movement_amount").filter(pl.col("movement") == name).cast(SUM).sum()
        for name in ("first_observed", *MOVING)
    }
    sums = {
        "opening": pl.col("prior_mrr").cast(SUM).sum(),
        **parts,
        "closing": pl.col("mrr").cast(SUM).sum(),
        "has_unknown": (pl.col("movement") == "unknown").any(),
    }
    by_tier = rows.group_by("month", "tier").agg(**sums)
    company = rows.group_by("month").agg(**sums).with_columns(tier=pl.lit(WHOLE_COMPANY))
    both = pl.concat([by_tier, company], how="diagonal")
    return both.pipe(typed, BRIDGE).sort("month", "tier")
