"""The per-account revenue join: all that is known of an account in a month, one row each.

Status, state bill, licences, MRR and its movement, revenue and direct cost meet here, once, so that growth and
profit read the same row. Carrying forward needs the month before: a shard holds whole accounts and all months.
Source: `metrics.md` §6.2.
"""

from dataclasses import dataclass

import polars as pl

from compute.company import Company
from compute.contracts.expenses import SHARED
from compute.contracts.subscription_renewals import with_term
from compute.money import MONEY, SUM
from compute.months import Month, calendar_frame
from compute.movements import (
    committed_changes,
    events_by_month,
    first_paying_month,
    is_explained,
    sub_reason,
    with_class,
)
from compute.mrr import births, contract_values, state_bills, with_mrr
from compute.schema import Schema, typed
from compute.status import end_of_day
from compute.status_month import with_status
from compute.statuses import PAYING, UNKNOWN

EARNING = ("Paid", "Pending", "Overdue", "Failed", "Unpaid", "Disputed")
AT_RISK = ("Overdue", "Failed", "Unpaid", "Disputed")

ACCOUNT_MONTH: Schema = {
    "month": pl.String,
    "account_id": pl.String,
    "is_existing": pl.Boolean,
    "birth": pl.String,
    "status": pl.String,
    "status_source": pl.String,
    "is_imputed_status": pl.Boolean,
    "paying_days": pl.Int64,
    "billing_date": pl.Date,
    "payment_status": pl.String,
    "bill_total": MONEY,
    "tier": pl.String,
    "features": pl.List(pl.String),
    "licences": pl.Int64,
    "prior_licences": pl.Int64,
    "mrr": MONEY,
    "mrr_quality": pl.String,
    "prior_mrr": MONEY,
    "prior_mrr_quality": pl.String,
    "movement": pl.String,
    "movement_amount": MONEY,
    "sub_reason": pl.String,
    "is_explained": pl.Boolean,
    "committed_change": MONEY,
    "revenue": MONEY,
    "collected": MONEY,
    "direct_cost": MONEY,
    "direct_cogs": MONEY,
}


@dataclass(frozen=True, slots=True)
class Records:
    """The current accepted records of whole accounts, and their status steps."""

    bills: pl.DataFrame
    changes: pl.DataFrame
    steps: pl.DataFrame
    licences: pl.DataFrame
    renewals: pl.DataFrame
    expenses: pl.DataFrame


def account_month(
    records: Records, months: tuple[Month, ...], first_month: Month | None, company: Company
) -> pl.DataFrame:
    """Join the records of accounts by month.

    Args:
        records: of whole accounts.
        months: without gaps; starting no later than `first_month`, or, without one, than the first birth.
        first_month: the first observed month over all accounts, or None.
        company: aliases, cost classes, default term, renewal notice.

    Returns:
        ACCOUNT_MONTH rows by month and account: for every existing account, and for accounts with an expense.
    """
    # One month more at the front gives every month its prior state.
    span = calendar_frame((months[0].plus(-1), *months))
    born = births(records.bills, records.changes, records.licences, records.renewals)
    days = end_of_day(records.steps)
    bills = _bill_columns(records.bills, company)
    grid = born.join(span, how="cross").sort("account_id", "month")
    grid = with_status(grid, records.bills, records.changes, days)
    grid = grid.join(bills, on=["account_id", "month"], how="left")
    grid = _with_contract(grid, records, company)
    grid = _with_licences(with_mrr(grid, first_month), records, bills)
    grid = _with_movement(grid, records, days, span, first_month, company)
    grid = grid.filter(pl.col("month") >= str(months[0]), pl.col("birth") <= pl.col("month"))
    joined = _with_cost(grid.with_columns(is_existing=pl.lit(value=True)), records, span[1:], company)
    return (
        joined.with_columns(revenue=_revenue(EARNING), collected=_revenue(("Paid",)))
        .pipe(typed, ACCOUNT_MONTH)
        .sort("month", "account_id")
    )


def _bill_columns(bills: pl.DataFrame, company: Company) -> pl.DataFrame:
    canonical = pl.col("additional_features").list.eval(pl.element().replace(company.features.aliases))
    return state_bills(bills).select(
        "account_id",
        "month",
        "billing_date",
        "payment_status",
        "feature_revenue",
        "user_licenses",
        bill_total="total_monthly_revenue",
        bill_tier="subscription_tier",
        features=canonical.list.unique().list.sort(),
    )


def _with_contract(grid: pl.DataFrame, records: Records, company: Company) -> pl.DataFrame:
    """Add what the contract says of MRR, and the licence revenue that becomes effective in the month."""
    contracts = contract_values(records.changes, records.renewals, company.limits.default_term_months)
    effective = records.licences.group_by("account_id", "month").agg(
        licence_revenue=pl.col("additional_revenue").cast(SUM).sum()
    )
    return (
        grid.sort("ends_on")
        .join_asof(
            contracts.sort("signed_on"),
            left_on="ends_on",
            right_on="signed_on",
            by="account_id",
            check_sortedness=False,
        )
        .join(effective, on=["account_id", "month"], how="left")
        .with_columns(pl.col("licence_revenue").fill_null(0))
        .drop("signed_on")
    )


