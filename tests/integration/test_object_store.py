"""A lake in a bucket: nothing lost or doubled whatever the store answers, and one sentence when it does not.

Rules: X2, AT-31, L-26; `interface.md`, "Settings" (TECHFLOW_LAKE).
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import obstore
import polars as pl
import pytest
from obstore.exceptions import AlreadyExistsError
from obstore.store import from_url

from storage.bucket import Bucket
from storage.errors import BadRoot, LakeBusy, StoreAway, StoreUnsafe
from storage.files import write_files
from storage.lake import Lake
from storage.table import Table
from storage.upkeep import ORPHAN_AGE
from tests.conftest import start
from tests.integration.broker import CLICKS, Kafka
from tests.integration.drains import drain_once
from tests.integration.lake_writers import TABLE, WORK, rows
from tests.integration.object_store import ObjectStore
from tests.integration.test_kafka import numbered
from tests.integration.test_kafka import numbers as drained

pytestmark = pytest.mark.integration
JAN, FEB = "2024-01", "2024-02"
ENTRY = r"/_delta_log/\d{20}\.json$"


@pytest.fixture
def at(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let the program find the store at an address, in its environment."""

    def found_at(endpoint: str) -> None:
        for name, value in object_store.variables(endpoint).items():
            monkeypatch.setenv(name, value)

    found_at(object_store.endpoint)
    return found_at


@pytest.fixture
def lake(at: Callable[[str], None], tmp_path: Path) -> Lake:
    """A lake in which January is written."""
    lake = Lake(f"s3://lake/{tmp_path.name}")
    lake.open(TABLE).replace(rows(JAN, 1, range(2)), {JAN: "a"}, WORK)
    return lake


def numbers(lake: Lake, month: str = JAN) -> list[int]:
    return sorted(lake.open(TABLE).read(pl.col("month") == month)["number"])


def objects(lake: Lake) -> set[str]:
    found = obstore.list(from_url(lake.root, client_options={"allow_http": True})).collect()
    return {each["path"] for each in found if each["path"].endswith(".parquet")}


def test_a_key_that_sixteen_want_is_given_to_one(at: Callable[[str], None], tmp_path: Path) -> None:
    # Of the server, not of us: without it no test of two writers says anything.
    store = from_url(f"s3://lake/{tmp_path.name}", client_options={"allow_http": True})

    def won(key: str) -> bool:
        try:
            obstore.put(store, key, b"mine", mode="create")
        except AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(16) as hands:
        winners = [sum(hands.map(won, [f"key-{number}"] * 16)) for number in range(20)]

    assert [1] * 20 == winners


def by_rows(lake: Lake, table: Table) -> int:
    return table.append(rows(FEB, 0, range(3)), WORK)


def by_replacing(lake: Lake, table: Table) -> int:
    return table.replace(rows(FEB, 0, range(3)), {FEB: "b"}, WORK)


def by_files(lake: Lake, table: Table) -> int:
    return table.append_files(write_files(lake, TABLE, rows(FEB, 0, range(3))), {FEB: 3}, WORK)


def by_replacing_files(lake: Lake, table: Table) -> int:
    return table.replace_files(write_files(lake, TABLE, rows(FEB, 0, range(3))), {FEB: "b"}, WORK)


WAYS = [by_rows, by_replacing, by_files, by_replacing_files]


@pytest.mark.parametrize("commit", WAYS)
@pytest.mark.parametrize("times", [1, 1_000_000], ids=["once", "always"])
def test_a_commit_whose_answer_is_lost_is_one_commit(
    lake: Lake, at: Callable[[str], None], object_store: ObjectStore, commit: Callable[[Lake, Table], int], times: int
) -> None:
    before = lake.open(TABLE).version
    with object_store.spoilt("lost", ENTRY, times) as endpoint:
        at(endpoint)
        table = lake.open(TABLE)

        version = commit(lake, table)

    assert before + 1 == version == table.version
    at(object_store.endpoint)
    assert version == lake.open(TABLE).version
    assert [0, 1, 2] == numbers(lake, FEB)
    assert 5 == table.count()


def test_somebody_else_s_commit_is_not_taken_for_ours_when_the_answer_is_lost(
    lake: Lake, at: Callable[[str], None], object_store: ObjectStore
) -> None:
    with object_store.spoilt("lost", ENTRY) as endpoint:
        at(endpoint)
        ours = lake.open(TABLE)
        at(object_store.endpoint)
        by_rows(lake, lake.open(TABLE))

        with pytest.raises(LakeBusy):
            by_rows(lake, ours)

    assert [0, 1, 2] == numbers(lake, FEB)


