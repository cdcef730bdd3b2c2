"""The watch on a lake: found while nothing runs, one incident per problem, answered by people. Source: `operations.md` D."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compute.incidents import Incident
from compute.months import Month
from compute.report.markdown import markdown
from compute.report.report import report
from flows.aggregated import aggregated
from flows.profit import profit
from flows.watch import watch
from storage.editions import edition
from storage.incidents import current_incidents
from storage.lake import Lake
from storage.reports import report_source
from storage.watched import HEARTBEAT, INCIDENT_EVENT, RUNS
from tests.conftest import environment, techflow

pytestmark = pytest.mark.integration
NOW = datetime.now(UTC)


def later(**span: float) -> str:
    return (NOW + timedelta(**span)).isoformat()


def quality_block(lake: Lake) -> str:
    source = report_source(lake, edition(lake, Month(2024, 1)), "Company", "USD")
    return markdown(report(source))


def register(lake: Lake) -> dict[str, Incident]:
    return {each.problem.check_id: each for each in current_incidents(lake.open(INCIDENT_EVENT)).values()}


def test_a_ledger_that_fails_gross_is_one_incident_until_it_is_mended(
    lake: Lake, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TECHFLOW_LEDGER", str(golden / "ledger_offset.sqlite"))
    aggregated("2024-01")

    told = [watch(at=later(minutes=minutes)) for minutes in (5, 10)]
    found = register(lake)["RC-3"]

    assert {"RC-3"} == set(register(lake))
    assert [{"failing": 1, "opened": 1, "resolved": 0}, {"failing": 1, "opened": 0, "resolved": 0}] == told
    assert ("investor_report", 1, "finance", ("2024-01",), 2) == (
        found.kind_of, found.problem.severity, found.owner_role, found.blocks, found.occurrences,
    )  # fmt: skip

    assert "Incidents: none is open for 2024-01." in quality_block(lake)
    aggregated("2024-01")  # an incident of the month makes what stands beside its draft anew
    told_of = quality_block(lake)
    assert f"{found.incident_id} | investor report | RC-3 fails for 2024-01." in told_of
    assert "certification of 2024-01" in told_of
    assert "Kafka lag" in told_of
    assert told_of == quality_block(lake)

    monkeypatch.setenv("TECHFLOW_LEDGER", str(golden / "ledger.sqlite"))
    aggregated("2024-01")
    for minutes in (15, 20):
        watch(at=later(minutes=minutes))

    mended = register(lake)["RC-3"]
    assert ("resolved", "watch", ()) == (mended.status, mended.resolved_by, mended.blocks)


def test_profit_is_overdue_while_nothing_runs_and_comes_back_with_a_run(lake: Lake) -> None:
    profit("2024-01..2024-02")
    assert {"failing": 0, "opened": 0, "resolved": 0} == watch(at=later(minutes=5))

    watch(at=later(days=3))

    one = register(lake)["L-10"]
    assert ("open", NOW.date().isoformat()) == (one.status, one.problem.scope)
    # The watch itself was silent for three days.
    assert "watch" in register(lake)
    assert later(days=3) == lake.read(HEARTBEAT)["at"].item().isoformat()


def test_every_run_is_recorded_also_one_that_writes_nothing(lake: Lake) -> None:
    profit("2024-01")
    profit("2024-01", as_of="2024-02-02T12:00:00Z")

    rows = lake.read(RUNS).sort("started_at")
    assert [("profit", "", "2024-01", "2024-01", 0)] * 2 == rows.select(
        "flow", "deployment", "first_month", "last_month", "unknown_statuses"
    ).rows()
    assert [True, False] == (rows["as_of"] == rows["started_at"]).to_list()


def test_people_work_on_an_incident_by_the_commands(
    lake: Lake, golden: Path, tmp_path: Path, prefect_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TECHFLOW_LEDGER", str(golden / "ledger_offset.sqlite"))
    aggregated("2024-01")
    watch()
    env = environment(tmp_path, golden / "landing", prefect_home)

    listed = json.loads(techflow("incidents", "list", "--format", "json", env=env).stdout)
    name = next(row["incident"] for row in listed if row["title"].startswith("RC-3"))
    refused = techflow("incidents", "close", name, "--cause", "none", env=env, check=False)
    techflow("incidents", "ack", name, "--by", "p1", env=env)
    techflow("incidents", "resolve", name, "--resolution", "the ledger was corrected", "--by", "p1", env=env)
    techflow("incidents", "close", name, "--cause", "a journal was posted twice", "--by", "p2", env=env)
    shown = techflow("incidents", "show", name, env=env).stdout
    board = json.loads(techflow("sla", "--format", "json", env=env).stdout)

    assert refused.returncode == 1
    assert f"not done: {name} is open and cannot be closed: that takes one that is resolved.\n" == refused.stderr
    for line in (
        f"{name}  closed: RC-3 fails for 2024-01.", "acknowledged", "by p1: the ledger was corrected",
        "by p2: a journal was posted twice", "docs/runbook.md#reconciliation-fails",
    ):  # fmt: skip
        assert line in shown
    verdicts = {row["sla"]: row["verdict"] for row in board}
    assert ("breached", "met", "no_data") == (verdicts["L-22"], verdicts["watch"], verdicts["L-25"])
