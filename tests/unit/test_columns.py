"""Whole batches as columns: what the client's own decoder gives, record by record."""

import random
from itertools import chain
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher, IsolationLevel
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatch as Stock
from kafka.record.memory_records import MemoryRecordsBuilder
from kafka.record.util import calc_crc32c

from storage.kafka.batches import in_bulk
from storage.kafka.columns import Columns, begin_of, columns_of

PLACE = TopicPartition("click_events", 0)
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
Given = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]


def any_records(seed: int, count: int) -> list[Given]:
    """Return timestamp, key, value and headers of records: sizes at the edges of their numbers among them."""
    chance = random.Random(seed)
    sizes = (None, 0, 1, 12, 13, 63, 64, 350, 8191, 8192)

    def octets() -> bytes | None:
        size = chance.choice(sizes)
        return None if size is None else chance.randbytes(1) * size  # worth a codec's while

    headers: list[list[tuple[str, bytes | None]]] = [[], [], [("a", None)], [("trace", b"1"), ("é", b"")]]
    times = (1_700_000_000_000, 1_700_000_000_000 - 2**40, 1, 1_700_000_000_000 + 2**33)
    return [(chance.choice(times), octets(), octets(), chance.choice(headers)) for _ in range(count)]


def packed(batches: list[list[Given]], codec: str = "none", base: int = 0, producer: int = -1) -> bytes:
    """Return record batches as a broker sends them; those of a producer are in a transaction."""
    data = b""
    of_producer = {"producer_id": producer, "producer_epoch": 0, "base_sequence": 0} if producer >= 0 else {}
    for records in batches:
        builder = MemoryRecordsBuilder(
            magic=2, compression_type=CODECS[codec], batch_size=2**24, transactional=producer >= 0, **of_producer
        )
        for record in records:
            builder.append(*record)
        builder.close()
        octets = bytearray(builder.buffer())
        octets[0:8] = base.to_bytes(8, "big")  # as the broker does; the checksum leaves it out
        data, base = data + bytes(octets), base + len(records)
    return data


def parts_of(data: bytes, fetch_offset: int = 0, *, is_bulk: bool, **more: Any) -> Any:
    """Return what the client reads a fetch with, by its own decoder or by ours."""
    consumer = SimpleNamespace(_fetcher=SimpleNamespace(PartitionRecords=Fetcher.PartitionRecords))
    if is_bulk:
        in_bulk(consumer)
    return consumer._fetcher.PartitionRecords(fetch_offset, PLACE, MemoryRecords(data), **more)


def parts(data: bytes, fetch_offset: int = 0, *, is_bulk: bool) -> list[Any]:
    """Return the next offset, and all that the client makes of a fetch."""
    part = parts_of(data, fetch_offset, is_bulk=is_bulk)
    records: list[Any] = part.take(None)
    part._maybe_raise_next_inline_exception()
    return [part.next_fetch_offset, records]


def rows(columns: Columns) -> list[tuple[object, ...]]:
    values = columns.values.to_pylist()
    return [
        (int(columns.offsets[index]), int(columns.milliseconds[index]), value, columns.keys.get(index))
        for index, value in enumerate(values)
    ]


def rows_of(records: list[Any]) -> list[tuple[object, ...]]:
    return [row for columns in columns_of(records) for row in rows(columns)]


@pytest.mark.parametrize("codec", CODECS)
def test_the_columns_of_a_batch_are_what_the_client_itself_decodes(codec: str) -> None:
    given = [any_records(seed, count) for seed, count in enumerate((1, 2, 700, 50))]
    data = packed(given, codec, base=2**33)

    stock_next, stock = parts(data, 2**33, is_bulk=False)
    bulk_next, bulk = parts(data, 2**33, is_bulk=True)

    assert stock_next == bulk_next == 2**33 + 753
    assert len(bulk) == (1 if codec == "none" else 4)
    assert rows_of(stock) == rows_of(bulk)
    expected = [(time, value, None if value is not None else key) for time, key, value, _ in chain.from_iterable(given)]
    assert expected == [row[1:] for row in rows_of(bulk)]


def test_a_fetch_from_the_middle_of_a_batch_keeps_what_the_reader_cuts() -> None:
    data = packed([any_records(1, 10), any_records(2, 10), any_records(3, 10)])

    _, records = parts(data, 14, is_bulk=True)

    (columns,) = columns_of(records)
    assert list(range(30)) == columns.offsets.tolist()
    assert list(range(14, 25)) == columns.between(14, 25).offsets.tolist()
    assert rows(columns)[14:25] == rows(columns.between(14, 25))
    assert 0 == len(columns.between(30, 40))
    assert 0 == begin_of(records)


def test_the_brokers_time_counts_where_it_stamps() -> None:
    octets = bytearray(packed([[(5, None, b"a", []), (9, None, b"b", [])]]))
    octets[22] |= 0x08  # attributes: stamped by the broker
    records = MemoryRecords(bytes(octets))
    batch = records.next_batch()
    assert batch.timestamp_type == batch.LOG_APPEND_TIME
    consumer = SimpleNamespace(_fetcher=SimpleNamespace(PartitionRecords=Fetcher.PartitionRecords))
    in_bulk(consumer)

    part = consumer._fetcher.PartitionRecords(0, PLACE, MemoryRecords(bytes(octets)), check_crcs=False)

    (columns,) = columns_of(part.take(None))
    assert ([9, 9], 1) == (columns.milliseconds.tolist(), columns.time_type)


