"""A backfill: months one after the other, oldest first, each complete before the next begins.

It may be stopped anywhere and begun again: a month that is done has nothing new to compute.
Source: `operations.md` C.4, "A backfill logs scope, initiator, checksums".
"""

from datetime import UTC, datetime

import polars as pl
from prefect import flow, tags, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from compute.months import Month
from flows.aggregated import aggregated
from flows.artifacts import publish_tables
from flows.job import RETRY, Job, Stopwatch, asked_months, month_span, say, start
from flows.parameters import Instant, Months, run_name
from flows.progress import Bar
from flows.record import record_run
from storage.snapshots import live_draft
from storage.watched import BACKFILL


@flow(name="backfill", flow_run_name=run_name)
def backfill(month: Months, as_of: Instant = None) -> dict[str, int]:
    """Make the drafts of a range of months, one month after the other.

    Args:
        month: 2024-01, or a range 2023-10..2024-03; last and this are the months of the as-of.
        as_of: Run as of this instant, written as 2024-02-02T12:00:00Z; the start of each month's run without it.

    Returns:
        The number of each month's draft.
    """
    job = start("backfill", as_of)
    months = asked_months(job, month)
    bar, numbers = Bar("backfill", len(months), "months"), dict[str, int]()
    for done, each in enumerate(months, start=1):
        began, before = datetime.now(UTC), _content(job, each)
        with tags(*flow_run.tags):
            numbers |= aggregated(str(each), as_of)["drafts"]  # type: ignore[call-overload]
        after = _content(job, each)
        append_audit(job, months, each, (before, after), began)
        bar.show(done)
        verdict = "unchanged" if after == before else f"draft {numbers[str(each)]}"
        say(f"backfill {each}: {verdict}, {done} of {len(months)} months")
    publish_tables(job)
    record_run(job, months)
    return numbers


def _content(job: Job, month: Month) -> str:
    draft = live_draft(job.lake, month)
    return draft.content_hash if draft else ""


@task(task_run_name="backfill audit {month}", cache_policy=NO_CACHE, **RETRY)
def append_audit(job: Job, scope: tuple[Month, ...], month: Month, hashes: tuple[str, str], began: datetime) -> None:
    """Append what a backfill did to a month: the content hash of its draft before and after."""
    row = {
        "scope": month_span(scope),
        "month": str(month),
        "by": job.run_by,
        "hash_before": hashes[0],
        "hash_after": hashes[1],
        "started_at": began,
        "finished_at": datetime.now(UTC),
    }
    work = Stopwatch(job, BACKFILL.name, (month,)).work(rows=1)
    job.lake.open(BACKFILL).append_once(pl.DataFrame([row], schema=dict(BACKFILL.schema)), work)
