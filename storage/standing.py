"""What stands beside a draft of incidents and service levels: kept, so that its report is a function of the store.

It lies outside the statement, which depends on records alone: this depends on the clock.
"""

from collections.abc import Iterable
from typing import Any

from compute.facts import Facts
from compute.incidents import Incident
from compute.sla import scoreboard
from storage.told import Told


def incident_lines(known: Iterable[Incident], month: str) -> list[dict[str, Any]]:
    """Return the unresolved incidents that touch a month, and whether each blocks its certification."""
    return [
        {
            "incident": each.incident_id, "class": each.kind_of, "title": each.problem.title,
            "due_at": each.due_at.isoformat(), "blocks": month in each.blocks,
        }
        for each in known if each.is_unresolved and month in each.problem.periods
    ]  # fmt: skip


def standing_of(facts: Facts, month: str) -> Told:
    """Return what stands for the report of a month: its incidents, and the service levels at that instant."""
    board = [
        {name: row[name] for name in ("sla", "name", "target", "measured", "verdict")} for row in scoreboard(facts)
    ]
    return {
        "incidents": incident_lines(facts.incidents, month),
        "sla": board,
        "standing": [{"at": facts.now.isoformat(timespec="seconds")}],
    }
