"""What the pipelines have found of a company, as a truth file is compared with."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from compute.errors import BadSetting
from compute.sample.truth import Found
from storage.catalog import DISPOSITIONS, FINDINGS, GAP_CASE, LATE_EVENTS, RECONCILIATION_ROW
from storage.lake import Lake


def read_truth(folder: Path) -> dict[str, Any]:
    """Return the truth file of a sample.

    Raises:
        BadSetting: when there is none.
    """
    path = folder / "truth.json"
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSetting(f"There is no truth file at {path}: make a sample with `techflow sample`.") from error
    return told


def read_found(lake: Lake) -> Found:
    """Return what the last runs on a lake have found, of all months together."""
    counts = lake.read(DISPOSITIONS).group_by("dataset", "disposition", "code").agg(pl.col("rows").sum())
    return Found(
        dispositions=counts,
        findings=lake.read(FINDINGS),
        gaps=lake.read(GAP_CASE),
        reconciliation=lake.read(RECONCILIATION_ROW),
        late_events=lake.read(LATE_EVENTS),
    )
