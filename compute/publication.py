"""Publication: which days and weeks are out, since when, and which are overdue while nothing runs.

A day is out when a run has finished that had read all that arrived until the day was over (processing time says
nothing). Source: `operations.md` D.1, L-10, L-11, L-12, L-24.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from operator import attrgetter
from typing import Literal

import polars as pl

from compute.calendar import day_end, week_name, week_start
from compute.company import Company
from compute.contracts.contract import INSTANT
from compute.months import Month
from compute.schema import Schema

RUN: Schema = {
    "flow": pl.String,
    "deployment": pl.String,
    "first_month": pl.String,
    "last_month": pl.String,
    "as_of": INSTANT,
    "watermark": INSTANT,
    "started_at": INSTANT,
    "finished_at": INSTANT,
    "unknown_statuses": pl.Int64,
}
_DAY, _WEEK, _INSTANT = timedelta(days=1), timedelta(weeks=1), timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Run:
    """A flow run that ended in success: RUN's columns."""

    flow: str
    deployment: str
    first_month: str
    last_month: str
    as_of: datetime
    watermark: datetime | None
    started_at: datetime
    finished_at: datetime
    unknown_statuses: int

    @property
    def mark(self) -> datetime:
        """The instant until which all files that had arrived were read; an as-of in the future brings none nearer."""
        return min(self.as_of, self.started_at)

    @property
    def topic_mark(self) -> datetime:
        """The instant until which the topics were read too: they may be known less far (L-3)."""
        return min(self.mark, self.watermark or self.mark)


@dataclass(frozen=True, slots=True)
class Promise:
    """What is to be out by when.

    Attributes:
        flows: any of them publishes it: `aggregated` runs whatever is missing.
        read: until when a run had read what it is made from.
        mark: what a run must have read, from the begin and the end of a period.
        due: by when it must have finished, from the same.
        fits: what else must hold of the run for a period.
    """

    sla_id: str
    pipeline: str
    name: str
    every: Literal["day", "week"]
    flows: frozenset[str]
    read: Callable[[Run], datetime]
    mark: Callable[[datetime, datetime, Company], datetime]
    due: Callable[[datetime, datetime, Company], datetime]
    fits: Callable[[Run, Month], bool]


@dataclass(frozen=True, slots=True)
class Period:
    """A day or a week of a promise, and when it came out."""

    name: str
    month: Month
    end: datetime
    mark: datetime
    due: datetime
    published_at: datetime | None

    def is_late(self, now: datetime) -> bool:
        """Tell whether it came out after its due instant, or has not come out and that is past."""
        return (self.published_at or now) > self.due


def _holds(run: Run, month: Month) -> bool:
    return run.first_month <= str(month) <= run.last_month


def _holds_known(run: Run, month: Month) -> bool:
    """A week of growth is not out while the current status of an account is Unknown."""
    return _holds(run, month) and run.unknown_statuses == 0


def _any(_run: Run, _month: Month) -> bool:
    """Every ISO week is written by every run."""
    return True


READ_TOPICS = frozenset({"engagement", "aggregated"})
_FILES, _TOPICS = attrgetter("mark"), attrgetter("topic_mark")
_PROFIT, _GROWTH = (frozenset({name, "aggregated"}) for name in ("profit", "growth"))

PROMISES: tuple[Promise, ...] = (
    Promise("L-10", "profit", "profit of a day", "day", _PROFIT, _FILES,
            lambda _, end, __: end,
            lambda _, end, company: end + timedelta(hours=company.sla.profit_hours), _holds),
    Promise("L-11", "growth", "growth of a week", "week", _GROWTH, _FILES,
            lambda begin, _, company: begin + company.sla.growth_cutoff,
            lambda _, end, __: end - _INSTANT, _holds_known),
    Promise("L-12", "engagement", "engagement of a day, preliminary", "day", READ_TOPICS, _TOPICS,
            lambda _, end, __: end,
            lambda _, end, company: end + timedelta(hours=company.sla.engagement_hours), _holds),
    Promise("L-12-mature", "engagement", "engagement of a day, mature", "day", READ_TOPICS, _TOPICS,
            lambda _, end, company: end + timedelta(hours=company.limits.late_hours),
            lambda _, end, company: end + timedelta(hours=company.sla.engagement_mature_hours), _holds),
    Promise("L-24", "engagement", "weekly analysis", "week", READ_TOPICS, _TOPICS,
            lambda _, end, __: end,
            lambda _, end, company: end + company.sla.weekly_analysis_due, _any),
)  # fmt: skip


def runs_of(rows: pl.DataFrame) -> list[Run]:
    """Return RUN rows as runs."""
    return [Run(**row) for row in rows.iter_rows(named=True)]


def periods(promise: Promise, runs: Iterable[Run], now: datetime, company: Company) -> list[Period]:
    """Return the periods of a promise from the one in which it was first kept at all to the running one.

    Args:
        promise: one of PROMISES.
        runs: those that have finished; later ones than `now` are not looked at.
        now: the wall clock.
        company: for the limits.

    Returns:
        Oldest first; nothing without a run: what was due before the first one was promised to nobody.
    """
    known = sorted(
        (run for run in runs if run.flow in promise.flows and run.finished_at <= now), key=lambda run: run.finished_at
    )
    if not known:
        return []
    marks = list(accumulate(map(promise.read, known), max))
    found = []
    for name, begin, end in _spans(promise.every, min(run.started_at for run in known), now):
        mark, month = promise.mark(begin, end, company), Month.of((end - _INSTANT).date())
        # No run before the first that had read so far can have published it.
        candidates = known[bisect_left(marks, mark) :]
        fits = (run.finished_at for run in candidates if promise.read(run) >= mark and promise.fits(run, month))
        found.append(Period(name, month, end, mark, promise.due(begin, end, company), next(fits, None)))
    return found


def _spans(every: str, since: datetime, now: datetime) -> list[tuple[str, datetime, datetime]]:
    if every == "week":
        first = week_start(since)
        count = (week_start(now) - first) // _WEEK + 1
        starts = [first + _WEEK * index for index in range(count)]
        return [(week_name(start), start, start + _WEEK) for start in starts]
    days = (now.date() - since.date()).days + 1
    dates: list[date] = [since.date() + _DAY * index for index in range(days)]
    return [(day.isoformat(), day_end(day) - _DAY, day_end(day)) for day in dates]


def overdue(found: Sequence[Period], now: datetime) -> Period | None:
    """Return the oldest period that is not out though it is past due."""
    return next((each for each in found if each.published_at is None and each.due < now), None)


def clock(found: Sequence[Period], now: datetime) -> timedelta:
    """Return the current clock: now less the end of the oldest period that could be out and is not; 0 if none."""
    waiting = (each for each in found if each.published_at is None and each.mark <= now)
    return max((now - each.end for each in waiting), default=timedelta())


def stale_since(latest_event: datetime | None, now: datetime, limit: timedelta) -> datetime | None:
    """Return since when the topics are stale: now − latest > limit (L-6); None while they are not.

    >>> from datetime import UTC
    >>> noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    >>> stale_since(noon, noon + timedelta(hours=48), timedelta(hours=48)) is None
    True
    """
    if latest_event is None or now - latest_event <= limit:
        return None
    return latest_event + limit
