"""The engagement pipeline: clicks, usage sessions, team activity; active users, hours, utilisation, adoption."""

import hashlib
from collections.abc import Mapping
from itertools import product

import polars as pl
from prefect import flow, task
from prefect.assets import Asset, AssetProperties, materialize
from prefect.cache_policies import NO_CACHE

from compute.company_month import company_month
from compute.contracts.feeds import ENGAGEMENT_FEEDS
from compute.engagement import EngagementInput, account_days, engagement_figures
from compute.engagement_week import engagement_weeks
from compute.lateness import LATE_EVENT, late_columns, late_events, late_to_certified
from compute.lifecycle import as_reported
from compute.months import Month
from flows.account_month import bring_account_months, require_months
from flows.artifacts import publish_tables
from flows.ingest import ingest_all
from flows.job import RETRY, Job, Stopwatch, asked_months, month_span, say, start
from flows.parameters import Instant, Months, run_name
from flows.record import record_run
from flows.user_days import bring_user_days
from storage.catalog import (
    ACCOUNT_DAY_TABLE,
    ACCOUNT_MONTH_TABLE,
    CLICK_SESSION,
    ENGAGEMENT_WEEK,
    FIGURES,
    JUDGED,
    LATE_EVENTS,
    SILVER,
    USER_DAY_TABLE,
)
from storage.certified import kept_rows, read_log
from storage.evidence import first_observed
from storage.files import Replacement, write_files
from storage.shape import ALL, require_shape

FIGURE_TABLE = FIGURES["engagement"]
ASSET = Asset(
    key="delta://techflow/gold/engagement_figure",
    properties=AssetProperties(name="engagement_figure", description=FIGURE_TABLE.description),
)
_INPUTS = (USER_DAY_TABLE, CLICK_SESSION, SILVER["team_activity"], ACCOUNT_MONTH_TABLE)


@flow(name="engagement", flow_run_name=run_name)
def engagement(month: Months, as_of: Instant = None, *, rebuild: bool = False) -> dict[str, object]:
    """Land what is new of the engagement topics and bring the engagement gold of the months up to date.

    Args:
        month: 2024-01, or a range 2023-10..2024-03; last and this are the months of the as-of.
        as_of: Run as of this instant, written as 2024-02-02T12:00:00Z; the start of the run without it.
        rebuild: Compute silver and gold anew from bronze.

    Returns:
        The months, the versions of the tables, and how many rows each topic brought.
    """
    job = start("engagement", as_of, is_rebuild=rebuild)
    months = asked_months(job, month)
    ingested = ingest_all(job, ENGAGEMENT_FEEDS)
    bring_user_days(job)
    require_months(job, months, _first_use(job))
    version = bring_account_months(job, months)
    bring_late_events(job)
    bring_weeks(job)
    stale = stale_engagement(job, months)
    if stale:
        write_engagement_figures(job, stale)
    publish_tables(job)
    record_run(job, months)
    return {
        "months": [str(each) for each in months],
        "versions": {
            "account_month": version,
            "user_day": job.lake.open(USER_DAY_TABLE).version,
            "click_session": job.lake.open(CLICK_SESSION).version,
            "engagement_figure": job.lake.open(FIGURE_TABLE).version,
        },
        "rows": {each.dataset: each.landing.rows for each in ingested},
    }


def _first_use(job: Job) -> Month | None:
    months = job.lake.open(USER_DAY_TABLE).partitions()
    return Month.parse(min(months)) if months else None


def stale_engagement(job: Job, months: tuple[Month, ...]) -> Mapping[str, str]:
    """Return the months whose engagement figures are not made from what is there now, each with its new key."""
    prints = [job.lake.open(dataset).partitions() for dataset in _INPUTS]
    table, first = job.lake.open(FIGURE_TABLE), first_observed(job.lake)
    seen = _seen(job)
    keys = {}
    for month in months:
        name = str(month)
        accounts = hashlib.sha256(" ".join(seen_until(seen, month)).encode()).hexdigest()
        keys[name] = " ".join((job.rules, str(first), accounts, *(each.get(name, "-") for each in prints)))
    return {month: key for month, key in keys.items() if not table.done(month, key)}


def _seen(job: Job) -> pl.DataFrame:
    """Return every account of an accepted click or usage session, with the month of its first one."""
    has_record = (pl.col("clicks") > 0) | (pl.col("usage_sessions") > 0)
    days = job.lake.open(USER_DAY_TABLE).scan().filter(has_record)
    return days.group_by("account_id").agg(first=pl.col("month").min()).collect()


def seen_until(seen: pl.DataFrame, month: Month) -> pl.Series:
    """Return the accounts seen in a month or before, sorted."""
    return seen.filter(pl.col("first") <= str(month)).get_column("account_id").sort()


@materialize(ASSET, task_run_name="engagement figures", cache_policy=NO_CACHE, **RETRY)
def write_engagement_figures(job: Job, stale: Mapping[str, str]) -> int:
    """Write the engagement figures of the months, and their account-days; returns the table's version."""
    version = make_engagement_figures(job, stale)
    months = tuple(Month.parse(name) for name in sorted(stale))
    ASSET.add_metadata({"months": month_span(months)})  # the event of what has materialised says of when
    return version


