"""Faults of the ledger: accounting has posted something else, nothing, or too much.

Each function puts one fault in and returns it, or None when no account fits.
"""

import numpy as np

from compute.sample.desk import Desk, Entry, is_quiet

Random = np.random.Generator


def _ledger(desk: Desk, random: Random, variant: str, kind: str, cents: int | float | None) -> Entry | None:
    """Let accounting post another amount: a share of the bill, cents more of it, or nothing."""
    found = desk.life(random, is_quiet, desk.company.request.months[1:-1])
    if found is None:
        return None
    account, month = found[0].prospect.account_id, found[1]
    billed = desk.row_of("revenue", account_id=account, month=str(month))["total_monthly_revenue"]
    desk.ledger[account, str(month)] = None if cents is None else round(billed * cents)
    entry = Entry("mismatch", variant, "ledger", "the ledger disagrees", {"account_id": account, "month": str(month)})
    entry.code, entry.where = kind, [{"ledger": [account, str(month)]}]
    entry.reconciliation.append((str(month), account, kind))
    return entry


def ledger_above(desk: Desk, random: Random) -> Entry | None:
    """Accounting has a tenth more."""
    return _ledger(desk, random, "above", "mismatch", 1.10)


def ledger_below(desk: Desk, random: Random) -> Entry | None:
    """Accounting has a tenth less."""
    return _ledger(desk, random, "below", "mismatch", 0.90)


def ledger_within(desk: Desk, random: Random) -> Entry | None:
    """Accounting differs by half of the tolerance."""
    return _ledger(desk, random, "within", "within_tolerance", 1.005)


def ledger_zero(desk: Desk, random: Random) -> Entry | None:
    """Accounting has posted 0.00."""
    return _ledger(desk, random, "zero", "zero_ledger", 0)


def ledger_without(desk: Desk, random: Random) -> Entry | None:
    """Accounting has not posted the bill."""
    return _ledger(desk, random, "missing_in_ledger", "missing_in_ledger", None)


def ledger_only(desk: Desk, random: Random) -> Entry | None:
    """Accounting has posted what was never billed."""
    found = desk.life(random, lambda life, month: not life.paid, desk.company.request.months[1:-1])
    if found is None:
        return None
    account, month = found[0].prospect.account_id, found[1]
    desk.ledger[account, str(month)] = 50_000
    entry = Entry("mismatch", "missing_in_pipeline", "ledger", "posted, never billed", {"account_id": account})
    entry.code, entry.where = "missing_in_pipeline", [{"ledger": [account, str(month)]}]
    entry.reconciliation.append((str(month), account, "missing_in_pipeline"))
    return entry
