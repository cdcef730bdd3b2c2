"""What monitoring reads, by name and unit; rules and dashboard speak of nothing else. Source: `operations.md` D.4."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from compute.company import Company
from compute.company_promises import Close, Sla
from compute.exposition import FAMILIES, Gauges, exposition
from compute.incidents import Event, Problem
from compute.lag import Lag, PartitionLag
from storage.catalog import COMPLETENESS_ROW, DISPOSITIONS, RECONCILIATION_ROW, SNAPSHOT
from storage.dataset import Dataset
from storage.gauges import gauges, write_gauges
from storage.incidents import append_events
from storage.lag import keep_lag
from storage.lake import Lake
from storage.watched import HEARTBEAT, INCIDENT_EVENT, RUNS
from storage.work import Work

ROOT = Path(__file__).parents[2]
NOW = datetime(2024, 2, 7, 12, tzinfo=UTC)
FULL = Gauges(
    heartbeat=NOW, interval_seconds=300, freshness={"profit": 0.0}, lag={("click_events", 1): 12.5},
    rows={("revenue", "accepted"): 18}, run_seconds={"profit": 4.25}, variance={"net": Fraction(0), "gross": inf},
    completeness={("revenue", "2024-01"): Fraction(2499, 2500)}, incidents={"critical": 2},
)  # fmt: skip


def samples(text: str) -> dict[str, float]:
    """Read the text as a strict OpenMetrics reader does."""
    return {
        f"{each.name}{json.dumps(each.labels, sort_keys=True) if each.labels else ''}": each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def test_names_labels_and_units_are_those_of_the_specification() -> None:
    assert {
        "techflow_watch_heartbeat_timestamp_seconds": NOW.timestamp(),
        "techflow_watch_interval_seconds": 300.0,
        'techflow_freshness_seconds{"pipeline": "profit"}': 0.0,
        'techflow_kafka_lag_seconds{"partition": "1", "topic": "click_events"}': 12.5,
        'techflow_rows_total{"dataset": "revenue", "disposition": "accepted"}': 18.0,
        'techflow_run_duration_seconds{"pipeline": "profit"}': 4.25,
        'techflow_reconciliation_variance_ratio{"kind": "net"}': 0.0,
        'techflow_reconciliation_variance_ratio{"kind": "gross"}': inf,
        'techflow_completeness_ratio{"dataset": "revenue", "period": "2024-01"}': 0.9996,
        'techflow_incidents_open{"class": "critical"}': 2.0,
        'techflow_incidents_open{"class": "standard"}': 0.0,
        'techflow_incidents_open{"class": "investor_report"}': 0.0,
    } == samples(exposition(FULL))


def test_kinds_and_units_are_declared() -> None:
    found = {each.name: (each.type, each.unit) for each in text_string_to_metric_families(exposition(FULL))}

    assert ("counter", "") == found["techflow_rows"]
    assert {"gauge"} == {kind for name, (kind, _) in found.items() if name != "techflow_rows"}
    assert ("gauge", "seconds") == found["techflow_freshness_seconds"]
    assert ("gauge", "ratio") == found["techflow_completeness_ratio"]


def test_no_label_names_an_account_or_a_person() -> None:
    assert {"pipeline", "topic", "partition", "dataset", "disposition", "kind", "period", "class"} == {
        label for family in FAMILIES for label in family.labels
    }


def test_what_nobody_knows_has_no_sample() -> None:
    assert {
        'techflow_incidents_open{"class": "critical"}', 'techflow_incidents_open{"class": "standard"}',
        'techflow_incidents_open{"class": "investor_report"}', "techflow_watch_interval_seconds",
    } == set(samples(exposition(Gauges())))  # fmt: skip


# ---- what the lake tells


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def put(lake: Lake, dataset: Dataset, *rows: dict[str, Any]) -> None:
    lake.open(dataset).append(pl.DataFrame(list(rows), schema=dict(dataset.schema)), Work(flow="t", dataset=""))


def put_run(lake: Lake, flow: str, started: datetime, seconds: float) -> None:
    put(lake, RUNS, {
        "flow": flow, "deployment": "", "first_month": "2023-01", "last_month": "2024-12", "as_of": started,
        "watermark": started, "started_at": started, "finished_at": started + timedelta(seconds=seconds),
        "unknown_statuses": 0,
    })  # fmt: skip


def put_ledger(lake: Lake, month: str, *pairs: tuple[str | None, str | None]) -> None:
    put(lake, RECONCILIATION_ROW, *(
        {"month": month, "account_id": f"ACC_{index}", "pipeline": _money(pipeline), "ledger": _money(ledger),
         "delta": Decimal(pipeline or 0) - Decimal(ledger or 0)}
        for index, (pipeline, ledger) in enumerate(pairs)
    ))  # fmt: skip


def _money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def test_an_empty_lake_tells_nothing(lake: Lake) -> None:
    assert Gauges(interval_seconds=300) == gauges(lake, Company(), NOW)


def test_freshness_is_the_clock_of_what_could_be_out_and_the_last_run_gives_the_duration(lake: Lake) -> None:
    put_run(lake, "profit", datetime(2024, 2, 4, 4, tzinfo=UTC), 60)
    put_run(lake, "profit", datetime(2024, 2, 5, 4, tzinfo=UTC), 90.5)
    put(lake, SNAPSHOT, {"snapshot_id": "2023-12-d1", "month": "2023-12", "draft": 1})

    found = gauges(lake, Company(), NOW)

    # The 5th ended on the 6th 00:00Z: 36 hours ago. January has no draft: 6 days 12 hours (and a microsecond).
    assert 36 * 3600 == found.freshness["profit"]
    assert 6.5 * 86400 == pytest.approx(found.freshness["aggregated"], abs=1e-3)
    assert {"profit": 90.5} == found.run_seconds


def test_a_week_of_growth_that_is_not_over_is_not_late(lake: Lake) -> None:
    put_run(lake, "growth", datetime(2024, 2, 5, 4, tzinfo=UTC), 60)
    sunday = datetime(2024, 2, 11, 20, tzinfo=UTC)  # after the cut-off, before the end

    assert {"growth": 0.0} == gauges(lake, Company(), sunday).freshness


def test_the_variance_is_that_of_the_latest_month_whose_draft_is_due(lake: Lake) -> None:
    # The worked example of C.3: 300 too little, 300 too much; February's draft is not due.
    put_ledger(lake, "2024-01", ("10000.00", "10300.00"), ("3000.00", "2700.00"), ("34416.67", "34416.67"))
    put_ledger(lake, "2024-02", ("1.00", "2.00"))
    assert {"net": 0, "gross": Fraction(60000, 4741667)} == gauges(lake, Company(), NOW).variance

    put_ledger(lake, "2024-03", ("1.00", None))
    late = gauges(lake, Company(), datetime(2024, 5, 1, tzinfo=UTC)).variance
    assert {"net": inf, "gross": inf} == late


def test_rows_completeness_incidents_and_heartbeat_are_read_as_they_stand(lake: Lake) -> None:
    put(lake, DISPOSITIONS,
        {"dataset": "revenue", "month": "2024-01", "disposition": "accepted", "code": "", "rows": 7},
        {"dataset": "revenue", "month": "2024-02", "disposition": "accepted", "code": "", "rows": 8},
        {"dataset": "revenue", "month": "2024-02", "disposition": "accepted", "code": "REV-W01", "rows": 3})  # fmt: skip
    put(lake, COMPLETENESS_ROW, *(
        {"month": month, "dataset": "revenue", "accepted": accepted, "quarantined": 1, "missing": 2}
        for month, accepted in (("2023-10", 9), ("2023-11", 9), ("2023-12", 5), ("2024-01", 0))
    ))  # fmt: skip
    put(
        lake,
        COMPLETENESS_ROW,
        {"month": "2024-01", "dataset": "salaries", "accepted": 0, "quarantined": 0, "missing": 0},
    )
    put(lake, HEARTBEAT, {"at": NOW, "failing": 1})
    late = Problem("L-10", "profit", "", "Late.", 3, (), NOW, "")
    opened = Event("INC-1", 1, NOW, "opened", "watch", "", late, "standard", "finance", NOW)
    append_events(lake.open(INCIDENT_EVENT), [opened], Work(flow="t", dataset=""))

    found = gauges(lake, Company(), NOW)

    assert {("revenue", "accepted"): 15} == found.rows
    assert {
        ("revenue", "2023-11"): Fraction(3, 4), ("revenue", "2023-12"): Fraction(5, 8), ("revenue", "2024-01"): 0,
    } == found.completeness  # fmt: skip
    assert ({"standard": 1}, NOW) == (found.incidents, found.heartbeat)


def test_the_lag_is_what_the_watch_last_saw_of_those_that_are_known(lake: Lake) -> None:
    seen = [PartitionLag("click_events", 0, 0, 0.0, "caught_up"), PartitionLag("click_events", 1, 7, 320.5, "late"),
            PartitionLag("usage_sessions", 0, 3, None, "lost")]  # fmt: skip
    keep_lag(lake, Lag(NOW, seen), Work(flow="t", dataset=""))

    assert {("click_events", 0): 0.0, ("click_events", 1): 320.5} == gauges(lake, Company(), NOW).lag


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    place = tmp_path / "metrics" / "techflow.prom"
    for _ in range(2):
        write_gauges(FULL, place)

    assert exposition(FULL) == place.read_text(encoding="utf-8")
    assert [place] == list(place.parent.iterdir())
    assert 0o644 == place.stat().st_mode & 0o777


# ---- what speaks of them


def rules() -> dict[str, str]:
    declared = yaml.safe_load((ROOT / "deployments/prometheus/techflow.rules.yml").read_text(encoding="utf-8"))
    return {rule["alert"]: rule["expr"] for group in declared["groups"] for rule in group["rules"]}


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((ROOT / "deployments/grafana/techflow.json").read_text())["panels"]
    return found


def test_rules_and_dashboard_name_what_there_is() -> None:
    names = {family.name for family in FAMILIES}
    expressions = [*rules().values(), *(target["expr"] for panel in panels() for target in panel["targets"])]

    asked = {name for expression in expressions for name in re.findall(r"techflow_\w+", expression)}
    assert asked <= names
    # Each has its panel; the interval stands beside the heartbeat in the rule.
    shown = {
        name
        for panel in panels()
        for target in panel["targets"]
        for name in re.findall(r"techflow_\w+", target["expr"])
    }
    assert names - shown == {"techflow_watch_interval_seconds"}


def test_the_limits_of_the_rules_are_the_defaults() -> None:
    sla, found = Sla(), rules()

    assert {
        "TechflowProfitLate": f"> {sla.profit_hours * 3600}",
        "TechflowEngagementLate": f"> {sla.engagement_hours * 3600}",
        "TechflowKafkaLag": f"> {sla.kafka_lag_seconds}",
        "TechflowRunTooLong": f">= {sla.processing_seconds}",
        "TechflowLedgerDiffers": f"> {Close().tolerance}",
    } == {name: re.sub(r"^.*?(>=? [0-9.]+)$", r"\1", found[name]) for name in (
        "TechflowProfitLate", "TechflowEngagementLate", "TechflowKafkaLag", "TechflowRunTooLong", "TechflowLedgerDiffers",
    )}  # fmt: skip


def test_every_alert_leads_to_the_runbook() -> None:
    declared = yaml.safe_load((ROOT / "deployments/prometheus/techflow.rules.yml").read_text(encoding="utf-8"))
    lines = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8").splitlines()
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in lines if line.startswith("#")}

    for group in declared["groups"]:
        for rule in group["rules"]:
            page, _, heading = rule["annotations"]["runbook"].partition("#")
            assert "docs/runbook.md" == page
            assert heading in headings


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    board = json.loads((ROOT / "deployments/grafana/techflow.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()

    assert {"uid", "title", "schemaVersion", "panels", "templating", "time", "timezone"} <= set(board)
    assert "utc" == board["timezone"]
    assert len(board["panels"]) == len({panel["id"] for panel in board["panels"]})
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["description"].endswith(".")
        assert panel["type"] in ("stat", "timeseries", "bargauge")
        assert {"${datasource}"} == {target["datasource"]["uid"] for target in panel["targets"]}
