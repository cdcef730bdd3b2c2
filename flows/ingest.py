"""Ingest: from landed records to silver, feed by feed. Land, judge, settle."""

from dataclasses import dataclass

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.contracts.contract import Contract
from compute.contracts.feeds import FEEDS
from compute.contracts.schema import require
from compute.current import count_dispositions, refused_days, settle, silver_rows
from compute.errors import ContractViolation
from compute.judging import judge
from flows.job import RETRY, Job, Stopwatch, say
from storage.catalog import BRONZE, DEAD_LETTER, DISPOSITIONS, JUDGED, SILVER
from storage.landing import Landing, arrivals, land, stray_folders

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
    watch = Stopwatch(job, BRONZE[contract.dataset].name)
    landing = land(
        job.lake, job.landing, contract.dataset, as_of=job.as_of, now=job.started_at, work=watch.work(rows=0)
    )
    judge_new(job, contract)
    months = settle_touched(job, contract)
    if landing.files or landing.repeats or months:
        brought = f"{landing.rows} new rows in {landing.files} files"
        say(f"{contract.dataset}: {brought}", repeats=landing.repeats, months=len(months))
    else:
        say(f"{contract.dataset}: nothing new")
    for problem in landing.problems:
        say(f"{contract.dataset}: {problem}")
    return Ingested(contract.dataset, landing, months)


def ingest_all(job: Job, feeds: tuple[Contract, ...]) -> list[Ingested]:
    """Bring feeds up to date, one task each."""
    for folder in stray_folders(job.landing, (contract.dataset for contract in FEEDS)):
        say(f"{job.landing}/{folder} is no feed and is not read; the feeds are {', '.join(c.dataset for c in FEEDS)}")
    return [ingest(job, contract) for contract in feeds]


def judge_new(job: Job, contract: Contract) -> None:
    """Judge what landed since; everything anew when the rules, or the place of a judged row, changed."""
    lake, dataset = job.lake, contract.dataset
    judged, places = lake.open(JUDGED[dataset]), arrivals(lake, dataset)
    rules = f"{contract.version} {job.company.fingerprint()}"
    known = judged.scan().select("_batch_id", "_arrival", "_file").unique().collect()
    same_rules = judged.version < 0 or judged.done(_RULES, rules)
    moved = known.join(places, on=["_batch_id", "_arrival", "_file"], how="anti").height > 0
    whole = job.is_rebuild or moved or not same_rules
    wanted = places if whole else places.join(known, on="_batch_id", how="anti")
    watch = Stopwatch(job, JUDGED[dataset].name)
    received = (
        lake.read(BRONZE[dataset], pl.col("_batch_id").is_in(wanted.get_column("_batch_id").to_list()))
        .drop("_arrival", "_file", "_ingested_at")
        .join(wanted, on="_batch_id")
    )
    if received.is_empty() and not whole:
        return
    rows = judge(received, contract, job.company)
    write = judged.rewrite if whole else lambda frame, keys, work: judged.append(frame, work, keys)
    write(rows, {_RULES: rules}, watch.work(rows=rows.height))


def settle_touched(job: Job, contract: Contract) -> tuple[str, ...]:
    """Settle the months whose judged rows changed; returns them."""
    lake, dataset = job.lake, contract.dataset
    judged, silver, counts = lake.open(JUDGED[dataset]), lake.open(SILVER[dataset]), lake.open(DISPOSITIONS)
    base = f"{contract.version} {job.company.fingerprint()}"
    whole = f"{base} {judged.fingerprint()}"
    if judged.version < 0 or (counts.done(dataset, whole) and not job.is_rebuild):
        return ()
    refused = refused_days(judged.read(columns=["_arrival", "_verdict"]), job.company)
    keys = {month: f"{base} {sorted(refused)} {print_}" for month, print_ in judged.partitions().items()}
    gone = {month: f"{base} none" for month in silver.partitions() if month not in keys}
    stale = {month: key for month, key in {**keys, **gone}.items() if job.is_rebuild or not silver.done(month, key)}
    watch = Stopwatch(job, SILVER[dataset].name)
    settled = settle(judged.read(pl.col("month").is_in(sorted(stale))), contract, job.company, refused)
    rows = require(contract, job.company, silver_rows(settled, contract))
    if stale:
        silver.replace(rows, stale, watch.work(rows=rows.height))
    _write_dead_letters(job, contract, whole)
    _write_counts(job, contract, settled, frozenset(stale), whole)
    return tuple(sorted(stale))


def _write_dead_letters(job: Job, contract: Contract, key: str) -> None:
    """Keep every rejected row verbatim, with its place and reason."""
    lake, dataset = job.lake, contract.dataset
    watch, table = Stopwatch(job, DEAD_LETTER.name), lake.open(DEAD_LETTER)
    rejected = lake.read(JUDGED[dataset], pl.col("_verdict") == "rejected")
    payloads = lake.read(
        BRONZE[dataset],
        pl.col("_batch_id").is_in(rejected.get_column("_batch_id").unique().to_list()),
        ["_batch_id", "_row", "payload"],
    )
    rows = (
        rejected.join(payloads, on=["_batch_id", "_row"])
        .select(
            dataset=pl.lit(dataset),
            file="_file",
            row="_row",
            arrival="_arrival",
            codes=pl.col("_codes").list.join(";"),
            reason=pl.col("_detail").fill_null(""),
            payload="payload",
        )
        .sort("file", "row")
    )
    if rows.height or table.version >= 0:
        table.replace(rows, {dataset: key}, watch.work(rows=rows.height))


def _write_counts(job: Job, contract: Contract, settled: pl.DataFrame, months: frozenset[str], key: str) -> None:
    """Count dispositions of the settled months beside those of the others; conservation is asserted (AT-03)."""
    lake, dataset = job.lake, contract.dataset
    table, watch = lake.open(DISPOSITIONS), Stopwatch(job, DISPOSITIONS.name)
    others = table.read((pl.col("dataset") == dataset) & ~pl.col("month").is_in(sorted(months)))
    rows = pl.concat([others, count_dispositions(settled, contract)]).sort("month", "disposition", "code")
    ruled = rows.filter(pl.col("code") == "").get_column("rows").sum()
    received = lake.open(BRONZE[dataset]).count()
    if ruled != received:
        raise ContractViolation(
            dataset=dataset, failures=(f"{received} rows were received and {ruled} have a disposition",)
        )
    table.replace(rows, {dataset: key}, watch.work(rows=rows.height))
