"""Records of a topic as rows of bronze, such as the file event log gives for the same records."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from compute.contracts.contract import NO_ENVELOPE
from compute.digests import digests
from storage.envelopes import LAST_MS
from storage.kafka.columns import Columns
from storage.topics import BRONZE_ARROW

# A topic's offsets can begin anew. So that a place keeps naming one record, each life of it has partitions of its own.
PARTITIONS_OF_A_LIFE = 1_000_000
Piece = tuple[int, Columns]  # records of a partition
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_TYPES = {0: "create", 1: "logappend"}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all rows of a drain share.

    Attributes:
        life: how often the topic's offsets began anew.
        batch: the name of the drain.
        as_of: the arrival of records without a time.
        now: the ingest time; decides nothing.
    """

    topic: str
    life: int
    batch: str
    as_of: datetime
    now: datetime


def bronze_rows(pieces: Sequence[Piece], stamp: Stamp) -> pa.Table:
    """Return records as rows of bronze; one without a value is none that a contract accepts (R00), and kept whole."""
    counts = [len(columns) for _, columns in pieces]
    count, times = sum(counts), np.concatenate([columns.milliseconds for _, columns in pieces])
    is_instant = times <= LAST_MS
    arrivals = np.where(
        is_instant & (times > 0),
        np.where(is_instant, times, 0) * 1000,
        (stamp.as_of - _EPOCH) // timedelta(microseconds=1),
    )
    partitions = [partition + stamp.life * PARTITIONS_OF_A_LIFE for partition, _ in pieces]
    values = pa.chunked_array([_kept(columns, partition, stamp.topic) for partition, columns in pieces])
    arrays = [
        _sources(pieces, is_instant),
        pa.repeat(pa.scalar(stamp.topic), count),
        pa.array(np.repeat(np.array(partitions, dtype=np.int64), counts)),
        pa.array(np.concatenate([columns.offsets for _, columns in pieces])),
        pa.array(arrivals).cast(pa.timestamp("us", "UTC")),
        pa.repeat(pa.scalar(stamp.batch), count),
        digests(values),
        pa.repeat(pa.scalar(stamp.now, pa.timestamp("us", "UTC")), count),
        values,
    ]
    return pa.Table.from_arrays(arrays, schema=BRONZE_ARROW)


def _sources(pieces: Sequence[Piece], is_instant: npt.NDArray[np.bool_]) -> pa.StringArray:
    if is_instant.all() and not any(columns.keys for _, columns in pieces):
        return pa.repeat("topic", len(is_instant))
    has_value = np.concatenate([columns.values.is_valid().to_numpy(zero_copy_only=False) for _, columns in pieces])
    return pa.array(np.where(is_instant & has_value, "topic", NO_ENVELOPE).astype(object), pa.string())


def _kept(columns: Columns, partition: int, topic: str) -> pa.BinaryArray:
    """Return the values, of records without one their envelopes."""
    if not columns.keys:
        return columns.values
    values = columns.values.to_pylist()
    for index in columns.keys:
        values[index] = _envelope(columns, index, partition, topic)
    return pa.array(values, pa.binary())


def _envelope(columns: Columns, index: int, partition: int, topic: str) -> bytes:
    """Return the line that `kcat -J` prints of a record without a value."""
    key = columns.keys[index]
    members = {
        "topic": topic,
        "partition": partition,
        "offset": int(columns.offsets[index]),
        "tstype": _TIME_TYPES.get(columns.time_type, "unknown"),
        "ts": int(columns.milliseconds[index]),
        "key": None if key is None else key.decode("utf-8", "surrogateescape"),
        "payload": None,
    }
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape")
