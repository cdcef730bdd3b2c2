"""The product's own work, timed: `python -m tests.benchmarks.ours WORK EXECUTOR LAKE WARM`, started by `bench`.

Silver pinned, shards, files, one Delta commit a table, in a Prefect flow. A small lake goes first, so that Prefect's
server, Ray and its workers are up.
"""

import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from prefect import flow
from pydantic import SecretStr

from compute.company import Company
from flows.account_month import join_account_months
from flows.job import Job
from flows.user_days import roll_up_clicks, stale_user_days
from storage.evidence import first_observed
from tests.benchmarks.lives import MONTHS
from tests.benchmarks.timed import timed, timed_again


def a_job(lake: str, executor: str) -> Job:
    """Return a job on a lake."""
    now = datetime(2024, 3, 1, tzinfo=UTC)
    secret = SecretStr("")
    return Job("benchmark", Company(), lake, "", secret, secret, executor, now, now, is_as_of_given=False)  # type: ignore[arg-type]


def roll_up(job: Job) -> None:
    """Do what the engagement flow does to bring clicks up to date."""
    if stale := stale_user_days(job):
        roll_up_clicks(job, stale)


def join(job: Job) -> None:
    """Do what growth and profit do to join the records of accounts."""
    join_account_months(job, MONTHS, first_observed(job.lake), "benchmark")


WORK: Mapping[str, Callable[[Job], None]] = {"rollup": roll_up, "join": join}


@flow
def benchmark(name: str, executor: str, lake: str, warm: str) -> None:
    """Warm up, do the work, and do it again when there is nothing to do."""
    work, job = WORK[name], a_job(lake, executor)
    work(a_job(warm, executor))
    timed(lambda: work(job))
    timed_again(lambda: work(job))


if __name__ == "__main__":
    benchmark(*sys.argv[1:])
