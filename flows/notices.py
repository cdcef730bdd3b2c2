"""The watch tells people of incidents; what was told is an event of the register, written after the delivery.

Source: `operations.md` I-1, I-4, I-6; D.4, CloudEvents.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event

from compute.incidents import after
from compute.notice_words import body, cloud_event, subject
from compute.notices import Notice, notified, owed
from compute.rotation import on_call
from flows.job import RETRY, Job, Stopwatch, say
from flows.notify import Message, deliver
from flows.settings import Settings, load_settings
from storage.incidents import append_events, current_incidents, events_of
from storage.watched import INCIDENT_EVENT

EVENTS = "prefect-events"  # the channel that is always there: automations listen to it


def tell_people(job: Job, now: datetime) -> None:
    """Tell each channel what it has not heard; what a channel does not take is told by the next watch."""
    settings = load_settings()
    notices = owed(events_of(job.lake.open(INCIDENT_EVENT)), (EVENTS, *settings.channels), now)
    told = [each for each in notices if each.channel == EVENTS]
    for notice in told:
        _emit(notice, settings.runbook)
    told += _deliver(job, [each for each in notices if each.channel != EVENTS], settings, now)
    if told:
        record_told(job, [(each.incident.incident_id, each.news.sequence, each.channel) for each in told], now)


def _emit(notice: Notice, runbook: str) -> None:
    incident, told = notice.incident, cloud_event(notice.incident, notice.news, runbook)
    say(
        f"{incident.incident_id} {notice.news.what}: {incident.problem.title}",
        **{"class": incident.kind_of}, owner=incident.owner_role, due=incident.due_at.isoformat(),
        blocks=",".join(incident.blocks) or "nothing",
    )  # fmt: skip
    emit_event(
        event=told["type"],
        resource={
            "prefect.resource.id": f"techflow.incident.{incident.incident_id}",
            "prefect.resource.name": incident.problem.title,
            "techflow.class": incident.kind_of,
            "techflow.severity": str(incident.problem.severity),
            "techflow.owner": incident.owner_role,
        },
        payload=told,
        id=uuid5(NAMESPACE_URL, f"{told['source']}/{told['id']}"),
    )


def _deliver(job: Job, notices: Sequence[Notice], settings: Settings, now: datetime) -> list[Notice]:
    """Return the notices that were delivered; of each channel that failed one sentence is logged."""
    person = on_call(now.date(), job.company.roles.operations, job.company.calendar.holidays)
    by_channel: dict[str, list[Notice]] = {}
    for notice in notices:
        by_channel.setdefault(notice.channel, []).append(notice)
    outcomes = deliver({
        channel: [
            Message(
                subject(each.incident, each.news),
                body(each.incident, each.news, now, on_call=person, runbook=settings.runbook),
                cloud_event(each.incident, each.news, settings.runbook),
            )
            for each in ours
        ]
        for channel, ours in by_channel.items()
    })  # fmt: skip
    for channel, outcome in outcomes.items():
        if outcome.problem:
            waiting = _waiting(len(by_channel[channel]) - len(outcome.taken))
            get_run_logger().warning("%s; %s for the next watch.", outcome.problem, waiting)
    return [ours[place] for channel, ours in by_channel.items() for place in outcomes[channel].taken]


def _waiting(count: int) -> str:
    return "1 notice waits" if count == 1 else f"{count} notices wait"


@task(task_run_name="record who was told", cache_policy=NO_CACHE, **RETRY)
def record_told(job: Job, told: Sequence[tuple[str, int, str]], now: datetime) -> None:
    """Append to the log who was told of what; only this is tried again, not the telling."""
    stopwatch, log = Stopwatch(job, INCIDENT_EVENT.name), job.lake.open(INCIDENT_EVENT)
    known, events = current_incidents(log), []
    for name, sequence, channel in told:
        event = notified(known[name], sequence, channel, now)
        known[name] = after(known[name], event)
        events.append(event)
    append_events(log, events, stopwatch.work(rows=len(events)))
