"""Where faults are put in: which lines change, which are added or left out, and what must then be found.

Each fault that could touch another one's figures has an account of its own; whoever looks at one finds that one alone.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import numpy as np

from compute.months import Month
from compute.sample.company import SampleCompany
from compute.sample.life import Bill, Life

Record = dict[str, Any]
_SMALL_DROP, _BAD_SHARE = 80, 0.03  # of less than a hundred rows none are refused, of more above five in a hundred


@dataclass(slots=True)
class Entry:
    """A fault of the truth file: where it is, and what must find it.

    Attributes:
        rows: changes of counts: dataset, disposition, code (empty for the total), rows.
        findings: month, code, key. `reconciliation`: month, account, class.
        gaps: account, kind, from, to, verdict, date. `late`: topic, partition, offset, class.
    """

    kind: str
    variant: str
    feed: str
    effect: str
    record: Record
    code: str | None = None
    where: list[Record] = field(default_factory=list)
    rows: list[tuple[str, str, str, int]] = field(default_factory=list)
    findings: list[tuple[str, str, str]] = field(default_factory=list)
    gaps: list[tuple[str, str, str, str, str, str]] = field(default_factory=list)
    reconciliation: list[tuple[str, str, str]] = field(default_factory=list)
    late: list[tuple[str, int, int, str]] = field(default_factory=list)

    def counts(self, disposition: str, rows: int, *codes: str) -> None:
        """Expect so many rows more of a disposition, each with the codes."""
        self.rows.append((self.feed, disposition, "", rows))
        self.carry(disposition, *codes)

    def carry(self, disposition: str, *codes: str) -> None:
        """Expect one row of a disposition to carry the codes."""
        self.rows += [(self.feed, disposition, code, 1) for code in codes]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, and the fault it is part of, if any."""

    text: bytes
    entry: Entry | None = None


@dataclass
class Desk:
    """The company's lines as they are to be written, and the faults among them so far.

    Attributes:
        edits: by feed and row, the lines that stand in place of the row's own.
        added: by feed and arrival, lines after the rows of that drop.
        ledger: amounts in cents by account and period that accounting posts otherwise; None for no row.
        taken: accounts and teams that have a fault.
        bad: by feed and drop, how many lines are bad.
    """

    company: SampleCompany
    edits: dict[tuple[str, int], list[Line]] = field(default_factory=dict)
    added: dict[tuple[str, datetime], list[Line]] = field(default_factory=dict)
    ledger: dict[tuple[str, str], int | None] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    entries: list[Entry] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    bad: dict[tuple[str, datetime], int] = field(default_factory=dict)
    _rows: dict[str, list[Record]] = field(default_factory=dict)
    _sizes: dict[str, dict[datetime, int]] = field(default_factory=dict)

    def rows(self, feed: str) -> list[Record]:
        """Return a feed's rows, each with `row`, its number."""
        if feed not in self._rows:
            frame = self.company.feeds[feed].with_row_index("row")
            self._rows[feed] = frame.to_dicts()
        return self._rows[feed]

    def pick(
        self, random: np.random.Generator, feed: str, fits: Callable[[Record], bool], *, take: Literal["take", "share"]
    ) -> Record | None:
        """Return a row of a feed that fits and has no fault yet, and keep others from its account when it is taken."""
        candidates = [row for row in self.rows(feed) if (feed, row["row"]) not in self.edits
                      and self._name(row) not in self.taken and fits(row)]  # fmt: skip
        if not candidates:
            return None
        row = candidates[int(random.integers(len(candidates)))]
        if take == "take":
            self.taken.add(self._name(row))
        return row

    def has_room(self, feed: str, row: Record) -> bool:
        """Return whether a drop can hold one bad line more without being refused for it (U-13)."""
        frame = self.company.feeds[feed]
        if feed not in self._sizes:
            self._sizes[feed] = dict(frame.group_by("arrival").len().rows())
        size = self._sizes[feed][row["arrival"]]
        return size < _SMALL_DROP or self.bad.get((feed, row["arrival"]), 0) < int(size * _BAD_SHARE)

    def life(
        self, random: np.random.Generator, fits: Callable[[Life, Month], bool], months: Iterable[Month] | None = None
    ) -> tuple[Life, Month] | None:
        """Return an account and a month that fit, and take the account."""
        wanted = tuple(months or self.company.request.months)
        free = [life for life in self.company.lives if life.prospect.account_id not in self.taken]
        candidates = [(life, month) for life in free for month in wanted if fits(life, month)]
        if not candidates:
            return None
        life, month = candidates[int(random.integers(len(candidates)))]
        self.taken.add(life.prospect.account_id)
        return life, month

    def row_of(self, feed: str, **values: Any) -> Record:
        """Return the one row that has the values."""
        return next(row for row in self.rows(feed) if all(row[name] == value for name, value in values.items()))

    def put(self, feed: str, row: Record, *lines: Line) -> None:
        """Let lines stand in place of a row's own."""
        self.edits[feed, row["row"]] = list(lines)

    def add(self, feed: str, arrival: datetime, *lines: Line) -> None:
        """Let lines come after those of a drop."""
        self.added.setdefault((feed, arrival), []).extend(lines)

    @staticmethod
    def _name(row: Record) -> str:
        return str(row["account_id"] if "account_id" in row else row["team_id"])


def record_of(row: Record) -> Record:
    """Return the record of a row's line."""
    record: Record = json.loads(row["line"])
    return record


def own(row: Record, entry: Entry | None = None) -> Line:
    """Return a row's line as it is."""
    return Line(str(row["line"]).encode(), entry)


def said(record: Record, entry: Entry | None = None) -> Line:
    """Return a record as a line."""
    return Line(json.dumps(record).encode(), entry)


def bill_of(life: Life, month: Month) -> Bill | None:
    """Return an account's bill of a month."""
    return next((bill for bill in life.bills if Month.of(bill.on) == month), None)


def is_quiet(life: Life, month: Month, before: int = 1, after: int = 1) -> bool:
    """Return whether an account only pays its bills, from so many months before to so many after."""
    months = month.plus(-before).until(month.plus(after))
    dates = [each.on for each in life.events] + [each.effective_on for each in life.seat_changes]
    dates += [each.changed_on for each in life.seat_changes] + [each.on for each in life.renewals]
    is_paid = all((bill := bill_of(life, each)) is not None and bill.payment == "Paid" for each in months)
    return is_paid and not any(Month.of(each) in months for each in dates)
