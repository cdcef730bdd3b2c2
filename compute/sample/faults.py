"""All faults that can be put into a sample: what each is called, and how it is put in."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl

from compute.errors import BadSetting
from compute.sample import (
    fault_bills,
    fault_contracts,
    fault_costs,
    fault_crowds,
    fault_ledger,
    fault_status,
)
from compute.sample.company import SampleCompany
from compute.sample.desk import Desk, Entry
from compute.sample.fault_day import Day
from compute.sample.fault_rows import ROW_FAULTS
from compute.sample.fault_use import USE_FAULTS, UseFault
from compute.sample.topics import Made

Case = Callable[[Desk, np.random.Generator], Entry | None]
DayCase = Callable[[Day, np.random.Generator], Entry | None]

# By kind. What needs a rare account comes first, while all are free.
CASES: tuple[tuple[str, Case], ...] = (
    ("gap", fault_status.illegal_edge_ambiguous),
    ("gap", fault_status.missing_start_impute),
    ("gap", fault_status.missing_start_ambiguous),
    ("gap", fault_status.chain_break_impute),
    ("gap", fault_status.chain_break_ambiguous),
    ("gap", fault_status.chain_break_contradiction),
    ("gap", fault_status.illegal_edge_impute),
    ("gap", fault_status.illegal_edge_contradiction),
    ("licence_after_end", fault_contracts.licence_after_end),
    ("renewal_after_end", fault_contracts.renewal_after_end),
    ("bill_after_end", fault_bills.bill_after_end),
    ("trial_bill", fault_bills.trial_bill),
    ("odd_status", fault_status.no_contract_value),
    ("renewal_chain", fault_contracts.renewal_chain),
    ("renewal_value", fault_contracts.renewal_value),
    ("licence_chain", fault_contracts.licence_chain),
    ("seat_price", fault_contracts.seat_price),
    ("retroactive", fault_contracts.retroactive),
    ("unbilled_change", fault_bills.unbilled_change),
    ("stale", fault_bills.stale),
    ("overdue", fault_bills.overdue),
    ("bill_leap", fault_bills.bill_leap),
    ("missing_bill", fault_bills.missing_bill),
    ("void_bill", fault_bills.void_bill),
    ("second_bill", fault_bills.second_bill),
    ("other_seats", fault_bills.other_seats),
    ("no_status", fault_status.no_status),
    ("ambiguous_day", fault_status.ambiguous_day),
    ("licence_spike", fault_contracts.licence_spike),
    ("costly_account", fault_costs.costly_account),
    ("lone_expense", fault_costs.lone_expense),
    ("unknown_member", fault_costs.unknown_member),
    ("missing_team", fault_costs.missing_team),
    ("salary_leap", fault_costs.salary_leap),
    ("refused_batch", fault_costs.refused_batch),
    ("unknown_enum", fault_costs.strange_team),
    ("mismatch", fault_ledger.ledger_above),
    ("mismatch", fault_ledger.ledger_below),
    ("mismatch", fault_ledger.ledger_within),
    ("mismatch", fault_ledger.ledger_zero),
    ("mismatch", fault_ledger.ledger_without),
    ("mismatch", fault_ledger.ledger_only),
)
DAY_CASES: tuple[tuple[str, DayCase], ...] = (
    ("crowded_account", fault_crowds.crowded_account),
    ("unseen_users", fault_crowds.unseen_users),
    ("crowded_team", fault_crowds.crowded_team),
    ("stray_click", fault_crowds.stray_click),
    ("unlicensed_feature", fault_crowds.unlicensed_feature),
)
KINDS: tuple[str, ...] = tuple(sorted({
    *(kind for kind, _ in CASES), *(kind for kind, _ in DAY_CASES), *(fault.kind for fault in ROW_FAULTS),
    *(fault.kind for fault in USE_FAULTS),
}))  # fmt: skip
_FIRST_DAY_NUMBER = 1000


def parse_kinds(text: str) -> frozenset[str]:
    """Read which kinds of faults are wanted: none, all, or kinds with commas between them.

    Raises:
        BadSetting: when a kind is not known; names those that are.

    >>> sorted(parse_kinds("late, gap"))
    ['gap', 'late']
    """
    if text in ("none", "all"):
        return frozenset(KINDS if text == "all" else ())
    kinds = frozenset(word.strip() for word in text.split(","))
    if unknown := sorted(kinds - set(KINDS)):
        raise BadSetting(f"There is no fault '{unknown[0]}': say none, all, or some of {', '.join(KINDS)}.")
    return kinds


def put_in(company: SampleCompany, kinds: frozenset[str]) -> Desk:
    """Put faults into the file feeds and the ledger; what no account fits is named among the skipped."""
    desk = Desk(company)
    cases = [(kind, case.__name__, case) for kind, case in CASES]
    for number, (kind, name, case) in enumerate(cases):
        if kind in kinds:
            _keep(desk, f"{kind}/{name}", case(desk, company.request.stream("fault", number)))
    for number, fault in enumerate(ROW_FAULTS, len(cases)):
        if fault.kind in kinds:
            _keep(desk, f"{fault.kind}/{'/'.join((fault.feed, *fault.codes))}", fault.inject(desk, number))
    return desk


def _keep(desk: Desk, name: str, entry: Entry | None) -> None:
    if entry is None:
        desk.skipped.append(name)
    else:
        desk.entries.append(entry)


class FaultyDays:
    """The days of use with faults put in, one after the other; what does not fit a day waits for the next."""

    def __init__(self, desk: Desk, kinds: frozenset[str]) -> None:
        self._desk = desk
        self.tags: list[tuple[Entry, str, tuple[str, ...]]] = []
        self.plain_rows: Counter[str] = Counter()
        faults: list[tuple[str, UseFault | DayCase]] = [*DAY_CASES, *((fault.kind, fault) for fault in USE_FAULTS)]
        wanted = [(number, fault) for number, (kind, fault) in enumerate(faults) if kind in kinds]
        days = _plain_days(desk.company)
        step = max(1, len(days) // (len(wanted) + 1))
        self._due = [(days[min(len(days) - 1, index * step)], number, fault)
                     for index, (number, fault) in enumerate(wanted, 1)]  # fmt: skip

    def of(self, days: Iterator[Made]) -> Iterator[Made]:
        """Return the days with what is due by each."""
        plain = frozenset(_plain_days(self._desk.company))
        for made in days:
            self.plain_rows.update({topic: frame.height for topic, frame in made.records.items()})
            day = Day(self._desk.company, made, self._desk.taken, self.tags)
            if made.day in plain:
                self._due = [each for each in self._due if each[0] > made.day or not self._put(day, each[1], each[2])]
            yield day.done()
        self._desk.skipped += [getattr(fault, "__name__", None) or str(fault) for _, _, fault in self._due]

    def _put(self, day: Day, number: int, fault: UseFault | DayCase) -> bool:
        random = self._desk.company.request.stream("fault", _FIRST_DAY_NUMBER + number)
        entry = _sent(day, random, fault) if isinstance(fault, UseFault) else fault(day, random)
        if entry is None:
            return False
        if not isinstance(fault, UseFault) or fault.takes:
            self._desk.taken.add(str(entry.record.get("account_id", "")))
        self._desk.entries.append(entry)
        return True

    def placed(self, topic: str, records: pl.DataFrame) -> None:
        """Tell the faults among a topic's records where they stand."""
        marked = records.drop_nulls("tag").select("tag", "partition", "offset")
        for tag, partition, offset in marked.rows():
            entry, month, finds = self.tags[tag]
            entry.where.append({"topic": topic, "partition": partition, "offset": offset})
            entry.findings += [(month, code, f"{partition}/{offset}") for code in finds if "-W" in code]
            entry.late += [(topic, partition, offset, code) for code in finds if code in ("late", "unusable")]


