"""What growth and profit share: the status timeline, and the heavy join on Ray that makes ACCOUNT_MONTH."""

import math
from collections.abc import Iterator, Mapping

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.buckets import BUCKETS, bucket_ranges
from compute.company_month import BRIDGE, bridges
from compute.errors import BadMonth
from compute.months import Month
from compute.status import status_timeline
from flows.job import RETRY, Job, Stopwatch, month_span, say
from flows.place import place
from flows.progress import run_shown
from storage.catalog import ACCOUNT_MONTH_TABLE, FIGURES, GAP_CASE, MRR_BRIDGE, SILVER, STATUS_STEP
from storage.evidence import first_evidence, first_observed
from storage.files import Replacement
from storage.shape import ALL
from storage.shards import ACCOUNT_INPUTS, AccountShard, write_account_month
from storage.work import changed_files

ROWS_PER_SHARD = 250_000
_CHANGES = SILVER["account_status_changes"]


def require_months(job: Job, months: tuple[Month, ...], evidence: Month | None = None) -> None:
    """Refuse months that the records cannot support; what landed stands.

    Args:
        job: the run.
        months: the months asked.
        evidence: a month from which other records than those that make an account speak.

    Raises:
        BadMonth: before the first evidence, or after the as-of's month.
    """
    known = [month for month in (first_evidence(job.lake), evidence) if month]
    first, last = min(known, default=None), Month.of(job.as_of.date())
    if first is None:
        raise BadMonth(f"No record makes an account yet: put the feeds' files into {job.landing} and run again.")
    if months[0] < first:
        raise BadMonth(f"{months[0]} lies before the first evidence: the earliest month to run is {first}.")
    if months[-1] > last:
        raise BadMonth(f"{months[-1]} lies after the as-of: the latest month to run is {last}.")


def bring_account_months(job: Job, months: tuple[Month, ...]) -> int:
    """Bring the timeline and ACCOUNT_MONTH up to date for the months; returns the version of ACCOUNT_MONTH."""
    key = f"{job.rules} {job.lake.open(_CHANGES).fingerprint()}"
    if job.is_rebuild or not job.lake.open(GAP_CASE).done(ALL, key):
        write_timeline(job, key)
    first = first_observed(job.lake)
    span = _span(job, months, first)
    prints = " ".join(job.lake.open(dataset).fingerprint() for dataset in ACCOUNT_INPUTS.values())
    key = f"{job.rules} {first} {month_span(span)} {prints}"
    table = job.lake.open(ACCOUNT_MONTH_TABLE)
    if job.is_rebuild or not all(table.done(str(month), key) for month in span):
        join_account_months(job, span, first, key)
    if job.is_rebuild or not all(job.lake.open(MRR_BRIDGE).done(str(month), key) for month in span):
        write_bridges(job, span, key)
    return job.lake.open(ACCOUNT_MONTH_TABLE).version


def _span(job: Job, months: tuple[Month, ...], first_month: Month | None) -> tuple[Month, ...]:
    """Return the months to join: from the first observed one, or the first ever asked, to the last ever asked.

    What was asked is what has figures. A month that was joined for others alone, when no bill was known yet or
    evidence stood that no longer does, is none of them: runs that read the same records in another order never had it.
    """
    asked = [Month.parse(name) for table in FIGURES.values() for name in job.lake.open(table).partitions()]
    start = first_month or first_evidence(job.lake) or months[0]
    return min([start, *months, *asked]).until(max([*months, *asked]))


