"""Many at once on one table: exact every time, on this machine and in a bucket. Rules: X2, L-26, AT-31.

deltalake 1.6.4 to 1.6.6 leave old rows beside new ones when a compaction wins a race, and every version records an app
transaction again that is there already: what holds against both is in `storage.table`, and is tested here.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from deltalake import CommitProperties, DeltaTable, Transaction

from storage.errors import LakeBusy
from storage.files import write_files
from storage.lake import Lake
from storage.table import Table
from tests.conftest import ending
from tests.integration.lake_writers import FILES, ROWS_A_FILE, TABLE, WORK, require_whole, rows
from tests.integration.object_store import ObjectStore

pytestmark = pytest.mark.integration
JAN, FEB = "2024-01", "2024-02"
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["folder", "bucket"])
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """An empty lake, on this machine and in a bucket."""
    if request.param == "folder":
        return Lake(str(tmp_path / "lake"))
    store: ObjectStore = request.getfixturevalue("object_store")
    for name, value in store.variables().items():
        monkeypatch.setenv(name, value)
    return Lake(f"s3://lake/{tmp_path.name}")


def three_files(lake: Lake) -> Lake:
    for number in range(3):
        lake.open(TABLE).append(rows(JAN, 0, range(number, number + 1)), WORK)
    return lake


def numbers(lake: Lake) -> list[int]:
    return sorted(lake.open(TABLE).read()["number"])


def by_compaction(lake: Lake, table: Table) -> None:
    table.compact(JAN)


def by_rows(lake: Lake, table: Table) -> None:
    table.replace(rows(JAN, 1, range(3)), {JAN: "new"}, WORK)


def by_files(lake: Lake, table: Table) -> None:
    table.replace_files(write_files(lake, TABLE, rows(JAN, 1, range(3))), {JAN: "new"}, WORK)


def by_appending(lake: Lake, table: Table) -> None:
    table.append(rows(JAN, 0, range(3, 4)), WORK)


@pytest.mark.parametrize("act", [by_compaction, by_rows, by_files, by_appending])
def test_who_comes_after_a_compaction_is_told_and_no_row_is_there_twice(
    lake: Lake, act: Callable[[Lake, Table], None]
) -> None:
    stale = three_files(lake).open(TABLE)
    lake.open(TABLE).compact(JAN)

    with pytest.raises(LakeBusy):
        act(lake, stale)

    assert [0, 1, 2] == numbers(lake)


@pytest.mark.parametrize("act", [by_rows, by_files, by_appending])
def test_a_compaction_that_comes_after_somebody_is_told_or_leaves_the_rows_as_they_are(
    lake: Lake, act: Callable[[Lake, Table], None]
) -> None:
    stale = three_files(lake).open(TABLE)
    act(lake, lake.open(TABLE))
    before = numbers(lake)

    with contextlib.suppress(LakeBusy):
        stale.compact(JAN)

    assert before == numbers(lake)


def test_the_deltalake_that_is_installed_tells_the_second_of_two_compactions(tmp_path: Path) -> None:
    # By itself, whatever we do around it: with this the cap on its version can be lifted.
    lake = three_files(Lake(str(tmp_path / "lake")))
    location = lake.open(TABLE).location
    stale = DeltaTable(location)
    DeltaTable(location).optimize.compact()

    with pytest.raises(Exception, match="concurrent transaction"):
        stale.optimize.compact()

    assert [0, 1, 2] == numbers(lake)


def test_deltalake_records_a_replayed_transaction_and_our_handle_does_not_repeat_it(tmp_path: Path) -> None:
    lake = three_files(Lake(str(tmp_path / "lake")))
    lake.open(TABLE).append(rows(FEB, 0, range(1)), WORK, positions={FEB: 5})
    table = DeltaTable(lake.open(TABLE).location)
    replayed = CommitProperties(app_transactions=[Transaction(f"{TABLE.name}/{FEB}", 3)])
    table.create_write_transaction([], "append", table.schema(), ["month"], commit_properties=replayed)
    assert 3 == lake.open(TABLE).position(FEB), "it refuses now: the check before a commit could go"

    two = [lake.open(TABLE), lake.open(TABLE)]
    assert [3, 3] == [each.position(FEB) for each in two]
    two[0].append(rows(FEB, 0, range(1, 2)), WORK, positions={FEB: 6})
    with pytest.raises(LakeBusy):
        two[1].append(rows(FEB, 0, range(1, 2)), WORK, positions={FEB: 6})

    assert 2 == lake.open(TABLE).counts()[FEB]
    assert 6 == lake.open(TABLE).position(FEB)


def test_an_empty_month_that_two_load_at_once_is_loaded_once(lake: Lake) -> None:
    lake.open(TABLE).created()
    two = [lake.open(TABLE), lake.open(TABLE)]
    by_files(lake, two[0])

    with pytest.raises(LakeBusy):
        by_files(lake, two[1])

    assert [0, 1, 2] == numbers(lake)


Contest = Callable[..., list[int]]


@pytest.fixture
def contest(lake: Lake, tmp_path: Path) -> Iterator[Contest]:
    """Run processes of `lake_writers` on the lake, the first of them to their end; returns what the others counted."""
    with ending() as running:

        def run(to_their_end: list[tuple[str, ...]], beside: list[str]) -> list[int]:
            stop = tmp_path / "stop"

            def begin(*words: str) -> "subprocess.Popen[bytes]":
                script = [sys.executable, "-m", "tests.integration.lake_writers", words[0], lake.root, *words[1:]]
                env = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
                process = subprocess.Popen(script, env=env, stdout=subprocess.PIPE, start_new_session=True)
                running.append(process)
                return process

            lake.open(TABLE).created()
            others = [begin(role, str(stop)) for role in beside]
            writers = [begin(*words) for words in to_their_end]
            for each in writers:
                each.communicate(timeout=300)
            stop.touch()
            told = [each.communicate(timeout=60)[0] for each in others]
            assert [0] * len(running) == [each.returncode for each in running]
            return [int(words) for words in told]

        yield run


@pytest.mark.parametrize("lake", ["folder"], indirect=True)
def test_replacers_appenders_a_compactor_and_readers_leave_exactly_what_was_written(
    lake: Lake, contest: Contest
) -> None:
    generations, added = 15, 20
    replacers = [("replace", f"2024-0{month}", str(generations)) for month in range(1, 5)]
    appenders = [("append", f"2025-0{month}", str(added)) for month in range(1, 3)]

    compactions, *reads = contest([*replacers, *appenders], ["compact", "read", "read"])

    require_exact(lake, replaced=4, generations=generations, appenders=2, added=added)
    assert compactions > 0
    assert min(reads) > 0


@pytest.mark.parametrize("lake", ["bucket"], indirect=True)
def test_the_same_in_a_bucket(lake: Lake, contest: Contest) -> None:
    replacers = [("replace", f"2024-0{month}", "5") for month in range(1, 3)]

    compactions, reads = contest([*replacers, ("append", "2025-01", "8")], ["compact", "read"])

    require_exact(lake, replaced=2, generations=5, appenders=1, added=8)
    assert compactions > 0
    assert reads > 0


def require_exact(lake: Lake, *, replaced: int, generations: int, appenders: int, added: int) -> None:
    found = lake.open(TABLE).read()
    require_whole(found)
    assert {generations} == set(found.filter(found["generation"] > 0)["generation"])
    assert replaced * FILES * ROWS_A_FILE + appenders * added == found.height


@pytest.mark.parametrize("lake", ["bucket"], indirect=True)
def test_of_two_writers_with_fifty_commits_each_none_is_lost(lake: Lake, contest: Contest) -> None:
    contest([("append", "one", "50"), ("append", "other", "50")], [])

    table = lake.open(TABLE)
    assert {"one": 50, "other": 50} == table.counts()
    assert 100 == table.version, "a commit each, and none twice"
    require_whole(table.read())
