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
VERDICTS = Dataset(
    name="watch/verdict",
    schema={
        "check_id": pl.String,
        "dataset": pl.String,
        "scope": pl.String,
        "stage": pl.String,
        "verdict": pl.String,
        "evidence": pl.String,
        "power": pl.String,
        "at": INSTANT,
    },
    key=("check_id", "dataset", "scope", "stage", "at"),
    description="What was judged of a date, an hour, a month, also when all was well: a line when it changed.",
)
LAG = Dataset(
    name="watch/lag",
    schema={
        "at": INSTANT,
        "topic": pl.String,
        "partition": pl.Int64,
        "unread": pl.Int64,
        "seconds": pl.Float64,
        "state": pl.String,
        "problem": pl.String,
    },
    key=("topic", "partition"),
    description="A partition of a topic as the watch last saw it; a line without a topic when nobody answered.",
)
QUERIES = Dataset(
    name="watch/query",
    schema={"name": pl.String, "at": INSTANT, "seconds": pl.Float64},
    key=("name", "at"),
    description="A named read of gold or of the ledger, and how long it took for who asked; of four weeks.",
)
STANDING = Dataset(
    name="watch/standing",
    schema={"snapshot_id": pl.String, "told": pl.String},
    key=("snapshot_id",),
    partition_by="snapshot_id",
    description="What stood of incidents and service levels when a draft was made or its incidents changed; JSON.",
)

WATCHED: tuple[Dataset, ...] = (RUNS, HEARTBEAT, INCIDENT_EVENT, VERDICTS, LAG, QUERIES, STANDING)
