"""The aggregated pipeline: whatever is missing upstream, then the month's DRAFT snapshot."""

from collections.abc import Mapping

import polars as pl
from prefect import flow, tags, task
from prefect.assets import Asset, AssetProperties, materialize
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from compute.account_use import account_use, active_accounts
from compute.aggregated import AggregatedInput, aggregated_figures, stored_figures
from compute.company_month import company_month
from compute.contracts.feeds import FEEDS
from compute.details import DETAILS
from compute.metrics import METRICS
from compute.months import Month
from flows.account_month import bring_account_months, require_months
from flows.artifacts import publish
from flows.engagement import bring_late_events, bring_weeks, engagement, stale_engagement
from flows.evidence import write_completeness, write_reconciliation
from flows.findings import bring_accounts, bring_findings
from flows.growth import growth, stale_growth
from flows.ingest import ingest_all
from flows.job import RETRY, Job, Stopwatch, asked_months, month_span, say, start
from flows.parameters import Instant, Months, run_name
from flows.profit import profit, stale_profit
from flows.record import record_run
from flows.statement import bring_standings, bring_statements
from flows.user_days import bring_user_days
from storage.catalog import ACCOUNT_MONTH_TABLE, ACCOUNT_USE_TABLE, ALLOCATION_LEDGER, FIGURES, SNAPSHOT
from storage.evidence import first_observed
from storage.snapshots import Draft, drafted_months, live_draft, save_draft
from storage.watermark import engagement_watermark

FIGURE_TABLE = FIGURES["aggregated"]
ASSET = Asset(
    key="delta://techflow/snapshot/manifest",
    properties=AssetProperties(name="investor snapshot", description=SNAPSHOT.description),
)


@flow(name="aggregated", flow_run_name=run_name)
def aggregated(month: Months, as_of: Instant = None, *, rebuild: bool = False) -> dict[str, object]:
    """Run whatever is missing upstream and merge it into the draft snapshots of the months.

    Args:
        month: 2024-01, or a range 2023-10..2024-03; last and this are the months of the as-of.
        as_of: Run as of this instant, written as 2024-02-02T12:00:00Z; the start of the run without it.
        rebuild: Compute silver and gold anew from bronze.

    Returns:
        The months, the draft numbers, the versions of the tables, and how many rows each feed brought.
    """
    job = start("aggregated", as_of, is_rebuild=rebuild)
    months = asked_months(job, month)
    ingested = ingest_all(job, FEEDS)
    require_months(job, months)
    # A month that has a draft is kept true: what arrived may have changed it too.
    kept = tuple(sorted({*months, *drafted_months(job.lake)}))
    bring_account_months(job, kept)
    bring_user_days(job)
    bring_late_events(job)
    bring_weeks(job)
    for pipeline, behind in (
        (growth, stale_growth(job, months, kept)),
        (profit, stale_profit(job, kept)),
        (engagement, stale_engagement(job, kept)),
    ):
        if behind:
            with tags(*flow_run.tags):  # what is said of this run by its tags holds for the runs within it
                pipeline(month_span(tuple(Month.parse(name) for name in sorted(behind))), as_of)
    bring_accounts(job)
    bring_findings(job, kept, ingested)
    stale = stale_aggregated(job, kept)
    if stale:
        write_aggregated_figures(job, stale)
        write_account_use(job, stale)
    write_reconciliation(job, kept)
    write_completeness(job, kept)
    live = [bring_draft(job, each) for each in kept]
    is_news = bring_statements(job, live) or any(each.months for each in ingested)
    bring_standings(job, live)
    drafts = [draft for draft in live if draft.is_new or Month.parse(draft.month) in months]
    if is_news:  # what the pages show of the run before holds still
        publish(job, drafts)
    record_run(job, months)
    return {
        "months": [str(each) for each in months],
        "drafts": {draft.month: draft.number for draft in drafts},
        "versions": {
            dataset.name: job.lake.open(dataset).version for dataset in (ACCOUNT_MONTH_TABLE, *FIGURES.values())
        },
        "rows": {each.dataset: each.landing.rows for each in ingested},
    }


def stale_aggregated(job: Job, months: tuple[Month, ...]) -> Mapping[str, str]:
    """Return the months whose joined figures are not made from what is there now, each with its new key."""
    prior = {name: job.lake.open(FIGURES[name]).partitions() for name in ("growth", "profit", "engagement")}
    table, history = job.lake.open(FIGURE_TABLE), job.lake.open(ACCOUNT_MONTH_TABLE).fingerprint()
    keys = {
        str(month): " ".join((job.rules, history, *(prints.get(str(month), "") for prints in prior.values())))
        for month in months
    }
    return {month: key for month, key in keys.items() if not table.done(month, key)}


