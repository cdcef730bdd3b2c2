"""Logs of the topics in which one line in a thousand is damaged, each way in turn, and what must become of such a line."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from compute.contracts.feeds import BY_NAME
from storage.catalog import BRONZE, JUDGED
from storage.lake import Lake

ONE_IN = 1000
NAMES = ("user_id", "team_id")  # copies are told apart by them
Way = tuple[Callable[[bytes], bytes], str]
Row = tuple[int, int, bytes, str]
ACCOUNT = b'\\"account_id\\"'
DAMAGE: tuple[Way, ...] = (
    (lambda line: line[:-20], "R00"),
    (lambda line: b"\xff" + line, "R00"),
    (lambda line: line.replace(ACCOUNT, ACCOUNT + b': \\"A\\", ' + ACCOUNT), "R00"),  # a repeated member
    (lambda line: line.replace(ACCOUNT + b": ", ACCOUNT + b': 7, \\"x\\": '), "Q92"),  # a number in a text field
    (lambda line: line.replace(ACCOUNT, ACCOUNT + b': NaN, \\"x\\"'), "R00"),
    (lambda line: line.replace(b'"partition"', b'"part"'), "R00"),
)
QUOTED: Way = (lambda line: re.sub(rb"([\d.]+)(?=, \\\"(features|api_calls))", rb'\\"\1\\"', line, count=1), "Q92")


def ways(feed: str) -> tuple[Way, ...]:
    """Return the ways in which a topic's lines are damaged; text in a number field where there is one."""
    has_numbers = any(field.kind in {"int", "number"} for field in BY_NAME[feed].fields)
    return (*DAMAGE, QUOTED) if has_numbers else DAMAGE


def copies(feed: str, company: Path, lines: int) -> Iterator[bytes]:
    """Yield so many lines of a topic's log by renaming users and teams."""
    log = (company / "landing" / "topics" / f"{feed}.jsonl").read_bytes().splitlines()
    for copy in range(max(1, round(lines / len(log)))):
        for line in log:
            envelope = json.loads(line)
            record = json.loads(envelope["payload"])
            record |= {name: f"{record[name]}-{copy}" for name in NAMES if name in record}
            offset = envelope["offset"] + copy * len(log)
            yield json.dumps(envelope | {"offset": offset, "payload": json.dumps(record)}).encode() + b"\n"


def damaged(feed: str, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines of which one in a thousand is damaged, each way in turn."""
    each = ways(feed)
    for number, line in enumerate(lines):
        if number % ONE_IN:
            yield line
        else:
            change, _ = each[number // ONE_IN % len(each)]
            broken = change(line[:-1])
            assert broken != line[:-1], line
            yield broken + b"\n"


def require_exact(feed: str, home: Path, *, is_damaged: bool) -> None:
    """See that every line became a row, and that the damaged ones and no others are refused, byte for byte.

    Raises:
        AssertionError: when a row is missing, or one is refused that is not damaged, elsewhere, or for another reason.
    """
    lake, place = Lake(str(home / "lake")), ["_partition", "_offset"]
    files = sorted((home / "lake" / JUDGED[feed].name).rglob("*.parquet"))
    judged = pl.scan_parquet(files, hive_partitioning=False).select(
        *place, "_verdict", code=pl.col("_codes").list.join(" ")
    )
    received = lake.open(BRONZE[feed]).scan().select(*place, "payload")
    refused = judged.filter(pl.col("_verdict") != "accepted").join(received, on=place).collect()
    found = set(refused.select(*place, "payload", pl.col("code").str.slice(-3)).iter_rows())
    lines = (home / "topics" / f"{feed}.jsonl").read_bytes().splitlines()
    wanted = set(_expected(feed, lines)) if is_damaged else set[Row]()
    assert judged.select(pl.len()).collect().item() == len(lines)
    assert found == wanted, sorted(found ^ wanted)[:4]
    assert refused.height == len(wanted)


def _expected(feed: str, lines: list[bytes]) -> Iterator[Row]:
    """Yield where each damaged line must lie, its bytes, and its code; what is no envelope lies at its line's number."""
    each = ways(feed)
    for number in range(0, len(lines), ONE_IN):
        line, (_, code) = lines[number], each[number // ONE_IN % len(each)]
        try:
            envelope = json.loads(line)
            yield envelope["partition"], envelope["offset"], envelope["payload"].encode(), code
        except (ValueError, KeyError):
            yield -1, number + 1, line, code
