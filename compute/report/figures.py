"""The figures of a snapshot, those of the months before, and its statement, looked up by name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from compute.anchors import anchor
from compute.footnotes import FOOTNOTES
from compute.metrics import BY_ID
from compute.months import Month
from compute.report.document import Cell
from compute.report.words import NOT_MEANINGFUL, form_of, said, why

COMPANY = "company"
_NOTHING = Cell("–", note="no figure of this month")


@dataclass(frozen=True, slots=True)
class Value:
    """One figure: a value or the reason why there is none."""

    value: Decimal | None
    null_reason: str
    footnotes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """A sign-off: who as what, when, on which hash."""

    role: str
    person: str
    at: datetime
    content_hash: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """What certified a snapshot.

    Attributes:
        revision: its number.
        reason, narrative: why it was made; of a first revision nothing.
        difference: from the revision before, a row per headline figure: metric, old, new, delta, share.
        superseded_by: the revision in its place, if any.
    """

    revision: int
    at: datetime
    by: str
    reason: str = ""
    narrative: str = ""
    difference: Sequence[Mapping[str, str]] = ()
    superseded_by: int | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """What the header band says of the snapshot.

    Attributes:
        number: of the draft.
        manifest: what it was made from.
        signatures: those that stand.
        certificate: None until it is certified.
    """

    company: str
    currency: str
    month: Month
    state: str
    number: int
    snapshot_id: str
    content_hash: str
    as_of: datetime
    created_at: datetime
    created_by: str
    manifest: Mapping[str, Any]
    signatures: Sequence[Signature] = ()
    certificate: Certificate | None = None

    @property
    def stand(self) -> str:
        """Its place in an anchor: r1 of a revision, d3 of a draft."""
        return f"r{self.certificate.revision}" if self.certificate else f"d{self.number}"


class Source:
    """What a report is made from.

    Args:
        header: what the snapshot is.
        figures: its FIGURE rows.
        statement: its statement, small tables by name.
    """

    def __init__(
        self, header: Header, figures: pl.DataFrame, statement: Mapping[str, Sequence[Mapping[str, Any]]]
    ) -> None:
        self.header, self.month, self.figures, self._statement = header, header.month, figures, statement
        company = figures.filter(pl.col("grain") == "company_month")
        self._now = {(row["metric_id"], row["grain_key"]): _value(row) for row in company.iter_rows(named=True)}
        self._months = {row["month"] for row in self.table("history")}
        self._before = {(row["month"], row["metric_id"]): _value(row) for row in self.table("history")}

    def table(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return a table of the statement; no rows when none was kept."""
        return self._statement.get(name, ())

    def value(self, metric_id: str, month: Month | None = None, key: str = COMPANY) -> Value | None:
        """Return a company figure, of the report's month or of one before; None when there is none."""
        if month is None or month == self.month:
            return self._now.get((metric_id, key))
        return self._before.get((str(month), metric_id))

    def has(self, month: Month) -> bool:
        """Return whether there are figures of a month before the report's."""
        return str(month) in self._months

    def number(self, metric_id: str, month: Month | None = None, key: str = COMPANY) -> Decimal | None:
        """Return a company figure's value; None when it is null or there is none."""
        found = self.value(metric_id, month, key)
        return found.value if found else None

    def cell(self, metric_id: str, month: Month | None = None, key: str = COMPANY) -> Cell:
        """Return a company figure as it is read, with its address if it is one of this snapshot."""
        found = self.value(metric_id, month, key)
        if found is None:
            return _NOTHING
        is_own = month in (None, self.month)
        form = form_of(metric_id, BY_ID[metric_id].unit)
        return shown(found, form, self.anchor(metric_id, key=key) if is_own else "")

    def anchor(self, metric_id: str, grain: str = "company_month", key: str = COMPANY) -> str:
        """Return the address of a figure of this snapshot."""
        return anchor(metric_id, str(self.month), self.header.stand, grain, key)

    def keys(self, metric_id: str) -> list[str]:
        """Return the second dimension of a metric's company rows, in order."""
        return sorted(key.partition("|")[2] for name, key in self._now if name == metric_id and key != COMPANY)

    @property
    def names(self) -> frozenset[str]:
        """The names that may leave the house: tiers and features that the company chose, and features that it sells.

        A click names whatever feature it likes, an account among others; such a name stays here.
        """
        chosen = {str(row["name"]) for row in self.table("names")}
        return frozenset({*chosen, *self.keys("M-45.activation"), "Unknown"})

    def rows(self, metric_id: str, grain: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a metric at a grain."""
        where = (pl.col("metric_id") == metric_id) & (pl.col("grain") == grain)
        yield from self.figures.filter(where).sort("grain_key").iter_rows(named=True)

    def accounts(self, *metric_ids: str) -> pl.DataFrame:
        """Return metrics of the accounts side by side, a row an account, without its name."""
        mine = self.figures.filter((pl.col("grain") == "account_month") & pl.col("metric_id").is_in(metric_ids))
        wide = mine.pivot("metric_id", on_columns=list(dict.fromkeys(metric_ids)), index="grain_key", values="value")
        return wide.drop("grain_key")

    @property
    def is_partial(self) -> bool:
        """Whether the as-of lies in the month: then its figures are those of a part of it."""
        return self.header.as_of.date() <= self.month.last

    def trail(self, metric_id: str, count: int) -> tuple[Decimal | None, ...]:
        """Return a company figure of so many months, to be drawn; a month that is not over is left open."""
        values = [self.number(metric_id, month) for month in self.last_months(count)]
        return (*values[:-1], None if self.is_partial else values[-1])

    def footnotes(self) -> set[str]:
        """Return the ids of the footnotes that the company's figures carry."""
        return {name for found in (*self._now.values(), *self._before.values()) for name in found.footnotes}

    def last_months(self, count: int) -> tuple[Month, ...]:
        """Return so many months that end with the report's."""
        return self.month.plus(1 - count).until(self.month)


def shown(found: Value, form: str, address: str = "") -> Cell:
    """Return a figure as a cell: its value with the signs of its footnotes, or n/m and why."""
    if found.value is None:
        return Cell(f"{NOT_MEANINGFUL} ({why(found.null_reason)})", address, found.null_reason)
    signs = "".join(dict.fromkeys(FOOTNOTES[name][0] for name in found.footnotes))
    return Cell(said(found.value, form) + signs, address)


def _value(row: Mapping[str, Any]) -> Value:
    value = None if row["value"] is None else Decimal(row["value"])
    return Value(value, row["null_reason"], tuple(filter(None, row["footnote_ids"].split(";"))))
