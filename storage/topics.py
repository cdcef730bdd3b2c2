"""The file event log: a topic as lines of `kcat -J`, read as Kafka would be, each offset landed once.

`<landing>/topics/<topic>.jsonl` (or `.jsonl.gz`) holds an envelope a line. What is known is committed with the rows:
their offsets, and the next one of every partition. Source: `data.md` A.0a, "Topic envelope".
"""

import contextlib
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeGuard

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from compute.contracts.contract import NO_ENVELOPE
from storage.catalog import BRONZE, LANDED_FILE
from storage.errors import AnotherLog
from storage.files import describe, new_file
from storage.lake import Lake, Table
from storage.landing import LandedFile, Landing, UnreadableFile, problems_of, root_of, sighting
from storage.work import DataFile, Work

# The partition of a line that is no envelope: it has a line number, and no offset that anyone gave it.
NO_PARTITION = {".jsonl": -1, ".gz": -2}
TOPIC_ID = "topic"  # names the identity of the broker's topic that the rows came from
PARTITIONS = "partitions"  # names how many partitions the topic had
_RECORDS_PER_BATCH = 10_000
_WORD = 62  # bits that a signed word of 64 can add up without a doubt
LAST_MS = 253_402_300_799_999  # the last instant of the year 9999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

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


class Record(NamedTuple):
    """A record of a topic as received; without an arrival the as-of stands in.

    Attributes:
        source: `topic`, or NO_ENVELOPE when the payload is a line that holds no record.
    """

    partition: int
    offset: int
    arrival: datetime | None
    payload: bytes
    source: str = "topic"


@dataclass(frozen=True, slots=True)
class FileLog:
    """One file of a topic's event log."""

    file: LandedFile

    def records(self) -> Iterator[Record]:
        """Yield a record a line."""
        return (record for _, record in self.numbered())

    def numbered(self) -> Iterator[tuple[int, Record]]:
        """Yield line number and record; a line that is no envelope is none that a contract accepts (R00)."""
        nowhere = NO_PARTITION.get(self.file.path.suffix, -1)
        for number, line in self.file.lines():
            yield number, read_envelope(line) or Record(nowhere, number, None, line, NO_ENVELOPE)


def unread_name(partition: int) -> str:
    """Return the name of how many records of a partition the last drain of a broker's topic left unread."""
    return f"unread/{partition}"


def read_envelope(line: bytes) -> Record | None:
    """Return the record of a line of `kcat -J`, or None when it is no such envelope.

    Bytes that are not UTF-8 stay as they are: the payload's contract judges them. Of a payload that is no string the
    whole line is kept.
    """
    try:
        envelope = json.loads(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(envelope, dict) or not isinstance(envelope.get("topic"), str):
        return None
    partition, offset = envelope.get("partition"), envelope.get("offset")
    if not _is_position(partition) or not _is_position(offset) or "payload" not in envelope:
        return None
    arrival = _arrival(envelope.get("ts"))
    if arrival is _NO_INSTANT:
        return None
    payload = envelope["payload"]
    if isinstance(payload, str):
        with contextlib.suppress(UnicodeEncodeError):  # half of a surrogate pair, written as an escape, is no text
            return Record(partition, offset, arrival, payload.encode("utf-8", "surrogateescape"))
    return Record(partition, offset, arrival, line, NO_ENVELOPE)


_NO_INSTANT: Any = object()


def _arrival(milliseconds: Any) -> Any:
    if milliseconds is None:
        return None
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int) or milliseconds > LAST_MS:
        return _NO_INSTANT
    return _EPOCH + timedelta(milliseconds=milliseconds) if milliseconds > 0 else None


def _is_position(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


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
            batch, _ = file.digest()
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


class _Landed:
    """The places that have landed: offsets by partition; of lines that are no envelope their content too.

    Offsets are the bits of words of 62, so that a hundred million of them stay small.
    """

    def __init__(self, rows: pl.LazyFrame) -> None:
        self.words: dict[tuple[int, int], int] = defaultdict(int)
        self.next: dict[int, int] = defaultdict(int)
        no_envelope = pl.col("_partition") < 0
        found = rows.filter(no_envelope).select("_partition", "_offset", "_payload_sha256").collect()
        self.lines: set[tuple[int, int, str]] = set(found.rows())
        word, bit = pl.col("_offset") // _WORD, pl.lit(2, dtype=pl.Int64).pow(pl.col("_offset") % _WORD)
        landed = rows.filter(~no_envelope).group_by("_partition", word=word)
        bits_of_words = landed.agg(bits=bit.sum(), last=pl.col("_offset").max()).collect(engine="streaming")
        for partition, index, bits, last in bits_of_words.rows():
            self.words[partition, index] = bits
            self.next[partition] = max(self.next[partition], last + 1)

    def positions(self) -> dict[str, int]:
        """Return the next offset of every partition, by its name."""
        return {str(partition): offset for partition, offset in self.next.items()}

    def take(self, record: Record, digest: str) -> bool:
        """Tell whether a record is new, and remember it."""
        if record.partition < 0:
            place = (record.partition, record.offset, digest)
            is_new = place not in self.lines
            self.lines.add(place)
            return is_new
        index, bit = divmod(record.offset, _WORD)
        word = self.words[record.partition, index]
        self.words[record.partition, index] = word | 1 << bit
        self.next[record.partition] = max(self.next[record.partition], record.offset + 1)
        return not word >> bit & 1


def _landed(bronze: Table) -> _Landed:
    return _Landed(bronze.scan().select("_partition", "_offset", "_payload_sha256"))


def _write(
    lake: Lake, bronze: Table, topic: str, log: FileLog, landed: _Landed, batch: str, *, as_of: datetime, now: datetime
) -> tuple[DataFile, datetime]:
    """Write a log's new records as one file beside the table's; with the latest arrival among them."""
    path, store = new_file(bronze.dataset), lake.store
    place = f"{bronze.dataset.name}/{path}"
    count, newest = 0, _EPOCH
    with store.writing(place) as sink, pq.ParquetWriter(sink, BRONZE_ARROW, compression="zstd") as writer:
        for records in _new(log, landed):
            writer.write_batch(_batch(topic, records, batch, as_of, now))
            count += len(records)
            newest = max(newest, *(record.arrival or as_of for record, _ in records))
    written = describe(store, bronze.dataset, path, count)
    if not count:
        store.remove(place)
    return written, newest if count else as_of


def _new(log: FileLog, landed: _Landed) -> Iterator[list[tuple[Record, str]]]:
    """Yield the records that have not landed, with their digests, in batches of bounded size."""
    records: list[tuple[Record, str]] = []
    for record in log.records():
        digest = hashlib.sha256(record.payload).hexdigest()
        if landed.take(record, digest):
            records.append((record, digest))
        if len(records) >= _RECORDS_PER_BATCH:
            yield records
            records = []
    if records:
        yield records


def _batch(topic: str, records: list[tuple[Record, str]], batch: str, as_of: datetime, now: datetime) -> pa.RecordBatch:
    count = len(records)
    columns = [
        [record.source for record, _ in records],
        [topic] * count,
        [record.partition for record, _ in records],
        [record.offset for record, _ in records],
        [record.arrival or as_of for record, _ in records],
        [batch] * count,
        [digest for _, digest in records],
        [now] * count,
        [record.payload for record, _ in records],
    ]
    arrays = [pa.array(column, type=each.type) for column, each in zip(columns, BRONZE_ARROW, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=BRONZE_ARROW)
