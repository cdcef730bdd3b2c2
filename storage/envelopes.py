"""Envelopes of a topic's event log: one a line, as `kcat -J` prints them. The exact reading, a line at a time.

Source: `data.md` A.0a, "Topic envelope".
"""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeGuard

from compute.contracts.contract import NO_ENVELOPE

TOPIC = "topic"  # the source of a row that is the record of an envelope
LAST_MS = 253_402_300_799_999  # the last instant of the year 9999
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Record(NamedTuple):
    """A record of a topic as received; without an arrival the as-of stands in.

    Attributes:
        source: TOPIC, or NO_ENVELOPE when the payload is a line that holds no record.
    """

    partition: int
    offset: int
    arrival: datetime | None
    payload: bytes
    source: str = TOPIC


def read_envelope(line: bytes) -> Record | None:
    """Return the record of a line of `kcat -J`, or None when it is no such envelope.

    Bytes that are not UTF-8 stay as they are: the payload's contract judges them. Of a payload that is no string the
    whole line is kept.
    """
    try:
        envelope = json.loads(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(envelope, dict) or not isinstance(envelope.get("topic"), str):
        return None
    partition, offset = envelope.get("partition"), envelope.get("offset")
    if not _is_position(partition) or not _is_position(offset) or "payload" not in envelope:
        return None
    arrival = _arrival(envelope.get("ts"))
    if arrival is _NO_INSTANT:
        return None
    payload = envelope["payload"]
    if isinstance(payload, str):
        with contextlib.suppress(UnicodeEncodeError):  # half of a surrogate pair, written as an escape, is no text
            return Record(partition, offset, arrival, payload.encode("utf-8", "surrogateescape"))
    return Record(partition, offset, arrival, line, NO_ENVELOPE)


_NO_INSTANT: Any = object()


def _arrival(milliseconds: Any) -> Any:
    if milliseconds is None:
        return None
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int) or milliseconds > LAST_MS:
        return _NO_INSTANT
    return _EPOCH + timedelta(milliseconds=milliseconds) if milliseconds > 0 else None


def _is_position(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
