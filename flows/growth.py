"""The growth pipeline: status, MRR, movements, retention, licences."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

import polars as pl
from prefect import flow
from prefect.assets import Asset, AssetProperties, materialize
from prefect.cache_policies import NO_CACHE

from compute.contracts.feeds import GROWTH_FEEDS
from compute.growth import GrowthInput, growth_of_accounts, growth_of_company
from compute.months import Month
from compute.retention import cohort_members
from flows.account_month import bring_account_months, require_months
from flows.artifacts import publish_tables
from flows.ingest import ingest_all
from flows.job import RETRY, Job, Stopwatch, asked_months, month_span, say, start
from flows.parameters import Instant, Months, run_name
from flows.record import record_run
from storage.catalog import ACCOUNT_MONTH_TABLE, FIGURES, SILVER, STATUS_STEP
from storage.certified import certified_as_of
from storage.contents import key_number
from storage.evidence import first_observed
from storage.files import Replacement
from storage.pieces import figure_parts

FIGURE_TABLE = FIGURES["growth"]
ASSET = Asset(
    key="delta://techflow/gold/growth_figure",
    properties=AssetProperties(name="growth_figure", description=FIGURE_TABLE.description),
)
_INPUTS = (ACCOUNT_MONTH_TABLE, STATUS_STEP, SILVER["license_changes"], SILVER["subscription_renewals"])


@flow(name="growth", flow_run_name=run_name)
def growth(month: Months, as_of: Instant = None, *, rebuild: bool = False) -> dict[str, object]:
    """Land what is new of the growth feeds and bring the growth gold of the months up to date.

    Args:
        month: 2024-01, or a range 2023-10..2024-03; last and this are the months of the as-of.
        as_of: Run as of this instant, written as 2024-02-02T12:00:00Z; the start of the run without it.
        rebuild: Compute silver and gold anew from bronze.

    Returns:
        The months, the versions of the tables, and how many rows each feed brought.
    """
    job = start("growth", as_of, is_rebuild=rebuild)
    months = asked_months(job, month)
    ingested = ingest_all(job, GROWTH_FEEDS)
    require_months(job, months)
    version = bring_account_months(job, months)
    stale = stale_growth(job, months)
    if stale:
        write_growth_figures(job, stale)
    publish_tables(job)
    record_run(job, months)
    return {
        "months": [str(each) for each in months],
        "versions": {"account_month": version, "growth_figure": job.lake.open(FIGURE_TABLE).version},
        "rows": {each.dataset: each.landing.rows for each in ingested},
    }


def stale_growth(job: Job, months: tuple[Month, ...], kept: tuple[Month, ...] = ()) -> Mapping[str, str]:
    """Return the months whose growth figures are not made from what is there now, each with its new key.

    Args:
        job: the run.
        months: the months asked; another as-of than last time makes them anew (M-16).
        kept: months that have a draft; they are made anew only when the records changed.
    """
    table, records, as_of = job.lake.open(FIGURE_TABLE), _records(job), _as_of(job)
    keys = {month: f"{records} {as_of(month) or ''}" for month in {*months, *kept}}
    asked = [month for month in months if not table.done(str(month), keys[month])]
    changed = [month for month in kept if table.position(f"{month}#records") != key_number(records)]
    return {str(month): keys[month] for month in sorted({*asked, *changed})}


def _as_of(job: Job) -> Callable[[Month], date | None]:
    """Return what tells the as-of that decides a month's figures: a certified month keeps its own (S-4)."""
    kept, given = certified_as_of(job.lake), job.as_of.date() if job.is_as_of_given else None
    return lambda month: kept.get(str(month), given)


def _records(job: Job) -> str:
    prints = " ".join(job.lake.open(dataset).fingerprint() for dataset in _INPUTS)
    return f"{job.rules} {prints}"


@materialize(ASSET, task_run_name="growth figures", cache_policy=NO_CACHE, **RETRY)
def write_growth_figures(job: Job, stale: Mapping[str, str]) -> int:
    """Write the growth figures of the months; returns the table's version."""
    version = make_growth_figures(job, stale)
    months = tuple(Month.parse(name) for name in sorted(stale))
    ASSET.add_metadata({"months": month_span(months)})  # the event of what has materialised says of when
    return version


def make_growth_figures(job: Job, stale: Mapping[str, str]) -> int:
    """Do what the task does, without telling Prefect that an asset has materialised: a rebuild is no news."""
    figures, sources = Replacement(job.lake, FIGURE_TABLE), [job.lake.open(dataset) for dataset in _INPUTS]
    months = tuple(Month.parse(name) for name in sorted(stale))
    watch = Stopwatch(job, FIGURE_TABLE.name, months)
    rows, steps, licences, renewals = sources
    existing, first, timeline, as_of = pl.col("is_existing"), first_observed(job.lake), steps.read(), _as_of(job)
    members = cohort_members(rows.scan().filter(existing)).collect(engine="streaming")
    for month in months:
        of_month, a_year_ago = (pl.col("month") == str(each) for each in (month, month.plus(-12)))
        given = GrowthInput(
            rows=rows.read(of_month & existing),
            year_ago=rows.read(a_year_ago & existing),
            members=members,
            steps=timeline,
            licences=licences.read(of_month),
            renewals=renewals.read(of_month),
            first_month=first,
            as_of=as_of(month),
        )
        company = growth_of_company(given, month)
        figures.add_parts(str(month), figure_parts(company, given.rows, partial(growth_of_accounts, first_month=first)))
    inputs = {source.dataset.name: source.version for source in sources}
    marks = dict.fromkeys((f"{month}#records" for month in stale), key_number(_records(job)))
    version = figures.commit(stale, watch.work(rows=figures.rows, inputs=inputs), marks)
    say("growth figures", months=len(months), rows=figures.rows, version=version)
    return version
