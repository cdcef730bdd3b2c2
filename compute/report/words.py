"""Figures as an investor reads them.

Source: `metrics.md` §1.2 (HALF_EVEN; money 2 places, percent 1, ratios 2), `operations.md` E.2.
"""

from decimal import ROUND_HALF_EVEN, Decimal

# Ratios that are no shares of a whole: read as 1.36, not as 135.7 %.
_MULTIPLES = frozenset({"M-15", "M-15.baremetrics", "M-18", "M-33", "M-33.proxy", "M-49.hhi"})
_WHY = {
    "not_computable_from_sources": "not computable from our sources",
    "insufficient_history": "not enough months",
    "missing_input": "an input is missing",
    "zero_denominator": "nothing to divide by",
    "no_losses": "nothing was lost",
    "suppressed_small_cell": "too few to publish",
}
NOT_MEANINGFUL = "n/m"


def form_of(metric_id: str, unit: str) -> str:
    """Return how a metric is read: money, percent, multiple, count or hours."""
    if unit == "ratio":
        return "multiple" if metric_id in _MULTIPLES else "percent"
    return unit


_PLACES = {"money": 2, "percent": 1, "points": 1, "multiple": 2, "count": 0, "hours": 1}
_TAILS = {"percent": " %", "points": " pp", "hours": " h"}


def said(value: Decimal, form: str, *, is_change: bool = False) -> str:
    """Return a value as it is read.

    >>> said(Decimal("47416.67"), "money"), said(Decimal("0.545518"), "percent"), said(Decimal("-3"), "count")
    ('47,416.67', '54.6 %', '−3')
    >>> said(Decimal("0.0125"), "points", is_change=True), said(Decimal("0.004"), "money", is_change=True)
    ('+1.2 pp', '±0.00')
    """
    scaled = value * 100 if form in ("percent", "points") else value
    places = 1 if form == "count" and scaled != scaled.to_integral_value() else _PLACES[form]
    rounded = scaled.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    sign = "−" if rounded < 0 else "" if not is_change else "±" if rounded == 0 else "+"
    return f"{sign}{abs(rounded):,}{_TAILS.get(form, '')}"


def why(null_reason: str) -> str:
    """Return a null reason in words."""
    return _WHY[null_reason]
