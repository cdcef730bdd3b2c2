"""Dead letters: every rejected row verbatim, with its place and reason; what came since is added to them."""

from collections.abc import Collection

import polars as pl

from compute.schema import typed
from compute.summaries import rejects
from flows.job import Job, Stopwatch
from flows.received import Received
from storage.catalog import DEAD_LETTER, LANDED_FILE


def bring_dead_letters(job: Job, received: Received, before: pl.DataFrame, now: pl.DataFrame) -> None:
    """Bring the dead letters of a feed up to date.

    Args:
        job: the run.
        received: what is there.
        before: SUMMARY rows of what had been judged before this run.
        now: those of what is judged now.
    """
    dataset, table, watch = received.contract.dataset, job.lake.open(DEAD_LETTER), Stopwatch(job, DEAD_LETTER.name)
    key = _key(job, received, now)
    if table.done(dataset, key) and not job.is_rebuild:
        return
    known, found = rejects(before), rejects(now)
    is_more = known.items() <= found.items() and table.done(dataset, _key(job, received, before))
    if is_more and not job.is_rebuild:
        rows = _dead_letters(received, now, found.keys() - known.keys(), received.unseen)
        table.append(rows, watch.work(rows=rows.height), {dataset: key})
        return
    rows = _dead_letters(received, now, found.keys(), None)
    if rows.height or table.version >= 0:
        table.replace(rows, {dataset: key}, watch.work(rows=rows.height))


def _key(job: Job, received: Received, summaries: pl.DataFrame) -> str:
    """Return what dead letters are made from: equal keys, equal dead letters."""
    contract = received.contract
    # What is judged of a file changes with the names under which it was seen; a record has its place for good.
    sightings = "" if contract.is_topic else job.lake.open(LANDED_FILE).partitions().get(contract.dataset, "")
    return f"{contract.version} {job.company.fingerprint()} {sightings} {rejects(summaries)}"


def _dead_letters(
    received: Received, summaries: pl.DataFrame, batches: Collection[str], bronze: Collection[str] | None
) -> pl.DataFrame:
    """Return the dead letters of batches and fixes, whose bytes are in files of bronze, or in any of them."""
    contract, place = received.contract, list(received.contract.row_key)
    of_batches = pl.col("_batch_id").is_in(sorted(batches))
    files = summaries.filter(pl.col("name").is_in(sorted(batches))).get_column("file").unique()
    judged = received.judged.scan(files.to_list())
    rejected = judged.filter(of_batches, pl.col("_verdict") == "rejected").collect()
    landed = received.bronze.scan(bronze).filter(of_batches).select(*place, "payload").collect()
    payloads = pl.concat([landed, received.fixed.select([*place, "payload"])])
    file, partition, row = (
        ("_topic", pl.col("_partition"), "_offset") if contract.is_topic else ("_file", pl.lit(None), "_row")
    )
    rows = rejected.join(payloads, on=place).select(
        dataset=pl.lit(contract.dataset),
        file=file,
        partition=partition,
        row=row,
        arrival="_arrival",
        codes=pl.col("_codes").list.join(";"),
        reason=pl.col("_detail").fill_null(""),
        payload_sha256="_payload_sha256",
        payload="payload",
    )
    return typed(rows, DEAD_LETTER.schema).sort("file", "partition", "row")
