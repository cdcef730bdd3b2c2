"""Landing files: what is a row, what is the same content, and when it arrived (`data.md` A.0, A.0a; U-01, U-02, U-07).

What becomes of a row is tested in `test_contracts`.
"""

import gzip
import hashlib
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from compute.errors import BadSetting
from storage.catalog import BRONZE, LANDED_FILE
from storage.lake import Lake
from storage.landing import LandedFile, Landing, arrivals, files_of, land, stray_folders
from storage.work import Work

FEED = "revenue"
FIRST, LATER = datetime(2024, 2, 1, 6, tzinfo=UTC), datetime(2024, 3, 1, 6, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TWO_ROWS = b'{"a": 1}\n{"a": 2}\n'


class Door:
    """A landing folder with a lake behind it."""

    def __init__(self, root: Path) -> None:
        self.lake, self.folder = Lake(str(root / "lake")), root / "landing"
        (self.folder / FEED).mkdir(parents=True)

    def put(self, name: str, content: bytes) -> None:
        packed = gzip.compress(content) if name.endswith(".gz") else content
        (self.folder / FEED / name).write_bytes(packed)

    def put_broken(self, name: str) -> None:
        (self.folder / FEED / name).write_bytes(gzip.compress(TWO_ROWS * 100)[:-12])

    def land(self, as_of: datetime = FIRST) -> Landing:
        work = Work(flow="test", dataset=BRONZE[FEED].name)
        return land(self.lake, str(self.folder), FEED, as_of=as_of, now=NOW, work=work)

    def rows(self) -> list[tuple[str, int, bytes]]:
        return self.lake.read(BRONZE[FEED], columns=["_file", "_row", "payload"]).sort("_file", "_row").rows()

    def arrivals(self) -> list[tuple[str, datetime]]:
        return arrivals(self.lake, FEED).select("_file", "_arrival").sort("_file").rows()


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path)


@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (TWO_ROWS, [(1, b'{"a": 1}'), (2, b'{"a": 2}')]),
        (b'{"a": 1}\n{"a": 2}', [(1, b'{"a": 1}'), (2, b'{"a": 2}')]),
        (b'{"a": 1}\r\n{"a": 2}\r\n', [(1, b'{"a": 1}'), (2, b'{"a": 2}')]),
        (b'\xef\xbb\xbf{"a": 1}\n', [(1, b'{"a": 1}')]),
        (b'\n{"a": 1}\n \t\n\r\n{"a": 2}\n\n', [(2, b'{"a": 1}'), (5, b'{"a": 2}')]),
        (b'{"a": 1}\n\xef\xbb\xbf{"a": 2}\n', [(1, b'{"a": 1}'), (2, b'\xef\xbb\xbf{"a": 2}')]),
        (b'\xff\x00 no record\n{"cut": ', [(1, b"\xff\x00 no record"), (2, b'{"cut": ')]),
        (b"\xef\xbb\xbf\n\n", []),
        (b"", []),
    ],
    ids=["plain", "no last newline", "CRLF", "mark", "blank lines", "mark further down", "any bytes", "blank", "empty"],
)
def test_every_line_that_is_not_blank_is_a_row_at_its_line(
    door: Door, name: str, content: bytes, expected: list[tuple[int, bytes]]
) -> None:
    door.put(name, content)

    landing = door.land()

    assert [(name, number, line) for number, line in expected] == door.rows()
    assert Landing(files=1, rows=len(expected), repeats=0, problems={}) == landing


