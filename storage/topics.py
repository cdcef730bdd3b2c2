"""The file event log: a topic as lines of `kcat -J`, read as Kafka would be, each offset landed once.

`<landing>/topics/<topic>.jsonl` (or `.jsonl.gz`) holds an envelope a line. What is known is committed with the rows:
their offsets, and the next one of every partition. Source: `data.md` A.0a, "Topic envelope".
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from compute.ahead import ahead
from compute.contracts.contract import NO_ENVELOPE
from storage.catalog import BRONZE, LANDED_FILE
from storage.contents import translated
from storage.envelopes import Record, read_envelope
from storage.errors import AnotherLog
from storage.files import describe, new_file
from storage.lake import Lake
from storage.landed import Landed
from storage.landing import LandedFile, Landing, UnreadableFile, problems_of, root_of, sighting
from storage.lines import Numbers
from storage.records import NO_ARRIVAL, Records, instant, microseconds, records_of
from storage.table import Table
from storage.work import DataFile, Work

# The partition of a line that is no envelope: it has a line number, and no offset that anyone gave it.
NO_PARTITION = {".jsonl": -1, ".gz": -2}
TOPIC_ID = "topic"  # names the identity of the broker's topic that the rows came from
PARTITIONS = "partitions"  # names how many partitions the topic had

BRONZE_ARROW = pa.schema(
    [
        ("_source", pa.string()),
        ("_topic", pa.string()),
        ("_partition", pa.int64()),
        ("_offset", pa.int64()),
        ("_arrival", pa.timestamp("us", "UTC")),
        ("_batch_id", pa.string()),
        ("_payload_sha256", pa.string()),
        ("_ingested_at", pa.timestamp("us", "UTC")),
        ("payload", pa.binary()),
    ]
)
# Records differ from one another, what is said of them does not: only that is worth looking for repeats and extremes.
_SHARED = ("_source", "_topic", "_partition", "_batch_id", "_ingested_at")
PARQUET: dict[str, Any] = {
    "compression": "zstd",
    "use_dictionary": list(_SHARED),
    "write_statistics": [*_SHARED, "_offset", "_arrival"],
}


@dataclass(frozen=True, slots=True)
class FileLog:
    """One file of a topic's event log."""

    file: LandedFile

    def blocks(self) -> Iterator[Records]:
        """Yield the records of a block of lines after the other; some are read ahead."""
        return ahead(partial(records_of, nowhere=self.nowhere), self.file.blocks())

    def numbered(self) -> Iterator[tuple[int, Record]]:
        """Yield line number and record; a line that is no envelope is none that a contract accepts (R00)."""
        for number, line in self.file.lines():
            yield number, read_envelope(line) or Record(self.nowhere, number, None, line, NO_ENVELOPE)

    @property
    def nowhere(self) -> int:
        """The partition of a line that is no envelope."""
        return NO_PARTITION.get(self.file.path.suffix, -1)


def unread_name(partition: int) -> str:
    """Return the name of how many records of a partition the last drain of a broker's topic left unread."""
    return f"unread/{partition}"


def logs_of(landing: str, topic: str) -> list[LandedFile]:
    """Return the files of a topic's event log.

    Raises:
        BadSetting: when there is no landing area.
    """
    paths = (root_of(landing) / "topics" / f"{topic}{ending}" for ending in (".jsonl", ".jsonl.gz"))
    return [LandedFile.of(path) for path in paths if path.is_file()]


