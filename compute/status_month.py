"""The status of accounts by month: at its end, and on which of its days they pay.

Source: `metrics.md` §2.3, §6.4; `data.md` C.2, "Status".
"""

import polars as pl

from compute.contracts.revenue import VOID
from compute.months import month_of
from compute.statuses import PAYING, UNKNOWN


def with_status(grid: pl.DataFrame, bills: pl.DataFrame, changes: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Add S(a,m), where it comes from, and the days on which the account pays.

    An account without status rows is Active by inference when any non-void bill of it is above 0 (U-47).

    Args:
        grid: account-months with `ends_on`.
        bills: current bills.
        changes: current status rows.
        days: `status.end_of_day` of the timelines.
    """
    changed = days.select(
        "account_id", "change_date", "status", is_imputed_status="is_imputed", in_timeline=pl.lit(value=True)
    )
    with_rows = changes.select("account_id").unique().with_columns(has_rows=pl.lit(value=True))
    total = pl.col("total_monthly_revenue")
    # Every bill speaks, also one that another of its month outdates.
    is_valid = pl.col("payment_status") != VOID
    inferred = bills.group_by("account_id").agg(is_billed=(is_valid & (total > 0)).any())
    has_rows, is_billed = pl.col("has_rows").fill_null(value=False), pl.col("is_billed").fill_null(value=False)
    is_inferred = ~has_rows & is_billed
    known = (
        grid.sort("ends_on")
        .join_asof(
            changed.sort("change_date"),
            left_on="ends_on",
            right_on="change_date",
            by="account_id",
            check_sortedness=False,
        )
        .join(with_rows, on="account_id", how="left")
        .join(inferred, on="account_id", how="left")
        .join(_paying_days(days, grid), on=["account_id", "month"], how="left")
    )
    every_day = (2 ** pl.col("ends_on").dt.day().cast(pl.Int64)) - 1
    return known.with_columns(
        status=pl.when(is_inferred).then(pl.lit("Active")).otherwise(pl.col("status").fill_null(UNKNOWN)),
        status_source=pl.when(has_rows).then(pl.lit("events")).when(is_inferred).then(pl.lit("inferred_from_billing")),
        is_open_gap=(pl.col("status") == UNKNOWN) & pl.col("in_timeline").fill_null(value=False),
        is_imputed_status=pl.col("is_imputed_status").fill_null(value=False),
        paying_days=pl.when(is_inferred).then(every_day).otherwise(pl.col("paying_days").fill_null(0)),
    ).drop("change_date", "in_timeline", "has_rows", "is_billed")


def _paying_days(days: pl.DataFrame, grid: pl.DataFrame) -> pl.DataFrame:
    """Return the days of a month whose status pays, as bits: bit 0 is the first day (U-76)."""
    if grid.is_empty():
        return pl.DataFrame(schema={"account_id": pl.String, "month": pl.String, "paying_days": pl.Int64})
    first, last = grid.get_column("ends_on").min(), grid.get_column("ends_on").max()
    begins = pl.max_horizontal("change_date", pl.lit(first, dtype=pl.Date).dt.month_start())
    ends = pl.min_horizontal(pl.col("until").dt.offset_by("-1d").fill_null(last), pl.lit(last, dtype=pl.Date))
    held = days.filter(pl.col("status").is_in(PAYING)).with_columns(_begins=begins, _ends=ends)
    by_month = (
        held.filter(pl.col("_begins") <= pl.col("_ends"))
        .with_columns(_month=pl.date_ranges(pl.col("_begins").dt.month_start(), pl.col("_ends"), "1mo"))
        .explode("_month")
    )
    from_day = pl.max_horizontal("_begins", "_month").dt.day().cast(pl.Int64)
    to_day = pl.min_horizontal("_ends", pl.col("_month").dt.month_end()).dt.day().cast(pl.Int64)
    bits = (pl.lit(2, dtype=pl.Int64) ** to_day) - (pl.lit(2, dtype=pl.Int64) ** (from_day - 1))
    return (
        by_month.select("account_id", month=month_of(pl.col("_month")), bits=bits)
        .group_by("account_id", "month")
        .agg(paying_days=pl.col("bits").sum())
    )
