"""The record of a run that ended well, also of one that found nothing to write: by it the watch knows what is out."""

from datetime import UTC, datetime

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import deployment, flow_run

from compute.months import Month
from compute.publication import READ_TOPICS, RUN
from compute.statuses import UNKNOWN
from flows.job import RETRY, Job, Stopwatch
from storage.catalog import STATUS_STEP
from storage.lake import Lake
from storage.watched import RUNS
from storage.watermark import engagement_watermark


def record_run(job: Job, months: tuple[Month, ...]) -> None:
    """Record that the run brought the months up to date, last of all; a run within a run leaves it to the outer one."""
    if flow_run.parent_flow_run_id:
        return
    append_run(job, months, deployment.get_name() or "")


@task(task_run_name="record the run", cache_policy=NO_CACHE, **RETRY)
def append_run(job: Job, months: tuple[Month, ...], deployed_as: str) -> None:
    """Append the run to the table of runs."""
    work = Stopwatch(job, RUNS.name, months).work(rows=1)
    row = {
        "flow": job.flow,
        "deployment": deployed_as,
        "first_month": str(months[0]),
        "last_month": str(months[-1]),
        "as_of": job.as_of,
        "watermark": engagement_watermark(job.lake, job.company, job.as_of) if job.flow in READ_TOPICS else None,
        "started_at": job.started_at,
        "finished_at": datetime.now(UTC),
        "unknown_statuses": _unknown_statuses(job.lake),
    }
    job.lake.open(RUNS).append_once(pl.DataFrame([row], schema=dict(RUN)), work)


def _unknown_statuses(lake: Lake) -> int:
    last = pl.col("status").sort_by("step").last()
    steps = lake.read(STATUS_STEP, columns=["account_id", "step", "status"])
    return steps.group_by("account_id").agg(last).filter(pl.col("status") == UNKNOWN).height
