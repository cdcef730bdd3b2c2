"""Faults of bills that only a comparison finds: missing, doubled, leaping, not agreeing.

Each function puts one fault in and returns it, or None when no account fits.
"""

from datetime import timedelta

import numpy as np

from compute.months import Month
from compute.sample.desk import Desk, Entry, Record, bill_of, is_quiet, own, record_of, said
from compute.sample.life import Life
from compute.sample.profit import second_of_next, thrice_a_month

Random = np.random.Generator


def _bill_row(desk: Desk, life: Life, month: Month) -> Record:
    return desk.row_of("revenue", account_id=life.prospect.account_id, month=str(month))


def _quiet_bill(desk: Desk, random: Random, after: int = 1) -> tuple[str, Month, Record] | None:
    """Return an account's bill of a month in which nothing else happens to it."""
    found = desk.life(random, lambda life, month: is_quiet(life, month, after=after), _inner(desk, after=after))
    return found and (found[0].prospect.account_id, found[1], _bill_row(desk, *found))


def _inner(desk: Desk, before: int = 1, after: int = 1) -> tuple[Month, ...]:
    months = desk.company.request.months
    return months[before : len(months) - after]


def _unbilled(entry: Entry, account: str, month: Month) -> None:
    entry.findings += [(str(month), code, f"{account} {month}") for code in ("status_without_billing", "EXP-W04")]


def missing_bill(desk: Desk, random: Random) -> Entry | None:
    """A bill never comes: the account pays, its costs are there, accounting has booked it."""
    return _missing(desk, random, "missing_bill", 1)


def stale(desk: Desk, random: Random) -> Entry | None:
    """Nothing is heard of a paying account for two months."""
    return _missing(desk, random, "stale", 2)


def _missing(desk: Desk, random: Random, kind: str, count: int) -> Entry | None:
    found = desk.life(random, lambda life, month: is_quiet(life, month, after=count), _inner(desk, after=count))
    if found is None:
        return None
    account, first = found[0].prospect.account_id, found[1]
    entry = Entry(kind, "absent", "revenue", "no bill, so MRR is carried forward and nothing is churn", {})
    entry.record = {"account_id": account, "month": str(first)}
    entry.code = "XR-2"
    for month in first.until(first.plus(count - 1)):
        desk.put("revenue", _bill_row(desk, found[0], month))
        entry.where.append({"absent": [account, str(month)]})
        entry.rows.append(("revenue", "accepted", "", -1))
        _unbilled(entry, account, month)
        entry.reconciliation.append((str(month), account, "missing_in_pipeline"))
    if count > 1:
        last = first.plus(count - 1)
        entry.findings.append((str(last), "stale", f"{account} {last}"))
    return entry


def void_bill(desk: Desk, random: Random) -> Entry | None:
    """The only bill of the month is void: it counts as none, in the ledger too."""
    found = _quiet_bill(desk, random)
    if found is None:
        return None
    account, month, row = found
    entry = Entry("void_bill", "only", "revenue", "a void bill is no bill", {"account_id": account})
    entry.code = "XR-2"
    desk.put("revenue", row, said(record_of(row) | {"payment_status": "Void"}, entry))
    desk.ledger[account, str(month)] = None
    _unbilled(entry, account, month)
    return entry


def second_bill(desk: Desk, random: Random) -> Entry | None:
    """A second bill of the month, a day later: the later one counts."""
    found = _quiet_bill(desk, random)
    if found is None:
        return None
    account, month, row = found
    on = str(row["billing_date"] + timedelta(days=1))
    entry = Entry("second_bill", "a day later", "revenue", "blocks certification until finance acknowledges", {})
    entry.code, entry.record = "REV-W03", {"account_id": account, "billing_date": on}
    desk.put("revenue", row, own(row), said(record_of(row) | {"billing_date": on}, entry))
    entry.counts("accepted", 1, "REV-W03")
    entry.findings.append((str(month), "REV-W03", f"{account} {on}"))
    return entry


def bill_leap(desk: Desk, random: Random) -> Entry | None:
    """A bill is twice as high for a month, and nothing says why; accounting follows it."""
    found = _quiet_bill(desk, random, after=2)
    if found is None:
        return None
    account, month, row = found
    record = record_of(row)
    doubled = {name: round(record[name] * 2, 2) for name in ("monthly_revenue", "feature_revenue",
                                                             "total_monthly_revenue")}  # fmt: skip
    entry = Entry("bill_leap", "twice", "revenue", "no licence change, renewal or feature explains it", {})
    entry.code, entry.record = "REV-W04", {"account_id": account, "month": str(month)}
    desk.put("revenue", row, said(record | doubled, entry))
    desk.ledger[account, str(month)] = 2 * row["total_monthly_revenue"]
    entry.findings.append((str(month), "REV-W04", f"{account} {month}"))
    # Up and down again: neither movement has an event.
    entry.findings += [(str(each), "XR-7", f"{account} {each}") for each in (month, month.plus(1))]
    return entry


def other_seats(desk: Desk, random: Random) -> Entry | None:
    """A bill has a seat more than the last licence change."""
    found = desk.life(random, is_quiet, _inner(desk))
    return None if found is None else _one_seat_more(desk, found[0], found[1], "other_seats")


