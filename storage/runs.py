"""The runs: what every commit of the lake records of the work behind it. There is no second log to disagree."""

import json
from typing import Any

import polars as pl

from compute.schema import Schema
from storage.catalog import DATASETS
from storage.dataset import Dataset
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
    rows = [run for dataset in DATASETS for run in runs_of_table(lake, dataset)]
    return pl.DataFrame(rows, schema=RUN).sort("finished_at", "dataset", "version")


def last_runs(lake: Lake) -> pl.DataFrame:
    """Return the last of the runs on each dataset, oldest first; of every log the newest commit alone is read."""
    rows = [run for dataset in DATASETS for run in runs_of_table(lake, dataset, most=1)]
    return pl.DataFrame(rows, schema=RUN).sort("finished_at", "dataset")


def runs_of_table(lake: Lake, dataset: Dataset, most: int | None = None) -> list[dict[str, Any]]:
    """Return what was recorded with the commits of one table, or with the newest of them, as RUN rows."""
    commits = (commit for commit in lake.open(dataset).history(most) if "techflow.flow" in commit)
    return [dict(zip(RUN, _run(commit), strict=True)) for commit in commits]


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
