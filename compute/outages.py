"""Outages: an hour without clicks that such hours always have; a quiet hour is none.

Source: `operations.md` L-5.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Literal

from compute.company_promises import Volume

HOUR = timedelta(hours=1)
WEEKS, FEWEST_WEEKS = 8, 6


@dataclass(frozen=True, slots=True)
class Clicks:
    """Accepted clicks by the hour of their event time.

    Attributes:
        by_hour: the hours that have some, by their begin.
        first: the first hour that is known at all.
        left_out: hours inside incidents: they teach nothing.
    """

    by_hour: Mapping[datetime, int]
    first: datetime
    left_out: Collection[datetime] = ()


@dataclass(frozen=True, slots=True)
class Silence:
    """An hour without clicks.

    Attributes:
        usual: the median of the same hour in the weeks before; None when too few of them are known.
        verdict: `gap` when it was to have some, `no_power` when nobody can tell.
    """

    hour: datetime
    verdict: Literal["gap", "no_power"]
    usual: float | None


@dataclass(frozen=True, slots=True)
class Outage:
    """Hours in a row without clicks, from the first one that was to have some."""

    first: datetime
    gaps: int
    until: datetime
    usual: float


def silences(hours: Iterable[datetime], clicks: Clicks, settings: Volume, holidays: Collection[date]) -> list[Silence]:
    """Return the hours that have no clicks, with a verdict each.

    Args:
        hours: begins of hours that are over, as far as the topic is known.
        clicks: what is known; the judged hour is not looked at for its own history.
        settings: `[volume]`.
        holidays: `[calendar]`; of an hour on one of them nobody can tell.
    """
    return [_silence(hour, clicks, settings, holidays) for hour in hours if not clicks.by_hour.get(hour)]


def _silence(hour: datetime, clicks: Clicks, settings: Volume, holidays: Collection[date]) -> Silence:
    weeks = (hour - timedelta(weeks=back) for back in range(1, WEEKS + 1))
    known = [
        clicks.by_hour.get(each, 0)
        for each in weeks
        if each >= clicks.first and each.date() not in holidays and each not in clicks.left_out
    ]
    if len(known) < FEWEST_WEEKS:
        return Silence(hour, "no_power", None)
    usual = median(known)
    is_active = min(known) > 0 and usual >= settings.active_hour_clicks and hour.date() not in holidays
    return Silence(hour, "gap" if is_active else "no_power", usual)


def outages(found: Iterable[Silence]) -> list[Outage]:
    """Return the gaps that follow each other without a click between them as one outage each: it is one problem."""
    made: list[Outage] = []
    until: datetime | None = None
    for each in sorted(found, key=lambda silence: silence.hour):
        is_next = bool(made) and each.hour == until
        if each.verdict == "gap" and each.usual is not None:
            last = made.pop() if is_next else Outage(each.hour, 0, each.hour, each.usual)
            made.append(Outage(last.first, last.gaps + 1, each.hour + HOUR, max(last.usual, each.usual)))
        until = each.hour + HOUR if is_next or each.verdict == "gap" else None
    return made


def hours_of(first: datetime, end: datetime) -> list[datetime]:
    """Return the begins of the whole hours between two instants.

    >>> from datetime import UTC
    >>> ten = datetime(2024, 1, 1, 10, tzinfo=UTC)
    >>> [f"{hour:%H}" for hour in hours_of(ten, ten + timedelta(hours=2, minutes=59))]
    ['10', '11']
    """
    begin = first.replace(minute=0, second=0, microsecond=0)
    begin += HOUR if begin < first else timedelta()
    return [begin + HOUR * index for index in range(max(0, (end - begin) // HOUR))]
