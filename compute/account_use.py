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
        active: `account_id, active_users, utilisation` of the month as M-41.mau and M-44 say; `company` among them.
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
    totals = {name: _total(name) for name in ("mrr", "revenue", "cost", "low_use_mrr")}
    company = _rated(
        accounts.select(pl.first("month"), _company_licences(), account_id=pl.lit(COMPANY), **totals), active
    )
    columns = list(ACCOUNT_USE)
    return typed(pl.concat([accounts.select(columns), company.select(columns)], how="vertical_relaxed"), ACCOUNT_USE)


def active_accounts(figures: pl.DataFrame) -> pl.DataFrame:
    """Return `account_id, active_users, utilisation` from the engagement FIGURE rows of a month."""
    users, shares = (figures.filter(pl.col("metric_id") == metric_id) for metric_id in ("M-41.mau", "M-44"))
    counted = users.select(account_id="grain_key", active_users=pl.col("value").cast(pl.Int64))
    return counted.join(shares.select(account_id="grain_key", utilisation="value"), on="account_id", how="left")


def _rated(rows: pl.DataFrame, active: pl.DataFrame) -> pl.DataFrame:
    users = pl.col("active_users")
    return (
        rows.join(active, on="account_id", how="left")
        .with_columns(users.fill_null(0))
        .with_columns(
            revenue_per_active_user=quotient(pl.col("revenue"), users),
            cost_per_active_user=quotient(pl.col("cost"), users),
        )
    )


def _company_licences() -> pl.Expr:
    """Return L(m): an account without revenue may have unknown licences, which add 0 (U-64)."""
    licences, mrr = pl.col("licences"), pl.col("mrr")
    is_open = licences.is_null() & (mrr.is_null() | (mrr != 0))
    return pl.when(~is_open.any()).then(licences.sum()).alias("licences")


def _total(name: str) -> pl.Expr:
    """Return the sum, null when any part is."""
    column = pl.col(name)
    return pl.when(column.null_count() == 0).then(column.sum())
