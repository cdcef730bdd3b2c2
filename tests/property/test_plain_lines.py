"""The plain way of reading gives what the exact way gives, on any lines."""

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.company import Company
from compute.contracts.contract import NO_ENVELOPE, Contract
from compute.contracts.feeds import FEEDS
from compute.exact import typed_exactly
from compute.judging import _typed_rows
from compute.plain import typed_plainly
from tests.unit.records import SEED, seed

TOKENS = [
    "null", "true", "1", "-0", "01", "1.50", "1.005", "1e3", "1E-400", "1e16", "-1", "NaN", "Infinity", "+1", ".5",
    '""', '"a"', '"ACC_001"', '"ACC_1\\n"', '"\\u0041CC_1"', '"\\ud800"', '"é😀"', '"2024-01-31"', '"2024-02-30"', '"2024-01"',
    '"2024-01-15T10:30:00Z"', '"2024-01-15T10:30:00.1234567Z"', '"2024-01-15T10:30:60Z"', '"2024-13-15T10:30:00Z"',
    '"2024-01-15 10:30:00+01:00"', '"2024-01-15T10:30:00"', '"0000-01-15T10:30:00Z"', '"0001-01-15T10:30:00+01:00"',
    '"2024-01-15T24:00:00Z"', '"USD"', '"EUR"', "[]", '["a", "b"]', '["a]", "}"]', "[1]", "[null]", "{}", '{"a": 1.005}',
    '{"a": 1, "a": 1}', '{"a": {"b": 1}}', '{"a": "}"}', '"a": 1', "", "[", '"\t"', "1 2",
]  # fmt: skip
BLANKS = st.sampled_from(["", " ", "\t", "\r", "\u00a0"])


@st.composite
def line(draw: st.DrawFn, contract: Contract) -> bytes:
    """Draw a record of the contract with some members changed, added, left out, twice or in another order."""
    members = [
        (name, json.dumps(value, ensure_ascii=False)) for name, value in json.loads(SEED[contract.dataset]).items()
    ]
    for _ in range(draw(st.integers(0, 3))):
        where = draw(st.integers(0, len(members) - 1))
        change = draw(st.sampled_from(["set", "drop", "add", "twice", "move", "currency"]))
        name, value = members[where]
        if change == "set":
            members[where] = (name, draw(st.sampled_from(TOKENS)))
        elif change == "drop" and len(members) > 1:
            del members[where]
        elif change == "add":
            members.insert(
                where,
                (draw(st.sampled_from(["extra", "", "a b", 'q\\"', "currency_code"])), draw(st.sampled_from(TOKENS))),
            )
        elif change == "twice":
            members.append((name, value))
        elif change == "currency":
            members.append(("currency", draw(st.sampled_from(TOKENS))))
        else:
            members.append(members.pop(where))
    blank = draw(BLANKS)
    text = f"{blank}{{" + f",{blank}".join(f'"{name}"{blank}:{blank}{value}' for name, value in members) + f"}}{blank}"
    return draw(
        st.sampled_from(
            [text.encode(), text.encode(), text.encode(), text.encode()[:-1], b"\xff" + text.encode(), b"[]", b""]
        )
    )


@st.composite
def feed(draw: st.DrawFn) -> tuple[Contract, list[bytes]]:
    contract = draw(st.sampled_from(FEEDS))
    return contract, draw(st.lists(line(contract), min_size=1, max_size=12))


@pytest.mark.parametrize("contract", FEEDS, ids=lambda each: each.dataset)
def test_the_records_of_the_users_document_are_plain(contract: Contract) -> None:
    lines = pl.DataFrame({"_index": [0], "_source": ["a"], "payload": [seed(contract.dataset)]})

    plain, _ = typed_plainly(lines.cast({"_index": pl.UInt32}), contract, Company())

    assert [0] == plain.get_column("_index").to_list()


def same_both_ways(contract: Contract, lines: list[bytes], sources: list[str]) -> None:
    received = pl.DataFrame({"_source": sources, "payload": lines}, schema={"_source": pl.String, "payload": pl.Binary})

    exact = typed_exactly(received, contract, Company())

    plain = _typed_rows(received, contract, Company())
    assert exact.rows() == plain.select(exact.columns).rows()
    assert exact.schema == plain.schema


@pytest.mark.parametrize("contract", FEEDS, ids=lambda each: each.dataset)
def test_every_token_in_every_field_is_read_alike(contract: Contract) -> None:
    members = json.loads(SEED[contract.dataset])
    lines = [seed(contract.dataset)]
    for field in members:
        for token in TOKENS:
            texts = {name: json.dumps(value) for name, value in members.items()} | {field: token}
            lines.append(("{" + ", ".join(f'"{name}": {text}' for name, text in texts.items()) + "}").encode())

    same_both_ways(contract, lines, ["a"] * len(lines))


@given(feed(), st.lists(st.booleans(), min_size=12, max_size=12))
@settings(max_examples=700, deadline=None)
def test_the_plain_way_reads_what_the_exact_way_reads(drawn: tuple[Contract, list[bytes]], holds: list[bool]) -> None:
    contract, lines = drawn
    same_both_ways(contract, lines, ["a" if is_record else NO_ENVELOPE for is_record in holds[: len(lines)]])
