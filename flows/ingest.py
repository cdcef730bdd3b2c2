"""Ingest: from landed records to silver, feed by feed. Land, judge, settle."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.contracts.contract import Contract
from compute.contracts.feeds import FEEDS
from compute.contracts.schema import require
from compute.current import (
    ALONE,
    Beside,
    clock_marks,
    count_dispositions,
    count_unknown_fields,
    held_rows,
    named_accounts,
    refused_days,
    settle,
    silver_rows,
)
from compute.errors import BadSetting, ContractViolation
from compute.judging import judge
from compute.privacy import key_check
from compute.releases import RELEASED, fixed_rows, is_accepted_as_is, release_marks
from flows.job import RETRY, Job, Stopwatch, say
from storage.catalog import (
    BRONZE,
    DEAD_LETTER,
    DISPOSITIONS,
    HELD_ROW,
    JUDGED,
    LANDED_FILE,
    RELEASES,
    SILVER,
    UNKNOWN_FIELDS,
)
from storage.dataset import Dataset
from storage.files import Replacement, write_files
from storage.lake import Table, key_number
from storage.landing import Landing, arrivals, land, stray_folders
from storage.topics import land_topic
from storage.work import DataFile

_RECEIVED = "#received"  # names what a judged table was made from
_KEY = "#pseudonym_key"  # tells which key the pseudonyms of a judged table were made with
_ROWS_AT_ONCE = 200_000  # bounds what is judged in memory
_RULES = "#rules"  # names the rules that a judged table was made with


@dataclass(frozen=True, slots=True)
class Ingested:
    """What one feed's ingest did."""

    dataset: str
    landing: Landing
    months: tuple[str, ...]


@task(task_run_name="ingest {contract.dataset}", cache_policy=NO_CACHE, **RETRY)
def ingest(job: Job, contract: Contract) -> Ingested:
    """Bring one feed up to date: bronze, judged, silver, dead letters, dispositions."""
    watch, bring = Stopwatch(job, BRONZE[contract.dataset].name), land_topic if contract.is_topic else land
    landing = bring(
        job.lake, job.landing, contract.dataset, as_of=job.as_of, now=job.started_at, work=watch.work(rows=0)
    )
    judge_new(job, contract)
    months = settle_touched(job, contract)
    if landing.files or landing.repeats or months:
        brought = f"{landing.rows} new rows in {landing.files} files"
        say(f"{contract.dataset}: {brought}", repeats=landing.repeats, months=len(months))
    else:
        say(f"{contract.dataset}: nothing new")
    for problem in landing.problems.values():
        say(f"{contract.dataset}: {problem}")
    return Ingested(contract.dataset, landing, months)


def ingest_all(job: Job, feeds: tuple[Contract, ...]) -> list[Ingested]:
    """Bring feeds up to date, one task each."""
    for folder in stray_folders(job.landing, (contract.dataset for contract in FEEDS)):
        say(f"{job.landing}/{folder} is no feed and is not read; the feeds are {', '.join(c.dataset for c in FEEDS)}")
    for contract in feeds:
        require_key(job, contract)
    return [ingest(job, contract) for contract in feeds]


def require_key(job: Job, contract: Contract) -> None:
    """Refuse another pseudonym key than the one that the lake's users were named with.

    Raises:
        BadSetting: one user would get two names; nothing was written.
    """
    made_with = job.lake.open(JUDGED[contract.dataset]).position(_KEY) if contract.user else None
    if made_with not in (None, _key_number(job)):
        raise BadSetting(
            "The pseudonym key is not the one that this lake was made with: set TECHFLOW_PSEUDONYM_KEY to that one "
            "(without it, the key in the home folder counts), or use another lake."
        )


def _key_number(job: Job) -> int:
    return key_number(key_check(_key(job)))


def _key(job: Job) -> bytes:
    return job.pseudonym_key.get_secret_value().encode()


