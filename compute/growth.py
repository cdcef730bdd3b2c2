"""The growth figures of a month.

Source: `metrics.md` §5.
"""

import polars as pl

from compute.figures import Column, Figure, Reason, column_frame, company_frame, exact_sum


def growth_figures(month: str, account_months: pl.DataFrame) -> pl.DataFrame:
    """Return FIGURE rows of a month from its ACCOUNT_MONTH rows."""
    rows = account_months.filter(pl.col("month") == month)
    accounts = column_frame(
        rows, "account_month", pl.col("account_id"), [Column("M-01", pl.col("mrr"), quality=pl.col("mrr_quality"))]
    )
    has_null = rows.get_column("mrr").null_count() > 0
    closing = Reason.MISSING_INPUT if has_null else exact_sum(rows, "mrr")
    return pl.concat([accounts, company_frame(month, [Figure("M-01", closing)])])