def test_a_table_whose_making_is_not_answered_is_made_once(
    at: Callable[[str], None], object_store: ObjectStore, tmp_path: Path
) -> None:
    lake = Lake(f"s3://lake/{tmp_path.name}")
    with object_store.spoilt("lost", ENTRY) as endpoint:
        at(endpoint)
        by_rows(lake, lake.open(TABLE))
    at(object_store.endpoint)

    assert (1, [0, 1, 2]) == (lake.open(TABLE).version, numbers(lake, FEB))


def test_a_store_that_goes_away_before_a_commit_says_so_and_the_next_try_does_it_all(
    lake: Lake, at: Callable[[str], None], object_store: ObjectStore
) -> None:
    with object_store.spoilt("lost", "nothing") as endpoint:
        at(endpoint)
        table = lake.open(TABLE)

    begin = time.monotonic()
    with pytest.raises(StoreAway, match=r"does not answer \(connection refused\)"):
        by_rows(lake, table)
    assert time.monotonic() - begin < 60

    at(object_store.endpoint)
    assert [] == numbers(lake, FEB)
    by_rows(lake, lake.open(TABLE))
    assert [0, 1, 2] == numbers(lake, FEB)


def test_rows_that_are_given_once_more_are_there_once(lake: Lake) -> None:
    version = lake.open(TABLE).append_once(rows(JAN, 1, range(1, 4)), WORK)

    assert version == lake.open(TABLE).append_once(rows(JAN, 1, range(4)), WORK)
    assert [0, 1, 2, 3] == numbers(lake)


KILLED = """
import os, signal, sys
from storage.lake import Lake
from storage.table import Table
from tests.integration.lake_writers import TABLE, replace
Table._commit = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
replace(Lake(sys.argv[1]), "2024-02", 1)
"""


def test_a_kill_between_files_and_commit_leaves_files_that_nobody_reads_and_upkeep_sweeps(
    lake: Lake, object_store: ObjectStore
) -> None:
    version, named = lake.open(TABLE).version, objects(lake)
    env = dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parents[2])}
    killed = start([sys.executable, "-c", KILLED, lake.root], env)
    assert -signal.SIGKILL == killed.wait(timeout=120)
    left = objects(lake) - named
    assert 5 == len(left)

    assert (version, [0, 1]) == (lake.open(TABLE).version, numbers(lake))
    by_replacing(lake, lake.open(TABLE))
    lake.open(TABLE).replace(rows(JAN, 2, range(2)), {JAN: "b"}, WORK)

    table = lake.open(TABLE)
    assert [] == table.orphans(ORPHAN_AGE), "a run may be about to commit them"
    assert sorted(left) == table.orphans(timedelta(0)), "what a version named is none"
    for path in left:
        month_ago = time.time() - 30 * 86400
        os.utime(object_store.folder / "lake" / lake.root.removeprefix("s3://lake/") / path, (month_ago, month_ago))
    assert sorted(left) == table.orphans(ORPHAN_AGE)
    assert sum(map(lake.store.size, left)) > 0
    for path in left:
        lake.store.remove(path)
    assert not left & objects(lake)
    assert ([0, 1], [0, 1, 2]) == (numbers(lake), numbers(lake, FEB))


def test_a_log_in_a_bucket_is_summed_up_when_it_is_long(lake: Lake) -> None:
    for number in range(20):
        lake.open(TABLE).append(rows(FEB, 0, range(number, number + 1)), WORK)

    assert lake.open(TABLE).checkpoint()
    assert not lake.open(TABLE).checkpoint()
    assert list(range(20)) == numbers(lake, FEB)
    assert 20 == lake.open(TABLE).file_counts()[FEB]
    lake.open(TABLE).compact(FEB)
    assert 1 == lake.open(TABLE).file_counts()[FEB]
    assert list(range(20)) == numbers(lake, FEB)


def test_a_topic_is_drained_into_a_bucket_as_into_a_folder(lake: Lake, topics: Kafka, tmp_path: Path) -> None:
    topics.send(CLICKS, numbered(0, 20))

    for store in (lake, Lake(str(tmp_path / "lake"))):
        assert [20, 0] == [drain_once(store, topics.servers, CLICKS) for _ in range(2)]
        assert list(range(20)) == drained(store)


def test_a_store_that_lets_two_write_one_commit_is_refused(
    at: Callable[[str], None], object_store: ObjectStore, tmp_path: Path
) -> None:
    with object_store.spoilt("generous", r"/\.writable") as endpoint:
        at(endpoint)

        with pytest.raises(StoreUnsafe, match="does not heed If-None-Match"):
            Lake(f"s3://lake/{tmp_path.name}-generous").require_writable()


@pytest.mark.parametrize(
    "root", ["gs://lake/x", "s3://", "s3://Lake/x", "s3://lake/x/", "s3://lake//x", "s3://lake/a b"]
)
def test_what_is_no_place_for_a_lake_is_refused(root: str) -> None:
    with pytest.raises(BadRoot, match="is no place for a lake: give a folder, or s3://bucket/prefix"):
        Bucket(root)
