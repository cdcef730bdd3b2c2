"""Faults of statuses that only a comparison finds: gaps of every kind, and what is missing or without order.

Each function puts one fault in and returns it, or None when no account fits.
"""

from datetime import date, timedelta

import numpy as np

from compute.months import Month
from compute.sample.desk import Desk, Entry, Record, is_quiet, record_of, said
from compute.sample.growth import weekly
from compute.sample.life import Event, Life

Random = np.random.Generator
NOBODY = "(none)"


def _is_in(desk: Desk, on: date) -> bool:
    return desk.company.request.first.first <= on <= desk.company.request.last.last


def _event(life: Life, previous: str | None, new: str, month: Month) -> Event | None:
    """Return the account's step of the month, if that is its only one of its kind."""
    steps = [each for each in life.events if (each.previous, each.new) == (previous, new)]
    return steps[0] if len(steps) == 1 and Month.of(steps[0].on) == month else None


def _row(desk: Desk, life: Life, event: Event) -> Record:
    return desk.row_of("account_status_changes", account_id=life.prospect.account_id, change_date=event.on,
                       previous_status=event.previous, new_status=event.new)  # fmt: skip


def _gap(life: Life, kind: str, jump: tuple[str, str], verdict: str, on: date, variant: str) -> Entry:
    account = life.prospect.account_id
    entry = Entry("gap", variant, "account_status_changes", f"{kind}, {verdict}", {"account_id": account})
    entry.code = "STA-W01" if kind == "illegal_edge" else "STA-W02"
    entry.gaps.append((account, kind, *jump, verdict, str(on)))
    entry.findings.append((str(Month.of(on)), entry.code, f"{account} {on}"))
    return entry


def _started(desk: Desk, random: Random, previous: str, verdict: str) -> Entry | None:
    found = desk.life(random, lambda life, month: _event(life, None, "Active", month) is not None)
    if found is None:
        return None
    life, month = found
    event = _event(life, None, "Active", month)
    assert event is not None  # the account was chosen for it
    row = _row(desk, life, event)
    entry = _gap(life, "missing_start", (NOBODY, previous), verdict, event.on, f"missing_start_{verdict}")
    desk.put("account_status_changes", row, said(record_of(row) | {"previous_status": previous}, entry))
    return entry


def missing_start_impute(desk: Desk, random: Random) -> Entry | None:
    """An account's first row comes from Suspended: it must have been Active."""
    return _started(desk, random, "Suspended", "impute")


def missing_start_ambiguous(desk: Desk, random: Random) -> Entry | None:
    """An account's first row comes from Expired: it may have been Active or Trial."""
    return _started(desk, random, "Expired", "ambiguous")


def chain_break_impute(desk: Desk, random: Random) -> Entry | None:
    """The step into Past Due is missing, the one out of it is there."""

    def pays_late(life: Life, month: Month) -> bool:
        back = _event(life, "Past Due", "Active", month)
        failed = [each for each in life.events if each.new == "Past Due"]
        return back is not None and len(failed) == 1 and _is_in(desk, failed[0].on)

    found = desk.life(random, pays_late)
    if found is None:
        return None
    life, month = found
    back = _event(life, "Past Due", "Active", month)
    assert back is not None  # the account was chosen for it
    row = _row(desk, life, next(each for each in life.events if each.new == "Past Due"))
    entry = _gap(life, "chain_break", ("Active", "Past Due"), "impute", back.on, "chain_break_impute")
    entry.where.append({"absent": [life.prospect.account_id, str(row["change_date"])]})
    desk.put("account_status_changes", row)
    entry.rows.append((entry.feed, "accepted", "", -1))
    return entry


def _broken(desk: Desk, random: Random, previous: str, verdict: str) -> Entry | None:
    """Let an account that has just become Active become so once more, from somewhere else."""

    def converts(life: Life, month: Month) -> bool:
        event = _event(life, "Trial", "Active", month)
        return event is not None and event.on.day <= 25 and life.events[-1] is event

    found = desk.life(random, converts)
    if found is None:
        return None
    life, month = found
    event = _event(life, "Trial", "Active", month)
    assert event is not None  # the account was chosen for it
    on = event.on + timedelta(days=2)
    entry = _gap(life, "chain_break", ("Active", previous), verdict, on, f"chain_break_{verdict}")
    record = record_of(_row(desk, life, event)) | {"previous_status": previous, "change_date": str(on)}
    if previous != "Trial":
        record |= {"change_reason": None, "contract_value": None}
    desk.add("account_status_changes", weekly(on), said(record, entry))
    entry.counts("accepted", 1)
    return entry


def chain_break_ambiguous(desk: Desk, random: Random) -> Entry | None:
    """An Active account turns from Trial to Active."""
    return _broken(desk, random, "Trial", "ambiguous")


