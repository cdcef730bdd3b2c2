"""A drain: tasks read disjoint ranges and write files, one commit adds their rows and the next offsets.

Whatever is killed when: before the commit nothing has happened, after it everything. Source: `data.md` A.0a, AT-33.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow.parquet as pq
from kafka import TopicPartition
from kafka.errors import CorruptRecordError, KafkaError, OffsetOutOfRangeError, UnsupportedCodecError

from storage.catalog import BRONZE
from storage.contents import translated
from storage.files import describe, new_file
from storage.kafka.batches import in_bulk
from storage.kafka.broker import Broker
from storage.kafka.columns import Columns, begin_of, columns_of
from storage.kafka.errors import BrokerSilent, RecordUnreadable, TopicChanged
from storage.kafka.plan import Plan, Range
from storage.kafka.rows import Piece, Stamp, bronze_rows
from storage.kafka.sockets import wide_client
from storage.lake import Lake
from storage.landing import Landing
from storage.store import store_of
from storage.topics import BRONZE_ARROW, PARQUET
from storage.work import DataFile, Work

RECORDS_PER_TASK = 250_000
_POLL_MS = 500
SILENCE_SECONDS = 30  # without one record, while some are there: a broker that starts again needs 12
_BYTES_PER_GROUP = 8 * 2**20
# All that a fetch brought is taken at once: the client asks for more only then, and what comes while this is decoded
# is not waited for.
_AT_ONCE = 100_000
# What the client may hold at once. More is no faster and costs as much memory again.
_FETCH_BYTES, _FETCH_BYTES_OF_PARTITION = 8 * 2**20, 2 * 2**20


@dataclass(frozen=True, slots=True)
class Share:
    """What one task reads."""

    lake: str
    broker: Broker
    ranges: tuple[Range, ...]
    stamp: Stamp


# Applies a function to every share, here or on a cluster, results in their order.
Runner = Callable[[Callable[[Share], DataFile], Sequence[Share]], list[DataFile]]


def land_topic_of(
    broker: Broker,
    plan: Plan,
    run: Runner,
    *,
    lake: Lake,
    as_of: datetime,
    now: datetime,
    work: Callable[[int, int], Work],
) -> Landing:
    """Add to bronze what a plan speaks of, with the next offsets, in one commit.

    Args:
        broker: where the topic is.
        plan: as just made.
        run: runs the tasks.
        lake: where bronze is.
        as_of: the arrival of records without a time, kept from then on.
        now: recorded as the ingest time; decides nothing.
        work: says of so many rows, by so many tasks, what is recorded with the commit.

    Raises:
        TopicChanged: when the topic was cut or made anew meanwhile; nothing was added.
        LakeBusy: when another drain committed meanwhile; nothing was added.
        RecordUnreadable: when a person must look; what stands before the record was added.
    """
    if not plan.is_news:
        return Landing(0, 0, 0, {})
    plan.table.created()
    stamp = Stamp(plan.topic, plan.life, plan.batch, as_of, now)
    shares = [Share(lake.root, broker, ranges, stamp) for ranges in plan.shares(RECORDS_PER_TASK)]
    try:
        files = [file for file in run(drain, shares) if file.rows]
    except RecordUnreadable as error:
        before = plan.until(error.stops)
        land_topic_of(broker, before, run, lake=lake, as_of=as_of, now=now, work=work)
        raise
    rows = sum(file.rows for file in files)
    _commit(broker, plan, files, work(rows, len(shares)))
    return Landing(len(files), rows, 0, {})


def drain(share: Share) -> DataFile:
    """Read a share and write its rows as one file beside the table's.

    Raises:
        BrokerAway, BrokerSilent: when the broker does not answer.
        TopicChanged: when the offsets of the plan are gone.
        RecordUnreadable: when a person must look.
        LakeFull: when the disk has no room.
    """
    bronze, store = BRONZE[share.stamp.topic], store_of(share.lake)
    path, count = new_file(bronze), 0
    with (
        translated(store, bronze.name),
        store.writing(f"{bronze.name}/{path}") as sink,
        pq.ParquetWriter(sink, BRONZE_ARROW, **PARQUET) as writer,
        ThreadPoolExecutor(1) as hand,
    ):
        writing: list[Future[None]] = []
        for group in _groups(share):
            # One group is digested and encoded while the next is read; a third would only cost memory.
            while writing:
                writing.pop().result()
            writing.append(hand.submit(_write, writer, group, share.stamp))
            count += sum(len(columns) for _, columns in group)
        for last in writing:
            last.result()
    return describe(store, bronze, path, count)


def _write(writer: pq.ParquetWriter, group: Sequence[Piece], stamp: Stamp) -> None:
    writer.write_table(bronze_rows(group, stamp))


def _commit(broker: Broker, plan: Plan, files: Sequence[DataFile], work: Work) -> None:
    if broker.topic_id(plan.topic)[0] != plan.topic_id:
        raise TopicChanged(topic=plan.topic)
    plan.table.append_files(files, plan.positions(), work)
    broker.note_positions(plan.topic, {each.partition: each.end for each in plan.ranges})


def _groups(share: Share) -> Iterator[list[Piece]]:
    """Yield records in groups of bounded size."""
    group: list[Piece] = []
    size = 0
    for partition, columns in read(share.broker, share.stamp.topic, share.ranges):
        group.append((partition, columns))
        size += columns.values.nbytes
        if size >= _BYTES_PER_GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


def read(broker: Broker, topic: str, ranges: Sequence[Range]) -> Iterator[Piece]:
    """Yield the records of disjoint ranges with their partition, each once; a partition's in their order.

    Ranges of one partition are read one after the other.
    """
    waiting = [each for each in ranges if each]
    with broker.consumer(
        group_id=None,
        fetch_max_bytes=_FETCH_BYTES,
        max_partition_fetch_bytes=_FETCH_BYTES_OF_PARTITION,
        max_poll_records=_AT_ONCE,
        kafka_client=wide_client,
    ) as consumer:
        in_bulk(consumer)
        consumer.partitions_for_topic(topic)  # else polling sleeps until somebody has asked where they are
        while waiting:
            now = {TopicPartition(topic, each.partition): each for each in reversed(waiting)}
            waiting = [each for each in waiting if each not in now.values()]
            yield from _read_at_once(consumer, now)


def _read_at_once(consumer: Any, ranges: Mapping[TopicPartition, Range]) -> Iterator[Piece]:
    # Assigned, never subscribed: nobody else's coming or going moves what we read.
    consumer.assign(list(ranges))
    for place, each in ranges.items():
        consumer.seek(place, each.start)
    unread, heard = dict(ranges), time.monotonic()
    while unread:
        for place, parts in _poll(consumer, unread).items():
            each, heard = ranges[place], time.monotonic()
            cut = (columns.between(each.start, each.end) for columns in parts)
            yield from ((each.partition, columns) for columns in cut if columns)
        for place in _read_to_the_end(consumer, unread):
            consumer.pause(place)
            del unread[place]
        if time.monotonic() - heard > SILENCE_SECONDS:
            raise BrokerSilent(topic=next(iter(ranges)).topic, reason=f"no record for {SILENCE_SECONDS} s")


def _read_to_the_end(consumer: Any, unread: Mapping[TopicPartition, Range]) -> list[TopicPartition]:
    # The position, not the last offset: transactions leave marks behind it that are no records.
    return [place for place, each in unread.items() if consumer.position(place, timeout_ms=_POLL_MS) >= each.end]


def _poll(consumer: Any, unread: Mapping[TopicPartition, Range]) -> dict[TopicPartition, list[Columns]]:
    """Poll once. After an error the consumer is done for: the next poll of it might never return."""
    topic = next(iter(unread)).topic
    polled: Mapping[TopicPartition, Sequence[Any]] = {}
    try:
        polled = consumer.poll(timeout_ms=_POLL_MS)
        return {place: columns_of(records) for place, records in polled.items()}
    except OffsetOutOfRangeError as error:
        raise TopicChanged(topic=topic) from error
    except (CorruptRecordError, UnsupportedCodecError) as error:
        # What was just polled is not all decoded: it counts as unread.
        stops = {
            each.partition: begin_of(polled[each]) if each in polled else consumer.position(each) for each in unread
        }
        raise RecordUnreadable(topic=topic, stops=stops, reason=str(error)) from error
    except KafkaError as error:
        raise BrokerSilent(topic=topic, reason=type(error).__name__) from error
