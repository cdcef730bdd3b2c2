"""The runs: what every commit of the lake records of the work behind it. There is no second log to disagree."""

import json
from typing import Any

import polars as pl

from compute.schema import Schema
from storage.catalog import DATASETS
from storage.lake import Lake

RUN: Schema = {
    "flow": pl.String,
    "dataset": pl.String,
    "month": pl.String,
    "executor": pl.String,
    "tasks": pl.Int64,
    "rows": pl.Int64,
    "seconds": pl.Float64,
    "version": pl.Int64,
    "finished_at": pl.String,
}


def runs(lake: Lake) -> pl.DataFrame:
    """Return one row per dataset written, oldest first."""
    rows = [
        _run(commit) for dataset in DATASETS for commit in lake.open(dataset).history() if "techflow.flow" in commit
    ]
    return pl.DataFrame(rows, schema=RUN, orient="row").sort("finished_at", "dataset", "version")


def _run(commit: dict[str, Any]) -> tuple[Any, ...]:
    def recorded(name: str) -> Any:
        return json.loads(commit[f"techflow.{name}"])

    return (
        recorded("flow"),
        recorded("dataset"),
        recorded("months"),
        recorded("executor"),
        recorded("tasks"),
        recorded("rows"),
        recorded("seconds"),
        commit["version"],
        recorded("finished_at"),
    )
