"""The rollup as the product runs it: silver pinned, shards, files, one Delta commit a table, in a Prefect flow.

`python -m tests.benchmarks.ours EXECUTOR LAKE WARM`, started by `tests.benchmarks.bench`. A small lake goes first, so
that Prefect's server, Ray and its workers are up.
"""

import sys
import time
from datetime import UTC, datetime

from prefect import flow
from pydantic import SecretStr

from compute.company import Company
from flows.job import Job
from flows.user_days import roll_up_clicks, stale_user_days
from tests.benchmarks.timed import timed


def a_job(lake: str, executor: str) -> Job:
    """Return a job on a lake."""
    now = datetime(2024, 3, 1, tzinfo=UTC)
    secret = SecretStr("")
    return Job("benchmark", Company(), lake, "", secret, secret, executor, now, now, is_as_of_given=False)  # type: ignore[arg-type]


def roll_up(job: Job) -> None:
    """Do what the engagement flow does to bring clicks up to date."""
    if stale := stale_user_days(job):
        roll_up_clicks(job, stale)


@flow
def benchmark(executor: str, lake: str, warm: str) -> None:
    """Warm up, roll up, and roll up again when there is nothing to do."""
    roll_up(a_job(warm, executor))
    job = a_job(lake, executor)
    timed(lambda: roll_up(job))
    begin = time.perf_counter()
    roll_up(job)
    print(f"\nAGAIN {time.perf_counter() - begin}", flush=True)  # noqa: T201


if __name__ == "__main__":
    benchmark(*sys.argv[1:])
