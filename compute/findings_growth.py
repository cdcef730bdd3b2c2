"""Findings on licence changes and renewals.

Source: `data.md` A.5, A.6; flags of U-39: C.2.
"""

import polars as pl

from compute.company import Company
from compute.contracts.contract import ORDER
from compute.contracts.subscription_renewals import with_term
from compute.findings import Check, Frames, changes_in_order, issued, key_of, nearest, with_status_on
from compute.money import WHOLE, cents
from compute.statuses import PAYING, UNKNOWN
from compute.wording import worded

_CHANGE = ("account_id", "change_date", "effective_date", "change_type")
_RENEWAL = ("account_id", "renewal_date")
_NEW = pl.col("new_contract_value")


def broken_licence_chains(frames: Frames, _company: Company) -> pl.DataFrame:
    """LIC-W02: a change starts from other licences than the change before it left."""
    before = changes_in_order(frames.licences).with_columns(
        _left=pl.col("new_licenses").shift().over("account_id"), _on=pl.col("effective_date").shift().over("account_id")
    )
    return before.filter(pl.col("previous_licenses") != pl.col("_left")).select(
        "month", "account_id", key=key_of(*_CHANGE),
        evidence=worded("from {} licences, the change effective {} left {}", "previous_licenses", "_on", "_left"),
    )  # fmt: skip


def odd_seat_prices(frames: Frames, _company: Company) -> pl.DataFrame:
    """LIC-W04: a seat of the change costs more than half more or less than a seat of the last bill.

    |Δ/δ − r/s| > ½·r/s, multiplied out by 2·|δ|·s, so that nothing is rounded; a bill without seats has no price.
    """
    bills = issued(frames.bills).select("account_id", "billing_date", "monthly_revenue", "user_licenses")
    known = nearest(frames.licences, bills, on=("effective_date", "billing_date")).filter(pl.col("user_licenses") > 0)
    delta = (pl.col("new_licenses") - pl.col("previous_licenses")).cast(WHOLE)
    seats, added = pl.col("user_licenses").cast(WHOLE), cents(pl.col("additional_revenue"))
    owed = cents(pl.col("monthly_revenue")) * delta
    return known.filter((added * seats - owed).abs() * 2 > owed.abs()).select(
        "month", "account_id", key=key_of(*_CHANGE),
        evidence=worded("{} for {} seats, while the bill of {} has {} for {} seats",
                        "additional_revenue", delta.cast(pl.Int64), "billing_date", "monthly_revenue",
                        "user_licenses"),
    )  # fmt: skip


def unbilled_changes(frames: Frames, _company: Company) -> pl.DataFrame:
    """LIC-W05: the first bill from the effective date on has other seats, and no later change says so."""
    bills = issued(frames.bills).select("account_id", "billing_date", "user_licenses")
    ordered = changes_in_order(frames.licences).with_columns(
        _next=pl.col("effective_date").shift(-1).over("account_id")
    )
    known = nearest(ordered, bills, on=("effective_date", "billing_date"), direction="forward")
    is_last = (pl.col("_next") > pl.col("billing_date")).fill_null(value=True)
    return known.filter(pl.col("user_licenses") != pl.col("new_licenses"), is_last).select(
        "month", "account_id", key=key_of(*_CHANGE),
        evidence=worded("{} licences by the change, {} on the bill of {}",
                        "new_licenses", "user_licenses", "billing_date"),
    )  # fmt: skip


def broken_contract_chains(frames: Frames, _company: Company) -> pl.DataFrame:
    """REN-W01: a renewal starts from another value than the last earlier one; on one day the renewal's counts."""
    place = {name: pl.col(name) for name in ORDER}
    signed = frames.changes.drop_nulls("contract_value").select(
        "account_id", signed_on="change_date", _value="contract_value", _rank=pl.lit(0), **place
    )
    renewed = frames.renewals.select("account_id", signed_on="renewal_date", _value=_NEW, _rank=pl.lit(1), **place)
    values = (
        pl.concat([signed, renewed])
        .sort("account_id", "signed_on", "_rank", *ORDER)
        .unique(["account_id", "signed_on"], keep="last", maintain_order=True)
        .select("account_id", "signed_on", "_value")
    )
    known = nearest(frames.renewals, values, on=("renewal_date", "signed_on"), same_day="is left out")
    return known.filter(pl.col("previous_contract_value") != pl.col("_value")).select(
        "month", "account_id", key=key_of(*_RENEWAL),
        evidence=worded("from {}, the contract of {} is {}", "previous_contract_value", "signed_on", "_value"),
    )  # fmt: skip


