"""The rules of an account-month once more, as loops over plain values, written from the specification alone.

It takes the status steps as given (gaps have their own table of examples) and works out the rest.
Source: `metrics.md` §2 to §4.
"""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import polars as pl

from compute.contracts.subscription_renewals import term_months
from compute.months import Month

PAYING = ("Active", "Past Due")
ORDER = ["billed", "carried_forward", "estimated", "imputed"]
ZERO = Decimal("0.00")


def account_months(
    silver: dict[str, pl.DataFrame], steps: pl.DataFrame, months: tuple[Month, ...]
) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Return status, MRR, quality, movement, amount and licences by account and month."""
    rows = {name: frame.sort("_arrival", "_file", "_row").to_dicts() for name, frame in silver.items()}
    billed = [row["month"] for row in rows["revenue"] if row["payment_status"] != "Void"]
    first = min(billed) if billed else None
    found = {}
    for account in sorted({row["account_id"] for name in FEEDS for row in rows[name]}):
        own = {name: [row for row in rows[name] if row["account_id"] == account] for name in FEEDS}
        own_steps = [row for row in steps.to_dicts() if row["account_id"] == account]
        found.update(_account(account, own, own_steps, first, months))
    return found


FEEDS = ("revenue", "account_status_changes", "license_changes", "subscription_renewals")


def _account(
    account: str, own: dict[str, list[Any]], steps: list[Any], first: str | None, months: tuple[Month, ...]
) -> dict[tuple[str, str], tuple[Any, ...]]:
    birth = min(
        [row["month"] for row in own["revenue"]]
        + [row["month"] for row in own["account_status_changes"]]
        + [str(Month.of(min(row["change_date"], row["effective_date"]))) for row in own["license_changes"]]
        + [row["month"] for row in own["subscription_renewals"]]
    )
    found = {}
    prior: tuple[Decimal | None, str] = (ZERO, "by_status")
    has_paid = False
    for month in months:
        if str(month) < birth:
            continue
        status, is_gap = _status(own, steps, month.last)
        bill = _bill(own, str(month))
        mrr, quality = _mrr(own, month, status, is_gap, bill, prior, first)
        movement, amount = _movement(str(month), first, prior[0], mrr, has_paid)
        licences = _licences(own, month, status, bill, mrr)
        found[account, str(month)] = (status, mrr, quality, movement, amount, licences)
        has_paid = has_paid or bool(mrr) or bool(own["account_status_changes"] and status in PAYING)
        prior = (mrr, quality)
    return found


def _status(own: dict[str, list[Any]], steps: list[Any], day: date) -> tuple[str, bool]:
    if not own["account_status_changes"]:
        bills = [row for row in own["revenue"] if row["payment_status"] != "Void" and row["total_monthly_revenue"] > 0]
        return ("Active" if bills else "Unknown"), False
    past = [step["status"] for step in steps if step["change_date"] <= day]
    return (past[-1], past[-1] == "Unknown") if past else ("Unknown", False)


def _bill(own: dict[str, list[Any]], month: str) -> Any:
    bills = [row for row in own["revenue"] if row["month"] == month and row["payment_status"] != "Void"]
    return max(bills, key=lambda row: row["billing_date"]) if bills else None


def _mrr(
    own: dict[str, list[Any]], month: Month, status: str, is_gap: Any, bill: Any, prior: Any, first: str | None
) -> tuple[Decimal | None, str]:
    value, quality = prior
    contract = _contract(own, month)
    if first is not None and str(month) < first:
        return ZERO, "by_status"
    if status not in (*PAYING, "Unknown"):
        return ZERO, "by_status"
    if bill:
        return bill["total_monthly_revenue"], "billed"
    if value is not None and value > 0:
        added = sum((row["additional_revenue"] for row in own["license_changes"] if row["month"] == str(month)), ZERO)
        worst = quality if quality in ORDER and ORDER.index(quality) > 1 else "carried_forward"
        return max(ZERO, value + added), worst
    if is_gap and value == 0:
        return ZERO, "imputed"
    if contract is not None:
        return contract, "estimated"
    return None, "unavailable"


def _contract(own: dict[str, list[Any]], month: Month) -> Decimal | None:
    known = [
        (row["change_date"], 0, index, row["contract_value"], 12)
        for index, row in enumerate(own["account_status_changes"])
        if row["contract_value"] is not None and row["change_date"] <= month.last
    ] + [
        (row["renewal_date"], 1, index, row["new_contract_value"], term_months(row["contract_duration"]))
        for index, row in enumerate(own["subscription_renewals"])
        if row["renewal_date"] <= month.last
    ]
    if not known:
        return None
    *_, value, term = max(known, key=lambda each: each[:3])
    return (value / term).quantize(Decimal("0.01"), rounding=ROUND_HALF_EVEN)


def _movement(
    month: str, first: str | None, before: Decimal | None, now: Decimal | None, has_paid: Any
) -> tuple[str, Decimal | None]:
    if before is None or now is None:
        return "unknown", None
    if month == first:
        return ("first_observed", now) if now > 0 else ("none", ZERO)
    if before == now:
        return "none", ZERO
    if before == 0:
        return ("reactivation" if has_paid else "new"), now
    if now == 0:
        return "churn", before
    return ("expansion", now - before) if now > before else ("contraction", before - now)


def _licences(own: dict[str, list[Any]], month: Month, status: str, bill: Any, mrr: Decimal | None) -> int | None:
    if status not in (*PAYING, "Unknown"):
        return 0
    if status == "Unknown" and not bill and mrr == 0:
        return 0
    state = [_bill(own, each) for each in sorted({row["month"] for row in own["revenue"]}) if each <= str(month)]
    seen = [(row["billing_date"], 1, date.min, 0, row["user_licenses"]) for row in state if row]
    seen += [
        (row["effective_date"], 0, row["change_date"], index, row["new_licenses"])
        for index, row in enumerate(own["license_changes"])
        if row["month"] <= str(month)
    ]
    return max(seen, key=lambda each: each[:4])[4] if seen else None
