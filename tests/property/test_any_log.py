"""A block of lines holds what its lines hold, on any bytes (data.md A.0a)."""

import io
import json
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.contracts.contract import NO_ENVELOPE
from storage.envelopes import TOPIC, Record
from storage.landed import Landed
from storage.lines import blocks
from storage.records import NO_ARRIVAL, Records, instant, records_of
from tests.property.plain_log import plain_lines, plain_records

NOWHERE = -2
SHAPE = [
    ("topic", '"click_events"'), ("partition", "1"), ("offset", "10"), ("tstype", '"create"'), ("ts", "1705314601000"),
    ("broker", "3"), ("key", '"ACC_1"'), ("payload", json.dumps('{"user_id": "U", "n": [1, "é"]}', ensure_ascii=False)),
]  # fmt: skip
TOKENS = [
    "null", "true", "0", "-0", "01", "2", "1.0", "1e3", "-1", "999999999999999999", "9223372036854775807",
    "9223372036854775808", "253402300799999", "253402300800000", "1" * 5000, "-" + "9" * 30, "NaN", '""', '"a"', '"é"', '"\\""',
    '"\\\\"', '"\\\\\\""', '"\\n"', '"\\u0000"', '"\\ud800"', '"\\ud83d\\ude00"', '"\t"', '"\x7f"', '"a}"', '"{\\"a\\": \\"b\\"}"',
    "[]", '["a", "b"]', "{}", '{"a": "b"}', '{"payload": "a"}', "", '"', '"a"}', '"a", "payload": "b"', "[" * 2000,
    '"\\u0041"', '"ACC_1\\', '"' + "x" * 300 + '"',
]  # fmt: skip
NAMES = ["payload", "offset", "ts", "extra", 'q\\"', "\\u0070ayload", "", "a b", "p.q"]
ENDS = ["\n", "\n", "\n", "\r\n", "\r\r\n", " \n", "\n\n", "\n \t\r\n", "\n\x0b\n", "\n\x00\n"]


@st.composite
def line(draw: st.DrawFn) -> bytes:
    """Draw an envelope with some members changed, added, left out, twice or in another order, cut or not UTF-8."""
    members = SHAPE.copy()
    members[2] = ("offset", str(draw(st.integers(0, 130))))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        where = draw(st.integers(0, len(members) - 1))
        change = draw(st.sampled_from(["set", "set", "set", "drop", "add", "twice", "move"]))
        if change == "set":
            members[where] = (members[where][0], draw(st.sampled_from(TOKENS)))
        elif change == "drop" and len(members) > 1:
            del members[where]
        elif change == "add":
            members.insert(where, (draw(st.sampled_from(NAMES)), draw(st.sampled_from(TOKENS))))
        elif change == "twice":
            members.append(members[where])
        else:
            members.append(members.pop(where))
    blank = draw(st.sampled_from(["", "", " ", "\t"]))
    text = "{" + f",{blank}".join(f'"{name}":{blank}{value}' for name, value in members) + "}"
    octets = (text + draw(st.sampled_from(ENDS))).encode()
    cut = draw(st.integers(0, len(octets)))
    return draw(
        st.sampled_from(
            [octets, octets, octets, octets[:cut] + b"\xff" + octets[cut:], octets[:cut] + b"\n", octets[cut:]]
        )
    )


LOGS = st.builds(
    lambda mark, lines, last: mark + b"".join(lines) + last,
    st.sampled_from([b"", b"", b"\xef\xbb\xbf"]),
    st.lists(st.one_of(line(), st.just(b"[]\n"), st.binary(max_size=12)), max_size=12),
    st.sampled_from([b"", b"", b"x", b"\r", b" "]),
)
SIZES = st.sampled_from([1, 7, 100, 1000, 2**20])


def rows_of(records: Records) -> list[tuple[int, Record, str]]:
    arrivals = [None if each == NO_ARRIVAL else instant(each) for each in records.arrivals.tolist()]
    sources = records.sources().to_pylist()
    found = zip(
        records.partitions.tolist(),
        records.offsets.tolist(),
        arrivals,
        records.payloads.to_pylist(),
        sources,
        strict=True,
    )
    numbers, digests = records.numbers.tolist(), records.digests.to_pylist()
    return list(zip(numbers, (Record(*each) for each in found), digests, strict=True))


