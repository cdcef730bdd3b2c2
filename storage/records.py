"""The records of a topic's event log, a block of lines at a time.

A log's writer prints all its envelopes in one shape, with the payload at the end. The shape of a line is learned once;
of all lines of that shape, quotes say where the payload is and one regular expression reads what stands before it.
A line that fits no shape is read by itself (`storage.envelopes`), and a property test holds the two ways together.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from compute.contracts.contract import NO_ENVELOPE
from compute.digests import digests
from compute.plain import texts_of
from storage.envelopes import LAST_MS, TOPIC, Record, read_envelope
from storage.lines import Lines, Numbers, slices

Mask = npt.NDArray[np.bool_]
NO_ARRIVAL = 0  # no record of a log arrived then, since a time that is not above 0 is none
MOST_SHAPES = 8  # after these a line is read by itself
_QUOTE, _BACKSLASH, _BRACE = b'"\\}'
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_W = " *"
_TEXT = r'"[^"\\\x00-\x1f]*"'
_FLAT = rf"(?:null|true|false|0|-?[1-9][0-9]{{0,17}}|{_TEXT}|\[{_W}(?:{_TEXT}{_W}(?:,{_W}{_TEXT}{_W})*)?\])"
_READ = {
    "topic": _TEXT,
    "partition": "(?P<partition>0|[1-9][0-9]{0,17})",
    "offset": "(?P<offset>0|[1-9][0-9]{0,17})",
    "ts": "(?P<ts>null|0|-?[1-9][0-9]{0,14})",
    "payload": '"',
}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Records:
    """What a block of lines holds, a record a row, in their order.

    Attributes:
        numbers: the line's number, from 1.
        partitions: of a line that is no envelope, below 0.
        offsets: of such a line, its number.
        arrivals: microseconds since 1970, or NO_ARRIVAL.
        is_record: whether a payload is the record of an envelope, or else a line that holds none.
        payloads: bytes.
        digests: SHA-256 of each payload.
    """

    numbers: Numbers
    partitions: Numbers
    offsets: Numbers
    arrivals: Numbers
    is_record: Mask
    payloads: pa.BinaryArray
    digests: pa.StringArray

    def __len__(self) -> int:
        return len(self.numbers)

    def sources(self) -> pa.StringArray:
        """Return the source of each row."""
        if self.is_record.all():
            return pa.repeat(TOPIC, len(self))
        return pa.array(np.where(self.is_record, TOPIC, NO_ENVELOPE).astype(object), pa.string())

    def only(self, wanted: Mask) -> "Records":
        """Return some of the rows."""
        if wanted.all():
            return self
        chosen = pa.array(wanted)
        return Records(
            self.numbers[wanted],
            self.partitions[wanted],
            self.offsets[wanted],
            self.arrivals[wanted],
            self.is_record[wanted],
            self.payloads.filter(chosen),
            self.digests.filter(chosen),
        )


def records_of(lines: Lines, nowhere: int) -> Records:
    """Read a block of lines.

    Args:
        lines: of an event log.
        nowhere: the partition of a line that is no envelope.
    """
    at, partitions, offsets, arrivals, payloads = _shaped(lines)
    others = np.setdiff1d(np.arange(len(lines)), at)
    read = [_record(lines, index, nowhere) for index in others.tolist()]
    order = np.argsort(np.concatenate([at, others]))

    def both(ours: Numbers, theirs: Sequence[int]) -> Numbers:
        return np.concatenate([ours, np.array(theirs, dtype=np.int64)])[order] if read else ours

    if read:
        kept = pa.array([each.payload for each in read], pa.binary())
        payloads = pa.concat_arrays([payloads, kept]).take(pa.array(order))
    is_record = np.ones(len(lines), dtype=np.bool_)
    is_record[others] = [each.source == TOPIC for each in read]
    return Records(
        lines.numbers,
        both(partitions, [each.partition for each in read]),
        both(offsets, [each.offset for each in read]),
        both(arrivals, [microseconds(each.arrival) if each.arrival else NO_ARRIVAL for each in read]),
        is_record,
        payloads,
        digests(payloads),
    )


def _record(lines: Lines, index: int, nowhere: int) -> Record:
    line = lines[index]
    return read_envelope(line) or Record(nowhere, int(lines.numbers[index]), None, line, NO_ENVELOPE)


def microseconds(arrival: datetime) -> int:
    """Return an instant as microseconds since 1970."""
    return (arrival - _EPOCH) // _MICROSECOND


def instant(microseconds: int) -> datetime:
    """Return the instant so many microseconds after 1970 began."""
    return _EPOCH + microseconds * _MICROSECOND


def _shaped(lines: Lines) -> tuple[Numbers, Numbers, Numbers, Numbers, pa.BinaryArray]:
    """Return the index, partition, offset, arrival and payload of each row that has a shape."""
    opening, closing, fits = _payload_quotes(lines)
    candidates = np.flatnonzero(fits)
    heads = slices(lines.data, lines.begins[candidates], opening[candidates] + 1)
    read = _read_heads(pl.DataFrame({"at": candidates, "head": texts_of(pl.Series(heads))}), lines)
    at = read.get_column("at").to_numpy()
    # Without its backslashes a payload is what it was before it was escaped: each stands before a quote.
    plain = lines.data.translate(None, b"\\")
    feeds = np.flatnonzero(np.frombuffer(plain, dtype=np.uint8) == 10)
    line = lines.rows[at]
    moved = np.concatenate([[0], (lines.feeds - feeds)])  # by how many bytes the next line begins earlier
    begins = opening[at] + 1 - moved[line]
    ends = closing[at] - moved[line + 1]
    partitions, offsets, arrivals = (read.get_column(name).to_numpy() for name in ("partition", "offset", "arrival"))
    return at, partitions, offsets, arrivals, slices(plain, begins, ends)


def _payload_quotes(lines: Lines) -> tuple[Numbers, Numbers, Mask]:
    """Return where each row's last text begins and ends, and whether it ends the line and is plainly escaped.

    It is when every backslash of the line stands before a quote, and there is no control character.
    """
    octets = np.frombuffer(lines.data, dtype=np.uint8)
    is_backslash = octets == _BACKSLASH
    is_bare = octets == _QUOTE
    is_other = is_backslash.copy()
    is_other[:-1] &= ~is_bare[1:]
    is_other |= octets < 32
    is_other[lines.feeds] = False
    is_other[lines.ends] = False  # CR, or the line feed
    is_bare[1:] &= ~is_backslash[:-1]
    quotes, odd = np.flatnonzero(is_bare), np.flatnonzero(is_other)
    # A row without two quotes sees those of rows before it, or these.
    padded = np.concatenate([[-1, -1], quotes])
    behind = np.searchsorted(quotes, lines.ends)
    opening, closing = padded[behind], padded[behind + 1]
    is_even = np.searchsorted(odd, lines.begins) == np.searchsorted(odd, lines.ends)
    is_last = (closing == lines.ends - 2) & (octets[lines.ends - 1] == _BRACE) & (opening >= lines.begins)
    return opening, closing, is_even & is_last


def _read_heads(heads: pl.DataFrame, lines: Lines) -> pl.DataFrame:
    """Return `at`, `partition`, `offset` and `arrival` of the rows whose `head`, up to the payload, has a shape."""
    found = [pl.DataFrame(schema={"at": pl.Int64, "partition": pl.Int64, "offset": pl.Int64, "arrival": pl.Int64})]
    rest = heads.drop_nulls("head")
    for _ in range(MOST_SHAPES):
        if rest.is_empty():
            break
        shape = _shape(lines[rest.get_column("at")[0]])
        cut = rest.with_columns(pl.col("head").str.extract_groups(_pattern(shape)).alias("cut"))
        fitting = cut.filter(pl.col("cut").struct.field("partition").is_not_null())
        found.append(fitting.select("at", *_places(shape)).filter(pl.col("arrival").is_not_null()))
        # The first line is done with even when it has no shape that can be learned.
        rest = cut.filter(pl.col("cut").struct.field("partition").is_null()).select("at", "head")
        rest = rest.slice(0 if fitting.height else 1)
    return pl.concat(found).sort("at")


def _places(shape: tuple[str, ...]) -> list[pl.Expr]:
    cut = pl.col("cut").struct
    time = cut.field("ts").replace("null", "0").cast(pl.Int64) if "ts" in shape else pl.lit(0, dtype=pl.Int64)
    return [
        cut.field("partition").cast(pl.Int64),
        cut.field("offset").cast(pl.Int64),
        pl.when(time <= LAST_MS).then(time.clip(0) * 1000).alias("arrival"),
    ]


def _shape(line: bytes) -> tuple[str, ...]:
    """Return the member names of an envelope in their order; none when it is none that can be learned."""
    try:
        pairs: Any = json.loads(line.decode("utf-8", "surrogateescape"), object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return ()
    names = tuple(name for name, _ in pairs) if isinstance(pairs, tuple) else ()
    is_known = {"topic", "partition", "offset", "payload"} <= set(names) and names[-1] == "payload"
    is_plain = len(set(names)) == len(names) and all(_NAME.fullmatch(name) for name in names)
    return names if is_known and is_plain else ()


def _pattern(shape: tuple[str, ...]) -> str:
    members = rf"{_W},{_W}".join(rf'"{name}"{_W}:{_W}{_READ.get(name, _FLAT)}' for name in shape)
    # Without members nothing fits: the group never takes part.
    return rf"\A{_W}\{{{_W}{members}\z" if shape else r"\A\z(?P<partition>[^\s\S])(?P<offset>)(?P<ts>)"
