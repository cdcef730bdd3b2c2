"""The batches of a fetch, handed over as few: what the client costs a batch is then paid once for many.

The client decodes a record at a time, which costs more than all the rest of a drain. `in_bulk` gives it runs of plain
batches that come as one record each; what it does about transactions, old formats, codecs, failing checksums and
leaders stays its own. This is the one place that touches what the client calls private in a fetch; without it records
come one by one, and slower.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from kafka.record import MemoryRecords
from kafka.record.default_records import DefaultRecordBatch as Stock
from kafka.record.util import calc_crc32c

_HEADER = Stock.HEADER_STRUCT
_NEWEST_FORMAT = 2  # of record batches, written by every broker since 0.11
# A batch with one of these is no plain one.
_ASKS_MORE = Stock.CODEC_MASK | Stock.TRANSACTIONAL_MASK | Stock.CONTROL_MASK


class Batch(NamedTuple):
    """Where the records of a batch stand, and what they are counted from.

    Attributes:
        begin: the place of the first record; `end`: behind the last.
        first_ms: the time that theirs are counted from, when the producer stamped them.
        last_ms: the time of all of them, when the broker did.
        is_brokers_time: which of the two.
        epoch: the leader's, that the client keeps.
    """

    begin: int
    end: int
    records: int
    base_offset: int
    last_offset: int
    first_ms: int
    last_ms: int
    is_brokers_time: bool
    epoch: int


@dataclass(frozen=True, slots=True)
class Packed:
    """Batches whose records are not decoded yet, by ascending offset."""

    data: bytes | bytearray
    batches: Sequence[Batch]

    def __len__(self) -> int:
        return len(self.data)  # the client asks for the size of a value


def in_bulk(consumer: Any) -> None:
    """Have a consumer hand over batches undecoded, when it is built as we know it."""
    fetcher = getattr(consumer, "_fetcher", None)
    stock = getattr(fetcher, "PartitionRecords", None)
    if fetcher is not None and stock is not None:
        fetcher.PartitionRecords = lambda offset, place, records, **more: stock(offset, place, _Bulk(records), **more)


class _Bulk:
    """The batches of a fetch; what is handed over for one or many of them holds one record."""

    def __init__(self, records: Any) -> None:
        self._data, self._at = records._buffer, 0

    def next_batch(self) -> Any:
        if batches := _plain_batches(self._data, self._at):
            begin, self._at = self._at, batches[-1].end
            return _Many(Packed(self._data, batches), self._at - begin)
        batch = MemoryRecords(memoryview(self._data)[self._at :]).next_batch()
        if batch is None:
            return None
        self._at += batch.size_in_bytes
        return batch if batch.magic != _NEWEST_FORMAT or batch.is_control_batch else _Single(batch)


def _plain_batches(data: bytes, at: int) -> list[Batch]:
    """Return the batches from a place on that are there as a whole, sound, and ask nothing more of who reads them."""
    view, batches = memoryview(data), list[Batch]()
    while at + _HEADER.size <= len(data):
        base, size, epoch, magic, crc, attributes, last, first_ms, last_ms, *_, count = _HEADER.unpack_from(data, at)
        begin, end = at + _HEADER.size, at + Stock.AFTER_LEN_OFFSET + size
        is_plain = magic == _NEWEST_FORMAT and not attributes & _ASKS_MORE and begin <= end <= len(data)
        if not is_plain or calc_crc32c(view[at + Stock.ATTRIBUTES_OFFSET : end]) != crc:
            break
        is_brokers = bool(attributes & Stock.TIMESTAMP_TYPE_MASK)
        batches.append(Batch(begin, end, count, base, base + last, first_ms, last_ms, is_brokers, epoch))
        at = end
    return batches


class _Many:
    """Plain batches, as far as the client looks at a batch."""

    magic = _NEWEST_FORMAT
    is_control_batch = False

    def __init__(self, packed: Packed, size: int) -> None:
        self._batches, last = packed.batches, packed.batches[-1]
        self._record = _Record(packed, last.last_offset, size)
        self.leader_epoch, self.last_offset, self.next_offset = last.epoch, last.last_offset, last.last_offset + 1

    def validate_crc(self) -> bool:
        return True  # each of them was

    def has_producer_id(self) -> bool:
        return False  # which matters for transactions alone

    def __iter__(self) -> Iterator["_Record"]:
        if any(batch.records for batch in self._batches):
            yield self._record


class _Single:
    """A batch with one record; whatever else the client asks of it, the batch itself answers."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator["_Record"]:
        batch = self._batch
        if not batch.records_count:
            return
        batch._maybe_uncompress()
        place = Batch(
            batch._pos, len(batch._buffer), batch.records_count, batch.base_offset, batch.last_offset,
            batch.first_timestamp, batch.max_timestamp, batch.timestamp_type == Stock.LOG_APPEND_TIME,
            batch.leader_epoch,
        )  # fmt: skip
        yield _Record(Packed(batch._buffer, [place]), batch.last_offset, batch.size_in_bytes)


class _Record:
    """What the client reads of a record, of whole batches."""

    key = checksum = None
    headers: tuple[()] = ()
    timestamp = timestamp_type = -1

    def __init__(self, packed: Packed, last_offset: int, size: int) -> None:
        self.value, self.offset, self.size_in_bytes = packed, last_offset, size

    def validate_crc(self) -> bool:
        return True  # the batch has one, and it was
