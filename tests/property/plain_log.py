"""A topic's event log once more: line after line, as loops over plain values, from the specification alone.

Source: `data.md` A.0a.
"""

import io
from collections.abc import Iterator

from compute.contracts.contract import NO_ENVELOPE
from storage.envelopes import Record, read_envelope


def plain_lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each row; a blank line is none."""
    for number, line in enumerate(io.BytesIO(content), start=1):
        row = line.removesuffix(b"\n").removesuffix(b"\r")
        if number == 1:
            row = row.removeprefix(b"\xef\xbb\xbf")
        if row.strip():
            yield number, row


def plain_records(content: bytes, nowhere: int) -> Iterator[tuple[int, Record]]:
    """Yield number and record of each row; of a line that is no envelope the line itself."""
    for number, line in plain_lines(content):
        yield number, read_envelope(line) or Record(nowhere, number, None, line, NO_ENVELOPE)
