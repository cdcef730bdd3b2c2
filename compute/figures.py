"""Figures: the long form in which every pipeline hands its metrics on.

A figure is a value or the reason why there is none, never both, never neither. Company figures are exact
fractions until they are stored; columns of figures are made from wide frames.
Source: `metrics.md` §1.2 to §1.7.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import polars as pl

from compute.metrics import UNITS
from compute.money import RATIO, quotient, stored
from compute.schema import Schema, typed

FIGURE: Schema = {
    "month": pl.String,
    "metric_id": pl.String,
    "grain": pl.String,
    "grain_key": pl.String,
    "value": RATIO,
    "unit": pl.String,
    "quality": pl.String,
    "null_reason": pl.String,
    "footnote_ids": pl.String,
}
FIGURE_KEY = ("month", "metric_id", "grain", "grain_key")
COMPANY = "company"


class Reason(StrEnum):
    """Why a figure is null; if several apply, the first in this order is given (U-82)."""

    NOT_COMPUTABLE = "not_computable_from_sources"
    INSUFFICIENT_HISTORY = "insufficient_history"
    MISSING_INPUT = "missing_input"
    ZERO_DENOMINATOR = "zero_denominator"
    NO_LOSSES = "no_losses"
    SMALL_CELL = "suppressed_small_cell"


Exact = Fraction | Reason


class Quality(StrEnum):
    """What an MRR value rests on, best first; the worst wins, and `by_status` ranks with `billed`."""

    BY_STATUS = "by_status"
    BILLED = "billed"
    CARRIED_FORWARD = "carried_forward"
    ESTIMATED = "estimated"
    IMPUTED = "imputed"
    UNAVAILABLE = "unavailable"


# `billed` stands after `by_status` so that an aggregate of both is `billed` (U-130).
RANKS: dict[str, int] = {quality.value: rank for rank, quality in enumerate(Quality)}


def rank_of(column: str) -> pl.Expr:
    """Return the rank of a column of qualities."""
    return pl.col(column).replace_strict(RANKS, return_dtype=pl.Int64)


_FOOTNOTES = {
    Quality.CARRIED_FORWARD: "carried_forward",
    Quality.ESTIMATED: "estimated",
    Quality.IMPUTED: "imputed",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One company figure."""

    metric_id: str
    value: Exact
    key: str = COMPANY
    quality: str = Quality.BILLED
    footnotes: tuple[str, ...] = ()


def divide(top: Exact, bottom: Exact) -> Exact:
    """Return the quotient, or why there is none: `missing_input`, then `zero_denominator`.

    >>> divide(Fraction(1), Fraction(0)).value
    'zero_denominator'
    """
    if isinstance(top, Reason) or isinstance(bottom, Reason):
        return Reason.MISSING_INPUT
    return top / bottom if bottom else Reason.ZERO_DENOMINATOR


def total(*parts: Exact) -> Exact:
    """Return the sum, or `missing_input` when any part is null."""
    if any(isinstance(part, Reason) for part in parts):
        return Reason.MISSING_INPUT
    return sum((part for part in parts if isinstance(part, Fraction)), Fraction(0))


def negative(value: Exact) -> Exact:
    """Return the value with its sign turned; a reason stays."""
    return value if isinstance(value, Reason) else -value


def guarded(guard: Reason | None, value: Exact) -> Exact:
    """Return the guard's reason when there is one, else the value."""
    return guard or value


def company_frame(month: str, figures: Iterable[Figure]) -> pl.DataFrame:
    """Return company figures of a month as rows."""
    rows = [
        {
            "month": month,
            "metric_id": figure.metric_id,
            "grain": "company_month",
            "grain_key": figure.key,
            "value": None if isinstance(figure.value, Reason) else stored(figure.value),
            "unit": UNITS[figure.metric_id],
            "quality": Quality.UNAVAILABLE.value if isinstance(figure.value, Reason) else str(figure.quality),
            "null_reason": figure.value.value if isinstance(figure.value, Reason) else "",
            "footnote_ids": ";".join(figure.footnotes),
        }
        for figure in figures
    ]
    return pl.DataFrame(rows, schema=FIGURE)


@dataclass(frozen=True, slots=True)
class Column:
    """One metric of every row of a wide frame.

    Attributes:
        value: the figure, exact; null where `reason` says why.
        reason: a null reason where the value is null; by default `missing_input`.
        quality: the quality where there is a value.
    """

    metric_id: str
    value: pl.Expr
    reason: pl.Expr | None = None
    quality: pl.Expr | None = None


def ratio(metric_id: str, top: pl.Expr, bottom: pl.Expr, quality: pl.Expr | None = None) -> Column:
    """Return a quotient column: `missing_input` when a part is null, `zero_denominator` when the bottom is 0."""
    return Column(metric_id, quotient(top, bottom), quotient_reason(top, bottom), quality)


def quotient_reason(top: pl.Expr, bottom: pl.Expr) -> pl.Expr:
    """Return why a quotient is null; null where it is not."""
    return (
        pl.when(top.is_null() | bottom.is_null()).then(pl.lit(Reason.MISSING_INPUT.value))
        .when(bottom == 0).then(pl.lit(Reason.ZERO_DENOMINATOR.value))
    )  # fmt: skip


def column_frame(wide: pl.DataFrame, grain: str, key: pl.Expr, columns: Sequence[Column]) -> pl.DataFrame:
    """Return a wide frame's metrics as rows.

    Args:
        wide: one row per month and key, with `month`.
        grain: the grain of every row.
        key: the grain key.
        columns: the metrics.
    """
    return pl.concat([_column_rows(wide, grain, key, column) for column in columns])


def _column_rows(wide: pl.DataFrame, grain: str, key: pl.Expr, column: Column) -> pl.DataFrame:
    reason = pl.lit(Reason.MISSING_INPUT.value) if column.reason is None else column.reason
    quality = pl.lit(Quality.BILLED.value) if column.quality is None else column.quality
    value = column.value.cast(RATIO)
    is_null = pl.col("value").is_null()
    footnote = pl.col("quality").replace_strict(_FOOTNOTES, default="", return_dtype=pl.String)
    return (
        wide.select(
            "month",
            metric_id=pl.lit(column.metric_id),
            grain=pl.lit(grain),
            grain_key=key,
            value=value,
            unit=pl.lit(UNITS[column.metric_id]),
            quality=quality,
            null_reason=reason,
        )
        .with_columns(
            quality=pl.when(is_null).then(pl.lit(Quality.UNAVAILABLE.value)).otherwise("quality"),
            null_reason=pl.when(is_null)
            .then(pl.col("null_reason").fill_null(Reason.MISSING_INPUT.value))
            .otherwise(pl.lit("")),
        )
        .with_columns(footnote_ids=pl.when(is_null).then(pl.lit("")).otherwise(footnote))
        .pipe(typed, FIGURE)
    )


def exact_sum(frame: pl.DataFrame, column: str) -> Fraction:
    """Return the exact sum of a column, nulls left out."""
    return Fraction(frame.get_column(column).drop_nulls().sum() or 0)
