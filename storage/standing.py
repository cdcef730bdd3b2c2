"""What stands beside a draft of incidents and service levels: kept, so that its report is a function of the store.

It lies outside the statement, which depends on records alone: this depends on the clock.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from compute.incidents import Incident
from compute.sla import Facts, scoreboard
from storage.lake import Lake
from storage.watched import STANDING
from storage.work import Work

Standing = dict[str, list[dict[str, Any]]]


def incident_lines(known: Iterable[Incident], month: str) -> list[dict[str, Any]]:
    """Return the unresolved incidents that touch a month, and whether each blocks its certification."""
    return [
        {
            "incident": each.incident_id, "class": each.kind_of, "title": each.problem.title,
            "due_at": each.due_at.isoformat(), "blocks": month in each.blocks,
        }
        for each in known if each.is_unresolved and month in each.problem.periods
    ]  # fmt: skip


def standing_of(facts: Facts, month: str) -> Standing:
    """Return what stands for the report of a month: its incidents, and the service levels at that instant."""
    board = [
        {name: row[name] for name in ("sla", "name", "target", "measured", "verdict")} for row in scoreboard(facts)
    ]
    return {
        "incidents": incident_lines(facts.incidents, month),
        "sla": board,
        "standing": [{"at": facts.now.isoformat(timespec="seconds")}],
    }


def save_standings(lake: Lake, standings: Mapping[str, Standing], keys: Mapping[str, str], work: Work) -> None:
    """Keep what stands beside snapshots, in place of what was kept before.

    Raises:
        LakeBusy: when another run keeps some meanwhile.
    """
    rows = [{"snapshot_id": name, "standing": json.dumps(each, sort_keys=True)} for name, each in standings.items()]
    lake.open(STANDING).replace(pl.DataFrame(rows, schema=dict(STANDING.schema)), keys, work)


def read_standing(lake: Lake, snapshot_id: str) -> Standing:
    """Return what stands beside a snapshot; empty when nothing was kept."""
    rows = lake.read(STANDING, pl.col("snapshot_id") == snapshot_id)
    found: Standing = json.loads(rows.item(0, "standing")) if rows.height else {}
    return found