@task(task_run_name="status timeline", cache_policy=NO_CACHE, **RETRY)
def write_timeline(job: Job, key: str) -> int:
    """Order the status changes of all accounts, find the gaps, impute what the graph decides."""
    written, changes = Replacement(job.lake, STATUS_STEP), job.lake.open(_CHANGES)
    watch, found = Stopwatch(job, STATUS_STEP.name), list[pl.DataFrame]()

    def timelines() -> Iterator[tuple[pl.Expr, pl.DataFrame]]:
        for first, last in bucket_ranges(min(BUCKETS, 1 + changes.count() // ROWS_PER_SHARD)):
            mine = pl.col("_bucket").is_between(first, last, closed="left")
            steps, cases = status_timeline(changes.read(mine), job.company.status_graph)
            found.append(cases)
            yield mine, steps.sort("_bucket", maintain_order=True)

    written.add_parts(ALL, timelines())
    cases, inputs = pl.concat(found).sort(list(GAP_CASE.schema)), {_CHANGES.name: changes.version}
    written.commit({ALL: key}, watch.work(rows=written.rows, inputs=inputs))
    version = job.lake.open(GAP_CASE).replace(
        cases, {ALL: key}, Stopwatch(job, GAP_CASE.name).work(rows=cases.height, inputs=inputs)
    )
    say("status timeline", steps=written.rows, gaps=cases.height)
    return version


@task(task_run_name="account_month on {job.executor}", cache_policy=NO_CACHE, **RETRY)
def join_account_months(job: Job, span: tuple[Month, ...], first_month: Month | None, key: str) -> int:
    """Join the records of all accounts by month: tasks over account buckets, then one commit.

    The input versions are pinned here, once; every task reads its buckets of them and writes its own files.
    """
    table = job.lake.open(ACCOUNT_MONTH_TABLE)
    if not job.is_rebuild and all(table.done(str(month), key) for month in span):
        return table.version  # another run came first, or the answer to our own commit was lost
    table.created()
    sources = [job.lake.open(dataset) for dataset in ACCOUNT_INPUTS.values()]
    versions = {source.dataset.name: source.version for source in (*sources, table)}
    rows_in = sum(source.count() for source in sources)
    executor, why = place(job, rows_in)
    shards = _shards(job, versions, span, first_month, rows_in)
    watch = Stopwatch(job, ACCOUNT_MONTH_TABLE.name, span)
    written = run_shown(ACCOUNT_MONTH_TABLE.name, executor, write_account_month, shards)
    keys = dict.fromkeys([*map(str, span), *table.partitions()], key)  # a month outside the span goes
    files, same = changed_files(ACCOUNT_MONTH_TABLE, written, keys)
    rows = sum(file.rows for each in written for file in each.files)
    work = watch.work(rows=rows, executor=executor, tasks=len(shards), inputs=versions)
    version = table.replace_files(files, keys, work, same=same)
    say(
        f"account_month: {len(shards)} tasks on {executor} ({why})",
        rows=rows, months_changed=len(keys) - len(same), seconds=work.seconds,
    )  # fmt: skip
    return version


def _shards(
    job: Job, versions: Mapping[str, int], span: tuple[Month, ...], first_month: Month | None, rows: int
) -> list[AccountShard]:
    count = min(64, max(2, math.ceil(rows / ROWS_PER_SHARD)))
    return [
        AccountShard(job.lake_root, versions, first, last, span, first_month, job.company)
        for first, last in bucket_ranges(count)
    ]


@task(task_run_name="mrr bridge", cache_policy=NO_CACHE, **RETRY)
def write_bridges(job: Job, span: tuple[Month, ...], key: str) -> int:
    """Write the MRR bridge of every month, for the company and for every tier."""
    table, source = job.lake.open(MRR_BRIDGE), job.lake.open(ACCOUNT_MONTH_TABLE)
    watch = Stopwatch(job, MRR_BRIDGE.name, span)
    columns = ["month", "tier", "movement", "movement_amount", "prior_mrr", "mrr"]
    # A month at a time, as no bridge needs another: together they are as many rows as there are account-months.
    of_months = [pl.col("is_existing") & (pl.col("month") == month) for month in sorted(source.partitions())]
    rows = pl.concat([pl.DataFrame(schema=BRIDGE), *(bridges(source.read(where, columns)) for where in of_months)])
    inputs = {source.dataset.name: source.version}
    keys = dict.fromkeys(sorted({*map(str, span), *table.partitions()}), key)
    return table.replace(rows, keys, watch.work(rows=rows.height, inputs=inputs))
