"""What the lake tells of the service levels: gathered once, judged in `compute`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from compute.checks import VOLUME_CHECKS
from compute.company import Company
from compute.contracts.contract import Contract
from compute.contracts.feeds import ENGAGEMENT_FEEDS, GROWTH_FEEDS
from compute.incidents import Incident
from compute.months import Month
from compute.publication import Run, runs_of
from compute.sla import Facts
from compute.volume import Judgement, Series, judge_volume
from storage.catalog import (
    ACCOUNT_MONTH_TABLE,
    COMPLETENESS_ROW,
    DISPOSITIONS,
    JUDGED,
    RECONCILIATION_GATE,
    SILVER,
    SNAPSHOT,
    USER_DAY_TABLE,
)
from storage.incidents import current_incidents
from storage.lake import Lake
from storage.runs import runs_of_table
from storage.watched import HEARTBEAT, INCIDENT_EVENT, RUNS

JUDGED_DAYS = 14  # a date is looked at again this long, and as long as an incident speaks of it
HISTORY_MONTHS = 4  # 8 weeks before the earliest date, and the month that they begin in
_CLICKS = "click_events"


def gather_facts(lake: Lake, company: Company, now: datetime) -> Facts:
    """Return what is known at an instant; it reads the lake and nothing else."""
    runs = runs_of(lake.read(RUNS, pl.col("finished_at") <= now))
    incidents = list(current_incidents(lake.open(INCIDENT_EVENT)).values())
    open_rows = lake.read(COMPLETENESS_ROW).group_by("month").agg(pl.col("quarantined") + pl.col("missing"))
    gates = lake.read(RECONCILIATION_GATE)
    return Facts(
        now=now,
        company=company,
        runs=runs,
        drafts=dict(lake.read(SNAPSHOT).group_by("month").agg(pl.col("created_at").min()).rows()),
        gates={str(month): dict(part.select("gate", "verdict").rows())
               for (month,), part in gates.partition_by("month", as_dict=True).items()},
        open_rows={month: sum(counts) for month, counts in open_rows.rows()},
        refused=_refused(lake),
        incidents=incidents,
        latest_event=_latest_click(lake, company, now),
        volumes=_volumes(lake, company, runs, incidents),
        ray_seconds=_ray_seconds(lake),
        heartbeat=lake.read(HEARTBEAT).get_column("at").max(),  # type: ignore[arg-type]
    )  # fmt: skip


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


def _volumes(
    lake: Lake, company: Company, runs: Sequence[Run], incidents: Sequence[Incident]
) -> Mapping[str, Sequence[Judgement]]:
    """Judge the dates of each dataset that ended since the first run, as far as was read."""
    found = {}
    for feeds, flow in ((ENGAGEMENT_FEEDS, "engagement"), (GROWTH_FEEDS, "growth")):
        ours = [run for run in runs if run.flow in (flow, "aggregated")]
        if ours:
            first, last = min(run.started_at for run in ours).date(), max(run.topic_mark for run in ours).date()
            for feed in feeds:
                found[feed.dataset] = _judged(lake, company, feed, (first, last), incidents)
    return found


def _judged(
    lake: Lake, company: Company, feed: Contract, span: tuple[date, date], incidents: Sequence[Incident]
) -> list[Judgement]:
    """Judge the dates from the first to before the last one that are recent or inside an open incident."""
    ours = [
        each for each in incidents if each.problem.dataset == feed.dataset and each.problem.check_id in VOLUME_CHECKS
    ]
    odd = {date.fromisoformat(each.problem.scope) for each in ours if each.resolved_by != "watch"}
    first, last = span
    recent = {last - timedelta(days=back) for back in range(1, JUDGED_DAYS + 1)}
    still = {date.fromisoformat(each.problem.scope) for each in ours if each.is_unresolved}
    days = sorted(day for day in recent | still if first <= day < last)
    if not days:
        return []
    series = Series(_rows_by_date(lake, feed, days[0]), feed.is_topic, company.volume.bounds.get(feed.dataset), odd)
    return [judge_volume(day, series, company.volume, company.calendar.holidays) for day in days]


def _rows_by_date(lake: Lake, feed: Contract, since: date) -> Mapping[date, int]:
    """Return accepted rows by event date of a topic, received rows by arrival date of a file feed."""
    if feed.is_topic:
        first = str(Month.of(since).plus(-HISTORY_MONTHS))
        rows = lake.open(SILVER[feed.dataset]).scan().filter(pl.col("month") >= first)
        day = pl.col(feed.dated).cast(pl.Date)
    else:
        rows, day = lake.open(JUDGED[feed.dataset]).scan(), pl.col("_arrival").dt.date()
    return dict(rows.group_by(day.alias("day")).agg(pl.len()).collect().rows())


def _ray_seconds(lake: Lake) -> list[tuple[datetime, float]]:
    done = [run for each in (ACCOUNT_MONTH_TABLE, USER_DAY_TABLE) for run in runs_of_table(lake, each)]
    return [(datetime.fromisoformat(run["finished_at"]), run["seconds"]) for run in done if run["executor"] == "ray"]
