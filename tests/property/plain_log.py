"""A topic's event log once more: line after line, as loops over plain values, from the specification alone.

Source: `data.md` A.0a.
"""

import io
from collections.abc import Iterator
from hashlib import sha256

import numpy as np
import pyarrow as pa

from compute.contracts.contract import NO_ENVELOPE
from storage.envelopes import TOPIC, Record, read_envelope
from storage.lines import Lines
from storage.records import NO_ARRIVAL, Records, microseconds


def plain_lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each row; a blank line is none."""
    for number, line in enumerate(io.BytesIO(content), start=1):
        row = line.removesuffix(b"\n").removesuffix(b"\r")
        if number == 1:
            row = row.removeprefix(b"\xef\xbb\xbf")
        if row.strip():
            yield number, row


def rows_one_by_one(lines: Lines, nowhere: int) -> Records:
    """Return the records of a block, read line after line."""
    read = [read_envelope(line) or Record(nowhere, number, None, line, NO_ENVELOPE)
            for number, line in zip(lines.numbers.tolist(), lines, strict=True)]  # fmt: skip
    return Records(
        lines.numbers,
        np.array([each.partition for each in read], dtype=np.int64),
        np.array([each.offset for each in read], dtype=np.int64),
        np.array([microseconds(each.arrival) if each.arrival else NO_ARRIVAL for each in read], dtype=np.int64),
        np.array([each.source == TOPIC for each in read], dtype=np.bool_),
        pa.array([each.payload for each in read], pa.binary()),
        pa.array([sha256(each.payload).hexdigest() for each in read], pa.string()),
    )


def plain_records(content: bytes, nowhere: int) -> Iterator[tuple[int, Record]]:
    """Yield number and record of each row; of a line that is no envelope the line itself."""
    for number, line in plain_lines(content):
        yield number, read_envelope(line) or Record(nowhere, number, None, line, NO_ENVELOPE)