def judge_new(job: Job, contract: Contract) -> None:
    """Judge what landed since; everything anew when the rules, or the place of a judged row, changed."""
    judged = job.lake.open(JUDGED[contract.dataset])
    rules = f"{contract.version} {job.company.fingerprint()}"
    sightings = job.lake.open(LANDED_FILE).partitions().get(contract.dataset, "")
    fixes = sorted(_fixed(job, contract).get_column("_batch_id"))
    key = f"{rules} {job.lake.open(BRONZE[contract.dataset]).fingerprint()} {sightings} {fixes}"
    if judged.done(_RECEIVED, key) and not job.is_rebuild:
        return
    watch, whole = Stopwatch(job, judged.dataset.name), _must_judge_all(job, contract, judged, rules)
    files: list[DataFile] = []
    for received in _unjudged(job, contract, None if whole else judged):
        judged.created()
        files += write_files(job.lake, judged.dataset, judge(received, contract, job.company, _key(job)))
    if not files and not whole:
        return
    marks = {_RULES: key_number(rules), _RECEIVED: key_number(key)} | (
        {_KEY: _key_number(job)} if contract.user else {}
    )
    work = watch.work(rows=sum(file.rows for file in files))
    if whole:
        months = {*judged.partitions(), *(file.partition for file in files)}
        judged.replace_files(files, dict.fromkeys(months, rules), work, marks)
    else:
        judged.append_files(files, marks, work)


def _must_judge_all(job: Job, contract: Contract, judged: Table, rules: str) -> bool:
    if job.is_rebuild or (judged.version >= 0 and not judged.done(_RULES, rules)):
        return True
    place = ["_source", "_batch_id", "_arrival", *(() if contract.is_topic else ("_file",))]
    known = judged.scan().select(place).unique().collect()
    gone = known.filter(pl.col("_source") == RELEASED).join(_fixed(job, contract), on="_batch_id", how="anti")
    if gone.height or contract.is_topic:
        return gone.height > 0
    landed = known.filter(pl.col("_source") != RELEASED)
    return landed.join(arrivals(job.lake, contract.dataset), on=place[1:], how="anti").height > 0


def _unjudged(job: Job, contract: Contract, judged: Table | None) -> Iterator[pl.DataFrame]:
    """Yield the received rows that are not judged yet, in their places; all of them without a judged table."""
    known = [] if judged is None else judged.scan().select(pl.col("_batch_id").unique()).collect().to_series().to_list()
    is_new, columns = ~pl.col("_batch_id").is_in(known), [*contract.place, "payload"]
    places = None if contract.is_topic else arrivals(job.lake, contract.dataset)
    bronze = job.lake.open(BRONZE[contract.dataset]).scan().filter(is_new).drop("_ingested_at")
    for batch in bronze.collect_batches(chunk_size=_ROWS_AT_ONCE, maintain_order=True):
        # A file counts at the earliest of its names, whichever was read first.
        received = batch if places is None else batch.drop("_arrival", "_file").join(places, on="_batch_id")
        if received.height:
            yield received.select(columns)
    fixed = _fixed(job, contract).filter(is_new).select(columns)
    if fixed.height:
        yield fixed


def _fixed(job: Job, contract: Contract) -> pl.DataFrame:
    return fixed_rows(job.lake.read(RELEASES), contract)


def _beside(job: Job, contract: Contract) -> Beside:
    """Return what decides about rows beside them: the accounts that file feeds name, the as-of, the releases."""
    releases = job.lake.read(RELEASES)
    if not contract.is_topic:
        return replace(ALONE, releases=releases)
    files = [feed for feed in FEEDS if feed.account and not feed.is_topic]
    named = [named_accounts(job.lake.read(JUDGED[feed.dataset], columns=["account_id", "_verdict"])) for feed in files]
    return Beside(pl.concat(named).unique(), job.as_of, releases)


def settle_touched(job: Job, contract: Contract) -> tuple[str, ...]:
    """Settle the months whose judged rows changed, or whose time has come; returns them."""
    lake, dataset = job.lake, contract.dataset
    judged, silver, counts = lake.open(JUDGED[dataset]), lake.open(SILVER[dataset]), lake.open(DISPOSITIONS)
    if judged.version < 0:
        return ()
    beside = _beside(job, contract)
    marks = _marks(job, contract, judged, beside)
    base = f"{contract.version} {job.company.fingerprint()}"
    whole = f"{base} {judged.fingerprint()} {sorted(marks.items())}"
    if counts.done(dataset, whole) and not job.is_rebuild:
        return ()
    refused = refused_days(judged.scan(), job.company)
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
    watch, written = Stopwatch(job, SILVER[dataset].name), Replacement(lake, SILVER[dataset])
    held, unknown, counted = ([pl.DataFrame(schema=table.schema)] for table in (HELD_ROW, UNKNOWN_FIELDS, DISPOSITIONS))
    for month in sorted(stale):
        settled = settle(judged.read(pl.col("month") == month), contract, job.company, refused, beside)
        rows = silver_rows(settled, contract)
        require(contract, job.company, rows.filter(~is_accepted_as_is()))
        written.add(month, rows)
        held.append(held_rows(settled, contract))
        unknown.append(count_unknown_fields(settled, contract))
        counted.append(count_dispositions(settled, contract))
    if stale:
        written.commit(stale, watch.work(rows=written.rows))
    _write_dead_letters(job, contract, whole)
    for table, rows in ((HELD_ROW, pl.concat(held)), (UNKNOWN_FIELDS, pl.concat(unknown))):
        _write_beside(job, contract, table, rows, frozenset(stale), whole)
    _write_counts(job, contract, pl.concat(counted), stale, whole)
    return tuple(sorted(stale))