def land_topic(lake: Lake, landing: str, topic: str, *, as_of: datetime, now: datetime, work: Work) -> Landing:
    """Add to bronze the records that have not landed yet, with the next offsets, in one commit.

    Args:
        lake: where bronze is.
        landing: the landing area.
        topic: the topic.
        as_of: the arrival of records without one, kept from then on.
        now: recorded as the ingest time; decides nothing.
        work: recorded with the commits.

    Raises:
        AnotherLog: when the lake's records of the topic came from a broker.
        LakeBusy: when another run landed records meanwhile; nothing was added.
    """
    bronze, sightings = lake.open(BRONZE[topic]), lake.open(LANDED_FILE)
    if bronze.position(TOPIC_ID) is not None:
        raise AnotherLog(topic=topic, came_from="a broker", comes_from="the file event log")
    seen = sightings.read(pl.col("dataset") == topic)
    known_versions = set(seen.select("file", "bytes", "modified_ns").rows())
    present = logs_of(landing, topic)
    new = [file for file in present if file.version not in known_versions]
    if not new:
        return Landing(0, 0, 0, problems_of(seen, present))
    bronze.created()
    landed = _landed(bronze)
    written, rows = [], []
    for file in new:
        batch, problem, count, newest = "", "", 0, as_of
        try:
            batch = file.digest()
            part, newest = _write(lake, bronze, topic, FileLog(file), landed, batch, as_of=as_of, now=now)
            written += [part] if part.rows else []
            count = part.rows
        except UnreadableFile as error:
            problem = str(error)
        rows.append(sighting(topic, file, batch, newest, count, problem, now))
    count = sum(part.rows for part in written)
    if written:
        bronze.append_files(written, landed.positions(), replace(work, rows=count))
    frame = pl.DataFrame(rows, schema=dict(LANDED_FILE.schema))
    sightings.append(frame, replace(work, dataset=LANDED_FILE.name, rows=frame.height))
    return Landing(len(written), count, 0, problems_of(pl.concat([seen, frame]), present))


def _landed(bronze: Table) -> Landed:
    return Landed(bronze.scan().select("_partition", "_offset", "_payload_sha256"))


def _write(
    lake: Lake, bronze: Table, topic: str, log: FileLog, landed: Landed, batch: str, *, as_of: datetime, now: datetime
) -> tuple[DataFile, datetime]:
    """Write a log's new records as one file beside the table's; with the latest arrival among them."""
    path, store = new_file(bronze.dataset), lake.store
    place = f"{bronze.dataset.name}/{path}"
    stamp = Stamp(topic, batch, microseconds(as_of), now)
    count, newest = 0, 0
    with (
        translated(store, bronze.dataset.name),
        store.writing(place) as sink,
        pq.ParquetWriter(sink, BRONZE_ARROW, **PARQUET) as writer,
        ThreadPoolExecutor(1) as hand,
    ):
        writing: deque[Future[None]] = deque()
        for records in log.blocks():
            new = records.only(landed.take(records))
            if not len(new):
                continue
            rows = _rows(new, stamp)
            newest = max(newest, int(_arrivals(new, stamp).max()))
            # One block is encoded while the next is read; more would only cost memory.
            while writing:
                writing.popleft().result()
            writing.append(hand.submit(writer.write_batch, rows))
            count += len(new)
        for last in writing:
            last.result()
    written = describe(store, bronze.dataset, path, count)
    if not count:
        store.remove(place)
    return written, instant(newest) if count else as_of


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all rows of a landing share.

    Attributes:
        batch: the digest of the file.
        as_of: the arrival of records without one, in microseconds since 1970.
        now: the ingest time; decides nothing.
    """

    topic: str
    batch: str
    as_of: int
    now: datetime


def _rows(records: Records, stamp: Stamp) -> pa.RecordBatch:
    count = len(records)
    arrays = [
        records.sources(),
        pa.repeat(pa.scalar(stamp.topic), count),
        pa.array(records.partitions),
        pa.array(records.offsets),
        pa.array(_arrivals(records, stamp)).cast(pa.timestamp("us", "UTC")),
        pa.repeat(pa.scalar(stamp.batch), count),
        records.digests,
        pa.repeat(pa.scalar(stamp.now, pa.timestamp("us", "UTC")), count),
        records.payloads,
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=BRONZE_ARROW)


def _arrivals(records: Records, stamp: Stamp) -> Numbers:
    return np.where(records.arrivals == NO_ARRIVAL, stamp.as_of, records.arrivals)
