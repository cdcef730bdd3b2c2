"""Figures as people read them, in artifacts and on the terminal.

Source: `metrics.md` §1.2: display rounds HALF_EVEN, money to 2 places, percent to 1.
"""

from decimal import Decimal

from compute.report.words import said

HEADLINE = (
    "M-01", "M-03", "M-02.net_new", "M-05", "M-10", "M-11", "M-20", "M-27", "M-29", "M-51.closing",
    "M-41.mau", "M-42", "M-43.hours", "M-44",
)  # fmt: skip


def shown(value: Decimal | None, unit: str, null_reason: str = "") -> str:
    """Return a figure for display; an undefined one shows its reason.

    >>> shown(Decimal("47416.67"), "money"), shown(Decimal("0.545518"), "ratio"), shown(Decimal("-3.00"), "count")
    ('47,416.67', '54.6 %', '−3')
    >>> shown(None, "ratio", "insufficient_history")
    '– insufficient history'
    """
    if value is None:
        return f"– {null_reason.replace('_', ' ')}"
    return said(value, "percent" if unit == "ratio" else unit)
