"""The session rollup on Ray: clicks and usage sessions become user-days, and day parts that join to click sessions.

What a run recomputes is what changed: the (account, date) pairs of the records that came, went or were revised since
the tables were written (L-2). Where that cannot be told, the month is computed whole; both give the same rows.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.buckets import BUCKETS, bucket_ranges
from compute.engagement_day import spanned_dates
from compute.months import Month, month_of
from flows.job import RETRY, Job, Stopwatch, month_span, say
from flows.place import place
from flows.progress import run_shown
from storage.catalog import CLICK_SESSION, SESSION_PART, USER_DAY_TABLE
from storage.contents import NEVER_WRITTEN, key_number
from storage.errors import VersionGone
from storage.plan import cuts
from storage.shards import CLICKS, USAGE, SessionShard, UserShard, write_sessions, write_user_days
from storage.table import Table
from storage.work import changed_files

# A click takes about 250 bytes while it is rolled up, so a task holds a quarter of a gigabyte.
ROWS_PER_SHARD = 1_000_000
_TABLES = (USER_DAY_TABLE, SESSION_PART)
_PLACE = ["_partition", "_offset"]
_TOUCHED = {"account_id": pl.String, "date": pl.Date}


def bring_user_days(job: Job) -> None:
    """Bring user-days and click sessions up to date for every month that silver holds."""
    stale = stale_user_days(job)
    if stale:
        roll_up_clicks(job, stale)
    parts = job.lake.open(SESSION_PART)
    key = f"{job.rules} {parts.fingerprint()}"
    if parts.version != NEVER_WRITTEN and (job.is_rebuild or not job.lake.open(CLICK_SESSION).done("#parts", key)):
        join_sessions(job, key)


def stale_user_days(job: Job) -> Mapping[str, str]:
    """Return the months whose user-days are not made from what silver holds, each with its new key."""
    clicks, usage = (job.lake.open(dataset).partitions() for dataset in (CLICKS, USAGE))
    days, parts = (job.lake.open(dataset) for dataset in _TABLES)
    spilt = {str(Month.parse(name).plus(1)) for name in usage}
    months = sorted({*clicks, *usage, *spilt, *days.partitions(), *parts.partitions()})
    keys = {
        name: " ".join((job.rules, clicks.get(name, ""), usage.get(name, ""),
                        usage.get(str(Month.parse(name).plus(-1)), "")))
        for name in months
    }  # fmt: skip
    return {
        name: key
        for name, key in keys.items()
        if job.is_rebuild or not (days.done(name, key) and parts.done(name, key))
    }


@task(task_run_name="session rollup on {job.executor}", cache_policy=NO_CACHE, **RETRY)
def roll_up_clicks(job: Job, stale: Mapping[str, str]) -> int:
    """Roll up the stale months: tasks over user buckets, then one commit a table; returns the clicks read.

    The input versions are pinned here, once; every task reads its buckets of them and writes its own files.
    """
    sources = [job.lake.open(dataset) for dataset in (CLICKS, USAGE)]
    targets = [job.lake.open(dataset) for dataset in _TABLES]
    if not job.is_rebuild and all(table.done(name, key) for table in targets for name, key in stale.items()):
        return 0  # another run came first, or the answer to our own commit was lost
    versions = {table.dataset.name: table.version for table in (*sources, *targets)}
    months = tuple(Month.parse(name) for name in sorted(stale))
    plan = _plan(job, months, sources, targets)
    rows_in = sum(plan.rows.values())
    executor, why = place(job, rows_in)
    for table in targets:
        table.created()
    watch = Stopwatch(job, USER_DAY_TABLE.name, months)
    shards = _shards(job, versions, plan, sources)
    written = run_shown(USER_DAY_TABLE.name, executor, write_user_days, shards)
    inputs = {source.dataset.name: source.version for source in sources}
    for table in targets:
        parts = [part[table.dataset.name] for part in written]
        files, same = changed_files(table.dataset, parts, stale)
        rows = sum(file.rows for part in parts for file in part.files)
        watched = watch.work(rows=rows, executor=executor, tasks=len(shards), inputs=inputs, dataset=table.dataset.name)
        table.replace_files(files, stale, watched, _marks(job, sources, months), same)
        say(f"{table.dataset.name}: {len(shards)} tasks on {executor} ({why})", rows=rows, seconds=watched.seconds)
    patched = f"{plan.touched.height} account-days of {month_span(plan.patched)}" if plan.patched else "none"
    say("session rollup", months=len(months), rows_read=rows_in, recomputed_in_part=patched)
    return rows_in


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is rolled up: rows to read by month, the months of which only touched dates change, and those dates."""

    rows: Mapping[Month, int]
    patched: tuple[Month, ...]
    touched: pl.DataFrame


