"""How a notice reads: to people a subject and a few lines, to machines a CloudEvent.

Source: `operations.md` D.3, I-5; D.4, CloudEvents 1.0.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from compute.checks import CHECKS
from compute.incidents import Incident
from compute.notices import News

SOURCE = "/techflow/watch"
_HEADS: Mapping[str, str] = {
    "opened": "New incident",
    "reopened": "Open again",
    "changed": "More urgent now",
    "resolved": "Resolved",
    "merged": "Part of another incident now",
}


def runbook_url(incident: Incident, runbook: str) -> str:
    """Return where the runbook says what to do.

    Args:
        incident: of any check.
        runbook: the address of the runbook.
    """
    return f"{runbook}#{CHECKS[incident.problem.check_id].heading}"


def length(span: timedelta) -> str:
    """Return a length of time as people read it.

    >>> length(timedelta(hours=50)), length(timedelta(minutes=61)), length(timedelta(seconds=59))
    ('2 d 2 h', '1 h 1 min', '0 h 0 min')
    """
    minutes = int(span.total_seconds()) // 60
    days, hours = divmod(minutes // 60, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min"


def left(incident: Incident, now: datetime) -> str:
    """Return how long there is until it is due; of a resolved one whether that was in time."""
    met = incident.sla_met(now)
    if incident.is_unresolved:
        return f"overdue by {length(now - incident.due_at)}" if met is False else length(incident.due_at - now)
    return "" if met is None else "met" if met else "late"


def kind_words(incident: Incident) -> str:
    """Return the class in words."""
    return incident.kind_of.replace("_", " ")


def blocks_words(incident: Incident) -> str:
    """Return what it blocks, in words (I-5)."""
    return f"certification of {', '.join(incident.blocks)}" if incident.blocks else "nothing"


def subject(incident: Incident, news: News) -> str:
    """Return one line: what is new, how bad it is, what it is about."""
    return f"{_HEADS[news.what]} [{kind_words(incident)}]: {incident.problem.title}"


def body(incident: Incident, news: News, now: datetime, *, on_call: str, runbook: str) -> str:
    """Return the lines of a message: plain text that reads well in a chat and in a mail.

    Args:
        incident: as it stands.
        news: what is told of it.
        now: the wall clock.
        on_call: who is; empty when nobody is named.
        runbook: the address of the runbook.
    """
    over, owner = not incident.is_unresolved, incident.owner_role
    facts = {
        "Class": f"{kind_words(incident)}, severity {incident.problem.severity}",
        "Detected": _at(incident.detected_at),
        "Due": "" if over else f"{_at(incident.due_at)}, {_in(incident, now)}",
        "Blocks": "" if over else blocks_words(incident),
        "Resolved": _resolution(incident, now),
        "Merged into": incident.merged_into,
        "Owner": f"{owner}, on call: {on_call}" if on_call else owner,
        "Evidence": incident.problem.evidence,
        "What to do": "" if over else runbook_url(incident, runbook),
        "I am on it": "" if over or incident.acknowledged_at else f"techflow incidents ack {incident.incident_id}",
        "More": f"techflow incidents show {incident.incident_id}",
    }
    lines = [f"{name}: {value}" for name, value in facts.items() if value]
    return "\n".join([incident.problem.title, "", f"Incident: {incident.incident_id}, {incident.status}", *lines])


def _in(incident: Incident, now: datetime) -> str:
    words = left(incident, now)
    return words if words.startswith("overdue") else f"in {words}"


def _resolution(incident: Incident, now: datetime) -> str:
    if incident.resolved_at is None:
        return ""
    took = length(incident.resolved_at - incident.detected_at)
    verdict = "in time" if incident.sla_met(now) else "late"
    return f"{_at(incident.resolved_at)} by {incident.resolved_by} after {took}, {verdict}: {incident.resolution}"


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}Z"


def cloud_event(incident: Incident, news: News, runbook: str) -> dict[str, Any]:
    """Return the news as a CloudEvent: the same id however often it is sent."""
    return {
        "specversion": "1.0",
        "id": f"{incident.incident_id}-{news.sequence}",
        "source": SOURCE,
        "type": f"techflow.incident.{news.what}",
        "subject": incident.incident_id,
        "time": news.at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {
            "title": incident.problem.title,
            "status": incident.status,
            "class": incident.kind_of,
            "severity": incident.problem.severity,
            "check_id": incident.problem.check_id,
            "dataset": incident.problem.dataset,
            "scope": incident.problem.scope,
            "evidence": incident.problem.evidence,
            "owner_role": incident.owner_role,
            "detected_at": incident.detected_at.isoformat(),
            "due_at": incident.due_at.isoformat(),
            "resolved_at": incident.resolved_at.isoformat() if incident.resolved_at else None,
            "blocks_certification_of": list(incident.blocks),
            "runbook_url": runbook_url(incident, runbook),
        },
    }
