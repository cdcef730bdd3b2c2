"""Records as columns: a whole batch of the broker at once, or one record after the other.

The client decodes a record at a time, which costs more than all the rest of a drain. `in_bulk` gives it batches that
come as one record each: what it does about transactions, checksums and leaders stays its own.
This is the one place that touches what the client calls private; without it records come one by one, and slower.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from kafka.errors import CorruptRecordError

from storage.lines import Numbers, slices

_NEWEST_FORMAT = 2  # of record batches, written by every broker since 0.11
_BROKERS_TIME = 1
_LOW_BITS, _LONGEST_SHIFT = 0x7F, 63  # of a number that is written seven bits at a time


@dataclass(frozen=True, slots=True)
class Columns:
    """Records of one partition, by ascending offset.

    Attributes:
        offsets: as the broker gave them.
        milliseconds: the broker's time of each, since 1970.
        values: bytes; null for a record without a value.
        keys: the key of each record without a value, by its index.
        time_type: 0 for the producer's time, 1 for the broker's.
    """

    offsets: Numbers
    milliseconds: Numbers
    values: pa.BinaryArray
    keys: Mapping[int, bytes | None]
    time_type: int

    def __len__(self) -> int:
        return len(self.offsets)

    def between(self, start: int, end: int) -> "Columns":
        """Return the records from an offset, inclusive, to another, exclusive."""
        low, high = np.searchsorted(self.offsets, [start, end])
        if low == 0 and high == len(self):
            return self
        keys = {index - int(low): key for index, key in self.keys.items() if low <= index < high}
        part = slice(low, high)
        return Columns(self.offsets[part], self.milliseconds[part], self.values[part], keys, self.time_type)


def columns_of(records: Sequence[Any]) -> list[Columns]:
    """Return what a poll brought of one partition as columns, in its order.

    Raises:
        CorruptRecordError: when a batch is not what its numbers say.
    """
    # A partition that outlived an upgrade has batches of old formats too, which the client decodes.
    parts = groupby(records, key=lambda record: isinstance(record.value, _Packed))
    return [
        _of_batches([record.value for record in part]) if is_packed else _of_records(list(part))
        for is_packed, part in parts
    ]


def begin_of(records: Sequence[Any]) -> int:
    """Return an offset that nothing of what a poll brought of one partition lies before."""
    first = records[0]
    return first.value.base_offset if isinstance(first.value, _Packed) else int(first.offset)


def _of_records(records: Sequence[Any]) -> Columns:
    return Columns(
        np.array([record.offset for record in records], dtype=np.int64),
        np.array([record.timestamp for record in records], dtype=np.int64),
        pa.array([record.value for record in records], pa.binary()),
        {index: record.key for index, record in enumerate(records) if record.value is None},
        records[0].timestamp_type,
    )


def in_bulk(consumer: Any) -> None:
    """Have a consumer decode whole batches, when it is built as we know it."""
    fetcher = getattr(consumer, "_fetcher", None)
    stock = getattr(fetcher, "PartitionRecords", None)
    if fetcher is not None and stock is not None:
        fetcher.PartitionRecords = lambda offset, place, records, **more: stock(offset, place, _Bulk(records), **more)


class _Bulk:
    """The batches of a fetch; each of them holds one record, whose value is the batch."""

    def __init__(self, records: Any) -> None:
        self._records = records

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        is_left_alone = batch is None or batch.magic != _NEWEST_FORMAT or batch.is_control_batch
        return batch if is_left_alone else _Batch(batch)


class _Batch:
    """A batch with one record; whatever else the client asks of it, the batch itself answers."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Any:
        if self._batch.records_count:
            self._batch._maybe_uncompress()
            yield _Record(_Packed.of(self._batch), self._batch.last_offset)


@dataclass(frozen=True, slots=True)
class _Packed:
    """The records of a batch, not decoded yet.

    Attributes:
        data: with nothing else from `begin` on.
        first_ms: the time that theirs are counted from, when the producer stamped them.
        last_ms: the time of all of them, when the broker did.
    """

    data: bytearray
    begin: int
    count: int
    base_offset: int
    first_ms: int
    last_ms: int
    time_type: int

    @classmethod
    def of(cls, batch: Any) -> "_Packed":
        return cls(
            batch._buffer,
            batch._pos,
            batch.records_count,
            batch.base_offset,
            batch.first_timestamp,
            batch.max_timestamp,
            batch.timestamp_type,
        )

    def __len__(self) -> int:
        return len(self.data) - self.begin


