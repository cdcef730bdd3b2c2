"""Money: exact decimals, one division, and shares that add up to the cent.

Source: `metrics.md` §1.2 (U-85) and §6.3.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import polars as pl

MONEY = pl.Decimal(18, 2)  # at rest
SUM = pl.Decimal(38, 2)  # inside an expression
RATIO = pl.Decimal(38, 10)
WHOLE = pl.Int128

_CENT = Decimal("0.01")
_WIDE = Context(prec=60)
_TEN_PLACES = 10**10
_HALF = 10**9  # of the digits that cents at rest have at most


def to_cents(value: Decimal) -> Decimal:
    """Round to cents, HALF_EVEN, never a negative zero (U-12).

    >>> to_cents(Decimal("1.005")), to_cents(Decimal("-0.001"))
    (Decimal('1.00'), Decimal('0.00'))
    """
    return value.quantize(_CENT, rounding=ROUND_HALF_EVEN, context=_WIDE) + 0


def exact(value: Decimal | int) -> Fraction:
    """Return a stored decimal as an exact fraction."""
    return Fraction(value)


def stored(value: Fraction) -> Decimal:
    """Round an exact value once, HALF_EVEN, to the ten places that are stored.

    >>> stored(Fraction(1, 3))
    Decimal('0.3333333333')
    >>> stored(Fraction(5, 10**11))
    Decimal('0E-10')
    """
    return Decimal(round(value * _TEN_PLACES)).scaleb(-10, context=_WIDE)


def divide_to_cents(total: Decimal, parts: Decimal | int) -> Decimal:
    """Divide exactly and round once to cents, HALF_EVEN.

    >>> divide_to_cents(Decimal("20000.00"), 12)
    Decimal('1666.67')
    """
    return Decimal(round(Fraction(total) / Fraction(parts) * 100)).scaleb(-2, context=_WIDE)


def quotient(top: pl.Expr, bottom: pl.Expr) -> pl.Expr:
    """Divide two exact columns once, HALF_EVEN to ten places; null where the bottom is null or 0."""
    wide = bottom.cast(RATIO)
    return pl.when(wide != 0).then(top.cast(RATIO) / wide)


def sum_of_squares(amounts: pl.Series) -> Fraction:
    """Return the sum of the squares of a money column, exactly, nulls left out.

    >>> sum_of_squares(pl.Series(["1.50", "-0.01", None], dtype=pl.String).cast(MONEY))
    Fraction(22501, 10000)
    """
    # A square may have 36 digits, and their sum more than any column holds: halves of nine digits stay far below.
    whole = cents(pl.col("amount"))
    high, low = whole // _HALF, whole % _HALF
    sums = {"high": (high * high).sum(), "both": (high * low).sum(), "low": (low * low).sum()}
    row = amounts.drop_nulls().to_frame("amount").select(**sums).row(0, named=True)
    return Fraction(row["high"] * _HALF**2 + 2 * row["both"] * _HALF + row["low"], 100**2)


def cents(amount: pl.Expr) -> pl.Expr:
    """Return a money column as whole cents."""
    return (amount.cast(SUM) * 100).cast(WHOLE)


def from_cents(amount: pl.Expr) -> pl.Expr:
    """Return whole cents as a money column."""
    return (amount.cast(pl.Decimal(38, 2)) / 100).cast(MONEY)


def allocate(frame: pl.DataFrame, *, source: str, amount: str, weight: str, key: str) -> pl.DataFrame:
    """Share each source's cents over its keys by weight; the shares add up exactly.

    share(k) = floor(n·w(k) / Σw); the cents left go one each to the largest remainders n·w(k) mod Σw,
    ties by key ascending as text.

    Args:
        frame: one row per source and key; `amount` whole cents, the same on every row of a source;
            `weight` whole numbers ≥ 0, not all 0 within a source.
        source: the column that names what is shared.
        amount: the column of cents to share.
        weight: the column of weights.
        key: the column that names who shares.

    Returns:
        The frame with a column `share`, whole cents.

    Source: `metrics.md` §6.3, split(n, w).
    """
    product = pl.col(amount).cast(WHOLE) * pl.col(weight).cast(WHOLE)
    total = pl.col(weight).cast(WHOLE).sum().over(source)
    floored = frame.with_columns(share=product // total, _rest=product % total)
    left = pl.col(amount).cast(WHOLE) - pl.col("share").sum().over(source)
    ranked = floored.sort(source, pl.col("_rest"), key, descending=[False, True, False]).with_columns(
        _rank=pl.int_range(pl.len()).over(source), _left=left
    )
    return ranked.with_columns(share=pl.col("share") + (pl.col("_rank") < pl.col("_left")).cast(WHOLE)).drop(
        "_rest", "_rank", "_left"
    )