@given(st.one_of(LOGS, st.text("\n\r \x0b{", max_size=20).map(str.encode)), SIZES)
@settings(max_examples=100, deadline=None)
def test_blocks_hold_the_rows_of_any_file(content: bytes, size: int) -> None:
    found = [
        row for block in blocks(io.BytesIO(content), size) for row in zip(block.numbers.tolist(), block, strict=True)
    ]

    assert list(plain_lines(content)) == found


@pytest.mark.parametrize("where", range(len(SHAPE)), ids=[name for name, _ in SHAPE])
def test_every_token_in_every_member_is_read_alike(where: int) -> None:
    name, value = SHAPE[where]
    good = printed(SHAPE)
    same_both_ways(b"\n".join([good, *(printed(instead(where, (name, token))) for token in TOKENS)]), 2**20)
    for token in ["2", '"a"', "1" * 5000]:
        twice, more = instead(where, (name, token), (name, value)), instead(where, ("extra", token), (name, value))
        same_both_ways(b"\n".join([printed(twice), good, printed(more)]), 2**20)


def instead(where: int, *members: tuple[str, str]) -> list[tuple[str, str]]:
    return [*SHAPE[:where], *members, *SHAPE[where + 1 :]]


def printed(members: list[tuple[str, str]]) -> bytes:
    return ("{" + ", ".join(f'"{name}": {value}' for name, value in members) + "}").encode()


@given(LOGS, SIZES)
@settings(max_examples=100, deadline=None)
def test_a_block_of_lines_is_read_as_its_lines_are(content: bytes, size: int) -> None:
    same_both_ways(content, size)


def same_both_ways(content: bytes, size: int) -> None:
    found = [row for block in blocks(io.BytesIO(content), size) for row in rows_of(records_of(block, NOWHERE))]

    expected = [(number, each, sha256(each.payload).hexdigest()) for number, each in plain_records(content, NOWHERE)]
    assert expected == found


@given(st.lists(LOGS, min_size=1, max_size=3), st.sets(st.integers(0, 130)))
@settings(max_examples=50, deadline=None)
def test_a_place_lands_once(contents: list[bytes], before: set[int]) -> None:
    rows = [(1, offset, "") for offset in before]
    landed = Landed(
        pl.LazyFrame(rows, {"_partition": pl.Int64, "_offset": pl.Int64, "_payload_sha256": pl.String}, orient="row")
    )
    found, expected, seen = [], [], {(1, offset, "") for offset in before}
    for content in contents:
        for block in blocks(io.BytesIO(content), 500):
            records = records_of(block, NOWHERE)
            found += [each for each, *_ in rows_of(records.only(landed.take(records)))]
        for number, each in plain_records(content, NOWHERE):
            place = (each.partition, each.offset, sha256(each.payload).hexdigest() if each.partition < 0 else "")
            expected += [] if place in seen else [number]
            seen.add(place)

    assert expected == found
    furthest = {partition: max(each for other, each, _ in seen if other == partition) for partition, _, _ in seen}
    assert {str(partition): last + 1 for partition, last in furthest.items() if partition >= 0} == landed.positions()


def test_the_lines_that_kcat_and_python_print_are_read_by_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: bytes) -> None:
        raise AssertionError

    monkeypatch.setattr("storage.records.read_envelope", refuse)
    envelope = {name: json.loads(value) for name, value in SHAPE}
    shapes = [json.dumps(envelope), json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))]
    content = "".join(f"{each}\n" for each in shapes).replace("\\u00e9", "é").encode()

    (block,) = blocks(io.BytesIO(content))
    records = records_of(block, NOWHERE)

    assert [TOPIC] * len(block) == records.sources().to_pylist()
    assert [datetime(2024, 1, 15, 10, 30, 1, tzinfo=UTC)] * len(block) == [instant(each) for each in records.arrivals]
    assert np.all(records.partitions == 1)
    assert NO_ENVELOPE not in records.sources().to_pylist()
