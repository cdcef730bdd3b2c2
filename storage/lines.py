"""The rows of a file, a block of lines at a time: where each begins and ends, found for the whole block at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Numbers = npt.NDArray[np.int64]
BLOCK_BYTES = 4 * 2**20  # what numpy makes of it stays in the processor's cache, or near
_LINE_FEED, _CARRIAGE_RETURN, _SPACE = 10, 13, 32
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Lines:
    """Consecutive lines of a file, and which of them are rows; blank ones are none.

    Attributes:
        data: the lines, each with its line feed.
        first: the number of the first line, counted from 1.
        feeds: where the line feeds are.
        rows: the index of each row among the lines.
        begins: where each row begins: behind a byte order mark.
        ends: where it ends, exclusive: before CR and line feed.
    """

    data: bytes
    first: int
    feeds: Numbers
    rows: Numbers
    begins: Numbers
    ends: Numbers

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> bytes:
        return self.data[self.begins[index] : self.ends[index]]

    def __iter__(self) -> Iterator[bytes]:
        return (self[index] for index in range(len(self)))

    @property
    def numbers(self) -> Numbers:
        """The line number of each row, from 1."""
        return self.rows + self.first

    def payloads(self) -> pa.BinaryArray:
        """Return the rows' bytes."""
        return slices(self.data, self.begins, self.ends)


def blocks(stream: IO[bytes], size: int = BLOCK_BYTES) -> Iterator[Lines]:
    """Yield the rows of a stream; a longer line than a block is one all the same.

    CRLF, a leading byte order mark and a missing last newline are tolerated.
    """
    first, rest = 1, [b""]
    while piece := stream.read(size):
        head, feed, tail = piece.rpartition(b"\n")
        if not feed:
            rest.append(tail)
            continue
        found = _lines(b"".join([*rest, head, feed]), first)
        yield found
        first, rest = first + len(found.feeds), [tail]
    if last := b"".join(rest):
        yield _lines(last + b"\n", first)


def _lines(data: bytes, first: int) -> Lines:
    octets = np.frombuffer(data, dtype=np.uint8)
    feeds = np.flatnonzero(octets == _LINE_FEED)
    begins = np.concatenate([[0], feeds[:-1] + 1])
    if first == 1 and data.startswith(_BYTE_ORDER_MARK):
        begins[0] = len(_BYTE_ORDER_MARK)
    ends = feeds - ((octets[feeds - 1] == _CARRIAGE_RETURN) & (begins < feeds))
    is_row = np.ones(len(feeds), dtype=np.bool_)
    # What begins like a blank line, an empty one with its line end, is looked at.
    for index in np.flatnonzero(octets[begins] <= _SPACE):
        is_row[index] = bool(data[begins[index] : ends[index]].strip())
    rows = np.flatnonzero(is_row)
    return Lines(data, first, feeds, rows, begins[rows], ends[rows])


def slices(
    data: bytes | bytearray, begins: Numbers, ends: Numbers, is_null: npt.NDArray[np.bool_] | None = None
) -> pa.BinaryArray:
    """Return pieces of the data, in ascending order and apart.

    With what lies between them they are an array, of which every second is taken.
    """
    edges = np.stack([begins, ends], axis=1).ravel()
    count = max(len(edges) - 1, 0)
    pieces = pa.Array.from_buffers(pa.large_binary(), count, [None, pa.py_buffer(edges), pa.py_buffer(data)])
    wanted = np.arange(0, len(edges), 2, dtype=np.int64)
    return pieces.take(pa.array(wanted, mask=is_null)).cast(pa.binary())