def test_a_landed_row_keeps_its_place_its_digests_and_when_it_was_read(door: Door) -> None:
    door.put("rev_20240105T101112Z.ndjson", b'{"a": 1}\n')

    door.land()

    row = door.lake.read(BRONZE[FEED]).row(0, named=True)
    assert row == {
        "_source": "landing",
        "_file": "rev_20240105T101112Z.ndjson",
        "_row": 1,
        "_arrival": datetime(2024, 1, 5, 10, 11, 12, tzinfo=UTC),
        "_batch_id": hashlib.sha256(b'{"a": 1}\n').hexdigest(),
        "_payload_sha256": hashlib.sha256(b'{"a": 1}').hexdigest(),
        "_ingested_at": NOW,
        "payload": b'{"a": 1}',
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("20240105T101112Z.ndjson", datetime(2024, 1, 5, 10, 11, 12, tzinfo=UTC)),
        ("rev-20240105T101112Z-20230101T000000Z.ndjson.gz", datetime(2024, 1, 5, 10, 11, 12, tzinfo=UTC)),
        ("20241301T000000Z_20240105T101112Z.ndjson", datetime(2024, 1, 5, 10, 11, 12, tzinfo=UTC)),
        ("20240105T240000Z_20240106T000000Z.ndjson", datetime(2024, 1, 6, tzinfo=UTC)),
        ("9920240105T101112Z.ndjson", datetime(2024, 1, 5, 10, 11, 12, tzinfo=UTC)),
        ("20240230T000000Z.ndjson", None),
        ("20240105T101112.ndjson", None),
        ("20240105t101112z.ndjson", None),
        ("revenue.ndjson", None),
    ],
)
def test_the_first_valid_stamp_in_a_name_is_the_arrival_u01(name: str, expected: datetime | None) -> None:
    assert expected == LandedFile(Path(name), 0, 0).arrival()


def test_a_file_without_a_stamp_arrives_as_of_its_run_and_keeps_that(door: Door) -> None:
    door.put("a.ndjson", b"1\n")
    door.land(as_of=FIRST)
    door.put("b.ndjson", b"2\n")

    door.land(as_of=LATER)

    assert [("a.ndjson", FIRST), ("b.ndjson", LATER)] == door.arrivals()


def test_a_file_that_is_touched_keeps_its_arrival(door: Door) -> None:
    door.put("a.ndjson", b"1\n")
    door.land(as_of=FIRST)
    os.utime(door.folder / FEED / "a.ndjson", (0, 0))

    landing = door.land(as_of=LATER)

    assert (0, 1) == (landing.rows, landing.repeats)
    assert [("a.ndjson", FIRST)] == door.arrivals()


def test_a_second_landing_reads_nothing(door: Door) -> None:
    door.put("a.ndjson", TWO_ROWS)
    door.land()
    version = door.lake.open(BRONZE[FEED]).version

    again = door.land(as_of=LATER)

    assert Landing(0, 0, 0, {}) == again
    assert version == door.lake.open(BRONZE[FEED]).version
    assert 2 == len(door.rows())


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0)])
def test_the_same_bytes_land_once_and_the_earliest_name_counts_whichever_was_read_first_u07(
    door: Door, first: int, second: int
) -> None:
    names = ("x_20240105T000000Z.ndjson", "a_20240301T000000Z.ndjson.gz")
    door.put(names[first], TWO_ROWS)
    door.land()
    door.put(names[second], TWO_ROWS)

    landing = door.land()

    assert Landing(files=0, rows=0, repeats=1, problems={}) == landing
    assert 2 == len(door.rows())
    assert [("x_20240105T000000Z.ndjson", datetime(2024, 1, 5, tzinfo=UTC))] == door.arrivals()


def test_the_same_bytes_under_two_names_of_one_arrival_go_by_the_first_name(door: Door) -> None:
    for name in ("b.ndjson", "c.ndjson", "a.ndjson"):
        door.put(name, TWO_ROWS)

    landing = door.land()

    assert (1, 2, 2) == (landing.files, landing.rows, landing.repeats)
    assert [("a.ndjson", FIRST)] == door.arrivals()


def test_new_bytes_under_a_known_name_are_new_content(door: Door) -> None:
    door.put("a.ndjson", b"1\n")
    door.land(as_of=FIRST)
    door.put("a.ndjson", b"1\n2\n")

    landing = door.land(as_of=LATER)

    assert (1, 2) == (landing.files, landing.rows)
    assert [("a.ndjson", 1, b"1"), ("a.ndjson", 1, b"1"), ("a.ndjson", 2, b"2")] == door.rows()
    assert [("a.ndjson", FIRST), ("a.ndjson", LATER)] == sorted(door.arrivals())


