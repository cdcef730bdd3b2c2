"""The register of incidents: events are appended, the current view is folded from them."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from compute.incidents import Event, Incident, IncidentMove, Problem, fold
from storage.table import Table
from storage.watched import INCIDENT_EVENT
from storage.work import Work


def events_of(log: Table) -> list[Event]:
    """Return the events of the log at its version."""
    return [_event(row) for row in log.read().iter_rows(named=True)]


def current_incidents(log: Table) -> dict[str, Incident]:
    """Return every incident as it stands at the log's version, oldest first."""
    return fold(events_of(log))


def append_events(log: Table, events: Iterable[Event], work: Work) -> None:
    """Add events to the log that they follow from, in one commit.

    Raises:
        LakeBusy: when somebody else added to it since it was opened: what follows may be something else then.
    """
    rows = [_row(event) for event in events]
    if rows:
        log.append(pl.DataFrame(rows, schema=dict(INCIDENT_EVENT.schema)), work)


def require_incident(known: dict[str, Incident], name: str) -> Incident:
    """Return the incident of a name, or of the beginning of one.

    Raises:
        IncidentMove: when there is none, or several.
    """
    found = [each for each in known.values() if each.incident_id.casefold().startswith(name.casefold())]
    if len(found) != 1:
        what = f"{len(found)} incidents begin with" if found else "There is no incident"
        raise IncidentMove(f"{what} '{name}': techflow incidents list --all shows them.")
    return found[0]


def _event(row: dict[str, Any]) -> Event:
    problem = Problem(
        row["check_id"], row["dataset"], row["scope"], row["title"], row["severity"], tuple(row["periods"]),
        row["first_bad_at"], row["evidence"],
    ) if row["fingerprint"] else None  # fmt: skip
    return Event(
        row["incident_id"], row["sequence"], row["at"], row["kind"], row["by"], row["note"], problem,
        row["class"], row["owner_role"], row["due_at"], row["upstream"],
    )  # fmt: skip


def _row(event: Event) -> dict[str, Any]:
    told = event.problem
    return {
        "incident_id": event.incident_id, "sequence": event.sequence, "at": event.at, "kind": event.kind,
        "by": event.by, "note": event.note, "fingerprint": told.fingerprint if told else "",
        "check_id": told.check_id if told else "", "dataset": told.dataset if told else "",
        "scope": told.scope if told else "", "title": told.title if told else "", "class": event.kind_of,
        "severity": told.severity if told else None, "periods": list(told.periods) if told else [],
        "first_bad_at": told.first_bad_at if told else None, "evidence": told.evidence if told else "",
        "owner_role": event.owner_role, "due_at": event.due_at, "upstream": event.upstream,
    }  # fmt: skip
