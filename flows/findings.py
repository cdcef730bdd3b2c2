"""Findings: what is odd when rows are compared, month by month, beside the figures and never in them."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.contracts.feeds import GROWTH_FEEDS, PROFIT_FEEDS
from compute.finding_codes import RECORD_CHECKS, USE_CHECKS
from compute.findings import Frames, findings
from compute.months import Month
from compute.wording import worded
from flows.job import RETRY, Job, Stopwatch, say
from storage.catalog import ACCOUNT_MONTH_TABLE, DISPOSITIONS, FINDINGS, GAP_CASE, SILVER, STATUS_STEP, USER_DAY_TABLE
from storage.lake import Table

# Later and earlier records of any month may bear on a month; of use, that of the month and the night before it.
_RECORDS = (*(SILVER[feed.dataset] for feed in (*PROFIT_FEEDS, *GROWTH_FEEDS)), STATUS_STEP, GAP_CASE)
_CLICKS, _SESSIONS, _TEAMS = (SILVER[name] for name in ("click_events", "usage_sessions", "team_activity"))
_CLICK_COLUMNS = ["month", "account_id", "user_id", "timestamp", "_partition", "_offset"]


def bring_findings(job: Job, months: tuple[Month, ...]) -> None:
    """Bring the findings of the months up to date; the months need their ACCOUNT_MONTH rows and user-days."""
    records = [job.lake.open(dataset).fingerprint() for dataset in _RECORDS]
    of_month = [
        job.lake.open(dataset).partitions()
        for dataset in (ACCOUNT_MONTH_TABLE, USER_DAY_TABLE, _CLICKS, _SESSIONS, _TEAMS)
    ]
    refused = dict(_refused(job).group_by("month").agg(worded("{} {}", "dataset", "rows").sort().str.join()).rows())
    sessions, table = job.lake.open(_SESSIONS).partitions(), job.lake.open(FINDINGS)
    keys = {
        str(month): " ".join((
            job.rules, *records, *(prints.get(str(month), "-") for prints in of_month),
            sessions.get(str(month.plus(-1)), "-"), refused.get(str(month), "-"),
        ))
        for month in months
    }  # fmt: skip
    stale = {month: key for month, key in keys.items() if job.is_rebuild or not table.done(month, key)}
    if stale:
        write_findings(job, stale)


@task(task_run_name="findings", cache_policy=NO_CACHE, **RETRY)
def write_findings(job: Job, stale: Mapping[str, str]) -> int:
    """Write the findings of the months; returns how many there are."""
    watch, months = Stopwatch(job, FINDINGS.name), sorted(stale)
    sources = {dataset.name: job.lake.open(dataset) for dataset in (*_RECORDS, ACCOUNT_MONTH_TABLE, USER_DAY_TABLE)}
    topics = [job.lake.open(dataset) for dataset in (_CLICKS, _SESSIONS, _TEAMS)]
    frames = _records(sources, _refused(job))
    parts = [findings(RECORD_CHECKS, frames, job.company, months)]
    for name in months:
        used = _with_use(frames, Month.parse(name), sources[USER_DAY_TABLE.name], *topics)
        parts.append(findings(USE_CHECKS, used, job.company, [name]))
    rows = pl.concat(parts).sort("month", "code", "key")
    inputs = {table.dataset.name: table.version for table in (*sources.values(), *topics)}
    job.lake.open(FINDINGS).replace(rows, stale, watch.work(rows=rows.height, inputs=inputs))
    blocking = rows.filter(pl.col("severity") == "blocking").height
    say("findings", months=len(months), rows=rows.height, blocking=blocking)
    return rows.height


def _refused(job: Job) -> pl.DataFrame:
    return job.lake.read(DISPOSITIONS, pl.col("code").str.ends_with("-Q99"))


def _records(sources: Mapping[str, Table], refused: pl.DataFrame) -> Frames:
    """Return the records of all accounts, without any use of the product."""
    (bills, expenses, salaries, changes, licences, renewals, steps, cases) = (
        sources[dataset.name].read() for dataset in _RECORDS
    )
    rows = sources[ACCOUNT_MONTH_TABLE.name].read(pl.col("is_existing"))
    nothing = pl.DataFrame()
    return Frames(
        bills=bills, changes=changes, licences=licences, renewals=renewals, expenses=expenses, salaries=salaries,
        steps=steps, cases=cases, rows=rows, refused=refused,
        clicks=nothing, sessions=nothing, teams=nothing, user_days=nothing,
    )  # fmt: skip


def _with_use(records: Frames, month: Month, user_days: Table, clicks: Table, sessions: Table, teams: Table) -> Frames:
    of_month = pl.col("month") == str(month)
    return replace(
        records,
        clicks=clicks.read(of_month, _CLICK_COLUMNS),
        sessions=sessions.read(pl.col("month").is_in([str(month.plus(-1)), str(month)])),
        teams=teams.read(of_month),
        user_days=user_days.read(of_month),
    )