def _with_licences(grid: pl.DataFrame, records: Records, bills: pl.DataFrame) -> pl.DataFrame:
    """Add L(a,m), the licences in force at the month's end, and the tier that the account stands in (U-49, U-65)."""
    seats = seats_by_day(records.licences, bills)
    tiers = bills.select("account_id", tier_on="billing_date", tier="bill_tier")
    known = (
        grid.sort("ends_on")
        .join_asof(
            seats.sort("seen_on"), left_on="ends_on", right_on="seen_on", by="account_id", check_sortedness=False
        )
        .join_asof(
            tiers.sort("tier_on"), left_on="ends_on", right_on="tier_on", by="account_id", check_sortedness=False
        )
    )
    is_unpaying = ~pl.col("status").is_in([*PAYING, UNKNOWN])
    is_nothing = (pl.col("status") == UNKNOWN) & pl.col("bill_total").is_null() & (pl.col("mrr") == 0)
    licences = pl.when(is_unpaying | is_nothing.fill_null(value=False)).then(0).otherwise(pl.col("seats"))
    return known.with_columns(licences=licences, tier=pl.col("tier").fill_null(UNKNOWN)).drop(
        "seats", "seen_on", "tier_on"
    )


def seats_by_day(licences: pl.DataFrame, bills: pl.DataFrame) -> pl.DataFrame:
    """Return the licences that changes and state bills tell, one row a day: `account_id, seen_on, seats` (U-49).

    On one day the bill wins; of two changes the later change date, then the later arrival.
    """
    order = ["_is_bill", "change_date", "_arrival", "_file", "_batch_id", "_row"]
    changed = licences.select(
        "account_id", "change_date", seen_on="effective_date", seats="new_licenses", _is_bill=pl.lit(value=False),
        _arrival="_arrival", _file="_file", _batch_id="_batch_id", _row="_row",
    )  # fmt: skip
    billed = bills.select("account_id", seen_on="billing_date", seats="user_licenses", _is_bill=pl.lit(value=True))
    return (
        pl.concat([changed, billed], how="diagonal")
        .sort("account_id", "seen_on", *order)
        .unique(["account_id", "seen_on"], keep="last", maintain_order=True)
        .select("account_id", "seen_on", "seats")
    )


def _with_movement(
    grid: pl.DataFrame,
    records: Records,
    days: pl.DataFrame,
    span: pl.DataFrame,
    first_month: Month | None,
    company: Company,
) -> pl.DataFrame:
    """Add what was before, the movement, its reason and explanation, and what is committed."""
    account = "account_id"
    features = pl.col("features").list.join("\x1f")
    shifted = grid.sort(account, "month").with_columns(
        prior_mrr=pl.col("mrr").shift().over(account),
        prior_mrr_quality=pl.col("mrr_quality").shift().over(account),
        prior_licences=pl.col("licences").shift().over(account).fill_null(0),
        prior_tier=pl.col("tier").shift().over(account),
        prior_feature_revenue=pl.col("feature_revenue").shift().over(account),
        has_other_features=(features != features.shift().over(account)).fill_null(value=False),
        _has_paid=(pl.col("mrr") > 0).fill_null(value=False).cast(pl.Int64).cum_max().shift().over(account).fill_null(0)
        > 0,
    )
    events = events_by_month(records.steps, records.licences, records.renewals)
    flags = ["starts", "ends", "grows", "shrinks"]
    renewals = with_term(records.renewals)
    committed = committed_changes(records.licences, renewals, span, company.limits.renewal_notice_days)
    paid_earlier = (pl.col("first_paying_month") < pl.col("month")).fill_null(value=False)
    joined = (
        shifted.join(first_paying_month(days), on=account, how="left")
        .join(events, on=[account, "month"], how="left")
        .join(committed, on=[account, "month"], how="left")
        .with_columns(
            pl.col(flags).fill_null(value=False),
            pl.col("committed_change").fill_null(0),
            has_paid_before=pl.col("_has_paid") | paid_earlier,
        )
    )
    return with_class(joined, first_month).with_columns(is_explained=is_explained(), sub_reason=sub_reason())


def _with_cost(grid: pl.DataFrame, records: Records, span: pl.DataFrame, company: Company) -> pl.DataFrame:
    """Add direct cost; an account with an expense has a row though it does not exist (U-70, U-81)."""
    is_cogs = pl.col("expense_category").is_in(
        [name for name, cost in company.expense_classes.items() if cost == "COGS"]
    )
    cost = pl.col("monthly_cost").cast(SUM)
    spent = (
        records.expenses.filter(
            pl.col("account_id") != SHARED, pl.col("month").is_in(span.get_column("month").to_list())
        )
        .group_by("account_id", "month")
        .agg(spent=cost.sum(), spent_cogs=cost.filter(is_cogs).sum())
    )
    joined = grid.join(spent, on=["account_id", "month"], how="full", coalesce=True)
    absent = pl.when(pl.col("bill_total").is_null()).then(pl.lit(0, dtype=SUM))
    is_stranger = pl.col("is_existing").is_null()
    return joined.with_columns(
        is_existing=pl.col("is_existing").fill_null(value=False),
        direct_cost=pl.coalesce("spent", absent),
        direct_cogs=pl.coalesce("spent_cogs", absent),
        mrr=pl.when(is_stranger).then(0).otherwise("mrr"),
        mrr_quality=pl.col("mrr_quality").fill_null("by_status"),
        prior_mrr=pl.when(is_stranger).then(0).otherwise("prior_mrr"),
        status=pl.col("status").fill_null(UNKNOWN),
        paying_days=pl.col("paying_days").fill_null(0),
        is_imputed_status=pl.col("is_imputed_status").fill_null(value=False),
    )


def _revenue(counting: tuple[str, ...]) -> pl.Expr:
    """Return the bill's total where its payment status counts; without a bill 0 where MRR is 0, else null (U-71)."""
    return (
        pl.when(pl.col("bill_total").is_not_null() & pl.col("payment_status").is_in(counting)).then("bill_total")
        .when(pl.col("bill_total").is_not_null() | (pl.col("mrr") == 0)).then(pl.lit(0, dtype=MONEY))
    )  # fmt: skip
