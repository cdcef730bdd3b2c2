"""The hand-over digest of whoever is on call: what happened, what waits and until when, what the close needs.

Source: `operations.md` I-8.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from compute.calendar import close_due
from compute.company import Company
from compute.incidents import Incident
from compute.months import Month
from compute.rotation import Duty, duties

WEEK, DAY = timedelta(days=7), timedelta(days=1)
_MONDAY = 0
_WEEKS_AHEAD = 5


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """What a digest is made from.

    Attributes:
        now: the wall clock.
        span: how far back it looks.
        incidents: the current view.
        held: dataset and month → cases that nobody has decided.
        pending: certified month → changes that wait for a restatement.
        drafts: month → when its first draft was made; `certified`: when it was first certified.
        broken: service levels that are breached: id, name, what is measured.
    """

    now: datetime
    span: timedelta
    company: Company
    incidents: Sequence[Incident] = ()
    held: Mapping[tuple[str, str], int] = field(default_factory=dict)
    pending: Mapping[str, int] = field(default_factory=dict)
    drafts: Mapping[str, datetime] = field(default_factory=dict)
    certified: Mapping[str, datetime] = field(default_factory=dict)
    broken: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True, slots=True)
class CloseDate:
    """When a step of a month's close is due, and when it was done."""

    month: str
    step: str
    due_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Digest:
    """What is handed over.

    Attributes:
        waiting: unresolved incidents, the most urgent first; `opened` and `resolved` are those of the span.
        duties: this week's, and the next ones.
        closes: those of the last ended month, and of the running one.
    """

    facts: DigestFacts
    waiting: tuple[Incident, ...]
    opened: tuple[Incident, ...]
    resolved: tuple[Incident, ...]
    duties: tuple[Duty, ...]
    closes: tuple[CloseDate, ...]

    @property
    def overdue(self) -> int:
        """How many of those that wait are past their due instant."""
        return sum(each.sla_met(self.facts.now) is False for each in self.waiting)

    @property
    def on_call(self) -> str:
        """Who is on call now; empty when nobody is named."""
        return self.duties[0].person if self.duties else ""


def digest_due(day: date) -> timedelta | None:
    """Return how far back the digest of a day looks; None on a day without one.

    Mondays look back a week, the last seven days of a month a day.

    >>> [digest_due(date(2024, 1, day)) for day in (8, 24, 25, 29)]
    [datetime.timedelta(days=7), None, datetime.timedelta(days=1), datetime.timedelta(days=7)]
    """
    if day.weekday() == _MONDAY:
        return WEEK
    return DAY if (day + WEEK).month != day.month else None


def digest(facts: DigestFacts) -> Digest:
    """Return what is to be handed over at an instant."""
    since, known = facts.now - facts.span, facts.incidents
    waiting = sorted((each for each in known if each.is_unresolved), key=lambda each: (each.due_at, each.incident_id))
    persons, holidays = facts.company.roles.operations, facts.company.calendar.holidays
    return Digest(
        facts=facts,
        waiting=tuple(waiting),
        opened=tuple(each for each in known if since < each.detected_at <= facts.now),
        resolved=tuple(each for each in known if each.resolved_at and since < each.resolved_at <= facts.now),
        duties=tuple(duties(facts.now.date(), _WEEKS_AHEAD, persons, holidays)),
        closes=tuple(_closes(facts)),
    )


def _closes(facts: DigestFacts) -> list[CloseDate]:
    running, close, holidays = Month.of(facts.now.date()), facts.company.close, facts.company.calendar.holidays
    return [
        CloseDate(str(month), step, close_due(month, due, holidays), done)
        for month in (running.plus(-1), running)
        for step, due, done in (
            ("draft", close.draft_due, facts.drafts.get(str(month))),
            ("certification", close.certify_due, facts.certified.get(str(month))),
        )
    ]
