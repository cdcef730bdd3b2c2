"""The statements of drafts: what their reports tell beside the figures, brought up to date on every run."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.months import Month
from flows.job import RETRY, Job, Stopwatch, say
from storage.catalog import STATEMENT
from storage.snapshots import Draft
from storage.statement import SOURCES, Shared, gather, save_statements


def bring_statements(job: Job, drafts: list[Draft]) -> None:
    """Make the statements anew whose sources changed."""
    prints = " ".join(job.lake.open(dataset).fingerprint() for dataset in SOURCES)
    table, key = job.lake.open(STATEMENT), f"{job.rules} {prints}"
    stale = [draft for draft in drafts if job.is_rebuild or not table.done(draft.snapshot_id, key)]
    if stale:
        write_statements(job, stale, key)


@task(task_run_name="statements", cache_policy=NO_CACHE, **RETRY)
def write_statements(job: Job, drafts: list[Draft], key: str) -> None:
    """Write what the reports of the drafts tell beside their figures."""
    months = tuple(Month.parse(draft.month) for draft in drafts)
    watch, shared = Stopwatch(job, STATEMENT.name, months), Shared.read(job.lake, job.company)
    statements = {draft.snapshot_id: gather(month, shared) for draft, month in zip(drafts, months, strict=True)}
    save_statements(job.lake, statements, key, watch.work(rows=len(statements)))
    say("statements", drafts=len(drafts))
