"""The per-account revenue join: everything known of an account in a month, one row each.

Source: `metrics.md` §6.2, "The revenue join".
"""

import polars as pl

from compute.contracts.revenue import VOID
from compute.money import MONEY
from compute.months import Month, calendar_frame

ACCOUNT_MONTH = {
    "month": pl.String,
    "account_id": pl.String,
    "mrr": MONEY,
    "mrr_quality": pl.String,
}


def account_month(bills: pl.DataFrame, months: tuple[Month, ...]) -> pl.DataFrame:
    """Join an account's records by month.

    Args:
        bills: current accepted bills of whole accounts.
        months: the months wanted, without gaps.

    Returns:
        ACCOUNT_MONTH rows by month and account.
    """
    state = bills.filter(pl.col("payment_status") != VOID).sort("billing_date").group_by("account_id", "month").last()
    births = bills.group_by("account_id").agg(birth=pl.col("month").min())
    grid = births.join(calendar_frame(months), how="cross").filter(pl.col("birth") <= pl.col("month"))
    joined = grid.join(state, on=["account_id", "month"], how="left")
    return (
        joined.select(
            "month",
            "account_id",
            mrr=pl.col("total_monthly_revenue").forward_fill().over("account_id", order_by="month"),
            mrr_quality=pl.when(pl.col("total_monthly_revenue").is_null())
            .then(pl.lit("carried_forward"))
            .otherwise(pl.lit("billed")),
        )
        .cast(ACCOUNT_MONTH)  # type: ignore[arg-type]
        .sort("month", "account_id")
    )
