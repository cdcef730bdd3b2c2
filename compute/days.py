"""Profit by day: the month's revenue over the days that pay, its cost over all days.

Source: `metrics.md` §6.4 (U-76, U-77).
"""

from collections.abc import Collection

import polars as pl

from compute.figures import FIGURE, Column, column_frame
from compute.money import SUM, cents, from_cents
from compute.months import Month

PROFIT_BY_DAY = (
    Column("M-20", pl.col("daily_revenue")),
    Column("M-22", pl.col("daily_cost")),
    Column("M-23", pl.col("daily_revenue").cast(SUM) - pl.col("daily_cost").cast(SUM)),
)


def daily_figures(accounts: pl.DataFrame, month: Month, metrics: Collection[str]) -> pl.DataFrame:
    """Return the account-day FIGURE rows of M-20, M-22 and M-23.

    Args:
        accounts: ACCOUNT_MONTH rows of the month.
        month: the month.
        metrics: those wanted.

    Returns:
        A row per account, day and metric; null in a month whose figure is null.
    """
    wanted = [column for column in PROFIT_BY_DAY if column.metric_id in metrics]
    if not wanted:
        return pl.DataFrame(schema=FIGURE)
    every_day = pl.lit(2**month.days - 1, dtype=pl.Int64)
    days = pl.DataFrame({"day": range(1, month.days + 1)}, schema={"day": pl.Int64})
    paying = pl.when(pl.col("paying_days") == 0).then(every_day).otherwise("paying_days")
    spread = accounts.select("month", "account_id", "revenue", "direct_cost", _pays=paying).join(days, how="cross")
    daily = spread.with_columns(
        date=pl.date(month.year, month.number, pl.col("day")),
        daily_revenue=_share(pl.col("revenue"), pl.col("_pays")),
        daily_cost=_share(pl.col("direct_cost"), every_day),
    )
    key = pl.concat_str("account_id", pl.col("date").dt.to_string("%Y-%m-%d"), separator="|")
    return column_frame(daily, "account_day", key, wanted)


def _share(amount: pl.Expr, days: pl.Expr) -> pl.Expr:
    """Return the day's even share of an amount over the days whose bit is set; the odd cents go to the first ones."""
    whole, count = cents(amount), days.bitwise_count_ones().cast(pl.Int128)
    bit = pl.lit(2, dtype=pl.Int64) ** (pl.col("day") - 1)
    before = (days & (bit.cast(pl.Int64) - 1)).bitwise_count_ones().cast(pl.Int128)
    share = whole // count + (before < whole % count).cast(pl.Int128)
    is_in = (days & bit.cast(pl.Int64)) != 0
    return from_cents(pl.when(whole.is_null()).then(None).when(is_in).then(share).otherwise(0))