def test_what_does_not_decompress_is_a_problem_and_the_rest_lands(door: Door) -> None:
    door.put_broken("a.ndjson.gz")
    (door.folder / FEED / "b.ndjson.gz").write_bytes(TWO_ROWS)
    door.put("c.ndjson", TWO_ROWS)

    landing = door.land()

    assert (1, 2) == (landing.files, landing.rows)
    assert ["a.ndjson.gz", "b.ndjson.gz"] == list(landing.problems)
    assert landing.problems == door.land().problems
    assert [("c.ndjson", FIRST)] == door.arrivals()


def test_a_broken_file_sent_again_lands(door: Door) -> None:
    door.put_broken("a.ndjson.gz")
    door.land()
    door.put("a.ndjson.gz", TWO_ROWS)

    landing = door.land()

    assert Landing(files=1, rows=2, repeats=0, problems={}) == landing


def test_rows_whose_sighting_a_crash_prevented_are_not_landed_twice_and_keep_their_arrival(door: Door) -> None:
    door.put("a.ndjson", TWO_ROWS)
    door.land(as_of=FIRST)
    shutil.rmtree(Path(door.lake.root) / LANDED_FILE.name)

    landing = door.land(as_of=LATER)

    assert 0 == landing.rows
    assert 2 == len(door.rows())
    assert [("a.ndjson", FIRST)] == door.arrivals()


def test_feeds_do_not_share_contents(door: Door) -> None:
    (door.folder / "expenses").mkdir()
    (door.folder / "expenses" / "a.ndjson").write_bytes(TWO_ROWS)
    door.put("a.ndjson", TWO_ROWS)

    land(door.lake, str(door.folder), "expenses", as_of=LATER, now=NOW, work=Work(flow="test", dataset="x"))
    door.land()

    assert (2, 2) == tuple(door.lake.read(BRONZE[feed]).height for feed in (FEED, "expenses"))
    assert [("a.ndjson", FIRST)] == door.arrivals()


def test_only_ndjson_files_of_the_feed_s_own_folder_are_read(door: Door) -> None:
    for name in ("b.ndjson", "a.ndjson.gz", "c.json", "d.ndjson.bak", "e.gz"):
        door.put(name, TWO_ROWS)
    (door.folder / FEED / "f.ndjson").mkdir()
    (door.folder / "invoices").mkdir()
    (door.folder / "topics").mkdir()

    assert ["a.ndjson.gz", "b.ndjson"] == [file.name for file in files_of(str(door.folder), FEED)]
    assert [] == files_of(str(door.folder), "salaries")
    assert ("invoices",) == stray_folders(str(door.folder), [FEED])


def test_a_feed_without_a_folder_brings_nothing(tmp_path: Path) -> None:
    landing = land(Lake(str(tmp_path / "lake")), str(tmp_path), FEED, as_of=FIRST, now=NOW, work=Work("test", "x"))

    assert Landing(0, 0, 0, {}) == landing


def test_a_landing_folder_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="TECHFLOW_LANDING"):
        files_of(str(tmp_path / "nowhere"), FEED)


def test_a_landing_of_many_rows_is_whole(door: Door) -> None:
    lines = [f'{{"a": {number}}}'.encode() for number in range(25_000)]
    door.put("a.ndjson", b"\n".join(lines))

    door.land()

    landed = door.lake.read(BRONZE[FEED]).sort("_row")
    assert landed.get_column("payload").equals(pl.Series("payload", lines))


def test_a_broken_file_is_reported_until_it_is_sent_again(tmp_path: Path) -> None:
    feed = tmp_path / "landing" / "revenue"
    feed.mkdir(parents=True)
    lake, work, now = Lake(str(tmp_path / "lake")), Work(flow="test", dataset="x"), datetime(2024, 2, 1, tzinfo=UTC)

    def problems() -> int:
        return len(land(lake, str(tmp_path / "landing"), "revenue", as_of=now, now=now, work=work).problems)

    (feed / "a.ndjson.gz").write_bytes(b"no gzip")
    seen = [problems()]
    (feed / "b.ndjson").write_bytes(b"{}\n")
    seen += [problems(), problems()]
    (feed / "a.ndjson.gz").write_bytes(gzip.compress(b'{"a": 1}\n'))
    seen += [problems(), problems()]

    assert [1, 1, 1, 0, 0] == seen
