"""Findings: what is odd when rows are compared, beside the figures and never in them; and the accounts there are."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.accounts import accounts, named_in
from compute.contracts.feeds import FEEDS, GROWTH_FEEDS, PROFIT_FEEDS
from compute.finding_codes import RECORD_CHECKS, USE_CHECKS
from compute.findings import Frames, findings
from compute.judging import UNDATED
from compute.months import Month
from compute.wording import worded
from flows.ingest import Ingested
from flows.job import RETRY, Job, Stopwatch, say
from storage.catalog import (
    ACCOUNT_MONTH_TABLE,
    ACCOUNT_TABLE,
    DISPOSITIONS,
    FINDINGS,
    GAP_CASE,
    SILVER,
    STATUS_STEP,
    UNKNOWN_FIELDS,
    USER_DAY_TABLE,
)
from storage.shape import ALL
from storage.table import Table

# Later and earlier records of any month may bear on a month; of use, that of the month and the night before it.
_RECORDS = (*(SILVER[feed.dataset] for feed in (*PROFIT_FEEDS, *GROWTH_FEEDS)), STATUS_STEP, GAP_CASE)
_CLICKS, _SESSIONS, _TEAMS = (SILVER[name] for name in ("click_events", "usage_sessions", "team_activity"))
_OF_MONTH = (ACCOUNT_MONTH_TABLE, USER_DAY_TABLE, _CLICKS, _SESSIONS, _TEAMS)
_CLICK_COLUMNS = ["month", "account_id", "user_id", "timestamp", "_partition", "_offset"]
_NAMING = tuple(feed.dataset for feed in FEEDS if feed.account)
_UNREADABLE = {"dataset": pl.String, "file": pl.String}


def bring_accounts(job: Job) -> None:
    """Bring the table of accounts up to date with all that silver names."""
    table, silver = job.lake.open(ACCOUNT_TABLE), {name: job.lake.open(SILVER[name]) for name in _NAMING}
    key = " ".join(each.fingerprint() for each in silver.values())
    if job.is_rebuild or not table.done(ALL, key):
        write_accounts(job, key, silver)


@task(task_run_name="accounts", cache_policy=NO_CACHE, **RETRY)
def write_accounts(job: Job, key: str, silver: Mapping[str, Table]) -> int:
    """Write the accounts that current records name; returns how many there are."""
    watch = Stopwatch(job, ACCOUNT_TABLE.name)
    named = pl.collect_all([named_in(name, each.scan()) for name, each in silver.items()])
    rows = accounts(pl.concat(named), _NAMING)
    inputs = {each.dataset.name: each.version for each in silver.values()}
    job.lake.open(ACCOUNT_TABLE).replace(rows, {ALL: key}, watch.work(rows=rows.height, inputs=inputs))
    return rows.height


def bring_findings(job: Job, months: tuple[Month, ...], ingested: Iterable[Ingested]) -> None:
    """Bring the findings up to date, those of the months and those of no month.

    Args:
        job: the job.
        months: they need their ACCOUNT_MONTH rows and user-days.
        ingested: what the feeds brought, for the files that could not be read.
    """
    sources = {
        each.name: job.lake.open(each) for each in (*_RECORDS, *_OF_MONTH, ACCOUNT_TABLE, DISPOSITIONS, UNKNOWN_FIELDS)
    }
    unreadable = pl.DataFrame(
        [(each.dataset, file) for each in ingested for file in sorted(each.landing.problems)],
        schema=_UNREADABLE, orient="row",
    )  # fmt: skip
    keys = _keys(job, months, sources, unreadable)
    table = job.lake.open(FINDINGS)
    stale = {month: key for month, key in keys.items() if job.is_rebuild or not table.done(month, key)}
    if stale:
        write_findings(job, stale, sources, unreadable)


def _keys(job: Job, months: Iterable[Month], sources: Mapping[str, Table], unreadable: pl.DataFrame) -> dict[str, str]:
    """Return what the findings of each month, and of no month, are made from."""
    records = " ".join((job.rules, *(sources[each.name].fingerprint() for each in (*_RECORDS, ACCOUNT_TABLE))))
    refused = dict(_refused(sources).group_by("month").agg(worded("{} {}", "dataset", "rows").sort().str.join()).rows())
    of_month = [sources[each.name].partitions() for each in _OF_MONTH]
    sessions = sources[_SESSIONS.name].partitions()
    keys = {
        str(month): " ".join((
            records, *(prints.get(str(month), "-") for prints in of_month),
            sessions.get(str(month.plus(-1)), "-"), refused.get(str(month), "-"),
        ))
        for month in months
    }  # fmt: skip
    fields, files = sources[UNKNOWN_FIELDS.name].fingerprint(), " ".join(map("/".join, unreadable.rows()))
    return keys | {UNDATED: " ".join((records, refused.get(UNDATED, "-"), fields, files))}


@task(task_run_name="findings", cache_policy=NO_CACHE, **RETRY)
def write_findings(job: Job, stale: Mapping[str, str], sources: Mapping[str, Table], unreadable: pl.DataFrame) -> int:
    """Write the findings of the months; returns how many there are."""
    watch = Stopwatch(job, FINDINGS.name)
    frames = _records(sources, unreadable)
    parts = [findings(RECORD_CHECKS, frames, job.company, sorted(stale))]
    for name in sorted(set(stale) - {UNDATED}):
        parts.append(findings(USE_CHECKS, _with_use(frames, Month.parse(name), sources), job.company, [name]))
    rows = pl.concat(parts).sort("month", "code", "key")
    inputs = {table.dataset.name: table.version for table in sources.values()}
    job.lake.open(FINDINGS).replace(rows, stale, watch.work(rows=rows.height, inputs=inputs))
    blocking = rows.filter(pl.col("severity") == "blocking").height
    say("findings", months=len(stale), rows=rows.height, blocking=blocking)
    return rows.height


def _refused(sources: Mapping[str, Table]) -> pl.DataFrame:
    return sources[DISPOSITIONS.name].read(pl.col("code").str.ends_with("-Q99"))


def _records(sources: Mapping[str, Table], unreadable: pl.DataFrame) -> Frames:
    """Return the records of all accounts, without any use of the product."""
    (bills, expenses, salaries, changes, licences, renewals, steps, cases) = (
        sources[dataset.name].read() for dataset in _RECORDS
    )
    rows = sources[ACCOUNT_MONTH_TABLE.name].read(pl.col("is_existing"))
    nothing = pl.DataFrame()
    return Frames(
        bills=bills, changes=changes, licences=licences, renewals=renewals, expenses=expenses, salaries=salaries,
        steps=steps, cases=cases, rows=rows, accounts=sources[ACCOUNT_TABLE.name].read(), refused=_refused(sources),
        unknown_fields=sources[UNKNOWN_FIELDS.name].read(), unreadable=unreadable,
        clicks=nothing, sessions=nothing, teams=nothing, user_days=nothing,
    )  # fmt: skip


def _with_use(records: Frames, month: Month, sources: Mapping[str, Table]) -> Frames:
    of_month = pl.col("month") == str(month)
    return replace(
        records,
        clicks=sources[_CLICKS.name].read(of_month, _CLICK_COLUMNS),
        sessions=sources[_SESSIONS.name].read(pl.col("month").is_in([str(month.plus(-1)), str(month)])),
        teams=sources[_TEAMS.name].read(of_month),
        user_days=sources[USER_DAY_TABLE.name].read(of_month),
    )
