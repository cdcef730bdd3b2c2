"""The watch: evaluates the checks at an instant, also while nothing else runs, and keeps the register of incidents.

Source: `operations.md` D.1 to D.3.
"""

from datetime import datetime

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from compute.evaluation import evaluate
from compute.incidents import Event
from compute.verdicts import verdicts
from compute.watch import advance
from flows.job import RETRY, Job, Stopwatch, say, start
from flows.notices import tell_people
from flows.parameters import Instant
from flows.settings import parse_instant
from flows.standing import leave
from storage.facts import gather_facts
from storage.facts_quality import with_alerts
from storage.facts_volume import with_silences
from storage.incidents import append_events, current_incidents
from storage.shape import ALL
from storage.verdicts import keep_verdicts
from storage.watched import HEARTBEAT, INCIDENT_EVENT, VERDICTS


@flow(name="watch")
def watch(at: Instant = None) -> dict[str, int]:
    """Evaluate every check, open and resolve incidents, and tell of each problem once.

    Args:
        at: Evaluate at this instant, written as 2024-02-02T12:00:00Z; now without it.

    Returns:
        How many problems there are, how many incidents were opened and resolved.
    """
    job = start("watch")
    now = parse_instant(at) if at else job.started_at
    look_at_broker(job, now)
    told = keep_register(job, now)
    kinds = [event.kind for event in told]
    failing = sum(event.problem is not None for event in told)
    tell_people(job, now)
    leave(job, told, now)
    say("watch", failing=failing, opened=kinds.count("opened"), resolved=kinds.count("resolved"))
    return {"failing": failing, "opened": kinds.count("opened"), "resolved": kinds.count("resolved")}


def look_at_broker(job: Job, now: datetime) -> None:
    """Keep how far the topics are read, or why the broker does not answer; without a broker nothing is asked (L-25)."""
    if job.broker:
        from flows.lag import keep_what_is_seen  # noqa: PLC0415 - it loads the broker's client

        keep_what_is_seen(job, job.broker, now)


@task(task_run_name="evaluate and keep the register", cache_policy=NO_CACHE, **RETRY)
def keep_register(job: Job, now: datetime) -> list[Event]:
    """Append what the checks say to the log, then verdicts and heartbeat; returns the events."""
    stopwatch = Stopwatch(job, INCIDENT_EVENT.name)
    log = job.lake.open(INCIDENT_EVENT)
    known = current_incidents(log)
    facts = with_alerts(job.lake, with_silences(job.lake, gather_facts(job.lake, job.company, now)))
    events = advance(known, evaluate(facts), now, job.company)
    append_events(log, events, stopwatch.work(rows=len(events)))
    keep_verdicts(job.lake, verdicts(facts), stopwatch.work(rows=0, dataset=VERDICTS.name))
    failing = sum(event.problem is not None for event in events)
    beat = pl.DataFrame([{"at": now, "failing": failing}], schema=dict(HEARTBEAT.schema))
    work = stopwatch.work(rows=1, dataset=HEARTBEAT.name)
    job.lake.open(HEARTBEAT).replace(beat, {ALL: now.isoformat()}, work)
    return list(events)
