"""What a run shows in the Prefect pages: the story of its months, and no value of any record."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId

from compute.cluster import run
from flows.aggregated import aggregated
from flows.profit import profit
from storage.lake import Lake

pytestmark = pytest.mark.integration
BAD = {
    "account_id": "ACC_002", "subscription_tier": "Starter", "monthly_revenue": 1250.00, "user_licenses": 12,
    "additional_features": [], "feature_revenue": 0.00, "total_monthly_revenue": 9999.00, "billing_date": "2024-01-21",
    "payment_status": "Paid",
}  # fmt: skip


def shown_by(flow: Any, **parameters: object) -> dict[str, Any]:
    """Run a flow; returns the data of its artifacts, by key."""
    state = flow(**parameters, return_state=True)
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        return {each.key: json.loads(each.data) if each.type == "table" else each.data
                for each in client.read_artifacts(artifact_filter=of_run)}  # fmt: skip


def test_the_artifacts_tell_the_story_of_the_month(
    lake: Lake, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = tmp_path / "landing"
    shutil.copytree(golden / "landing", landing)
    monkeypatch.setenv("TECHFLOW_LANDING", str(landing))
    bills = landing / "revenue" / "late-20240205T000000Z.ndjson"
    bills.write_text(json.dumps(BAD) + "\n", encoding="utf-8")

    shown = shown_by(aggregated, month="2024-01")

    assert {"figure": "Closing MRR (M-01)", "2024-01": "47,416.67"} in shown["investor-snapshot"]
    [held] = shown["held-rows"]
    assert ("2024-01", "REV-Q01", 1, "revenue") == (held["month"], held["code"], held["rows"], held["feed"])
    assert held["cases"].startswith("REV-")
    assert "| 2024-01 | 1, new | 1 |" in shown["evidence"]
    revenue = next(row for row in shown["dispositions"] if row["dataset"] == "revenue")
    assert (18, 1, "REV-Q01 × 1") == (revenue["accepted"], revenue["quarantined"], revenue["codes"])
    assert ("bronze/account_status_changes", "this run") == tuple(shown["tables"][0].values())[:2]
    assert 100.0 == shown["account-month"]
    assert "9999" not in json.dumps(shown)

    assert {} == shown_by(aggregated, month="2024-01")  # nothing new: what was shown holds still

    worse = BAD | {"account_id": "ACC_003"}
    bills.with_name("later-20240206T000000Z.ndjson").write_text(json.dumps(worse) + "\n", encoding="utf-8")
    again = shown_by(aggregated, month="2024-01")

    assert "| 2024-01 | 1 | 2 |" in again["evidence"]
    written = {row["table"]: row["written"] for row in again["tables"]}
    assert ("this run", "before") == (written["gold/completeness"], written["snapshot/manifest"])
    assert "account-month" not in again


def test_a_pipeline_alone_shows_its_tables(lake: Lake) -> None:
    shown = shown_by(profit, month="2024-01")

    assert {"tables", "account-month"} == set(shown)
    assert "this run" == next(row for row in shown["tables"] if row["table"] == "gold/profit_figure")["written"]


@pytest.mark.parametrize("executor", ["inline", "ray"])
def test_what_watches_shards_is_told_up_to_the_last(executor: Any, ray_session: None) -> None:
    told: list[int] = []

    assert [1, 4, 9] == run(executor, lambda number: number * number, [1, 2, 3], told.append)
    assert sorted(set(told)) == told
    assert 3 == told[-1]
