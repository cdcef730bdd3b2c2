"""Faults of single rows of the file feeds: a table, a fault a line.

Beside: a bad copy stands before the good row, so nothing but the counts changes. Instead: the row itself is odd, and
accepted. Earlier: a first version stands before the row, which then revises it. Again: the row comes twice.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from compute.sample.desk import Desk, Entry, Line, Record, own, record_of, said

Change = Callable[[Record], Record | bytes]
Way = Literal["beside", "instead", "earlier", "again"]
PREFIX = {
    "revenue": "REV", "expenses": "EXP", "salaries": "SAL", "account_status_changes": "STA", "license_changes": "LIC",
    "subscription_renewals": "REN", "click_events": "CLK", "usage_sessions": "USE", "team_activity": "TEA",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RowFault:
    """A fault of a row: what is changed in a copy of a good record, and the codes that it must get."""

    kind: str
    feed: str
    codes: tuple[str, ...]
    way: Way
    change: Change
    fits: Callable[[Record], bool] = lambda _row: True

    def inject(self, desk: Desk, number: int) -> Entry | None:
        """Put the fault in; None when no row fits."""
        random = desk.company.request.stream("fault", number)
        fits = self.fits if self.way != "beside" else lambda row: self.fits(row) and desk.has_room(self.feed, row)
        row = desk.pick(random, self.feed, fits, take="take" if self.way == "instead" else "share")
        if row is None:
            return None
        record = record_of(row)
        entry = Entry(self.kind, self.codes[0] if self.codes else "copy", self.feed, self.way, _key(record))
        entry.code = self.codes[0] if self.codes else None
        changed = self.change(dict(record))
        line = Line(changed, entry) if isinstance(changed, bytes) else said(changed, entry)
        if self.way == "instead":
            desk.put(self.feed, row, line)
            entry.carry("accepted", *self.codes)
        elif self.way == "earlier":
            desk.put(self.feed, row, line, own(row, entry))
            entry.counts("superseded", 1)
            entry.carry("accepted", *self.codes)
        elif self.way == "again":
            desk.put(self.feed, row, own(row, entry), own(row, entry))
            entry.counts("duplicate", 1)
        else:
            desk.put(self.feed, row, line, own(row))
            desk.bad[self.feed, row["arrival"]] = desk.bad.get((self.feed, row["arrival"]), 0) + 1
            entry.counts(held(self.codes), 1, *self.codes)
        return entry


def held(codes: tuple[str, ...]) -> str:
    """Return what becomes of a row with these codes: the worst of them decides."""
    letters = {code.partition("-")[2][0] for code in codes}
    return "rejected" if "R" in letters else "quarantined" if "Q" in letters else "accepted"


def _key(record: Record) -> Record:
    names = ("account_id", "team_id", "billing_date", "expense_category", "expense_date", "salary_month", "change_date",
             "renewal_date", "effective_date")  # fmt: skip
    return {name: record[name] for name in names if name in record}


def with_(**values: object) -> Change:
    """Return the record with other values."""
    return lambda record: record | values


def without(name: str) -> Change:
    """Return the record without a member."""
    return lambda record: {key: value for key, value in record.items() if key != name}


def plus(name: str, amount: float) -> Change:
    """Return the record with more of something."""
    return lambda record: record | {name: round(record[name] + amount, 3)}


def _cut(record: Record) -> bytes:
    return json.dumps(record).encode()[:-1]


def _latin(record: Record) -> bytes:
    return json.dumps(record | {"note": "cafe"}).encode().replace(b"cafe", b"caf\xe9")


def _common() -> list[RowFault]:
    """Return the faults that every file feed can have."""
    must = {"revenue": "subscription_tier", "expenses": "monthly_cost", "salaries": "team_name",
            "license_changes": "change_type", "subscription_renewals": "renewal_type"}  # fmt: skip
    wrong = {"revenue": "billing_date", "expenses": "expense_date", "salaries": "salary_month",
             "account_status_changes": "change_date", "license_changes": "effective_date",
             "subscription_renewals": "renewal_date"}  # fmt: skip
    key = {**dict.fromkeys(wrong, "account_id"), "salaries": "team_id", "expenses": "expense_category"}
    odd: dict[str, Change] = {
        "revenue": _cut, "expenses": lambda _: b"[1, 2, 3]", "salaries": lambda _: b"no record at all",
        "account_status_changes": _latin, "license_changes": lambda record: json.dumps(record).encode()[:25],
        "subscription_renewals": lambda record: json.dumps(record | {"note": float("nan")}).encode(),
    }  # fmt: skip
    more: dict[str, tuple[str, Callable[[Record], bool]]] = {
        "revenue": ("monthly_revenue", _any), "expenses": ("monthly_cost", lambda row: row["account_id"] is not None),
        "salaries": ("monthly_salary_total", _any),
        "account_status_changes": ("contract_value", lambda row: row["contract_value"] is not None),
        "license_changes": ("additional_revenue", _is_more),
        "subscription_renewals": ("new_contract_value", lambda row: row["new_contract_value"] > 0),
    }  # fmt: skip
    first: dict[str, tuple[Change, Callable[[Record], bool]]] = {
        "revenue": (with_(payment_status="Pending"), lambda row: row["payment_status"] == "Paid"),
        "expenses": (with_(cost_breakdown={"all": 1.0}, monthly_cost=1.0), lambda row: row["account_id"] is not None),
        "salaries": (lambda record: record | {"monthly_salary_total": record["headcount"] * 9000.0,
                                              "cost_per_engineer": 9000.0}, _any),
        "account_status_changes": (plus("contract_value", 12), lambda row: row["contract_value"] is not None),
        "license_changes": (plus("additional_revenue", 1), _is_more),
        "subscription_renewals": (with_(contract_duration="P1Y"), _any),
    }  # fmt: skip
    faults: list[RowFault] = []
    for feed, prefix in list(PREFIX.items())[:6]:
        faults += [
            RowFault("malformed", feed, (f"{prefix}-R00",), "beside", odd[feed]),
            RowFault("null_key", feed, (f"{prefix}-R01",), "beside", with_(**{key[feed]: ""})
                     if feed != "revenue" else without("account_id")),
            RowFault("wrong_type", feed, (f"{prefix}-Q92",), "beside", with_(**{wrong[feed]: "31.12.2023"})),
            RowFault("currency", feed, (f"{prefix}-Q90",), "beside", with_(currency="EUR")),
            RowFault("decimals", feed, (f"{prefix}-W92",), "instead",
                     plus(more[feed][0], 0.001), more[feed][1]),
            RowFault("revised", feed, (f"{prefix}-W90",), "earlier", *first[feed]),
            RowFault("duplicate", feed, (), "again", lambda record: record),
        ]  # fmt: skip
        if feed in must:
            faults.append(RowFault("missing_field", feed, (f"{prefix}-Q91",), "beside", with_(**{must[feed]: None})))
    return faults


def _any(_row: Record) -> bool:
    return True


def _is_more(row: Record) -> bool:
    return bool(row["additional_revenue"] > 0)


def _is_step(previous: str | None, new: str) -> Callable[[Record], bool]:
    return lambda row: row["previous_status"] == previous and row["new_status"] == new


_PLAIN_BILL: Callable[[Record], bool] = lambda row: row["features"] == 0 and row["payment_status"] == "Paid"  # noqa: E731 - a condition with a name
_NO_HEADS = {"headcount": 0, "cost_per_engineer": 0.0}

OWN: tuple[RowFault, ...] = (
    RowFault("bad_total", "revenue", ("REV-Q01",), "beside", plus("total_monthly_revenue", 0.02)),
    RowFault("negative", "revenue", ("REV-Q02",), "beside",
             with_(monthly_revenue=-100.0, total_monthly_revenue=-100.0), _PLAIN_BILL),
    RowFault("future", "revenue", ("REV-Q03",), "beside", with_(billing_date="2099-01-15")),
    RowFault("unknown_enum", "revenue", ("REV-Q04",), "beside", with_(payment_status="Maybe")),
    RowFault("partial_refund", "revenue", ("REV-Q05",), "beside", with_(payment_status="Partially Refunded")),
    RowFault("no_seats", "revenue", ("REV-Q06",), "beside", with_(user_licenses=0)),
    RowFault("odd_bill", "revenue", ("REV-W01",), "instead", with_(additional_features=["Priority Support"]),
             _PLAIN_BILL),
    RowFault("unknown_enum", "revenue", ("REV-W02",), "instead", with_(subscription_tier="Platinum")),
    RowFault("bad_total", "expenses", ("EXP-Q01",), "beside", plus("monthly_cost", 1)),
    RowFault("negative", "expenses", ("EXP-Q02",), "beside", with_(monthly_cost=-5.0, cost_breakdown={"all": -5.0})),
    RowFault("future", "expenses", ("EXP-Q03",), "beside", with_(expense_date="2099-01-31")),
    RowFault("odd_expense", "expenses", ("EXP-W01",), "instead",
             lambda record: record | {"expense_date": record["expense_date"][:8] + "15"},
             lambda row: row["account_id"] is not None),
    RowFault("odd_expense", "expenses", ("EXP-W03",), "instead", with_(cost_breakdown=None),
             lambda row: row["account_id"] is not None),
    RowFault("unknown_enum", "expenses", ("EXP-W93",), "instead", with_(expense_category="Office Plants"),
             lambda row: row["account_id"] is not None and row["expense_category"] == "Third-Party Software"),
    RowFault("salary", "salaries", ("SAL-Q01",), "beside", plus("cost_per_engineer", 1)),
    RowFault("salary", "salaries", ("SAL-Q02",), "beside", with_(**_NO_HEADS)),
    RowFault("salary", "salaries", ("SAL-Q03",), "beside",
             with_(headcount=4.5, monthly_salary_total=45000.0, cost_per_engineer=10000.0)),
    RowFault("negative", "salaries", ("SAL-Q95",), "beside",
             with_(headcount=3, monthly_salary_total=-300.0, cost_per_engineer=-100.0)),
    RowFault("unknown_enum", "account_status_changes", ("STA-Q01", "STA-W01"), "beside",
             with_(new_status="Dormant", change_reason=None)),
    RowFault("same_status", "account_status_changes", ("STA-Q02", "STA-W01"), "beside",
             with_(previous_status="Active", new_status="Active", change_reason=None), _is_step("Trial", "Active")),
    RowFault("future", "account_status_changes", ("STA-Q03",), "beside", with_(change_date="2099-01-15")),
    RowFault("negative", "account_status_changes", ("STA-Q95",), "beside", with_(contract_value=-1.0),
             _is_step("Trial", "Active")),
    RowFault("odd_status", "account_status_changes", ("STA-W04",), "instead", with_(change_reason="Trial Conversion"),
             _is_step("Trial", "Cancelled")),
    RowFault("unknown_enum", "account_status_changes", ("STA-W93",), "instead", with_(change_reason="Full Moon"),
             _is_step("Trial", "Expired")),
    RowFault("unknown_enum", "license_changes", ("LIC-Q94",), "beside", with_(change_type="Sidegrade")),
    RowFault("licence", "license_changes", ("LIC-Q01",), "beside",
             with_(change_type="Downgrade", additional_revenue=0.0), _is_more),
    RowFault("licence", "license_changes", ("LIC-Q02",), "beside", with_(additional_revenue=-1.0), _is_more),
    RowFault("negative", "license_changes", ("LIC-Q03",), "beside", with_(previous_licenses=-1), _is_more),
    RowFault("renewal", "subscription_renewals", ("REN-Q01",), "beside", with_(contract_duration="twelve moons")),
    RowFault("renewal", "subscription_renewals", ("REN-Q02",), "beside",
             with_(renewal_type="Flat", previous_contract_value=1.0, new_contract_value=2.0)),
    RowFault("unknown_enum", "subscription_renewals", ("REN-Q94",), "beside", with_(renewal_type="Perhaps")),
    RowFault("negative", "subscription_renewals", ("REN-Q95",), "beside",
             with_(renewal_type="Early Renewal", previous_contract_value=-1.0)),
)  # fmt: skip
ROW_FAULTS: tuple[RowFault, ...] = (*OWN, *_common())
