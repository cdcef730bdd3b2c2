"""The scoreboard: each service level with target, measure, verdict, since when, what is due next.

A missing evaluation never reads as met. What this program does not measure yet says so.
Source: `operations.md` D.1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from compute.calendar import close_due
from compute.company import Company
from compute.due import IncidentClass
from compute.incidents import Incident
from compute.months import Month
from compute.publication import PROMISES, Period, Run, clock, periods, stale_since
from compute.success import success
from compute.volume import Judgement

Verdict = Literal["met", "open", "breached", "no_data"]
WINDOW = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the lake tells of the service levels.

    Attributes:
        now: the wall clock.
        drafts: month → when its first draft was made.
        gates: month → gate → verdict of the reconciliation.
        open_rows: month → rows quarantined and missing.
        incidents: the current view.
        latest_event: the greatest accepted event time of the topics, not later than now.
        refused: dataset and month → rows of refused batches.
        volumes: dataset → judgements, oldest date first.
        ray_seconds: of each Ray job when it was done, and how long it took.
        heartbeat: when the watch last evaluated.
    """

    now: datetime
    company: Company
    runs: Sequence[Run] = ()
    drafts: Mapping[str, datetime] = field(default_factory=dict)
    gates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    open_rows: Mapping[str, int] = field(default_factory=dict)
    incidents: Sequence[Incident] = ()
    latest_event: datetime | None = None
    refused: Mapping[tuple[str, str], int] = field(default_factory=dict)
    volumes: Mapping[str, Sequence[Judgement]] = field(default_factory=dict)
    ray_seconds: Sequence[tuple[datetime, float]] = ()
    heartbeat: datetime | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """One service level now."""

    measured: str
    verdict: Verdict
    since: datetime | None = None
    next_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A line of the scoreboard."""

    sla_id: str
    name: str
    target: str
    measure: Callable[[Facts], Score]


NOT_MEASURED = Score("not measured yet", "no_data")


def _published(index: int) -> Callable[[Facts], Score]:
    def measure(facts: Facts) -> Score:
        found = periods(PROMISES[index], facts.runs, facts.now, facts.company)
        return _kept(found, facts.now)

    return measure


def _kept(found: Sequence[Period], now: datetime) -> Score:
    """Return how many periods of the window were out in time, the worst of them, and the current clock."""
    if not found:
        return Score("no run has finished yet", "no_data")
    recent = [each for each in found if each.due >= now - WINDOW or each.published_at is None]
    judged = [each for each in recent if each.published_at is not None or each.due < now]
    late = [each for each in judged if each.is_late(now)]
    next_due = min((each.due for each in found if each.published_at is None and each.due >= now), default=None)
    age = _hours(clock(found, now))
    if not judged:
        return Score(f"none due yet; clock {age}", "open", next_due=next_due)
    worst = max((each.published_at or now) - each.end for each in judged)
    told = f"{len(judged) - len(late)} of {len(judged)} in time; worst {_hours(worst)} after its end; clock {age}"
    since = min((each.due for each in late), default=None)
    return Score(told, "breached" if late else "met", since, next_due)


def _hours(length: timedelta) -> str:
    return f"{length.total_seconds() / 3600:.1f} h"


def _stale(facts: Facts) -> Score:
    limit = timedelta(hours=facts.company.sla.engagement_hours)
    if facts.latest_event is None:
        return Score("no event yet", "no_data")
    since = stale_since(facts.latest_event, facts.now, limit)
    told = f"latest event {facts.latest_event:%Y-%m-%dT%H:%MZ}, {_hours(facts.now - facts.latest_event)} ago"
    return Score(told, "breached" if since else "met", since, None if since else facts.latest_event + limit)


def closing(facts: Facts) -> list[tuple[Month, datetime, datetime | None]]:
    """Return the months whose draft was due since the first run, or will be next: month, due, when it was made."""
    first = min((run.started_at for run in facts.runs if run.finished_at <= facts.now), default=None)
    if first is None:
        return []
    months = Month.of(first.date()).plus(-1).until(Month.of(facts.now.date()))
    dues = ((month, closing_due(facts, str(month))) for month in months)
    return [(month, due, facts.drafts.get(str(month))) for month, due in dues if due >= first]


def closing_due(facts: Facts, month: str) -> datetime:
    """Return when the draft of a month is due."""
    return close_due(Month.parse(month), facts.company.close.draft_due, facts.company.calendar.holidays)


def _drafted(facts: Facts) -> Score:
    found = closing(facts)
    if not found:
        return Score("no run has finished yet", "no_data")
    late = [due for _, due, made in found if (made or facts.now) > due]
    waiting = [due for _, due, made in found if made is None and due >= facts.now]
    told = [f"{month} {f'drafted {made:%Y-%m-%dT%H:%MZ}' if made else 'has no draft'}" for month, _, made in found]
    decided = len(found) > len(waiting)
    verdict: Verdict = "breached" if late else "met" if decided else "open"
    return Score(f"{told[-1]}; nothing is certified yet", verdict, min(late, default=None), min(waiting, default=None))


def _complete(facts: Facts) -> Score:
    if not facts.open_rows:
        return Score("no month has been drafted yet", "no_data")
    month = max(facts.open_rows)
    count = facts.open_rows[month]
    return _by_draft(facts, month, f"{month}: {count} rows quarantined or missing", is_good=count == 0)


def _accurate(facts: Facts) -> Score:
    if not facts.gates:
        return Score("no month has been reconciled yet", "no_data")
    month = max(facts.gates)
    verdicts = {gate: facts.gates[month].get(gate, "unverified") for gate in ("RC-2", "RC-3")}
    told = f"{month}: " + ", ".join(f"{gate} {verdict}" for gate, verdict in verdicts.items())
    if "unverified" in verdicts.values():
        return Score(told, "no_data")
    return _by_draft(facts, month, told, is_good=set(verdicts.values()) == {"pass"})


def _watched(facts: Facts) -> Score:
    if facts.heartbeat is None:
        return Score("the watch has never run", "no_data")
    limit = facts.heartbeat + silence(facts.company)
    told = f"last evaluation {facts.heartbeat:%Y-%m-%dT%H:%M:%SZ}"
    return Score(told, "breached", limit) if facts.now > limit else Score(told, "met", next_due=limit)


def silence(company: Company) -> timedelta:
    """Return how long the watch may be silent: two of its intervals."""
    return 2 * timedelta(minutes=company.sla.watch_minutes)


def _by_draft(facts: Facts, month: str, told: str, *, is_good: bool) -> Score:
    """Judge what a month must have when its draft is due."""
    due = closing_due(facts, month)
    if is_good:
        return Score(told, "met")
    return Score(told, "breached", since=due) if facts.now > due else Score(told, "open", next_due=due)


def _resolved(kind: IncidentClass) -> Callable[[Facts], Score]:
    def measure(facts: Facts) -> Score:
        ours = [each for each in facts.incidents if each.kind_of == kind and not each.merged_into]
        recent = [
            each for each in ours if each.is_unresolved or (each.resolved_at or facts.now) >= facts.now - WINDOW
        ]  # fmt: skip
        late = [each.due_at for each in recent if each.sla_met(facts.now) is False]
        waiting = [each.due_at for each in recent if each.is_unresolved]
        next_due = min((due for due in waiting if due >= facts.now), default=None)
        left = f"; {_hours(next_due - facts.now)} left" if next_due else ""
        told = f"{len(waiting)} open, {len(recent) - len(waiting)} resolved in 28 days, {len(late)} late{left}"
        verdict: Verdict = "breached" if late else "open" if waiting else "met"
        return Score(told, verdict, min(late, default=None), next_due)

    return measure


def _succeeded(facts: Facts) -> Score:
    found = success(facts.runs, facts.now, WINDOW, facts.company.sla)
    if found is None:
        return Score("no scheduled run yet", "no_data")
    share = (found.slots - len(found.failed)) / found.slots
    told = f"{share:.1%} of {found.slots} in 28 days; {len(found.failed)} failed, {found.allowed} allowed"
    is_broken = len(found.failed) > found.allowed
    return Score(told, "breached" if is_broken else "met", found.failed[found.allowed] if is_broken else None)


def _processed(facts: Facts) -> Score:
    runs = [run for run in facts.runs if facts.now - WINDOW <= run.finished_at <= facts.now]
    return _timed(
        [(run.finished_at, (run.finished_at - run.started_at).total_seconds()) for run in runs],
        facts.company.sla.processing_seconds,
        "no run in 28 days",
    )


def _ray_jobs(facts: Facts) -> Score:
    done = [(at, seconds) for at, seconds in facts.ray_seconds if facts.now - WINDOW <= at <= facts.now]
    return _timed(done, facts.company.sla.compute_job_seconds, "no Ray job in 28 days")


def _timed(done: Sequence[tuple[datetime, float]], limit: int, nothing: str) -> Score:
    if not done:
        return Score(nothing, "no_data")
    seconds = sorted(length for _, length in done)
    p50, p95 = (seconds[-(-len(seconds) * share // 100) - 1] for share in (50, 95))
    since = min((at for at, length in done if length >= limit), default=None)
    told = f"p50 {p50:.1f} s, p95 {p95:.1f} s, max {seconds[-1]:.1f} s of {len(seconds)}"
    return Score(told, "breached" if since else "met", since)


def _volumes(facts: Facts) -> Score:
    newest = {name: judged[-1] for name, judged in sorted(facts.volumes.items()) if judged}
    if not newest:
        return Score("no date is judged yet", "no_data")
    told = ", ".join(f"{name} {each.verdict}" for name, each in newest.items())
    bad = [each for each in newest.values() if each.verdict in ("alert", "zero")]
    known = [each for each in newest.values() if each.verdict != "learning"]
    return Score(told, "breached" if bad else "met" if known else "no_data")


LEVELS: tuple[Level, ...] = (
    Level("L-10", "profit within a day", "each day ≤ {profit_hours} h after its end", _published(0)),
    Level("L-11", "growth by the end of the week", "each week before Monday 00:00Z", _published(1)),
    Level("L-12", "engagement, preliminary", "each date ≤ {engagement_hours} h after its end", _published(2)),
    Level("L-12", "engagement, mature", "each date ≤ {engagement_mature_hours} h after its end", _published(3)),
    Level("L-6", "engagement is not stale", "latest event ≤ {engagement_hours} h ago", _stale),
    Level("L-13", "draft of the month", "business day {due.business_day}, {due.time:%H:%M}Z", _drafted),
    Level("L-14", "completeness 100 %", "nothing quarantined, nothing missing", _complete),
    Level("L-15", "accuracy validated", "five sign-offs on the current hash", lambda _: NOT_MEASURED),
    Level("L-16", "critical incidents", "resolved ≤ {critical_hours} h", _resolved("critical")),
    Level("L-17", "standard incidents", "resolved ≤ {standard_hours} h", _resolved("standard")),
    Level("L-18", "incidents of an investor report", "resolved in the report's month", _resolved("investor_report")),
    Level("L-19", "scheduled runs succeed", "≥ {success_rate:.1%}", _succeeded),
    Level("watch", "the watch itself", "an evaluation in 2 × {watch_minutes} min", _watched),
    Level("L-20", "a run's processing time", "< {processing_seconds} s", _processed),
    Level("L-21", "volume as usual", "no alert", _volumes),
    Level("L-22", "revenue agrees with the ledger", "RC-2 and RC-3 pass", _accurate),
    Level("L-23", "growth validated in real time", "p95 ≤ {validation_seconds} s", lambda _: NOT_MEASURED),
    Level("L-24", "weekly analysis", "≤ {weekly_analysis_due} after the week", _published(4)),
    Level("L-25", "Kafka lag", "≤ {kafka_lag_seconds} s", lambda _: NOT_MEASURED),
    Level("L-26", "a Ray job's time", "< {compute_job_seconds} s", _ray_jobs),
    Level("L-27", "query time", "p95 < {query_seconds} s", lambda _: NOT_MEASURED),
)


def scoreboard(facts: Facts) -> list[dict[str, object]]:
    """Return the service levels with their scores: id, name, target, measured, verdict, since and next due."""
    limits = {**dict(facts.company.sla), "due": facts.company.close.draft_due}
    rows: list[dict[str, object]] = []
    for level in LEVELS:
        score = level.measure(facts)
        rows.append({
            "sla": level.sla_id, "name": level.name, "target": level.target.format(**limits),
            "measured": score.measured, "verdict": score.verdict, "since": score.since, "next_due": score.next_due,
        })  # fmt: skip
    return rows
