"""Use against money: utilisation, MRR at low use, revenue and cost per active user. Gold, beside the figures.

Source: `metrics.md` §7.3 (M-44), §6.5; the seed's aggregated snapshot.
"""

from decimal import Decimal

import polars as pl

from compute.figures import COMPANY
from compute.money import MONEY, RATIO, SUM, quotient
from compute.schema import Schema, typed

LOW_USE = Decimal("0.5")  # utilisation below which MRR is at low use
ACCOUNT_USE: Schema = {
    "month": pl.String,
    "account_id": pl.String,
    "active_users": pl.Int64,
    "licences": pl.Int64,
    "utilisation": RATIO,
    "mrr": MONEY,
    "low_use_mrr": MONEY,
    "revenue": MONEY,
    "cost": MONEY,
    "revenue_per_active_user": RATIO,
    "cost_per_active_user": RATIO,
}


def account_use(rows: pl.DataFrame, active: pl.DataFrame, allocation: pl.DataFrame) -> pl.DataFrame:
    """Return the ACCOUNT_USE rows of one month: its existing accounts, and the company as `company`.

    Args:
        rows: ACCOUNT_MONTH rows of the existing accounts.
        active: `account_id, active_users` of the month; distinct users of the whole company under `company`.
        allocation: ALLOCATION rows of the month; cost is direct and allocated cost together.

    Returns:
        A quotient without a valid denominator is null. Company sums are null when any account's value is.
    """
    shares = allocation.group_by("account_id").agg(allocated=pl.col("amount").cast(SUM).sum())
    wide = rows.join(shares, on="account_id", how="left").select(
        "month", "account_id", "licences", "mrr", "revenue",
        cost=(pl.col("direct_cost").cast(SUM) + pl.col("allocated").fill_null(0)).cast(MONEY),
    )  # fmt: skip
    rated = _rated(wide, active)
    low = pl.when(pl.col("utilisation") < LOW_USE).then("mrr").otherwise(pl.lit(0, dtype=MONEY)).cast(MONEY)
    accounts = rated.with_columns(low_use_mrr=low)
    if accounts.is_empty():
        return pl.DataFrame(schema=ACCOUNT_USE)
    totals = {name: _total(name) for name in ("licences", "mrr", "revenue", "cost", "low_use_mrr")}
    company = _rated(accounts.select(pl.first("month"), account_id=pl.lit(COMPANY), **totals), active)
    columns = list(ACCOUNT_USE)
    return typed(pl.concat([accounts.select(columns), company.select(columns)], how="vertical_relaxed"), ACCOUNT_USE)


def _rated(rows: pl.DataFrame, active: pl.DataFrame) -> pl.DataFrame:
    users = pl.col("active_users")
    return (
        rows.join(active, on="account_id", how="left")
        .with_columns(users.fill_null(0))
        .with_columns(
            utilisation=quotient(users, pl.col("licences")),
            revenue_per_active_user=quotient(pl.col("revenue"), users),
            cost_per_active_user=quotient(pl.col("cost"), users),
        )
    )


def _total(name: str) -> pl.Expr:
    """Return the sum, null when any part is."""
    column = pl.col(name)
    return pl.when(column.null_count() == 0).then(column.sum())
