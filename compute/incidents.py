"""Incidents: an append-only log of events, and the current view that folds it.

An incident keeps the fields that a view or a rule reads. What opens and resolves one is in `compute.watch`.
Source: `operations.md` D.3.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from compute.due import IncidentClass, blocks
from compute.errors import PermanentError

Kind = Literal[
    "opened", "seen", "passed", "reopened", "acknowledged", "mitigated", "resolved", "closed", "merged", "notified",
]  # fmt: skip
Status = Literal["open", "acknowledged", "mitigated", "resolved", "closed"]
UNRESOLVED: tuple[Status, ...] = ("open", "acknowledged", "mitigated")
WATCH = "watch"  # who acts when no person does

# What a person or the watch does: from which states, and to which.
MOVES: Mapping[Kind, tuple[tuple[Status, ...], Status]] = {
    "acknowledged": (("open",), "acknowledged"),
    "mitigated": (("open", "acknowledged"), "mitigated"),
    "resolved": (UNRESOLVED, "resolved"),
    "closed": (("resolved",), "closed"),
    "merged": (UNRESOLVED, "closed"),
    "reopened": (("resolved", "closed"), "open"),
}


class IncidentMove(PermanentError):
    """What an incident's state, or its log, does not allow."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What a failing check says: the part of an incident that may change while it lasts.

    Attributes:
        check_id: the check; with dataset and scope it makes the fingerprint.
        dataset: dataset or pipeline.
        scope: date, hour, period, topic and partition, or account.
        title: one sentence.
        severity: 1 to 4.
        periods: months affected.
        first_bad_at: when it began, as far as is known.
        evidence: what was compared, with the numbers; no personal data.
    """

    check_id: str
    dataset: str
    scope: str
    title: str
    severity: int
    periods: tuple[str, ...]
    first_bad_at: datetime
    evidence: str

    @property
    def fingerprint(self) -> str:
        """What makes two failures one problem."""
        return hashlib.sha256(
            json.dumps([self.check_id, self.dataset, self.scope], ensure_ascii=False).encode()
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log.

    Attributes:
        sequence: place among the incident's events, from 1.
        by: a person, or `watch`.
        note: of a resolution what was done, of a close the root cause, of a merge the other incident; of `notified`
            the sequence of what was told, and the channel.
        problem: as the check saw it, of `opened`, `seen` and `reopened`; else None.
        kind_of: the class then; `due_at` the instant it is due.
        upstream: the open incident that caused it, or nothing (I-4).
    """

    incident_id: str
    sequence: int
    at: datetime
    kind: Kind
    by: str
    note: str = ""
    problem: Problem | None = None
    kind_of: IncidentClass | None = None
    owner_role: str = ""
    due_at: datetime | None = None
    upstream: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as it stands.

    Attributes:
        passes: consecutive passes of its check since it last failed.
        last_at: its last event; nothing may be earlier.
        notified_at: when the first channel was told of it.
    """

    incident_id: str
    problem: Problem
    kind_of: IncidentClass
    owner_role: str
    due_at: datetime
    detected_at: datetime
    last_at: datetime
    upstream: str = ""
    status: Status = "open"
    sequence: int = 1
    occurrences: int = 1
    passes: int = 0
    reopened_count: int = 0
    notified_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    mitigated_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""
    resolution: str = ""
    closed_at: datetime | None = None
    closed_by: str = ""
    root_cause: str = ""
    merged_into: str = ""

    @property
    def is_unresolved(self) -> bool:
        """Whether it still waits for a resolution."""
        return self.status in UNRESOLVED

    @property
    def blocks(self) -> tuple[str, ...]:
        """The months whose certification it blocks now."""
        return blocks(self.kind_of, self.problem.periods) if self.is_unresolved else ()

    def sla_met(self, now: datetime) -> bool | None:
        """Return whether it was resolved by its due instant; None while that is open, and of a merged one."""
        if self.resolved_at is not None:
            return self.resolved_at <= self.due_at
        return False if self.is_unresolved and now > self.due_at else None


def incident_id(fingerprint: str, at: datetime) -> str:
    """Return the name of an incident, as people call it."""
    return f"INC-{hashlib.sha256(f'{fingerprint} {at.isoformat()}'.encode()).hexdigest()[:8]}"


def fold(events: Iterable[Event]) -> dict[str, Incident]:
    """Return the current view: every incident by its id, in order of detection."""
    found: dict[str, Incident] = {}
    for event in sorted(events, key=lambda each: (each.incident_id, each.sequence)):
        found[event.incident_id] = after(found.get(event.incident_id), event)
    return dict(sorted(found.items(), key=lambda item: (item[1].detected_at, item[0])))


def _opened(event: Event) -> Incident:
    if event.problem is None or event.kind_of is None or event.due_at is None:
        raise IncidentMove(f"{event.incident_id} begins with '{event.kind}': its log has lost its first event.")
    return Incident(
        event.incident_id, event.problem, event.kind_of, event.owner_role, event.due_at,
        detected_at=event.at, last_at=event.at, upstream=event.upstream,
    )  # fmt: skip


def after(incident: Incident | None, event: Event) -> Incident:
    """Return an incident after an event, None before its first; that detection stays whatever happens (D.3).

    Raises:
        IncidentMove: when the first event does not open it.
    """
    if incident is None:
        return _opened(event)
    told = replace(incident, sequence=event.sequence, last_at=event.at)
    if event.problem is not None:
        told = replace(
            told, problem=replace(event.problem, first_bad_at=incident.problem.first_bad_at),
            kind_of=event.kind_of or told.kind_of, due_at=event.due_at or told.due_at,
            upstream=event.upstream, occurrences=told.occurrences + 1, passes=0,
        )  # fmt: skip
    if event.kind == "passed":
        return replace(told, passes=told.passes + 1)
    if event.kind == "notified":
        return replace(told, notified_at=told.notified_at or event.at)
    if event.kind in MOVES:
        return _moved(replace(told, status=MOVES[event.kind][1]), event)
    return told


def _moved(told: Incident, event: Event) -> Incident:
    match event.kind:
        case "acknowledged":
            first = told.acknowledged_at or event.at
            return replace(told, acknowledged_at=first, acknowledged_by=told.acknowledged_by or event.by)
        case "mitigated":
            return replace(told, mitigated_at=event.at)
        case "resolved":
            return replace(told, resolved_at=event.at, resolved_by=event.by, resolution=event.note)
        case "closed":
            return replace(told, closed_at=event.at, closed_by=event.by, root_cause=event.note)
        case "merged":
            return replace(told, closed_at=event.at, closed_by=event.by, merged_into=event.note)
        case _:
            return replace(
                told, resolved_at=None, resolved_by="", resolution="", closed_at=None, closed_by="", root_cause="",
                reopened_count=told.reopened_count + 1,
            )  # fmt: skip


def move(incident: Incident, kind: Kind, *, at: datetime, by: str, note: str = "") -> Event:
    """Return the event of an act on an incident.

    Raises:
        IncidentMove: when its state does not allow the act, or the clock was set back.
    """
    name, states = incident.incident_id, MOVES[kind][0]
    if incident.status not in states:
        raise IncidentMove(
            f"{name} is {incident.status} and cannot be {kind}: that takes one that is {' or '.join(states)}."
        )
    if at < incident.last_at:
        raise IncidentMove(
            f"{name} was last changed at {incident.last_at:%Y-%m-%dT%H:%M:%SZ}, after now ({at:%Y-%m-%dT%H:%M:%SZ}): "
            "the clock was set back; correct it and try again."
        )
    return Event(name, incident.sequence + 1, at, kind, by, note)


def time_to(incidents: Iterable[Incident]) -> Mapping[str, list[timedelta]]:
    """Return times to detect, acknowledge and resolve of incidents that got so far (I-7)."""
    known = list(incidents)
    return {
        "detect": [each.detected_at - each.problem.first_bad_at for each in known],
        "acknowledge": [each.acknowledged_at - each.detected_at for each in known if each.acknowledged_at],
        "resolve": [each.resolved_at - each.detected_at for each in known if each.resolved_at],
    }
