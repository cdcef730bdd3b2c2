"""What a life leaves behind: status events, seat changes, renewals and bills of one account, amounts in cents."""

from dataclasses import dataclass, field
from datetime import date

from compute.sample.chart import Prospect


@dataclass(frozen=True, slots=True)
class Event:
    """A step of the account's status; `previous` is None for the first one."""

    on: date
    previous: str | None
    new: str
    value_cents: int | None = None


@dataclass(frozen=True, slots=True)
class SeatChange:
    """A change of seats; the price is that of the bill it shows up on."""

    changed_on: date
    effective_on: date
    previous: int
    new: int
    kind: str
    added_cents: int


@dataclass(frozen=True, slots=True)
class Renewal:
    """A decision about the next year of a yearly contract; values are totals over twelve months."""

    decided_on: date
    on: date
    previous_cents: int
    new_cents: int
    kind: str


@dataclass(frozen=True, slots=True)
class Bill:
    """A full-month statement; `features` is a set of add-ons, a bit each."""

    on: date
    seats: int
    seat_cents: int
    features: int
    feature_cents: int
    payment: str


@dataclass(slots=True)
class Life:
    """An account's records, in the order in which they happened.

    Attributes:
        paid: the spans of days in which the status pays, from the first to the day it stops, which is not in it;
            None for a span that has no end yet.
    """

    prospect: Prospect
    is_yearly: bool
    events: list[Event] = field(default_factory=list)
    seat_changes: list[SeatChange] = field(default_factory=list)
    renewals: list[Renewal] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)
    paid: list[tuple[date, date | None]] = field(default_factory=list)
