"""Settling: the months of a feed whose judged rows changed become current rows, and counts of every row."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from compute.buckets import BUCKETS, bucket_ranges
from compute.clock import clock_marks, moved_in_files, moved_rows
from compute.company import Company
from compute.contracts.contract import Contract
from compute.contracts.feeds import FEEDS
from compute.contracts.schema import require
from compute.current import ALONE, Beside, named_accounts, refused_of, settle, silver_rows
from compute.dispositions import (
    DISPOSITION,
    HELD,
    UNKNOWN_FIELD,
    added_up,
    count_dispositions,
    count_unknown_fields,
    held_rows,
)
from compute.errors import ContractViolation
from compute.releases import is_accepted_as_is, release_marks, standing
from compute.summaries import arrivals_by_day
from flows.dead_letters import bring_dead_letters
from flows.job import Job, Stopwatch
from flows.received import Received
from storage.catalog import DISPOSITIONS, HELD_ROW, JUDGED, SILVER, UNKNOWN_FIELDS
from storage.contents import key_number
from storage.dataset import Dataset
from storage.files import Replacement
from storage.table import Table

_ROWS_AT_ONCE = 200_000  # bounds what is settled in memory


def settle_touched(job: Job, received: Received, before: pl.DataFrame, summaries: pl.DataFrame) -> tuple[str, ...]:
    """Settle the months whose judged rows changed, or whose time has come; returns them.

    Args:
        job: the run.
        received: what is there.
        before: SUMMARY rows of what had been judged before this run.
        summaries: those of what is judged now.
    """
    lake, contract, judged = job.lake, received.contract, received.judged
    dataset = contract.dataset
    silver, counts = lake.open(SILVER[dataset]), lake.open(DISPOSITIONS)
    if judged.version < 0:
        return ()
    beside = _beside(job, received)
    marks = _marks(job, received, beside, summaries)
    base = f"{contract.version} {job.company.fingerprint()}"
    whole = f"{base} {judged.fingerprint()} {sorted(marks.items())}"
    if counts.done(dataset, whole) and not job.is_rebuild:
        return ()
    refused = refused_of(arrivals_by_day(summaries), job.company)
    keys = {
        month: f"{base} {sorted(refused)} {marks.get(month, '')} {print_}"
        for month, print_ in judged.partitions().items()
    }
    gone = {month: f"{base} none" for month in silver.partitions() if month not in keys}
    # Counts are written last: a month is up to date when they are, so a run that was killed between is made good.
    is_counted = {
        month: counts.position(f"{dataset}/{month}") == key_number(key) for month, key in {**keys, **gone}.items()
    }
    stale = {
        month: key
        for month, key in {**keys, **gone}.items()
        if job.is_rebuild or not (is_counted[month] and silver.done(month, key))
    }
    watch, written, found = Stopwatch(job, SILVER[dataset].name), Replacement(lake, SILVER[dataset]), _Found()
    for month in sorted(stale):
        parts = _settled(judged, month, lambda rows: settle(rows, contract, job.company, refused, beside))
        written.add_parts(month, found.noted(parts, contract, job.company))
    if stale:
        written.commit(stale, watch.work(rows=written.rows))
    bring_dead_letters(job, received, before, summaries)
    for table, rows in (
        (HELD_ROW, pl.concat([pl.DataFrame(schema=HELD), *found.held])),
        (UNKNOWN_FIELDS, added_up(found.unknown, UNKNOWN_FIELD)),
    ):
        _write_beside(job, contract, table, rows, frozenset(stale), whole)
    _write_counts(job, received, added_up(found.counted, DISPOSITION), stale, whole)
    return tuple(sorted(stale))


def _beside(job: Job, received: Received) -> Beside:
    """Return what decides about rows beside them: the accounts that file feeds name, the as-of, the releases."""
    if not received.contract.is_topic:
        return replace(ALONE, releases=received.releases)
    files = [feed for feed in FEEDS if feed.account and not feed.is_topic]
    named = [named_accounts(job.lake.read(JUDGED[feed.dataset], columns=["account_id", "_verdict"])) for feed in files]
    return Beside(pl.concat(named).unique(), job.as_of, received.releases)


def _settled(
    judged: Table, month: str, settle_rows: Callable[[pl.DataFrame], pl.DataFrame]
) -> Iterator[tuple[pl.Expr, pl.DataFrame]]:
    """Settle a month in as many ranges of buckets as memory asks for; a key never leaves its bucket."""
    of_month = pl.col("month") == month
    for first, last in bucket_ranges(min(BUCKETS, 1 + judged.counts().get(month, 0) // _ROWS_AT_ONCE)):
        mine = pl.col("_bucket").is_between(first, last, closed="left")
        yield mine, settle_rows(judged.read(of_month & mine))


@dataclass(frozen=True, slots=True)
class _Found:
    """What settling finds beside the current rows, part by part."""

    held: list[pl.DataFrame] = field(default_factory=list)
    unknown: list[pl.DataFrame] = field(default_factory=list)
    counted: list[pl.DataFrame] = field(default_factory=list)

    def noted(
        self, parts: Iterable[tuple[pl.Expr, pl.DataFrame]], contract: Contract, company: Company
    ) -> Iterator[tuple[pl.Expr, pl.DataFrame]]:
        """Return the current rows of settled parts, held to the contract, and note what is found beside them."""
        for where, settled in parts:
            self.held.append(held_rows(settled, contract))
            self.unknown.append(count_unknown_fields(settled, contract))
            self.counted.append(count_dispositions(settled, contract))
            rows = silver_rows(settled, contract)
            require(contract, company, rows.filter(~is_accepted_as_is()))
            yield where, rows


def _marks(job: Job, received: Received, beside: Beside, summaries: pl.DataFrame) -> dict[str, str]:
    """Return by month what stands beside its rows and decides about them."""
    contract, judged = received.contract, received.judged
    released = _release_marks(judged, beside.releases, contract)
    if not contract.is_topic:
        return released
    counted, doubtful = moved_in_files(summaries, job.company, beside)
    looked_at = moved_rows(judged.scan(doubtful), contract, job.company, beside)
    clock = clock_marks(pl.concat([counted, looked_at]))
    return {month: f"{clock.get(month, '')} {released.get(month, '')}" for month in {*clock, *released}}


def _release_marks(judged: Table, releases: pl.DataFrame, contract: Contract) -> dict[str, str]:
    stands = standing(releases, contract)
    if stands.is_empty():
        return {}
    is_released = pl.all_horizontal(pl.col(name).is_in(stands.get_column(name).implode()) for name in contract.row_key)
    return release_marks(judged.read(is_released, ["month", *contract.row_key]), releases, contract)


def _write_beside(
    job: Job, contract: Contract, target: Dataset, fresh: pl.DataFrame, months: frozenset[str], key: str
) -> None:
    """Keep the rows of the settled months beside those of the others; most feeds never have any."""
    table, watch = job.lake.open(target), Stopwatch(job, target.name)
    others = table.read((pl.col("dataset") == contract.dataset) & ~pl.col("month").is_in(sorted(months)))
    rows = pl.concat([others, fresh]).sort(target.key)
    if rows.height or table.version >= 0:
        table.replace(rows, {contract.dataset: key}, watch.work(rows=rows.height))


def _write_counts(job: Job, received: Received, counted: pl.DataFrame, months: Mapping[str, str], key: str) -> None:
    """Count dispositions of the settled months beside those of the others; conservation is asserted (AT-03)."""
    dataset = received.contract.dataset
    table, watch = job.lake.open(DISPOSITIONS), Stopwatch(job, DISPOSITIONS.name)
    others = table.read((pl.col("dataset") == dataset) & ~pl.col("month").is_in(sorted(months)))
    rows = pl.concat([others, counted]).sort("month", "disposition", "code")
    ruled = rows.filter(pl.col("code") == "").get_column("rows").sum()
    if ruled != received.count():
        raise ContractViolation(
            dataset=dataset, failures=(f"{received.count()} rows were received and {ruled} have a disposition",)
        )
    made_from = {f"{dataset}/{month}": key_number(print_) for month, print_ in months.items()}
    table.replace(rows, {dataset: key}, watch.work(rows=rows.height), made_from)