def make_engagement_figures(job: Job, stale: Mapping[str, str]) -> int:
    """Do what the task does, without telling Prefect that an asset has materialised: a rebuild is no news."""
    figures, daily = Replacement(job.lake, FIGURE_TABLE), Replacement(job.lake, ACCOUNT_DAY_TABLE)
    sources = [job.lake.open(dataset) for dataset in _INPUTS]
    months = tuple(Month.parse(name) for name in sorted(stale))
    watch, first, seen = Stopwatch(job, FIGURE_TABLE.name, months), first_observed(job.lake), _seen(job)
    for month in months:
        used, sessions, teams, rows = (source.read(pl.col("month") == str(month)) for source in sources)
        existing = rows.filter(pl.col("is_existing"))
        sums = company_month(existing, month, first)
        given = EngagementInput(used, sessions, teams, existing, seen_until(seen, month), sums)
        figures.add(str(month), engagement_figures(given, month))
        daily.add(str(month), account_days(given, month))
    inputs = {source.dataset.name: source.version for source in sources}
    daily.commit(stale, watch.work(rows=daily.rows, inputs=inputs, dataset=ACCOUNT_DAY_TABLE.name))
    version = figures.commit(stale, watch.work(rows=figures.rows, inputs=inputs))
    say("engagement figures", months=len(months), rows=figures.rows, version=version)
    return version


def bring_weeks(job: Job) -> None:
    """Bring the weekly engagement up to date."""
    prints = (job.lake.open(dataset).fingerprint() for dataset in (USER_DAY_TABLE, CLICK_SESSION))
    key = " ".join((job.rules, *prints))
    if job.is_rebuild or not job.lake.open(ENGAGEMENT_WEEK).done(ALL, key):
        write_weeks(job, key)


@task(task_run_name="engagement weeks", cache_policy=NO_CACHE, **RETRY)
def write_weeks(job: Job, key: str) -> int:
    """Write every ISO week of the company and its accounts; returns the table's version."""
    days, sessions = job.lake.open(USER_DAY_TABLE), job.lake.open(CLICK_SESSION)
    table, watch = job.lake.open(ENGAGEMENT_WEEK), Stopwatch(job, ENGAGEMENT_WEEK.name)
    columns = ["date", "account_id", "user_id", "clicks", "qualifying_clicks", "minutes"]
    table.created()
    weeks = engagement_weeks(days.read(columns=columns), sessions.read(columns=["date", "account_id"]))
    files = []
    for rows in weeks:
        require_shape(table.dataset, rows, [ALL])
        files += write_files(job.lake, ENGAGEMENT_WEEK, rows)
    inputs = {each.dataset.name: each.version for each in (days, sessions)}
    work = watch.work(rows=sum(file.rows for file in files), inputs=inputs)
    return table.replace_files(files, {ALL: key}, work)


def bring_late_events(job: Job) -> None:
    """Bring the audit of late events up to date, month by month."""
    judged = {feed.dataset: job.lake.open(JUDGED[feed.dataset]).partitions() for feed in ENGAGEMENT_FEEDS}
    silver = {feed.dataset: job.lake.open(SILVER[feed.dataset]).partitions() for feed in ENGAGEMENT_FEEDS}
    table = job.lake.open(LATE_EVENTS)
    months = {month for prints in judged.values() for month in prints} | set(table.partitions())
    log = read_log(job.lake)
    first = {month: life.snapshot_id if (life := as_reported(log, month)) else "-" for month in months}
    keys = {
        month: " ".join(
            (job.rules, first[month], *(prints.get(month, "-") for prints in (*judged.values(), *silver.values())))
        )
        for month in months
    }
    stale = {month: key for month, key in keys.items() if job.is_rebuild or not table.done(month, key)}
    if stale:
        write_late_events(job, stale)


@task(task_run_name="late events", cache_policy=NO_CACHE, **RETRY)
def write_late_events(job: Job, stale: Mapping[str, str]) -> int:
    """Write the late events of the months; returns how many there are."""
    watch, parts = Stopwatch(job, LATE_EVENTS.name), [pl.DataFrame(schema=LATE_EVENT)]
    for contract, month in product(ENGAGEMENT_FEEDS, sorted(stale)):
        of_month, columns = pl.col("month") == month, late_columns(contract)
        judged = job.lake.read(JUDGED[contract.dataset], of_month, columns)
        current = job.lake.read(SILVER[contract.dataset], of_month, ["_partition", "_offset"])
        parts.append(late_events(judged, current, contract, job.company))
    log = read_log(job.lake)
    first = {month: life for month in stale if (life := as_reported(log, month))}
    certified = [kept_rows(job.lake, life, LATE_EVENTS) for life in first.values()]
    rows = late_to_certified(pl.concat(parts), sorted(first), pl.concat([parts[0], *certified]))
    job.lake.open(LATE_EVENTS).replace(rows, stale, watch.work(rows=rows.height))
    say("late events", months=len(stale), rows=rows.height)
    return rows.height