@task(task_run_name="aggregated figures", cache_policy=NO_CACHE, **RETRY)
def write_aggregated_figures(job: Job, stale: Mapping[str, str]) -> int:
    """Write the figures that join the pipelines; returns the table's version."""
    table, source = job.lake.open(FIGURE_TABLE), job.lake.open(ACCOUNT_MONTH_TABLE)
    pipelines = [job.lake.open(FIGURES[name]) for name in ("growth", "profit")]
    months = tuple(Month.parse(name) for name in sorted(stale))
    watch, first = Stopwatch(job, FIGURE_TABLE.name, months), first_observed(job.lake)
    of_years = {each for month in months for each in month.plus(-12).until(month)}
    sums = {
        each: company_month(source.read((pl.col("month") == str(each)) & pl.col("is_existing")), each, first)
        for each in sorted(of_years)
    }
    parts = []
    for month in months:
        year = [sums[each] for each in month.plus(-12).until(month)]
        company = pl.concat(
            [each.read((pl.col("month") == str(month)) & (pl.col("grain") == "company_month")) for each in pipelines]
        )
        given = AggregatedInput(stored_figures(company), year[1:], year[0].closing, first)
        parts.append(aggregated_figures(given, month))
    figures = pl.concat(parts)
    inputs = {each.dataset.name: each.version for each in (source, *pipelines)}
    return table.replace(figures, stale, watch.work(rows=figures.height, inputs=inputs))


@task(task_run_name="account use", cache_policy=NO_CACHE, **RETRY)
def write_account_use(job: Job, stale: Mapping[str, str]) -> int:
    """Write use against money of the months, for every account and the company; returns the table's version."""
    table = job.lake.open(ACCOUNT_USE_TABLE)
    rows, ledger, figures = (
        job.lake.open(dataset) for dataset in (ACCOUNT_MONTH_TABLE, ALLOCATION_LEDGER, FIGURES["engagement"])
    )
    watch, parts = Stopwatch(job, ACCOUNT_USE_TABLE.name), []
    for name in sorted(stale):
        of_month = pl.col("month") == name
        active = active_accounts(figures.read(of_month))
        parts.append(account_use(rows.read(of_month & pl.col("is_existing")), active, ledger.read(of_month)))
    used = pl.concat(parts)
    inputs = {each.dataset.name: each.version for each in (rows, ledger, figures)}
    return table.replace(used, stale, watch.work(rows=used.height, inputs=inputs))


def bring_draft(job: Job, month: Month) -> Draft:
    """Return the month's live draft, made anew when what it was made from has changed."""
    live = live_draft(job.lake, month)
    if live and _contents(live.upstream) == _contents(_upstream(job, month)):
        say(f"snapshot {live.snapshot_id}: unchanged")
        return live
    return merge_snapshot(job, month)


def _upstream(job: Job, month: Month) -> Mapping[str, Mapping[str, object]]:
    """Return what a draft of the month is made from: version and content of every table."""
    tables = (job.lake.open(dataset) for dataset in (*FIGURES.values(), ACCOUNT_MONTH_TABLE))
    return {
        table.dataset.name: {"version": table.version, "content": table.partitions().get(str(month), "")}
        for table in tables
    }


def _contents(upstream: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    return {name: each["content"] for name, each in upstream.items()}


@materialize(ASSET, task_run_name="merge snapshot {month}", cache_policy=NO_CACHE, **RETRY)
def merge_snapshot(job: Job, month: Month) -> Draft:
    """Merge the pipelines' gold of a month into its DRAFT snapshot, with its manifest."""
    watch = Stopwatch(job, SNAPSHOT.name, (month,))
    tables = [job.lake.open(dataset) for dataset in FIGURES.values()]
    signed = (pl.col("month") == str(month)) & ~pl.col("grain").is_in(DETAILS)
    figures = pl.concat([table.read(signed) for table in tables])
    manifest: dict[str, object] = {
        "upstream": _upstream(job, month),
        "definitions": {metric.metric_id: metric.version for metric in METRICS},
        "company_file": job.company.fingerprint(),
        "code_version": job.code_version,
        "as_of_given": job.is_as_of_given,
        "engagement_watermark": engagement_watermark(job.lake, job.company, job.as_of).isoformat(),
    }
    versions = {table.dataset.name: table.version for table in tables}
    draft = save_draft(
        job.lake,
        month,
        figures,
        manifest=manifest,
        as_of=job.as_of,
        created_at=job.started_at,
        created_by=job.run_by,
        work=watch.work(rows=figures.height, inputs=versions),
    )
    say(f"snapshot {draft.snapshot_id}: {'new draft' if draft.is_new else 'unchanged'}", figures=figures.height)
    return draft
