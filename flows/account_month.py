"""The heavy join: ACCOUNT_MONTH, made by tasks over account buckets and committed once."""

import math

from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.buckets import bucket_ranges
from compute.cluster import choose, is_running, run_here, run_on_ray
from compute.months import Month
from flows.job import RETRY, Job, Stopwatch, month_span, say
from storage.catalog import ACCOUNT_MONTH_TABLE, SILVER
from storage.lake import DataFile
from storage.shards import AccountShard, write_account_month

ROWS_PER_SHARD = 250_000
_INPUTS = ("revenue",)


@task(task_run_name="account_month {months}", cache_policy=NO_CACHE, **RETRY)
def join_account_months(job: Job, months: tuple[Month, ...]) -> int:
    """Bring ACCOUNT_MONTH up to date for a span of months; returns its version."""
    lake, table = job.lake, job.lake.open(ACCOUNT_MONTH_TABLE)
    sources = {dataset: lake.open(SILVER[dataset]) for dataset in _INPUTS}
    prints = " ".join(source.fingerprint() for source in sources.values())
    key = f"{job.company.fingerprint()} {month_span(months)} {prints}"
    keys = {str(month): key for month in months}
    if not job.is_rebuild and all(table.done(month, key) for month in keys):
        say("account_month: nothing new", version=table.version)
        return table.version
    table.created()
    rows_in = sum(source.count() for source in sources.values())
    executor, why = choose(job.executor, rows_in, is_running=is_running())
    shards = _shards(job, months, rows_in)
    watch = Stopwatch(job, ACCOUNT_MONTH_TABLE.name, months)
    run = run_on_ray if executor == "ray" else run_here
    files: list[DataFile] = [file for files in run(write_account_month, shards) for file in files]
    rows = sum(file.rows for file in files)
    inputs = {f"silver/{dataset}": source.version for dataset, source in sources.items()}
    version = table.replace_files(
        files, keys, watch.work(rows=rows, executor=executor, tasks=len(shards), inputs=inputs)
    )
    say(f"account_month: joined by {len(shards)} {executor} tasks ({why})", rows=rows, version=version)
    return version


def _shards(job: Job, months: tuple[Month, ...], rows: int) -> list[AccountShard]:
    count = min(64, max(2, math.ceil(rows / ROWS_PER_SHARD)))
    return [AccountShard(job.lake_root, first, last, months) for first, last in bucket_ranges(count)]
