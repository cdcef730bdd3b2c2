"""Faults of licences and renewals that only a comparison finds.

Each function puts one fault in and returns it, or None when no account fits.
"""

from datetime import date, timedelta

import numpy as np

from compute.months import Month
from compute.sample.desk import Desk, Entry, Line, Record, is_quiet, record_of, said
from compute.sample.growth import twice_a_month
from compute.sample.life import Life

Random = np.random.Generator


def _is_in(desk: Desk, on: date) -> bool:
    return desk.company.request.first.first <= on <= desk.company.request.last.last


def _change(desk: Desk, random: Random, kind: str, code: str, odd: dict[str, object] | str) -> Entry | None:
    """Make a plain upgrade odd: its first seats, its price, or its date."""
    least = 2 if odd == "seats" else 1

    def fits(row: Record) -> bool:
        delta = row["new_licenses"] - row["previous_licenses"]
        # With a seat more on one, the price of a seat would be odd as well.
        is_plain = row["change_type"] in ("Upgrade", "True-up") and row["previous_licenses"] > 1 and delta >= least
        return is_plain and _is_in(desk, row["effective_date"]) and _has_bill(desk, row)

    row = desk.pick(random, "license_changes", fits, take="take")
    if row is None:
        return None
    record = record_of(row)
    change = {
        "seats": {"previous_licenses": record["previous_licenses"] - 1},
        "price": {"additional_revenue": round(record["additional_revenue"] * 3, 2)},
        "date": {"change_date": str(row["effective_date"] + timedelta(days=3))},
    }[str(odd)]
    record |= change
    entry = Entry(kind, str(odd), "license_changes", "an odd licence change", {"account_id": record["account_id"]})
    entry.code = code
    desk.put("license_changes", row, said(record, entry))
    if code == "LIC-W01":
        entry.carry("accepted", code)
    else:
        key = " ".join(record[name] for name in ("account_id", "change_date", "effective_date", "change_type"))
        entry.findings.append((record["effective_date"][:7], code, key))
    return entry


def _has_bill(desk: Desk, row: Record) -> bool:
    bills = desk.rows("revenue")
    name, on = row["account_id"], row["effective_date"]
    return any(each["account_id"] == name and each["billing_date"] == on for each in bills)


def licence_chain(desk: Desk, random: Random) -> Entry | None:
    """A licence change starts from other seats than the one before it left."""
    return _change(desk, random, "licence_chain", "LIC-W02", "seats")


def seat_price(desk: Desk, random: Random) -> Entry | None:
    """A seat of a licence change costs three times as much as on the bill."""
    return _change(desk, random, "seat_price", "LIC-W04", "price")


def retroactive(desk: Desk, random: Random) -> Entry | None:
    """A licence change is written after it took effect."""
    return _change(desk, random, "retroactive", "LIC-W01", "date")


def licence_spike(desk: Desk, random: Random) -> Entry | None:
    """Seats rise more than tenfold for a day."""
    found = desk.life(random, lambda life, month: is_quiet(life, month) and _early(life, month),
                      desk.company.request.months[1:-1])  # fmt: skip
    if found is None:
        return None
    life, month = found
    bill = next(each for each in life.bills if Month.of(each.on) == month)
    entry = Entry("licence_spike", "tenfold", "license_changes", "seats leap", {"account_id": life.prospect.account_id})
    entry.code = "LIC-W03"
    many, on = bill.seats * 10 + 5, bill.on + timedelta(days=3)
    after = on + timedelta(days=1)
    desk.add("license_changes", twice_a_month(after),
             _seats(life, on, (bill.seats, many), "Upgrade", bill.seat_cents, entry),
             _seats(life, after, (many, bill.seats), "Removal", bill.seat_cents, entry))  # fmt: skip
    entry.counts("accepted", 2, "LIC-W03")
    return entry


def _early(life: Life, month: Month) -> bool:
    return any(Month.of(bill.on) == month and bill.on.day < 20 for bill in life.bills)


def _seats(life: Life, on: date, step: tuple[int, int], kind: str, price: int, entry: Entry) -> Line:
    record = {
        "account_id": life.prospect.account_id, "previous_licenses": step[0], "new_licenses": step[1],
        "change_date": str(on), "change_type": kind, "additional_revenue": (step[1] - step[0]) * price / 100,
        "effective_date": str(on),
    }  # fmt: skip
    return said(record, entry)


