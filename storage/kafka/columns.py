"""Records as columns: a whole batch of the broker at once, or one record after the other.

Batches come packed where `storage.kafka.batches` hands them over; else the client has decoded each record itself.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from kafka.errors import CorruptRecordError

from storage.kafka.batches import Batch, Packed
from storage.lines import Numbers, slices

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
    parts = groupby(records, key=lambda record: isinstance(record.value, Packed))
    return [
        _of_packed([record.value for record in part]) if is_packed else _of_records(list(part))
        for is_packed, part in parts
    ]


def begin_of(records: Sequence[Any]) -> int:
    """Return an offset that nothing of what a poll brought of one partition lies before."""
    first = records[0]
    return first.value.batches[0].base_offset if isinstance(first.value, Packed) else int(first.offset)


def _of_records(records: Sequence[Any]) -> Columns:
    return Columns(
        np.array([record.offset for record in records], dtype=np.int64),
        np.array([record.timestamp for record in records], dtype=np.int64),
        pa.array([record.value for record in records], pa.binary()),
        {index: record.key for index, record in enumerate(records) if record.value is None},
        records[0].timestamp_type,
    )


def _of_packed(parts: Sequence[Packed]) -> Columns:
    """Decode batches together: what numpy costs a time is then paid once for all of them."""
    data, batches = _joined(parts)
    counts = [batch.records for batch in batches]
    octets = np.frombuffer(data, dtype=np.uint8)
    sizes, begins = _varints(octets, _begins(data, batches))
    ends = begins + sizes
    delays, at = _varints(octets, begins + 1)  # behind the attributes, of which there are none
    deltas, at = _varints(octets, at)
    key_sizes, key_begins = _varints(octets, at)
    value_sizes, value_begins = _varints(octets, key_begins + np.maximum(key_sizes, 0))
    value_ends = value_begins + np.maximum(value_sizes, 0)
    if (value_ends > ends).any() or (key_sizes < -1).any() or (value_sizes < -1).any():
        raise CorruptRecordError(f"a record at offset {batches[0].base_offset} or behind ends before its value")
    keys = {
        int(index): bytes(data[key_begins[index] : key_begins[index] + key_sizes[index]])
        if key_sizes[index] >= 0
        else None
        for index in np.flatnonzero(value_sizes < 0)
    }
    times = np.where(
        np.repeat([batch.is_brokers_time for batch in batches], counts),
        np.repeat([batch.last_ms for batch in batches], counts),
        np.repeat([batch.first_ms for batch in batches], counts) + delays,
    )
    offsets = np.repeat([batch.base_offset for batch in batches], counts) + deltas
    values = slices(data, value_begins, value_ends, value_sizes < 0)
    return Columns(offsets, times, values, keys, int(batches[0].is_brokers_time))


def _joined(parts: Sequence[Packed]) -> tuple[bytes | bytearray, list[Batch]]:
    """Return batches with the data in which they stand; one part is as it is."""
    if len(parts) == 1:
        return parts[0].data, [*parts[0].batches]
    starts = accumulate((len(part.data) for part in parts), initial=0)
    placed = [
        batch._replace(begin=start + batch.begin, end=start + batch.end)
        for start, part in zip(starts, parts, strict=False)
        for batch in part.batches
    ]
    return b"".join(part.data for part in parts), placed


def _begins(data: bytes | bytearray, batches: Sequence[Batch]) -> Numbers:
    """Return where the records begin; no more is found one after the other."""
    begins = array("q")
    for batch in batches:
        at = batch.begin
        try:
            for _ in range(batch.records):
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
        if at != batch.end:
            raise CorruptRecordError(f"the batch at offset {batch.base_offset} is longer or shorter than its records")
    return np.frombuffer(begins, dtype=np.int64)


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
