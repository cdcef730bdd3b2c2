"""What the lake tells of the service levels: gathered once, judged in `compute`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction

import polars as pl

from compute.company import Company
from compute.facts import WINDOW, Facts
from compute.publication import runs_of
from compute.reconciliation import shares, variance
from storage.catalog import (
    COMPLETENESS_ROW,
    DISPOSITIONS,
    RECONCILIATION_GATE,
    RECONCILIATION_ROW,
    SILVER,
    SNAPSHOT,
)
from storage.facts_close import facts_of_close
from storage.facts_times import ray_jobs, validations
from storage.facts_volume import gather_volumes
from storage.incidents import current_incidents
from storage.lag import last_lag
from storage.lake import Lake
from storage.queries import queries
from storage.watched import HEARTBEAT, INCIDENT_EVENT, RUNS

_CLICKS = "click_events"


def gather_facts(lake: Lake, company: Company, now: datetime) -> Facts:
    """Return what is known at an instant for the scoreboard; it reads the lake and nothing else."""
    runs = runs_of(lake.read(RUNS, pl.col("finished_at") <= now))
    incidents = list(current_incidents(lake.open(INCIDENT_EVENT)).values())
    gates = lake.read(RECONCILIATION_GATE)
    drafts = lake.read(SNAPSHOT).sort("draft")
    return Facts(
        now=now,
        company=company,
        runs=runs,
        drafts=dict(drafts.group_by("month").agg(pl.col("created_at").min()).rows()),
        hashes=dict(drafts.group_by("month").agg(pl.col("content_hash").last()).rows()),
        **facts_of_close(lake),
        gates={str(month): dict(part.select("gate", "verdict").rows())
               for (month,), part in gates.partition_by("month", as_dict=True).items()},
        variances=_variances(lake),
        open_rows=_open_rows(lake),
        refused=_refused(lake),
        incidents=incidents,
        latest_event=_latest_click(lake, company, now),
        volumes=gather_volumes(lake, company, runs, incidents),
        ray_jobs=ray_jobs(lake),
        validations=validations(lake, now - WINDOW, now),
        queries=queries(lake, now - WINDOW, now),
        lag=last_lag(lake),
        heartbeat=lake.read(HEARTBEAT).get_column("at").max(),  # type: ignore[arg-type]
    )  # fmt: skip


def _open_rows(lake: Lake) -> Mapping[str, Mapping[str, int]]:
    rows = lake.read(COMPLETENESS_ROW).with_columns(waiting=pl.col("quarantined") + pl.col("missing"))
    parts = rows.partition_by("month", as_dict=True).items()
    return {str(month): dict(part.select("dataset", "waiting").rows()) for (month,), part in parts}


def _variances(lake: Lake) -> Mapping[str, tuple[Fraction | float, Fraction | float]]:
    """Return net and gross variance of the reconciled months, as shares of the ledger (C.3)."""
    parts = lake.read(RECONCILIATION_ROW).partition_by("month", as_dict=True)
    return {str(month): shares(variance(part)) for (month,), part in parts.items()}


def _refused(lake: Lake) -> Mapping[tuple[str, str], int]:
    rows = lake.read(DISPOSITIONS, pl.col("code").str.ends_with("-Q99") & (pl.col("rows") > 0))
    return {(dataset, month): count for dataset, month, count in rows.select("dataset", "month", "rows").rows()}


def _latest_click(lake: Lake, company: Company, now: datetime) -> datetime | None:
    """Return the greatest time of an accepted click; one ahead of the clock by more than the skew is none."""
    table = lake.open(SILVER[_CLICKS])
    ahead = now + timedelta(minutes=company.limits.clock_skew_minutes)
    for month in sorted(table.partitions(), reverse=True):
        rows = table.scan().filter((pl.col("month") == month) & (pl.col("timestamp") <= ahead))
        latest: datetime | None = rows.select(pl.col("timestamp").max()).collect().item()
        if latest is not None:
            return latest
    return None