def _marks(job: Job, contract: Contract, judged: Table, beside: Beside) -> dict[str, str]:
    """Return by month what stands beside its rows and decides about them."""
    is_released = (beside.releases.get_column("dataset") == contract.dataset).any()
    places = judged.read(columns=["month", *contract.row_key]) if is_released else pl.DataFrame()
    released = release_marks(places, beside.releases, contract) if is_released else {}
    if not contract.is_topic:
        return released
    clock = clock_marks(judged.scan(), contract, job.company, beside)
    return {month: f"{clock.get(month, '')} {released.get(month, '')}" for month in {*clock, *released}}


def _write_dead_letters(job: Job, contract: Contract, key: str) -> None:
    """Keep every rejected row verbatim, with its place and reason."""
    lake, dataset = job.lake, contract.dataset
    watch, table = Stopwatch(job, DEAD_LETTER.name), lake.open(DEAD_LETTER)
    rejected = lake.read(JUDGED[dataset], pl.col("_verdict") == "rejected")
    place = list(contract.row_key)
    batches = rejected.get_column("_batch_id").unique().to_list()
    landed = lake.read(BRONZE[dataset], pl.col("_batch_id").is_in(batches), [*place, "payload"])
    payloads = pl.concat([landed, _fixed(job, contract).select([*place, "payload"])])
    file, partition, row = (
        ("_topic", pl.col("_partition"), "_offset") if contract.is_topic else ("_file", pl.lit(None), "_row")
    )
    rows = (
        rejected.join(payloads, on=place)
        .select(
            dataset=pl.lit(dataset),
            file=file,
            partition=partition.cast(pl.Int64),
            row=row,
            arrival="_arrival",
            codes=pl.col("_codes").list.join(";"),
            reason=pl.col("_detail").fill_null(""),
            payload_sha256="_payload_sha256",
            payload="payload",
        )
        .sort("file", "partition", "row")
    )
    if rows.height or table.version >= 0:
        table.replace(rows, {dataset: key}, watch.work(rows=rows.height))


def _write_beside(
    job: Job, contract: Contract, target: Dataset, fresh: pl.DataFrame, months: frozenset[str], key: str
) -> None:
    """Keep the rows of the settled months beside those of the others; most feeds never have any."""
    table, watch = job.lake.open(target), Stopwatch(job, target.name)
    others = table.read((pl.col("dataset") == contract.dataset) & ~pl.col("month").is_in(sorted(months)))
    rows = pl.concat([others, fresh]).sort(target.key)
    if rows.height or table.version >= 0:
        table.replace(rows, {contract.dataset: key}, watch.work(rows=rows.height))


def _write_counts(job: Job, contract: Contract, counted: pl.DataFrame, months: Mapping[str, str], key: str) -> None:
    """Count dispositions of the settled months beside those of the others; conservation is asserted (AT-03)."""
    lake, dataset = job.lake, contract.dataset
    table, watch = lake.open(DISPOSITIONS), Stopwatch(job, DISPOSITIONS.name)
    others = table.read((pl.col("dataset") == dataset) & ~pl.col("month").is_in(sorted(months)))
    rows = pl.concat([others, counted]).sort("month", "disposition", "code")
    ruled = rows.filter(pl.col("code") == "").get_column("rows").sum()
    received = lake.open(BRONZE[dataset]).count() + _fixed(job, contract).height
    if ruled != received:
        raise ContractViolation(
            dataset=dataset, failures=(f"{received} rows were received and {ruled} have a disposition",)
        )
    made_from = {f"{dataset}/{month}": key_number(print_) for month, print_ in months.items()}
    table.replace(rows, {dataset: key}, watch.work(rows=rows.height), made_from)
