"""What a report tells beside the figures: small tables by name, kept as JSON with the snapshot they are told of."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from storage.dataset import Dataset
from storage.lake import Lake
from storage.work import Work

Told = dict[str, list[dict[str, Any]]]


def keep_told(lake: Lake, dataset: Dataset, told: Mapping[str, Told], keys: Mapping[str, str], work: Work) -> None:
    """Keep what is told of snapshots, in place of what was kept before.

    Args:
        lake: where it is kept.
        dataset: a table with `snapshot_id` and `told`.
        told: by snapshot id.
        keys: snapshot id → what it was made from.
        work: recorded with the commit.

    Raises:
        LakeBusy: when another run keeps some meanwhile.
    """
    rows = [{"snapshot_id": name, "told": json.dumps(tables, sort_keys=True)} for name, tables in told.items()]
    lake.open(dataset).replace(pl.DataFrame(rows, schema=dict(dataset.schema)), keys, work)


def told_of(lake: Lake, dataset: Dataset, snapshot_id: str) -> Told:
    """Return what is told of a snapshot; empty when nothing was kept."""
    rows = lake.read(dataset, pl.col("snapshot_id") == snapshot_id)
    told: Told = json.loads(rows.item(0, "told")) if rows.height else {}
    return told
