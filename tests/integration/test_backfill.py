"""A backfill that is stopped and begun again, and the upkeep of what many runs leave. Source: `operations.md` C.4, S-9."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.settings import PREFECT_API_URL

from compute.months import Month
from flows.aggregated import aggregated
from flows.backfill import backfill
from flows.upkeep import upkeep
from flows.validate import validate
from storage.catalog import BRONZE, DATASETS, DISPOSITIONS, FIGURES, JUDGED, SILVER, SNAPSHOT
from storage.dataset import Dataset
from storage.lake import Lake
from storage.shape import ALL
from storage.snapshots import figures_of, live_draft
from storage.watched import BACKFILL, RUNS
from tests.conftest import environment, start, techflow

pytestmark = pytest.mark.integration
MONTHS = ("2023-12", "2024-01", "2024-02")


def drafts(lake: Lake) -> dict[str, tuple[int, str]]:
    live = (live_draft(lake, Month.parse(month)) for month in MONTHS)
    return {draft.month: (draft.number, draft.content_hash) for draft in live if draft}


def test_a_backfill_that_is_killed_goes_on_where_it_was_and_ends_as_one_that_was_not(
    lake: Lake, golden: Path, prefect_home: Path, tmp_path: Path, ended: list[subprocess.Popen[bytes]]
) -> None:
    home = tmp_path / "killed"
    env = environment(
        home, golden / "landing", prefect_home, PREFECT_API_URL=str(PREFECT_API_URL.value()), TECHFLOW_EXECUTOR="inline",
        TECHFLOW_LEDGER=str(golden / "ledger.sqlite"), PYTHONPATH=str(Path(__file__).parents[2]),
    )  # fmt: skip
    killed = Lake(str(home / "lake"))
    ended.append(start([str(Path(sys.executable).with_name("techflow")), "backfill", "2023-12..2024-02"], env))
    wait_until(lambda: killed.read(BACKFILL).height > 0, ended[0])
    ended[0].send_signal(signal.SIGKILL)
    ended[0].wait()
    done = killed.read(BACKFILL).get_column("month").to_list()
    versions = {month: killed.read(SNAPSHOT, pl.col("month") == month).height for month in done}

    told = techflow("backfill", "2023-12..2024-02", env=env)
    backfill("2023-12..2024-02")

    assert MONTHS[0] in done
    assert len(done) < 3, "it was killed too late to tell anything"
    assert "backfill 2023-12: unchanged, 1 of 3 months" in told.stderr
    assert "backfill 2024-02: draft 1, 3 of 3 months" in told.stderr
    assert "2023-12 draft 1 2024-01 draft 1 2024-02 draft 1" == told.stdout.strip()
    assert versions == {month: killed.read(SNAPSHOT, pl.col("month") == month).height for month in done}
    assert drafts(lake) == drafts(killed)
    for month in MONTHS:
        mine, theirs = (figures_of(each, Month.parse(month)) for each in (lake, killed))
        assert mine.sort(mine.columns).equals(theirs.sort(theirs.columns))


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_backfill_tells_scope_initiator_and_hashes_and_moves_its_bar(lake: Lake) -> None:
    aggregated("2024-01")
    before = drafts(lake)["2024-01"][1]

    backfill("2024-01..2024-02")

    after = drafts(lake)
    audit = lake.read(BACKFILL).sort("month")
    assert [
        ("2024-01..2024-02", "2024-01", before, after["2024-01"][1]),
        ("2024-01..2024-02", "2024-02", "", after["2024-02"][1]),
    ] == audit.select("scope", "month", "hash_before", "hash_after").rows()
    assert all(audit.get_column("by"))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["backfill"])))
        bars = {(each.data, each.description) for each in found}
    assert (100.0, "2 of 2 months") in bars
    # It is a run, and none of those by which a day comes out (L-10).
    assert ["aggregated", "backfill"] == lake.read(RUNS).sort("started_at").get_column("flow").to_list()


def test_validation_gives_verdicts_and_makes_no_figure(lake: Lake) -> None:
    told = validate()

    assert {"account_status_changes": 11, "license_changes": 2, "subscription_renewals": 1} == told
    verdicts = lake.read(DISPOSITIONS, pl.col("code") == "").group_by("dataset").agg(pl.col("rows").sum())
    assert sorted(told.items()) == sorted(verdicts.rows())
    assert {-1} == {lake.open(dataset).version for dataset in (*FIGURES.values(), SNAPSHOT, RUNS)}
    versions = {dataset.name: lake.open(dataset).version for dataset in DATASETS}
    assert {0} == set(validate().values())
    assert versions == {dataset.name: lake.open(dataset).version for dataset in DATASETS}


def test_upkeep_makes_many_files_few_and_changes_no_row_and_no_version_that_was(
    lake: Lake, late_bill: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.upkeep.MANY_FILES", 1)
    aggregated("2024-01")
    late_bill()
    aggregated("2024-01")
    judged, bronze = (tables["revenue"] for tables in (JUDGED, BRONZE))
    assert 2 == lake.open(bronze).file_counts()[ALL] == lake.open(judged).file_counts()["2024-01"]
    rows = {dataset.name: lake.read(dataset) for dataset in DATASETS}
    pinned = [(dataset, lake.open(dataset).version) for dataset in (bronze, judged)]
    before = live_draft(lake, Month(2024, 1))

    told = upkeep()

    assert told["compacted"] >= 2
    assert 1 == lake.open(bronze).file_counts()[ALL] == lake.open(judged).file_counts()["2024-01"]
    for dataset in DATASETS:
        assert in_order(dataset, rows[dataset.name]).equals(in_order(dataset, lake.read(dataset))), dataset.name
    for dataset, version in pinned:  # who pinned a version reads it still
        assert in_order(dataset, rows[dataset.name]).equals(in_order(dataset, lake.open(dataset, version).read()))
    aggregated("2024-01")
    after = live_draft(lake, Month(2024, 1))
    assert before == after
    # One commit compacts; with the other the run notes that bronze has no row that is not judged.
    assert pinned[1][1] + 2 == lake.open(judged).version
    versions = {dataset.name: lake.open(dataset).version for dataset in DATASETS}
    upkeep()
    aggregated("2024-01")
    assert versions == {dataset.name: lake.open(dataset).version for dataset in DATASETS}


def in_order(dataset: Dataset, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.sort(list(dataset.key))


def test_upkeep_sweeps_what_killed_runs_left_and_nothing_else(lake: Lake) -> None:
    aggregated("2024-01")
    aggregated("2024-01", rebuild=True)
    named = named_files(lake)
    folder = Path(lake.root) / SILVER["revenue"].name / "month=2024-01"
    old, young = folder / "part-old.parquet", folder / "part-young.parquet"
    for path in (old, young):
        path.write_bytes(b"half a file")
    week_ago = time.time() - 8 * 86400
    for path in {old, *Path(lake.root).rglob("*.parquet")} - {young}:
        os.utime(path, (week_ago, week_ago))

    # Also of what was replaced long ago: only the log can tell it from what nobody ever named.
    found = {Path(lake.root, path) for table in DATASETS for path in lake.open(table).orphans(timedelta(0))}
    assert found >= {old, young}
    assert not found & named
    assert upkeep()["swept"] >= 1

    assert named | {young} == {path for path in Path(lake.root).rglob("*.parquet") if "_delta_log" not in path.parts}


def named_files(lake: Lake) -> set[Path]:
    """Return the files that some version of some table consists of."""
    tables = [DeltaTable(str(log.parent)) for log in Path(lake.root).glob("*/*/_delta_log")]
    versions = (DeltaTable(each.table_uri, version=older) for each in tables for older in range(each.version() + 1))
    return {Path(uri.removeprefix("file://")) for each in versions for uri in each.file_uris()}