class _Record:
    """What the client reads of a record, of a whole batch."""

    key = checksum = None
    headers: tuple[()] = ()
    timestamp = -1

    def __init__(self, packed: _Packed, last_offset: int) -> None:
        self.value, self.offset = packed, last_offset
        self.timestamp_type, self.size_in_bytes = packed.time_type, len(packed)

    def validate_crc(self) -> bool:
        return True  # the batch has one, and it was


def _of_batches(batches: Sequence[_Packed]) -> Columns:
    """Decode batches together: what numpy costs a time is then paid once for all of them."""
    data, begins = _records_in(batches)
    counts = [batch.count for batch in batches]
    octets = np.frombuffer(data, dtype=np.uint8)
    sizes, begins = _varints(octets, begins)
    ends = begins + sizes
    delays, at = _varints(octets, begins + 1)  # behind the attributes, of which there are none
    deltas, at = _varints(octets, at)
    key_sizes, key_begins = _varints(octets, at)
    value_sizes, value_begins = _varints(octets, key_begins + np.maximum(key_sizes, 0))
    value_ends = value_begins + np.maximum(value_sizes, 0)
    if (value_ends > ends).any() or (key_sizes < -1).any() or (value_sizes < -1).any():
        raise CorruptRecordError(f"a record at offset {batches[0].base_offset} or behind ends before its value")
    keys = {
        int(index): data[key_begins[index] : key_begins[index] + key_sizes[index]] if key_sizes[index] >= 0 else None
        for index in np.flatnonzero(value_sizes < 0)
    }
    is_brokers = np.repeat([batch.time_type == _BROKERS_TIME for batch in batches], counts)
    times = np.where(
        is_brokers,
        np.repeat([batch.last_ms for batch in batches], counts),
        np.repeat([batch.first_ms for batch in batches], counts) + delays,
    )
    offsets = np.repeat([batch.base_offset for batch in batches], counts) + deltas
    return Columns(offsets, times, slices(data, value_begins, value_ends, value_sizes < 0), keys, batches[0].time_type)


def _records_in(batches: Sequence[_Packed]) -> tuple[bytes, Numbers]:
    """Return the batches' data as one, and where the records in it begin; no more is found one after the other."""
    begins = array("q")
    data = b"".join([memoryview(batch.data)[batch.begin :] for batch in batches])
    at = until = 0
    for batch in batches:
        until += len(batch)
        try:
            for _ in range(batch.count):
                begins.append(at)
                size, shift = data[at], 7
                if size > _LOW_BITS:
                    size &= _LOW_BITS
                    while (octet := data[at := at + 1]) > _LOW_BITS:
                        size |= (octet & _LOW_BITS) << shift
                        shift += 7
                    size |= octet << shift
                at += 1 + (size >> 1)  # a size is never negative: its zigzag is an even number
        except (IndexError, OverflowError):
            at = len(data) + 1
        if at != until:
            raise CorruptRecordError(f"the batch at offset {batch.base_offset} is longer or shorter than its records")
    return data, np.frombuffer(begins, dtype=np.int64)


def _varints(octets: npt.NDArray[np.uint8], at: Numbers) -> tuple[Numbers, Numbers]:
    """Return the zigzag numbers that stand at the places, and the places behind them."""
    if at.max() >= len(octets):
        raise CorruptRecordError("a record ends before its numbers")
    octet = octets[at]
    found, at = (octet & _LOW_BITS).astype(np.uint64), at + 1
    longer, shift = np.flatnonzero(octet > _LOW_BITS), 7
    while len(longer):
        if shift > _LONGEST_SHIFT or at[longer].max() >= len(octets):
            raise CorruptRecordError("a number of a record does not end")
        octet = octets[at[longer]]
        found[longer] |= (octet & _LOW_BITS).astype(np.uint64) << np.uint64(shift)
        at[longer] += 1
        longer, shift = longer[octet > _LOW_BITS], shift + 7
    signs = (found & np.uint64(1)).astype(np.int64)
    return (found >> np.uint64(1)).astype(np.int64) ^ -signs, at
