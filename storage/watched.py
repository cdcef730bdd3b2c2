"""The tables of the watch: what it keeps of runs, of itself, and of incidents.

They are no function of the records, so they stand beside `storage.catalog`, whose tables are.
"""

import polars as pl

from compute.contracts.contract import INSTANT
from compute.publication import RUN
from storage.dataset import Dataset

RUNS = Dataset(
    name="watch/run",
    schema=RUN,
    key=("flow", "started_at"),
    description="A flow run that ended in success, also one that had nothing to write: by it days and weeks come out.",
)
HEARTBEAT = Dataset(
    name="watch/heartbeat",
    schema={"at": INSTANT, "failing": pl.Int64},
    key=("at",),
    description="The last evaluation of the watch.",
    is_pinned=False,  # a version every five minutes
)
BACKFILL = Dataset(
    name="watch/backfill_audit",
    schema={
        "scope": pl.String,
        "month": pl.String,
        "by": pl.String,
        "hash_before": pl.String,
        "hash_after": pl.String,
        "started_at": INSTANT,
        "finished_at": INSTANT,
    },
    key=("month", "started_at"),
    description="A month that a backfill brought up to date: of which range, who began it, what it changed.",
)
INCIDENT_EVENT = Dataset(
    name="watch/incident_event",
    schema={
        "incident_id": pl.String,
        "sequence": pl.Int64,
        "at": INSTANT,
        "kind": pl.String,
        "by": pl.String,
        "note": pl.String,
        "fingerprint": pl.String,
        "check_id": pl.String,
        "dataset": pl.String,
        "scope": pl.String,
        "title": pl.String,
        "class": pl.String,
        "severity": pl.Int64,
        "periods": pl.List(pl.String),
        "first_bad_at": INSTANT,
        "evidence": pl.String,
        "owner_role": pl.String,
        "due_at": INSTANT,
        "upstream": pl.String,
    },
    key=("incident_id", "sequence"),
    description="What happened to an incident: a line of the append-only log that the current view folds.",
)
STANDING = Dataset(
    name="watch/standing",
    schema={"snapshot_id": pl.String, "told": pl.String},
    key=("snapshot_id",),
    partition_by="snapshot_id",
    description="What stood of incidents and service levels when a draft was made or its incidents changed; JSON.",
)

WATCHED: tuple[Dataset, ...] = (RUNS, HEARTBEAT, BACKFILL, INCIDENT_EVENT, STANDING)
