"""What the sheets of the close workbook are checked against: the company figures of a snapshot."""

from collections.abc import Mapping
from decimal import Decimal

import polars as pl

from compute.figures import COMPANY
from compute.sheets import HEAD_ROW, Check

Figures = Mapping[str, tuple[Decimal | None, str]]  # metric → value of the company, or why there is none


def company_figures(figures: pl.DataFrame) -> Figures:
    """Return the company's figures of FIGURE rows, by metric."""
    rows = figures.filter((pl.col("grain") == "company_month") & (pl.col("grain_key") == COMPANY))
    return {name: (value, reason) for name, value, reason in rows.select("metric_id", "value", "null_reason").rows()}


def against(figures: Figures, told: str, at: str, here: str, *metrics: str) -> Check:
    """Return the check of a formula against the sum of figures; it says nothing where one of them has no value."""
    found = [figures.get(name, (None, "no figure")) for name in metrics]
    values, reasons = [value for value, _ in found if value is not None], [why for value, why in found if value is None]
    told = f"{told} = {' + '.join(metrics)}"
    return Check(told, at, here, None if reasons else sum(values, Decimal(0)), next(iter(reasons), ""))


def places(rows: pl.DataFrame) -> pl.DataFrame:
    """Return in which row of its sheet each account stands: `account_id, place`."""
    return rows.select("account_id", place=pl.int_range(pl.len()) + HEAD_ROW + 1)