def renewals_after_end(frames: Frames, _company: Company) -> pl.DataFrame:
    """REN-W02: a renewal of an account that is Cancelled or Expired on its day."""
    known = with_status_on(frames.renewals, frames, "renewal_date")
    return known.filter(pl.col("status").is_in(["Cancelled", "Expired"])).select(
        "month", "account_id", key=key_of(*_RENEWAL),
        evidence=worded("{}, while the account is {} since {}", "renewal_type", "status", "status_since"),
    )  # fmt: skip


def unlike_bills(frames: Frames, _company: Company) -> pl.DataFrame:
    """REN-W03: new / term is not within a tenth of the first bill's total; multiplied out, nothing is rounded."""
    bills = issued(frames.bills).select("account_id", "billing_date", "total_monthly_revenue")
    valued = with_term(frames.renewals.filter(_NEW != 0))
    known = nearest(valued, bills, on=("renewal_date", "billing_date"), direction="forward").drop_nulls("billing_date")
    value, total = cents(_NEW) * 10, cents(pl.col("total_monthly_revenue"))
    term = pl.col("term_months").cast(WHOLE)
    looks_monthly = value.is_between(total * 9, total * 11)
    hint = pl.when(looks_monthly).then(pl.lit("; values look monthly")).otherwise(pl.lit(""))
    return known.filter(~value.is_between(total * term * 9, total * term * 11)).select(
        "month", "account_id", key=key_of(*_RENEWAL),
        evidence=worded("{} over {} months, while the bill of {} totals {}{}",
                        _NEW, "term_months", "billing_date", "total_monthly_revenue", hint),
    )  # fmt: skip


def licences_after_end(frames: Frames, _company: Company) -> pl.DataFrame:
    """Find licence changes that become effective while the status is known and does not pay."""
    known = with_status_on(frames.licences, frames, "effective_date")
    return known.filter(~pl.col("status").is_in([*PAYING, UNKNOWN])).select(
        "month", "account_id", key=key_of(*_CHANGE),
        evidence=worded("{} to {} licences, while the account is {} since {}",
                        "change_type", "new_licenses", "status", "status_since"),
    )  # fmt: skip


GROWTH_CHECKS: tuple[Check, ...] = (
    Check("LIC-W02", "license_changes", "it starts from other licences than the change before it left",
          "seats; M-07, M-44", "footnote", broken_licence_chains),
    Check("LIC-W04", "license_changes", "its price a seat differs by more than half from the last bill's",
          "M-01 carried forward, M-04", "footnote", odd_seat_prices),
    Check("LIC-W05", "license_changes", "the first bill after it has other licences",
          "M-07, M-44", "footnote", unbilled_changes),
    Check("REN-W01", "subscription_renewals", "it starts from another value than the last contract",
          "M-01 estimated", "footnote", broken_contract_chains),
    Check("REN-W02", "subscription_renewals", "the account is Cancelled or Expired: a status step is missing",
          "M-01, M-05", "footnote", renewals_after_end),
    Check("REN-W03", "subscription_renewals", "value by month and first bill differ by more than a tenth",
          "M-01 estimated, M-04", "footnote", unlike_bills),
    Check("renewal_after_end", "subscription_renewals", "the flag of REN-W02",
          "M-01, M-05", "footnote", renewals_after_end),
    Check("licence_after_end", "license_changes", "it becomes effective while the account does not pay",
          "seats; M-07", "footnote", licences_after_end),
)  # fmt: skip
