"""What breaks around a run: its disk, the clock, the calendar, and a month in which nothing ran."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from prefect.settings import PREFECT_API_URL

from compute.company import Company
from compute.contracts.feeds import BY_NAME, FEEDS
from compute.errors import BadMonth
from compute.incidents import Incident, IncidentMove
from compute.months import Month
from compute.publication import PROMISES, periods
from flows.aggregated import aggregated
from flows.profit import profit
from flows.watch import watch
from storage.catalog import ALLOCATION_LEDGER, DATASETS, DISPOSITIONS, LATE_EVENTS, USER_DAY_TABLE
from storage.facts import gather_facts
from storage.incidents import current_incidents
from storage.lake import Lake
from storage.snapshots import figures_of, live_draft
from storage.watched import INCIDENT_EVENT
from tests.conftest import environment
from tests.integration.test_late_clicks import click

pytestmark = pytest.mark.integration
JANUARY = Month(2024, 1)
Clock = Callable[[str], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Sets the wall clock that flows read."""

    def show(instant: str) -> None:
        class Shown(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:
                return datetime.fromisoformat(instant).astimezone(tz)

        monkeypatch.setattr("flows.job.datetime", Shown)
        monkeypatch.setattr("flows.record.datetime", Shown)

    return show


def register(lake: Lake) -> dict[str, Incident]:
    incidents = current_incidents(lake.open(INCIDENT_EVENT)).values()
    return {f"{each.problem.check_id} {each.problem.scope}".strip(): each for each in incidents}


FILLS = """
import json, os, subprocess, sys
from pathlib import Path
place, room = sys.argv[1], 300
mount = lambda what: subprocess.run(["mount", "-t", "tmpfs", "-o", f"{what}size={room}k", "tests", place], check=True)
mount("")
from flows.aggregated import aggregated
from storage.catalog import DATASETS
from storage.lake import Lake

told, lake = [], Lake(f"{place}/lake")
while True:
    try:
        aggregated("2024-01")
        break
    except Exception as error:
        readable = [dataset.name for dataset in DATASETS if lake.read(dataset).height >= 0]
        told.append([f"{type(error).__name__}: {error}", len(readable)])
    room = room * 8 // 5
    mount("remount,")
subprocess.run(["cp", "-r", f"{place}/lake", sys.argv[2]], check=True)
print(json.dumps(told))
"""


def test_a_full_disk_is_one_sentence_and_the_run_after_it_completes(
    lake: Lake, golden: Path, prefect_home: Path, tmp_path: Path
) -> None:
    apart = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        # A kernel may forbid mounts to everybody, as some containers do; a disk cannot be filled for real there.
        pytest.skip("no mount namespace for this user")
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    env = environment(
        disk, golden / "landing", prefect_home, PREFECT_API_URL=str(PREFECT_API_URL.value()), TECHFLOW_EXECUTOR="inline",
        TECHFLOW_LEDGER=str(golden / "ledger.sqlite"), PYTHONPATH=str(Path(__file__).parents[2]),
    )  # fmt: skip
    words = [*apart, sys.executable, "-c", FILLS, str(disk), str(kept)]
    done = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300)

    assert 0 == done.returncode, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert len(told) >= 2, "the disk was never full"
    sentence = f"LakeFull: The disk of the lake at {disk}/lake is full: make room there and run again; "
    assert {(f"{sentence}no table holds half of anything.", len(DATASETS))} == {tuple(each) for each in told}
    aggregated("2024-01")
    assert same(lake, Lake(str(kept)))


def same(one: Lake, other: Lake, month: Month = JANUARY) -> bool:
    """Tell whether two lakes have the same figures, shares, verdicts and late events."""

    def content(lake: Lake) -> list[pl.DataFrame]:
        tables = (lake.read(each) for each in (ALLOCATION_LEDGER, DISPOSITIONS, LATE_EVENTS, USER_DAY_TABLE))
        # A topic's batch is what was there of its file when it was read.
        frames = (frame.drop("batch", strict=False) for frame in (figures_of(lake, month), *tables))
        return [frame.sort(frame.columns) for frame in frames]

    return all(mine.equals(theirs) for mine, theirs in zip(content(one), content(other), strict=True))


def test_a_clock_that_jumps_changes_no_figure_and_a_month_to_come_is_refused(lake: Lake, clock: Clock) -> None:
    clock("2024-02-05T08:00:00Z")
    aggregated("2024-01")
    first = live_draft(lake, JANUARY)
    assert first

    for instant in ("2024-02-01T03:00:00Z", "2031-12-31T23:59:59Z", "2024-02-05T08:00:00Z"):
        clock(instant)
        aggregated("2024-01")

        after = live_draft(lake, JANUARY)
        assert after
        assert (1, first.content_hash) == (after.number, after.content_hash)

    clock("2023-11-30T00:00:00Z")
    with pytest.raises(BadMonth, match=r"2024-01 lies after the as-of: the latest month to run is 2023-11\."):
        aggregated("2024-01")


