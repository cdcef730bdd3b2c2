"""Service levels of freshness: days and weeks that come out in time, engagement that is not stale, the watch itself.

Source: `operations.md` D.1, L-6, L-10 to L-12, L-24.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from compute.facts import WINDOW, Facts
from compute.publication import PROMISES, Period, clock, periods, stale_since
from compute.score import Measure, Score, hours


def published(index: int) -> Measure:
    """Return the measure of a promise of PROMISES."""

    def measure(facts: Facts) -> Score:
        found = periods(PROMISES[index], facts.runs, facts.now, facts.company)
        return _kept(found, facts.now)

    return measure


def _kept(found: Sequence[Period], now: datetime) -> Score:
    """Return how many periods of the window were out in time, the worst of them, and the current clock."""
    if not found:
        return Score("no run has finished yet", "no_data")
    judged = decided(found, now)
    late = [each for each in judged if each.is_late(now)]
    next_due = min((each.due for each in found if each.published_at is None and each.due >= now), default=None)
    age = hours(clock(found, now))
    if not judged:
        return Score(f"none due yet; clock {age}", "open", next_due=next_due)
    worst = max((each.published_at or now) - each.end for each in judged)
    told = f"{len(judged) - len(late)} of {len(judged)} in time; worst {hours(worst)} after its end; clock {age}"
    since = min((each.due for each in late), default=None)
    return Score(told, "breached" if late else "met", since, next_due)


def decided(found: Sequence[Period], now: datetime) -> list[Period]:
    """Return the periods of the last 28 days that are out or overdue, and older ones that are still not out."""
    recent = [each for each in found if each.due >= now - WINDOW or each.published_at is None]
    return [each for each in recent if each.published_at is not None or each.due < now]


def stale(facts: Facts) -> Score:
    """Return how old the greatest accepted event time is (L-6)."""
    limit = timedelta(hours=facts.company.sla.engagement_hours)
    if facts.latest_event is None:
        return Score("no event yet", "no_data")
    since = stale_since(facts.latest_event, facts.now, limit)
    told = f"latest event {facts.latest_event:%Y-%m-%dT%H:%MZ}, {hours(facts.now - facts.latest_event)} ago"
    return Score(told, "breached" if since else "met", since, None if since else facts.latest_event + limit)


def watched(facts: Facts) -> Score:
    """Return when the watch last evaluated."""
    if facts.heartbeat is None:
        return Score("the watch has never run", "no_data")
    limit = facts.heartbeat + facts.silence
    told = f"last evaluation {facts.heartbeat:%Y-%m-%dT%H:%M:%SZ}"
    return Score(told, "breached", limit) if facts.now > limit else Score(told, "met", next_due=limit)