def _sent(day: Day, random: np.random.Generator, fault: UseFault) -> Entry | None:
    """Put a fault of the table into a day."""
    found = day.pick(random, fault.feed, pl.lit(value=True), fault.fits)
    if found is None:
        return None
    record, row = found
    entry = fault.entry(record)
    account, at = row["account"], row["at"]
    finds = fault.finds
    if fault.way == "late":
        finds = ("late",)
    elif set(fault.codes) & {"CLK-Q01", "CLK-Q02"}:
        finds = ("unusable",)
    if fault.way in ("instead", "late", "again"):
        day.drop(fault.feed, row["row"])
    if fault.way == "again":
        day.add(fault.feed, account, at, record, entry, ())
    changed = fault.change(dict(record))
    sent_as = changed.get("account_id") or account if isinstance(changed, dict) else account
    moved = at if fault.way == "instead" else at + fault.moves
    day.add(fault.feed, str(sent_as), moved, changed, entry, finds)
    return entry


def _plain_days(company: SampleCompany) -> list[date]:
    """Return the working days on which faults can be put in: never at a month's edge."""
    days: list[date] = []
    for month in company.request.months:
        inner = [month.first + timedelta(days=number) for number in range(2, month.days - 3)]
        days += [day for day in inner if day.weekday() < 5]
    return days
