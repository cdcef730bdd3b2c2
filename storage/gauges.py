"""What monitoring reads of the lake: what stands there, nothing computed anew. Source: `operations.md` D.4."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from tempfile import NamedTemporaryFile

import polars as pl

from compute.calendar import close_due
from compute.company import Company
from compute.exposition import Gauges, exposition
from compute.months import Month
from compute.publication import PROMISES, clock, periods, runs_of
from compute.reconciliation import shares, variance
from storage.catalog import COMPLETENESS_ROW, DISPOSITIONS, RECONCILIATION_ROW, SNAPSHOT
from storage.incidents import current_incidents
from storage.lag import last_lag
from storage.lake import Lake
from storage.watched import HEARTBEAT, INCIDENT_EVENT, RUNS

MONTHS = 3  # whose completeness is told: a label of every month would grow without end
_PIPELINES = ("L-10", "L-11", "L-12")  # of engagement the preliminary clock


def gauges(lake: Lake, company: Company, now: datetime) -> Gauges:
    """Return what stands at an instant."""
    runs = lake.read(RUNS, pl.col("finished_at") <= now)
    waiting = [each for each in current_incidents(lake.open(INCIDENT_EVENT)).values() if each.is_unresolved]
    kinds = [each.kind_of for each in waiting]
    return Gauges(
        heartbeat=lake.read(HEARTBEAT).get_column("at").max(),  # type: ignore[arg-type]
        interval_seconds=60 * company.sla.watch_minutes,
        freshness=_freshness(lake, runs, company, now),
        lag=_lag(lake),
        rows=_rows(lake),
        run_seconds=_run_seconds(runs),
        variance=_variance(lake, company, now),
        completeness=_completeness(lake),
        incidents={kind: kinds.count(kind) for kind in kinds},
    )


def _freshness(lake: Lake, rows: pl.DataFrame, company: Company, now: datetime) -> Mapping[str, float]:
    runs, found = runs_of(rows), dict[str, float]()
    for promise in PROMISES:
        published = periods(promise, runs, now, company)
        if promise.sla_id in _PIPELINES and published:
            # A week of growth may be out before it is over: it is not yet late then.
            found[promise.pipeline] = max(0.0, clock(published, now).total_seconds())
    drafted = {Month.parse(month) for month in lake.read(SNAPSHOT, columns=["month"]).get_column("month").unique()}
    if drafted:
        ended = max(drafted).plus(1).until(Month.of(now.date()).plus(-1))
        found["aggregated"] = max(((now - month.ends_at).total_seconds() for month in ended), default=0.0)
    return found


def _lag(lake: Lake) -> Mapping[tuple[str, int], float]:
    """Return what the watch last saw of the broker."""
    seen = last_lag(lake)
    partitions = seen.partitions if seen else ()
    return {(each.topic, each.partition): each.seconds for each in partitions if each.seconds is not None}


def _rows(lake: Lake) -> Mapping[tuple[str, str], int]:
    totals = lake.read(DISPOSITIONS, pl.col("code") == "").group_by("dataset", "disposition").agg(pl.col("rows").sum())
    return {(dataset, disposition): count for dataset, disposition, count in totals.rows()}


def _run_seconds(runs: pl.DataFrame) -> Mapping[str, float]:
    last = runs.sort("finished_at").group_by("flow").last()
    took = (pl.col("finished_at") - pl.col("started_at")).dt.total_microseconds() / 1_000_000
    return dict(last.select("flow", took).rows())


def _variance(lake: Lake, company: Company, now: datetime) -> Mapping[str, Fraction | float]:
    """Return |Σp − Σl| and Σ|p − l| over |Σl| (RC-2, RC-3) of the latest month whose draft is due."""
    table, close = lake.open(RECONCILIATION_ROW), company.close
    due = [
        month
        for month in table.partitions()
        if close_due(Month.parse(month), close.draft_due, company.calendar.holidays) <= now
    ]
    if not due:
        return {}
    net, gross = shares(variance(table.read(pl.col("month") == max(due))))
    return {"net": net, "gross": gross}


def _completeness(lake: Lake) -> Mapping[tuple[str, str], Fraction]:
    rows = lake.read(COMPLETENESS_ROW)
    recent = sorted(rows.get_column("month").unique())[-MONTHS:]
    found = {}
    for row in rows.filter(pl.col("month").is_in(recent)).iter_rows(named=True):
        expected = row["accepted"] + row["quarantined"] + row["missing"]
        if expected:
            found[row["dataset"], row["month"]] = Fraction(row["accepted"], expected)
    return found


def write_gauges(gauges: Gauges, place: Path) -> None:
    """Write the text to a file that a reader sees whole, before or after."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=place.parent, prefix=f".{place.name}.", delete=False, encoding="utf-8") as file:
        file.write(exposition(gauges))
    written = Path(file.name)
    written.chmod(0o644)  # the collector is another user
    written.replace(place)