def _one_seat_more(desk: Desk, life: Life, month: Month, kind: str) -> Entry:
    account, row = life.prospect.account_id, _bill_row(desk, life, month)
    key = f"{account} {row['billing_date']}"
    entry = Entry(kind, "one more", "revenue", "seats of bill and licences disagree", {"account_id": account})
    entry.code = "REV-W05"
    desk.put("revenue", row, said(record_of(row) | {"user_licenses": row["user_licenses"] + 1}, entry))
    entry.findings.append((str(month), "REV-W05", key))
    return entry


def unbilled_change(desk: Desk, random: Random) -> Entry | None:
    """The first bill after a licence change has other seats than it."""
    found = desk.life(random, _has_change, _inner(desk))
    if found is None:
        return None
    life, month = found
    entry = _one_seat_more(desk, life, month, "unbilled_change")
    entry.code = "LIC-W05"
    change = next(each for each in life.seat_changes if Month.of(each.effective_on) == month)
    key = f"{life.prospect.account_id} {change.changed_on} {change.effective_on} {change.kind}"
    entry.findings.append((str(month), "LIC-W05", key))
    return entry


def _has_change(life: Life, month: Month) -> bool:
    bill = bill_of(life, month)
    changes = [each for each in life.seat_changes if Month.of(each.effective_on) == month]
    return (
        bill is not None and len(changes) == 1 and changes[0].effective_on == bill.on and changes[0].kind != "Initial"
        and bill.seats > 3 and abs(changes[0].new - changes[0].previous) < bill.seats
    )  # fmt: skip


def overdue(desk: Desk, random: Random) -> Entry | None:
    """A bill stays unpaid beyond the grace, and the status does not move."""
    found = desk.life(random, lambda life, month: is_quiet(life, month, after=2), _inner(desk, after=2))
    if found is None:
        return None
    account, row = found[0].prospect.account_id, _bill_row(desk, *found)
    entry = Entry("overdue", "31 days", "revenue", "unpaid for more than the grace", {"account_id": account})
    entry.code = "past_due"
    desk.put("revenue", row, said(record_of(row) | {"payment_status": "Overdue"}, entry))
    beyond = Month.of(row["billing_date"] + timedelta(days=31))
    entry.findings.append((str(beyond), "past_due", f"{account} {row['billing_date']}"))
    return entry


def bill_after_end(desk: Desk, random: Random) -> Entry | None:
    """An account that has left is billed once more."""
    found = desk.life(random, _left_the_month_before, _inner(desk, before=2))
    if found is None:
        return None
    life, month = found
    last = life.bills[-1]
    row = desk.row_of("revenue", account_id=life.prospect.account_id, billing_date=last.on)
    on = month.first + timedelta(days=min(last.on.day, 28) - 1)
    record = record_of(row) | {"billing_date": str(on)}
    return _odd_bill(desk, "bill_after_end", month, record, row["total_monthly_revenue"])


def _left_the_month_before(life: Life, month: Month) -> bool:
    return bool(life.paid) and (end := life.paid[-1][1]) is not None and Month.of(end) == month.plus(-1)


def trial_bill(desk: Desk, random: Random) -> Entry | None:
    """A trial is billed: revenue, but no MRR."""
    found = desk.life(random, _only_tries, _inner(desk, before=0, after=0))
    if found is None:
        return None
    life, month = found
    began = next(each.on for each in life.events if each.new == "Trial")
    record = {
        "account_id": life.prospect.account_id, "subscription_tier": "Starter", "monthly_revenue": 100.0,
        "user_licenses": 2, "additional_features": [], "feature_revenue": 0.0, "total_monthly_revenue": 100.0,
        "billing_date": str(began + timedelta(days=1)), "payment_status": "Paid",
    }  # fmt: skip
    return _odd_bill(desk, "trial_bill", month, record, 10_000)


def _only_tries(life: Life, month: Month) -> bool:
    trials = [each.on for each in life.events if each.new == "Trial"]
    ends = [each.on for each in life.events if each.previous == "Trial"]
    is_open = len(trials) == 1 and all(end > trials[0] + timedelta(days=3) for end in ends)
    return is_open and not life.paid and Month.of(trials[0]) == Month.of(trials[0] + timedelta(days=1)) == month


def _odd_bill(desk: Desk, kind: str, month: Month, record: Record, cents: int) -> Entry:
    """Bill an account that does not pay; its cost and accounting follow, so that the bill alone is odd."""
    account = record["account_id"]
    entry = Entry(kind, "revenue", "revenue", "a bill while the status does not pay", {"account_id": account})
    entry.code = "XR-3"
    on = month.first.replace(day=int(record["billing_date"][8:]))
    desk.add("revenue", thrice_a_month(on), said(record, entry))
    cost = {"account_id": account, "expense_category": "Payment Processing", "monthly_cost": 1.0,
            "cost_breakdown": {"card_fees": 1.0}, "expense_date": str(month.last)}  # fmt: skip
    desk.add("expenses", second_of_next(month.last), said(cost, entry))
    desk.ledger[account, str(month)] = cents
    entry.rows += [("revenue", "accepted", "", 1), ("expenses", "accepted", "", 1)]
    entry.findings.append((str(month), "billing_without_status", f"{account} {record['billing_date']}"))
    return entry