def test_a_flipped_bit_is_found_by_its_checksum() -> None:
    octets = bytearray(packed([any_records(1, 5)]))
    octets[-3] ^= 1

    for is_bulk in (False, True):
        with pytest.raises(CorruptRecordError):
            parts(bytes(octets), is_bulk=is_bulk)


def test_what_stands_before_a_broken_batch_is_handed_over_before_it_is_told() -> None:
    sound, broken = packed([any_records(1, 5), any_records(2, 5)]), bytearray(packed([any_records(3, 5)], base=10))
    broken[-3] ^= 1

    for is_bulk in (False, True):
        reader = parts_of(sound + bytes(broken), is_bulk=is_bulk)
        assert list(range(10)) == [row[0] for row in rows_of(reader.take(None))]
        assert 10 == reader.next_fetch_offset
        with pytest.raises(CorruptRecordError, match="at offset 10 failed crc check"):
            reader.take(None)


@pytest.mark.parametrize("codec", ["none", "gzip"])
def test_a_batch_that_a_compaction_emptied_moves_the_reader_on(codec: str) -> None:
    empty = bytearray(packed([any_records(1, 5)], codec, base=5)[: Stock.HEADER_STRUCT.size])
    empty[8:12] = (len(empty) - Stock.AFTER_LEN_OFFSET).to_bytes(4, "big")
    empty[57:61] = bytes(4)  # the count of its records
    empty[17:21] = calc_crc32c(empty[Stock.ATTRIBUTES_OFFSET :]).to_bytes(4, "big")
    full = packed([any_records(2, 5)])

    for is_bulk in (False, True):
        assert [10, []] == parts(bytes(empty), 5, is_bulk=is_bulk)
        next_offset, records = parts(full + bytes(empty), is_bulk=is_bulk)
        assert (10, list(range(5))) == (next_offset, [row[0] for row in rows_of(records)])


@pytest.mark.parametrize("end", [5, 30, 60, 70, -1])
def test_a_batch_that_is_not_there_as_a_whole_is_left_for_the_next_fetch(end: int) -> None:
    first, second = packed([any_records(1, 5)]), packed([any_records(2, 5)], base=5)

    for is_bulk in (False, True):
        next_offset, records = parts(first + second[:end], is_bulk=is_bulk)
        assert (5, list(range(5))) == (next_offset, [row[0] for row in rows_of(records)])


def test_a_batch_that_a_transaction_took_back_is_left_out_among_plain_ones() -> None:
    plain, taken_back, last = (
        packed([any_records(seed, 5)], base=5 * seed, producer=producer) for seed, producer in enumerate((-1, 7, -1))
    )
    aborted = [SimpleNamespace(producer_id=7, first_offset=5)]

    for is_bulk in (False, True):
        reader = parts_of(
            plain + taken_back + last, is_bulk=is_bulk, aborted_transactions=aborted,
            isolation_level=IsolationLevel.READ_COMMITTED,
        )  # fmt: skip
        assert [*range(5), *range(10, 15)] == [row[0] for row in rows_of(reader.take(None))]


@pytest.mark.parametrize(
    ("place", "cut"),
    [
        (61, b"\xc8"),
        (61, b"\x01"),
        (65, b"\x7e"),
        (69, b"\x7e"),
        (69, b"\x03"),
        (61, b"\xff" * 9 + b"\x7e"),
        (61, b"\xff" * 26),
    ],
)
def test_a_batch_whose_numbers_lie_is_refused_and_read_nowhere_else(place: int, cut: bytes) -> None:
    octets = bytearray(packed([[(5, b"key", b"value", []), (9, b"key", b"value", [])]]))
    octets[place : place + len(cut)] = cut
    consumer = SimpleNamespace(_fetcher=SimpleNamespace(PartitionRecords=Fetcher.PartitionRecords))
    in_bulk(consumer)

    part = consumer._fetcher.PartitionRecords(0, PLACE, MemoryRecords(bytes(octets)), check_crcs=False)

    with pytest.raises(CorruptRecordError):
        columns_of(part.take(None))


def test_batches_of_an_old_format_among_the_new_ones_are_decoded_by_the_client() -> None:
    old = MemoryRecordsBuilder(magic=1, compression_type=0, batch_size=2**20, offset=2)
    for record in (b"c", b"d"):
        old.append(1_700_000_000_000, b"key", record)
    old.close()
    new = [(5, None, b"a", []), (5, None, b"b", [])]
    data = packed([new]) + bytes(old.buffer()) + packed([new], base=4)

    bulk_next, records = parts(data, is_bulk=True)

    assert bulk_next == 6
    assert [b"a", b"b", b"c", b"d", b"a", b"b"] == [row[2] for row in rows_of(records)]
    assert list(range(6)) == [row[0] for row in rows_of(records)]


def test_a_client_that_is_built_otherwise_decodes_for_itself() -> None:
    for client in (SimpleNamespace(), SimpleNamespace(_fetcher=SimpleNamespace())):
        in_bulk(client)

    _, records = parts(packed([any_records(4, 20)]), is_bulk=False)

    (columns,) = columns_of(records)
    assert columns.values.type == pa.binary()
    assert columns.offsets.dtype == np.int64