def _left(desk: Desk, random: Random) -> tuple[Life, date] | None:
    """Return an account that has left for good, with a day on which it is gone."""

    def is_gone(life: Life, month: Month) -> bool:
        end = life.paid[-1][1] if life.paid else None
        return end is not None and Month.of(end) == month and _is_in(desk, end + timedelta(days=12))

    found = desk.life(random, is_gone)
    if found is None:
        return None
    end = found[0].paid[-1][1]
    assert end is not None  # the account was chosen for it
    return found[0], end + timedelta(days=10)


def licence_after_end(desk: Desk, random: Random) -> Entry | None:
    """An account that has left gives up a seat."""
    found = _left(desk, random)
    if found is None:
        return None
    life, on = found
    account, bill = life.prospect.account_id, life.bills[-1]
    entry = Entry("licence_after_end", "removal", "license_changes", "gone before", {"account_id": account})
    entry.code = "licence_after_end"
    step = (bill.seats, bill.seats - 1)
    desk.add("license_changes", twice_a_month(on), _seats(life, on, step, "Removal", bill.seat_cents, entry))
    entry.counts("accepted", 1)
    entry.findings.append((str(Month.of(on)), "licence_after_end", f"{account} {on} {on} Removal"))
    return entry


def renewal_after_end(desk: Desk, random: Random) -> Entry | None:
    """An account that has left decides not to renew."""
    found = _left(desk, random)
    if found is None:
        return None
    life, on = found
    signed = [(each.on, each.value_cents) for each in life.events if each.value_cents is not None]
    signed += [(each.on, each.new_cents) for each in life.renewals]
    account, value = life.prospect.account_id, max(signed)[1]
    entry = Entry("renewal_after_end", "late", "subscription_renewals", "gone before", {"account_id": account})
    entry.code = "REN-W02"
    desk.add("subscription_renewals", twice_a_month(on), _renewal(account, on, value, entry))
    entry.counts("accepted", 1)
    entry.findings += [(str(Month.of(on)), code, f"{account} {on}") for code in ("REN-W02", "renewal_after_end")]
    return entry


def _renewal(account: str, on: date, cents: int, entry: Entry) -> Line:
    record = {"account_id": account, "renewal_date": str(on), "previous_contract_value": cents / 100,
              "new_contract_value": 0.0, "renewal_type": "Non-Renewal", "contract_duration": "12 months"}  # fmt: skip
    return said(record, entry)


def _renewed(desk: Desk, random: Random, kind: str, code: str, member: str, factor: float) -> Entry | None:
    """Give a renewal another value, when none follows it."""
    last = {row["account_id"]: row["renewal_date"] for row in desk.rows("subscription_renewals")}
    last |= {row["account_id"]: max(last[row["account_id"]], row["renewal_date"])
             for row in desk.rows("subscription_renewals")}  # fmt: skip

    def fits(row: Record) -> bool:
        is_last = row["renewal_date"] == last[row["account_id"]] and _is_in(desk, row["renewal_date"])
        is_up = row["renewal_type"] == "Expansion" and row["new_contract_value"] > row["previous_contract_value"]
        return is_last and is_up and _has_bill(desk, row | {"effective_date": row["renewal_date"]})

    row = desk.pick(random, "subscription_renewals", fits, take="take")
    if row is None:
        return None
    record = record_of(row)
    record[member] = round(record[member] * factor, 2)
    entry = Entry(kind, member, "subscription_renewals", "an odd value", {"account_id": record["account_id"]})
    entry.code = code
    desk.put("subscription_renewals", row, said(record, entry))
    key = f"{record['account_id']} {record['renewal_date']}"
    entry.findings.append((record["renewal_date"][:7], code, key))
    return entry


def renewal_chain(desk: Desk, random: Random) -> Entry | None:
    """A renewal starts from another value than the contract before it."""
    return _renewed(desk, random, "renewal_chain", "REN-W01", "previous_contract_value", 0.95)


def renewal_value(desk: Desk, random: Random) -> Entry | None:
    """A renewal is half as high again as twelve bills."""
    return _renewed(desk, random, "renewal_value", "REN-W03", "new_contract_value", 1.5)
