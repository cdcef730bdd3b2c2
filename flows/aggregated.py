"""The aggregated pipeline: whatever is missing upstream, then the month's DRAFT snapshot."""

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from compute.months import Month, parse_months
from flows.growth import growth
from flows.job import RETRY, Job, Stopwatch, say, start
from storage.catalog import FIGURES, SNAPSHOT
from storage.snapshots import Draft, save_draft


@flow(name="aggregated", flow_run_name="aggregated {month}")
def aggregated(month: str, as_of: str | None = None) -> dict[str, object]:
    """Run the pipelines and merge their gold into the draft snapshots of the months."""
    months = parse_months(month)
    job = start("aggregated", as_of)
    growth(month, as_of)
    drafts = [merge_snapshot(job, each) for each in months]
    return {"months": [str(each) for each in months], "drafts": {draft.month: draft.number for draft in drafts}}


@task(task_run_name="merge snapshot {month}", cache_policy=NO_CACHE, **RETRY)
def merge_snapshot(job: Job, month: Month) -> Draft:
    """Merge the pipelines' gold of a month into its DRAFT snapshot."""
    watch = Stopwatch(job, SNAPSHOT.name, (month,))
    sources = {dataset.name: job.lake.open(dataset) for dataset in FIGURES.values()}
    figures = pl.concat([source.read(pl.col("month") == str(month)) for source in sources.values()])
    versions = {name: source.version for name, source in sources.items()}
    draft = save_draft(
        job.lake,
        month,
        figures,
        manifest={"upstream": versions},
        as_of=job.as_of,
        created_at=job.started_at,
        created_by="run",
        work=watch.work(rows=figures.height, inputs=versions),
    )
    say(f"snapshot {draft.snapshot_id}: {'new draft' if draft.is_new else 'unchanged'}", figures=figures.height)
    return draft
