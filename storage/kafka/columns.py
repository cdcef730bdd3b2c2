"""Records as columns: a whole batch of the broker at once, or one record after the other.

The client decodes a record at a time, which costs more than all the rest of a drain. `in_bulk` gives it batches that
come as one record each, with their columns for a value: what it does about transactions, checksums and leaders stays
its own.
This is the one place that touches what the client calls private; without it records come one by one, and slower.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from kafka.errors import CorruptRecordError

Numbers = npt.NDArray[np.int64]
_NEWEST_FORMAT = 2  # of record batches, written by every broker since 0.11


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
    """Return what a poll brought of one partition as columns, in its order."""
    if records and not isinstance(records[0].value, Columns):
        return [_of_records(records)]
    return [record.value for record in records]


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
    """The batches of a fetch; each of them holds one record, whose value is the columns of all."""

    def __init__(self, records: Any) -> None:
        self._records = records

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        is_whole = batch is None or batch.magic != _NEWEST_FORMAT or batch.is_control_batch
        return batch if is_whole else _Batch(batch)


class _Batch:
    """A batch with one record; whatever else the client asks of it, the batch itself answers."""

    def __init__(self, batch: Any) -> None:
        self._batch = batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Any:
        if self._batch.records_count:
            yield _Record(_of_batch(self._batch))


class _Record:
    """What the client reads of a record, of a whole batch."""

    key = checksum = None
    headers: tuple[()] = ()
    timestamp = -1

    def __init__(self, columns: Columns) -> None:
        self.value = columns
        self.offset = int(columns.offsets[-1])
        self.timestamp_type = columns.time_type
        self.size_in_bytes = columns.values.nbytes

    def validate_crc(self) -> bool:
        return True  # the batch has one, and it was


def _of_batch(batch: Any) -> Columns:
    batch._maybe_uncompress()
    data, count = batch._buffer, batch.records_count
    begins, ends = _records_in(data, batch._pos, count)
    octets = np.frombuffer(data, dtype=np.uint8)
    at = begins + 1  # past the attributes, of which there are none
    delays, at = _varints(octets, at)
    deltas, at = _varints(octets, at)
    key_sizes, at = _varints(octets, at)
    key_begins = at
    value_sizes, at = _varints(octets, at + np.maximum(key_sizes, 0))
    value_ends = at + np.maximum(value_sizes, 0)
    if (value_ends > ends).any() or (key_sizes < -1).any() or (value_sizes < -1).any():
        raise CorruptRecordError(f"the batch at offset {batch.base_offset} holds a record that ends before its value")
    without = np.flatnonzero(value_sizes < 0)
    keys = {
        int(index): bytes(data[key_begins[index] : key_begins[index] + key_sizes[index]])
        if key_sizes[index] >= 0
        else None
        for index in without
    }
    is_brokers = batch.timestamp_type == batch.LOG_APPEND_TIME
    times = np.full(count, batch.max_timestamp) if is_brokers else batch.first_timestamp + delays
    values = _slices(data, at, value_ends, value_sizes < 0)
    return Columns(batch.base_offset + deltas, times, values, keys, batch.timestamp_type)


def _records_in(data: bytearray, at: int, count: int) -> tuple[Numbers, Numbers]:
    """Return where the records begin, behind their lengths, and end."""
    begins, ends = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    try:
        for index in range(count):
            size, shift = 0, 0
            while (octet := data[at]) > 0x7F:
                size |= (octet & 0x7F) << shift
                at, shift = at + 1, shift + 7
            size |= octet << shift
            begins[index] = at + 1
            ends[index] = at = at + 1 + (size >> 1)  # never negative: zigzag of an even number
    except IndexError as error:
        raise CorruptRecordError("a batch ends before its last record") from error
    if at != len(data):
        raise CorruptRecordError(f"{len(data) - at} bytes are left behind the last record of a batch")
    return begins, ends


def _varints(octets: npt.NDArray[np.uint8], at: Numbers) -> tuple[Numbers, Numbers]:
    """Return the zigzag numbers that stand at the places, and the places behind them."""
    found, shift = np.zeros(len(at), dtype=np.uint64), np.uint64(0)
    goes_on = np.ones(len(at), dtype=bool)
    at = at.copy()
    while goes_on.any():
        if shift > 63 or at[goes_on].max() >= len(octets):
            raise CorruptRecordError("a number of a record does not end")
        octet = np.where(goes_on, octets[np.minimum(at, len(octets) - 1)], 0).astype(np.uint64)
        found |= (octet & np.uint64(0x7F)) << shift
        at += goes_on
        goes_on &= octet > 0x7F
        shift += np.uint64(7)
    signs = (found & np.uint64(1)).astype(np.int64)
    return (found >> np.uint64(1)).astype(np.int64) ^ -signs, at


def _slices(data: bytearray, begins: Numbers, ends: Numbers, is_null: npt.NDArray[np.bool_]) -> pa.BinaryArray:
    """Return pieces of the data: with what lies between them they are an array, of which every second is taken."""
    edges = np.stack([begins, ends], axis=1).ravel().astype(np.int32)
    pieces = pa.Array.from_buffers(pa.binary(), len(edges) - 1, [None, pa.py_buffer(edges), pa.py_buffer(data)])
    wanted = np.arange(0, len(edges), 2, dtype=np.int64)
    return pieces.take(pa.array(wanted, mask=is_null))
