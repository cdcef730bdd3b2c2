"""Releasing quarantined rows: a flow, so that what was decided has a history."""

from collections.abc import Sequence

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.job import RETRY, Job, Stopwatch, say, start
from storage.catalog import RELEASES
from storage.quarantine import Decision, release


@flow(name="release", flow_run_name="release {by}")
def release_cases(decisions: Sequence[dict[str, str]], by: str) -> int:
    """Release quarantined rows, all or none of them; the next run brings the figures up to date.

    Args:
        decisions: `case_id`, `verdict` (fix, accept, discard), `why`, and of a fix `payload`, the whole new record.
        by: who decides.

    Returns:
        How many rows were released.
    """
    return append_releases(start("release"), decisions, by)


@task(task_run_name="append releases", cache_policy=NO_CACHE, **RETRY)
def append_releases(job: Job, decisions: Sequence[dict[str, str]], by: str) -> int:
    """Add the releases in one commit."""
    watch = Stopwatch(job, RELEASES.name)
    decided = [
        Decision(each["case_id"], each["verdict"], each["why"], each["payload"].encode() if "payload" in each else None)
        for each in decisions
    ]
    count = release(job.lake, decided, by=by, at=job.started_at, work=watch.work(rows=0))
    say(f"{count} rows released by {by}")
    return count