def test_a_watch_whose_clock_was_ahead_waits_until_its_log_is_past_and_then_goes_on(lake: Lake, clock: Clock) -> None:
    clock("2024-02-05T08:00:00Z")
    aggregated("2024-01..2024-02")
    watch(at="2024-02-05T08:05:00Z")
    before = register(lake)

    watch(at="2024-02-05T11:05:00Z")  # three hours ahead for one evaluation
    version = lake.open(INCIDENT_EVENT).version
    with pytest.raises(IncidentMove, match=r"The log of incidents goes to 2024-02-05T11:05:00Z, after now"):
        watch(at="2024-02-05T08:10:00Z")
    assert version == lake.open(INCIDENT_EVENT).version
    assert "watch" in register(lake)  # it took itself for silent
    for minutes in (10, 15):
        watch(at=f"2024-02-05T11:{minutes}:00Z")

    after = register(lake)
    assert {"watch"} == set(after) - set(before)
    assert "resolved" == after["watch"].status


def test_the_leap_day_is_a_day_like_others(
    lake: Lake, clock: Clock, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = landing_of(golden, tmp_path, monkeypatch)
    last = click(1, "2024-02-29T23:59:59Z", timestamp="2024-02-29T23:59:59Z", account_id="ACC_001")
    (landing / "topics" / "click_events.jsonl").write_text(json.dumps(last) + "\n", encoding="utf-8")
    for instant in ("2024-02-29T04:00:00Z", "2024-03-01T04:00:00Z"):
        clock(instant)
        profit("last..this")
    clock("2024-03-03T06:00:00Z")
    aggregated("last")

    days = lake.read(USER_DAY_TABLE).select(pl.col("date").cast(pl.String), "month").unique().rows()
    assert [("2024-02-29", "2024-02")] == days
    facts = gather_facts(lake, Company(), datetime(2024, 3, 3, 7, tzinfo=UTC))
    out = {each.name: each.published_at for each in periods(PROMISES[0], facts.runs, facts.now, facts.company)}
    assert datetime(2024, 3, 1, 4, tzinfo=UTC) == out["2024-02-29"]
    assert "2024-03-01" in out


def test_a_month_of_backlog_is_caught_up_by_one_run(
    lake: Lake, clock: Clock, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = landing_of(golden, tmp_path, monkeypatch)
    arrive(landing, golden, until="2024-01-02")
    clock("2024-01-02T04:00:00Z")
    aggregated("last..this")
    watch(at="2024-01-02T04:05:00Z")

    watch(at="2024-02-05T04:05:00Z")  # nothing ran for a month
    overdue = {name for name, each in register(lake).items() if name.startswith("L-") and each.is_unresolved}
    arrive(landing, golden, until="2024-02-05")
    clock("2024-02-05T05:00:00Z")
    aggregated("last..this")
    for minutes in (10, 15):
        watch(at=f"2024-02-05T05:{minutes}:00Z")

    assert {"L-10 2024-01-02", "L-12 2024-01-02"} <= overdue
    found = register(lake)
    assert {"resolved"} == {found[name].status for name in overdue if name.startswith(("L-10", "L-11", "L-12"))}
    # The click that the sender brought late is late, the others are not: what counts is arrival at the topic.
    late = lake.read(LATE_EVENTS).select("offset", "class").rows()
    assert [(2, "late")] == late

    monkeypatch.setenv("TECHFLOW_LAKE", str(tmp_path / "daily"))
    shutil.rmtree(landing)
    landing_of(golden, tmp_path, monkeypatch)
    for day in ("2024-01-02", "2024-01-12", "2024-01-22", "2024-02-05"):
        arrive(landing, golden, until=day)
        clock(f"{day}T05:00:00Z")
        aggregated("last..this")
    assert same(lake, Lake(str(tmp_path / "daily")))


CLICKS = (
    click(1, "2024-01-10T10:00:05Z", timestamp="2024-01-10T10:00:00Z"),
    click(2, "2024-01-19T12:00:00Z", timestamp="2024-01-15T10:30:00Z"),
    click(3, "2024-01-30T09:00:05Z", timestamp="2024-01-30T09:00:00Z", session_id="T"),
)


def landing_of(golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a landing area of the test's own with the golden company's files."""
    landing = tmp_path / "landing"
    shutil.copytree(golden / "landing", landing)
    monkeypatch.setenv("TECHFLOW_LANDING", str(landing))
    return landing


def arrive(landing: Path, golden: Path, *, until: str) -> None:
    """Bring what was dated until a day: a file for each feed and date, and the clicks."""
    for contract in FEEDS:
        if contract.is_topic:
            continue
        folder = landing / contract.dataset
        (folder / "batch.ndjson").unlink(missing_ok=True)
        lines = (golden / "landing" / contract.dataset / "batch.ndjson").read_text(encoding="utf-8").splitlines()
        by_date: dict[str, list[str]] = {}
        for line in lines:
            day = (json.loads(line)[BY_NAME[contract.dataset].dated] + "-01")[:10]
            by_date.setdefault(day, []).append(line)
        for day, rows in by_date.items():
            if day <= until:
                stamp = day.replace("-", "")
                (folder / f"{stamp}T000000Z.ndjson").write_text("\n".join(rows), encoding="utf-8")
    end = datetime.fromisoformat(f"{until}T00:00:00Z").timestamp() * 1000
    come: list[dict[str, Any]] = [each for each in CLICKS if each["ts"] <= end]
    text = "".join(json.dumps(each) + "\n" for each in come)
    (landing / "topics" / "click_events.jsonl").write_text(text, encoding="utf-8")