def _plan(job: Job, months: Sequence[Month], sources: list[Table], targets: list[Table]) -> _Plan:
    counts = [source.counts() for source in sources]
    rows = {month: sum(count.get(str(month), 0) for count in counts) for month in months}
    touched = {} if job.is_rebuild else {month: _touched(job, month, sources, targets) for month in months}
    known = {month: pairs for month, pairs in touched.items() if pairs is not None}
    return _Plan(rows, tuple(sorted(known)), pl.concat([pl.DataFrame(schema=_TOUCHED), *known.values()]))


def _marks(job: Job, sources: list[Table], months: Sequence[Month]) -> dict[str, int]:
    """Return what a month's rows are made from: the versions read and the rules, to tell later what changed."""
    marks = {f"{month}#rules": key_number(job.rules) for month in months}
    return marks | {f"{month}#{source.dataset.name}": source.version for month in months for source in sources}


def _touched(job: Job, month: Month, sources: list[Table], targets: list[Table]) -> pl.DataFrame | None:
    """Return the month's (account, date) pairs whose records changed; None when the month must be computed whole."""
    parts = [pl.DataFrame(schema=_TOUCHED)]
    if any(target.position(f"{month}#rules") != key_number(job.rules) for target in targets):
        return None
    for source in sources:
        before = {target.position(f"{month}#{source.dataset.name}") for target in targets}
        version = before.pop()
        if before or version is None:
            return None
        try:
            parts.append(_changed(job, source, version, month))
        except VersionGone:
            return None
    return pl.concat(parts).unique().filter(month_of(pl.col("date")) == str(month))


def _changed(job: Job, source: Table, version: int, month: Month) -> pl.DataFrame:
    """Return the pairs of the records that one version has and the other has not."""
    names = [str(month)] if source.dataset is CLICKS else [str(month.plus(-1)), str(month)]
    time = ["timestamp"] if source.dataset is CLICKS else ["session_start", "session_end"]
    columns = ["account_id", *time, *_PLACE]
    before, after = (
        table.read(pl.col("month").is_in(names), columns)
        for table in (job.lake.open(source.dataset, version=version), source)
    )
    changed = pl.concat([before.join(after, on=_PLACE, how="anti"), after.join(before, on=_PLACE, how="anti")])
    if source.dataset is CLICKS:
        return changed.select("account_id", date=pl.col("timestamp").dt.date())
    return spanned_dates(changed)


def _shards(job: Job, versions: Mapping[str, int], plan: _Plan, sources: list[Table]) -> list[UserShard]:
    """Cut the work into shards of bounded memory, as the file lists of what is read tell."""
    pieces = cuts([file for source in sources for file in source.weights()], tuple(plan.rows), ROWS_PER_SHARD)
    shards = []
    for cut in pieces:
        patched = tuple(month for month in cut.months if month in plan.patched)
        touched = plan.touched.filter(month_of(pl.col("date")).is_in([str(month) for month in patched]))
        shards.append(UserShard(job.lake_root, versions, cut, patched, touched, job.company))
    return shards


@task(task_run_name="click sessions on {job.executor}", cache_policy=NO_CACHE, **RETRY)
def join_sessions(job: Job, key: str) -> int:
    """Join the day parts to sessions: tasks over user buckets, then one commit; months that stay keep their files."""
    table, parts = job.lake.open(CLICK_SESSION), job.lake.open(SESSION_PART)
    if not job.is_rebuild and table.done("#parts", key):
        return 0
    table.created()
    versions = {each.dataset.name: each.version for each in (table, parts)}
    rows_in = parts.count()
    executor, why = place(job, rows_in)
    watch = Stopwatch(job, CLICK_SESSION.name)
    # A session begins in the month of one of its parts.
    months = tuple(sorted({*parts.partitions(), *table.partitions()}))
    ranges = bucket_ranges(min(BUCKETS, max(2, math.ceil(rows_in / ROWS_PER_SHARD))))
    shards = [SessionShard(job.lake_root, versions, first, last, months) for first, last in ranges]
    written = run_shown(CLICK_SESSION.name, executor, write_sessions, shards)
    files, same = changed_files(CLICK_SESSION, written, months)
    rows = sum(file.rows for each in written for file in each.files)
    work = watch.work(rows=rows, executor=executor, tasks=len(shards), inputs={SESSION_PART.name: parts.version})
    table.replace_files(files, dict.fromkeys(months, key), work, {"#parts": key_number(key)}, same)
    say(f"click sessions: {len(shards)} tasks on {executor} ({why})", sessions=rows, seconds=work.seconds)
    return rows
