"""The scoreboard: each service level with target, measure, verdict, since when, what is due next.

A missing evaluation never reads as met. Source: `operations.md` D.1.
"""

from dataclasses import dataclass
from datetime import timedelta

from compute.facts import WINDOW, Facts
from compute.score import Measure
from compute.sla_close import accurate, complete, drafted, resolved, signed
from compute.sla_fresh import published, stale, watched
from compute.sla_times import lagging, succeeded, timed, volumes
from compute.timing_limits import PROCESSING, QUERY, RAY, VALIDATION

YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Level:
    """A line of the scoreboard."""

    sla_id: str
    name: str
    target: str
    measure: Measure


LEVELS: tuple[Level, ...] = (
    Level("L-10", "profit within a day", "each day ≤ {profit_hours} h after its end", published(0)),
    Level("L-11", "growth by the end of the week", "each week before Monday 00:00Z", published(1)),
    Level("L-12", "engagement, preliminary", "each date ≤ {engagement_hours} h after its end", published(2)),
    Level("L-12", "engagement, mature", "each date ≤ {engagement_mature_hours} h after its end", published(3)),
    Level("L-6", "engagement is not stale", "latest event ≤ {engagement_hours} h ago", stale),
    Level("L-13", "draft of the month", "business day {due.business_day}, {due.time:%H:%M}Z", drafted),
    Level("L-14", "completeness 100 %", "nothing quarantined, nothing missing", complete),
    Level("L-15", "accuracy validated", "five sign-offs on the current hash", signed),
    Level("L-16", "critical incidents", "resolved ≤ {critical_hours} h", resolved("critical")),
    Level("L-17", "standard incidents", "resolved ≤ {standard_hours} h", resolved("standard")),
    Level("L-18", "incidents of an investor report", "resolved in the report's month", resolved("investor_report")),
    Level("L-19", "scheduled runs succeed", "≥ {success_rate:.1%}", succeeded(WINDOW)),
    Level("L-19", "scheduled runs succeed, a year", "≥ {success_rate:.1%}", succeeded(YEAR)),
    Level("watch", "the watch itself", "an evaluation in 2 × {watch_minutes} min", watched),
    Level("L-20", "a run's processing time", "< {processing_seconds} s", timed(PROCESSING)),
    Level("L-21", "volume as usual", "no alert", volumes),
    Level("L-22", "revenue agrees with the ledger", "RC-2 and RC-3 pass", accurate),
    Level("L-23", "growth validated in real time", "p95 ≤ {validation_seconds} s", timed(VALIDATION)),
    Level("L-24", "weekly analysis", "≤ {weekly_analysis_due} after the week", published(4)),
    Level("L-25", "Kafka lag", "≤ {kafka_lag_seconds} s", lagging),
    Level("L-26", "a Ray job's time", "< {compute_job_seconds} s", timed(RAY)),
    Level("L-27", "query time", "p95 < {query_seconds} s", timed(QUERY)),
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
