"""The growth pipeline: status, MRR, movements, retention."""

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from compute.growth import growth_figures
from compute.months import Month, parse_months
from flows.account_month import join_account_months
from flows.ingest import ingest_all
from flows.job import RETRY, Job, Stopwatch, say, start
from storage.catalog import ACCOUNT_MONTH_TABLE, FIGURES

FEEDS = ("revenue",)


@flow(name="growth", flow_run_name="growth {month}")
def growth(month: str, as_of: str | None = None) -> dict[str, object]:
    """Land what is new of the growth feeds and bring the growth gold of the months up to date."""
    months = parse_months(month)
    job = start("growth", as_of)
    ingest_all(job, FEEDS)
    version = join_account_months(job, months)
    figures = growth_gold(job, months)
    return {"months": [str(each) for each in months], "versions": {"account_month": version, "growth_figure": figures}}


@task(task_run_name="growth figures", cache_policy=NO_CACHE, **RETRY)
def growth_gold(job: Job, months: tuple[Month, ...]) -> int:
    """Write the growth figures of the months; returns the table's version."""
    lake, table = job.lake, job.lake.open(FIGURES["growth"])
    source = lake.open(ACCOUNT_MONTH_TABLE)
    key = source.fingerprint()
    stale = {str(month): key for month in months if not table.done(str(month), key)}
    if not stale:
        return table.version
    watch = Stopwatch(job, FIGURES["growth"].name, months)
    rows = source.read()
    figures = pl.concat([growth_figures(month, rows) for month in stale])
    version = table.replace(
        figures, stale, watch.work(rows=figures.height, inputs={"gold/account_month": source.version})
    )
    say("growth figures", rows=figures.height, version=version)
    return version