def chain_break_contradiction(desk: Desk, random: Random) -> Entry | None:
    """An Active account turns from Lead to Active: nothing leads back to Lead."""
    return _broken(desk, random, "Lead", "contradiction")


def _jumped(desk: Desk, random: Random, step: tuple[str, str], new: str, verdict: str) -> Entry | None:
    """Let the last step of an account that never paid lead somewhere else."""

    def ends_so(life: Life, month: Month) -> bool:
        event = _event(life, *step, month)
        return event is not None and life.events[-1] is event and not life.paid

    found = desk.life(random, ends_so)
    if found is None:
        return None
    life = found[0]
    row = _row(desk, life, life.events[-1])
    entry = _gap(life, "illegal_edge", (step[0], new), verdict, row["change_date"], f"illegal_edge_{verdict}")
    odd = {"new_status": new, "change_reason": "Admin"}
    desk.put("account_status_changes", row, said(record_of(row) | odd, entry))
    entry.carry("accepted", "STA-W01")
    (found_in, code, key), entry.findings = entry.findings[0], []
    entry.findings.append((found_in, code, f"{key} {step[0]} {new}"))
    return entry


def illegal_edge_impute(desk: Desk, random: Random) -> Entry | None:
    """A trial is suspended: it must have been Active."""
    return _jumped(desk, random, ("Trial", "Expired"), "Suspended", "impute")


def illegal_edge_ambiguous(desk: Desk, random: Random) -> Entry | None:
    """A lead expires: it may have been Active or Trial."""
    return _jumped(desk, random, ("Lead", "Cancelled"), "Expired", "ambiguous")


def illegal_edge_contradiction(desk: Desk, random: Random) -> Entry | None:
    """A trial becomes a lead."""
    return _jumped(desk, random, ("Trial", "Expired"), "Lead", "contradiction")


def ambiguous_day(desk: Desk, random: Random) -> Entry | None:
    """Four steps of one day that fit in two orders."""
    found = desk.life(random, is_quiet, desk.company.request.months[1:-1])
    if found is None:
        return None
    life, month = found
    account, on = life.prospect.account_id, month.first + timedelta(days=14)
    entry = Entry("ambiguous_day", "two orders", "account_status_changes", "order of arrival", {"account_id": account})
    entry.code = "STA-W03"
    steps = [("Active", "Past Due", "Payment Failed"), ("Past Due", "Active", "Payment Recovered"),
             ("Active", "Suspended", "Admin"), ("Suspended", "Active", "Admin")]  # fmt: skip
    for previous, new, reason in steps:
        record = {"account_id": account, "previous_status": previous, "new_status": new, "change_date": str(on),
                  "change_reason": reason, "sales_rep": None, "contract_value": None}  # fmt: skip
        desk.add("account_status_changes", weekly(on), said(record, entry))
        entry.counts("accepted", 1)
    entry.findings.append((str(month), "STA-W03", f"{account} {on}"))
    return entry


def no_contract_value(desk: Desk, random: Random) -> Entry | None:
    """A trial converts, and nobody has written down for how much."""

    def converts(life: Life, month: Month) -> bool:
        return _event(life, "Trial", "Active", month) is not None and not life.renewals

    found = desk.life(random, converts)
    if found is None:
        return None
    event = _event(found[0], "Trial", "Active", found[1])
    assert event is not None  # the account was chosen for it
    row = _row(desk, found[0], event)
    entry = Entry("odd_status", "no value", "account_status_changes", "a conversion without contract_value", {})
    entry.code, entry.record = "STA-W05", {"account_id": row["account_id"]}
    desk.put("account_status_changes", row, said(record_of(row) | {"contract_value": None}, entry))
    entry.carry("accepted", "STA-W05")
    return entry


def no_status(desk: Desk, random: Random) -> Entry | None:
    """No status row of an account comes: it is Active because its bills say so."""
    months = desk.company.request.months
    begin = desk.company.request.first.first

    def always_pays(life: Life, month: Month) -> bool:
        return len(life.bills) == len(months) and all(each.on < begin for each in life.events) and month == months[0]

    found = desk.life(random, always_pays)
    if found is None:
        return None
    account = found[0].prospect.account_id
    entry = Entry("no_status", "absent", "account_status_changes", "status is inferred", {"account_id": account})
    entry.code = "inferred_from_billing"
    for row in desk.rows("account_status_changes"):
        if row["account_id"] == account:
            desk.put("account_status_changes", row)
            entry.rows.append((entry.feed, "accepted", "", -1))
    entry.where.append({"absent": [account]})
    entry.findings += [(str(month), "inferred_from_billing", f"{account} {month}") for month in months]
    return entry
