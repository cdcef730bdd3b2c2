"""The file event log: what an envelope is, and that every offset lands once (data.md A.0a, AT-33)."""

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compute.buckets import BUCKETS, bucket_of
from compute.contracts.contract import NO_ENVELOPE
from storage.catalog import BRONZE, LANDED_FILE
from storage.envelopes import Record, read_envelope
from storage.lake import Lake
from storage.landing import Landing
from storage.table import Table
from storage.topics import land_topic
from storage.work import Work

TOPIC = "click_events"
AS_OF = datetime(2024, 2, 1, tzinfo=UTC)
NOW = datetime(2024, 2, 2, tzinfo=UTC)
KCAT = {
    "topic": TOPIC,
    "partition": 1,
    "offset": 10,
    "tstype": "create",
    "ts": 1705314601000,
    "key": "A",
    "payload": "{}",
}
ARRIVAL = datetime(2024, 1, 15, 10, 30, 1, tzinfo=UTC)


def line(**changes: Any) -> bytes:
    members = KCAT | changes
    return json.dumps({name: value for name, value in members.items() if value != "ABSENT"}).encode()


@pytest.mark.parametrize(
    ("bytes_", "expected"),
    [
        (line(), Record(1, 10, ARRIVAL, b"{}")),
        (line(topic="another"), Record(1, 10, ARRIVAL, b"{}")),  # the file's name decides
        (line(ts="ABSENT"), Record(1, 10, None, b"{}")),
        (line(ts=0), Record(1, 10, None, b"{}")),
        (line(ts=-1), Record(1, 10, None, b"{}")),
        (line(ts=1705314601999), Record(1, 10, ARRIVAL.replace(microsecond=999000), b"{}")),
        (line(key="ABSENT", tstype="ABSENT", broker=2), Record(1, 10, ARRIVAL, b"{}")),
        (line(payload="é"), Record(1, 10, ARRIVAL, "é".encode())),
        (line(payload="PAY").replace(b"PAY", b"\xff{"), Record(1, 10, ARRIVAL, b"\xff{")),
        (line(payload=None), Record(1, 10, ARRIVAL, line(payload=None), NO_ENVELOPE)),
        (line(payload={"a": 1}), Record(1, 10, ARRIVAL, line(payload={"a": 1}), NO_ENVELOPE)),
        (line(payload="\ud800"), Record(1, 10, ARRIVAL, line(payload="\ud800"), NO_ENVELOPE)),
        (line(payload="ABSENT"), None),
        (line(partition="1"), None),
        (line(partition=-1), None),
        (line(offset=True), None),
        (line(offset=1.5), None),
        (line(offset=2**63), None),
        (line(topic=7), None),
        (line(topic="ABSENT"), None),
        (line(ts="2024"), None),
        (line(ts=10**18), None),
        (b"[]", None),
        (b"{", None),
        (b"[" * 100_000, None),
    ],
)  # fmt: skip
def test_an_envelope_is_what_kcat_prints_and_nothing_else(bytes_: bytes, expected: Record | None) -> None:
    assert expected == read_envelope(bytes_)


@dataclass
class Door:
    """A landing area with one topic, and the lake behind it."""

    folder: Path
    lake: Lake

    def write(self, *lines: bytes, name: str = f"{TOPIC}.jsonl") -> None:
        content = b"".join(each + b"\n" for each in lines)
        path = self.folder / "landing" / "topics" / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    def land(self) -> Landing:
        place = str(self.folder / "landing")
        return land_topic(self.lake, place, TOPIC, as_of=AS_OF, now=NOW, work=Work("test", BRONZE[TOPIC].name))

    def landed(self) -> list[tuple[int, int]]:
        rows = self.lake.read(BRONZE[TOPIC], columns=["_partition", "_offset"])
        return sorted(rows.rows())


@pytest.fixture
def door(tmp_path: Path) -> Door:
    (tmp_path / "landing" / "topics").mkdir(parents=True)
    return Door(tmp_path, Lake(str(tmp_path / "lake")))


def test_a_log_that_grows_lands_what_is_new_and_keeps_the_next_offsets(door: Door) -> None:
    door.write(line(offset=10), line(offset=11), line(partition=2, offset=5))
    assert 3 == door.land().rows
    door.write(line(offset=10), line(offset=11), line(partition=2, offset=5), line(offset=12))

    assert 1 == door.land().rows
    assert [(1, 10), (1, 11), (1, 12), (2, 5)] == door.landed()
    assert (13, 6, None) == tuple(door.lake.open(BRONZE[TOPIC]).position(name) for name in ("1", "2", "3"))


def test_an_unchanged_log_is_not_opened_again(door: Door) -> None:
    door.write(line())
    door.land()
    versions = door.lake.open(BRONZE[TOPIC]).version, door.lake.open(LANDED_FILE).version

    assert Landing(0, 0, 0, {}) == door.land()
    assert versions == (door.lake.open(BRONZE[TOPIC]).version, door.lake.open(LANDED_FILE).version)


@pytest.mark.parametrize("order", [(10, 11, 12), (12, 10, 11), (11, 12, 10)])
def test_a_shuffled_log_loses_and_doubles_nothing(door: Door, order: tuple[int, ...]) -> None:
    door.write(line(offset=order[0]), line(offset=order[0]))
    door.land()
    door.write(*(line(offset=offset) for offset in order[1:]))
    door.land()

    assert [(1, 10), (1, 11), (1, 12)] == door.landed()


def test_a_bad_line_lands_once_and_another_in_its_place_too(door: Door) -> None:
    door.write(b"rubbish", b"rubbish")
    door.land()
    door.write(b"rubbish", b"rubbish", line())
    door.land()
    door.write(b"litter")
    door.land()

    assert [(-1, 1), (-1, 1), (-1, 2), (1, 10)] == door.landed()
    assert {AS_OF, ARRIVAL} == set(door.lake.read(BRONZE[TOPIC]).get_column("_arrival"))


def test_a_log_that_does_not_decompress_is_a_problem_until_it_is_sent_again(door: Door) -> None:
    door.write(line(offset=1))
    whole = gzip.compress(b"\n".join(line(offset=offset) for offset in range(2, 500)))
    packed = door.folder / "landing" / "topics" / f"{TOPIC}.jsonl.gz"
    packed.write_bytes(whole[: len(whole) // 2])

    first = door.land()

    assert [(1, 1)] == door.landed()
    assert 1 == len(first.problems)
    assert first.problems == door.land().problems
    packed.write_bytes(whole)
    assert Landing(1, 498, 0, {}) == door.land()
    assert [(1, offset) for offset in range(1, 500)] == door.landed()


def test_a_crash_between_rows_and_sighting_lands_nothing_twice(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.write(line())
    monkeypatch.setattr(Table, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        door.land()
    monkeypatch.undo()
    assert [(1, 10)] == door.landed()

    assert 0 == door.land().rows
    assert [(1, 10)] == door.landed()


def test_an_account_with_half_of_all_users_spreads_over_the_buckets() -> None:
    users = [bucket_of("ACC_1", f"USER_{number}") for number in range(6_400)]

    loads = [users.count(bucket) for bucket in range(BUCKETS)]
    assert max(loads) < 1.5 * 6_400 / BUCKETS
    assert min(loads) > 0
