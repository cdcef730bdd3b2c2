"""Ingest: from landed records to silver, feed by feed. Land, judge, settle."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.ahead import ahead
from compute.contracts.contract import Contract
from compute.contracts.feeds import FEEDS
from compute.errors import BadSetting
from compute.judging import judge
from compute.privacy import key_check
from compute.releases import RELEASED
from compute.summaries import BATCH, FIX, batches
from flows.job import RETRY, Job, Stopwatch, say
from flows.received import SEEN, Received, bring_summaries
from flows.settle import settle_touched
from storage.catalog import BRONZE, JUDGED, LANDED_FILE
from storage.contents import key_number
from storage.files import write_files
from storage.landing import Landing, arrivals, land, stray_folders
from storage.topics import land_topic
from storage.work import DataFile

_RECEIVED = "#received"  # names what a judged table was made from
_KEY = "#pseudonym_key"  # tells which key the pseudonyms of a judged table were made with
_ROWS_AT_ONCE = 50_000  # bounds what is judged in memory, a part on each thread
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
    landing = bring(job, contract)
    received = Received.open(job.lake, contract)
    before, version = bring_summaries(job, received), received.judged.version
    judge_new(job, received, before)
    now = before if received.judged.version == version else bring_summaries(job, received)
    months = settle_touched(job, received, before, now)
    if landing.files or landing.repeats or months:
        brought = f"{landing.rows} new rows in {landing.files} files"
        say(f"{contract.dataset}: {brought}", repeats=landing.repeats, months=len(months))
    else:
        say(f"{contract.dataset}: nothing new")
    for problem in landing.problems.values():
        say(f"{contract.dataset}: {problem}")
    return Ingested(contract.dataset, landing, months)


def bring(job: Job, contract: Contract) -> Landing:
    """Land what is new of a feed."""
    if contract.is_topic and job.broker:
        from flows.drain import drain_topic  # noqa: PLC0415 - it loads the broker's client

        return drain_topic(job, job.broker, contract.dataset)
    watch, bring_files = Stopwatch(job, BRONZE[contract.dataset].name), land_topic if contract.is_topic else land
    return bring_files(
        job.lake, job.landing, contract.dataset, as_of=job.as_of, now=job.started_at, work=watch.work(rows=0)
    )


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


def judge_new(job: Job, received: Received, before: pl.DataFrame) -> None:
    """Judge what landed since; everything anew when the rules, or the place of a judged row, changed.

    Args:
        job: the run.
        received: what is there.
        before: SUMMARY rows of what is judged.
    """
    contract, judged = received.contract, received.judged
    rules = f"{contract.version} {job.company.fingerprint()}"
    sightings = job.lake.open(LANDED_FILE).partitions().get(contract.dataset, "")
    fixes = sorted(received.fixed.get_column("_batch_id"))
    key = f"{rules} {received.bronze.fingerprint()} {sightings} {fixes}"
    if judged.done(_RECEIVED, key) and not job.is_rebuild:
        return
    watch, whole = Stopwatch(job, judged.dataset.name), _must_judge_all(job, received, rules, before)
    files: list[DataFile] = []

    def judged_files(rows: pl.DataFrame) -> list[DataFile]:
        return write_files(job.lake, judged.dataset, judge(rows, contract, job.company, _key(job)))

    for written in ahead(judged_files, _unjudged(job, received, None if whole else before)):
        judged.created()
        files += written
    marks = {_RULES: key_number(rules), _RECEIVED: key_number(key), SEEN: received.bronze.version} | (
        {_KEY: _key_number(job)} if contract.user else {}
    )
    behind = {received.bronze.dataset.name: received.bronze.version}
    work = watch.work(rows=sum(file.rows for file in files), inputs=behind)
    if not files and not whole:
        if judged.version >= 0:  # the files of bronze are others, its rows are not: next time that is known
            judged.append_files((), marks, work)
    elif whole:
        months = {*judged.partitions(), *(file.partition for file in files)}
        judged.replace_files(files, dict.fromkeys(months, rules), work, marks)
    else:
        judged.append_files(files, marks, work)


def _must_judge_all(job: Job, received: Received, rules: str, before: pl.DataFrame) -> bool:
    contract, judged = received.contract, received.judged
    if job.is_rebuild or (judged.version >= 0 and not judged.done(_RULES, rules)):
        return True
    if not batches(before, FIX).is_in(received.fixed.get_column("_batch_id").implode()).all():
        return True
    if contract.is_topic:  # a record's arrival is its own, so nothing moves it
        return False
    place = ["_batch_id", "_arrival", "_file"]
    landed = judged.scan().filter(pl.col("_source") != RELEASED).select(place).unique().collect()
    return landed.join(arrivals(job.lake, contract.dataset), on=place, how="anti").height > 0


def _unjudged(job: Job, received: Received, before: pl.DataFrame | None) -> Iterator[pl.DataFrame]:
    """Yield the received rows that are not judged yet, or all of them without a before, in their places."""
    contract = received.contract
    known = pl.Series(dtype=pl.String) if before is None else batches(before, BATCH, FIX)
    is_new, columns = ~pl.col("_batch_id").is_in(known.implode()), [*contract.place, "payload"]
    places = None if contract.is_topic else arrivals(job.lake, contract.dataset)
    landed = received.bronze.scan(None if before is None else received.unseen).filter(is_new).drop("_ingested_at")
    for batch in landed.collect_batches(chunk_size=_ROWS_AT_ONCE, maintain_order=True):
        # A file counts at the earliest of its names, whichever was read first.
        placed = batch if places is None else batch.drop("_arrival", "_file").join(places, on="_batch_id")
        if placed.height:
            yield placed.select(columns)
    fixed = received.fixed.filter(is_new).select(columns)
    if fixed.height:
        yield fixed
