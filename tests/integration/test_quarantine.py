"""Working off the quarantine: fix, accept, discard, by hand and in a spreadsheet (AT-05)."""

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from compute.contracts.feeds import BY_NAME
from compute.months import Month
from flows.aggregated import aggregated
from flows.release import release_cases
from storage.catalog import COMPLETENESS_ROW, DATASETS, DISPOSITIONS
from storage.lake import Lake
from storage.quarantine import BadRelease, open_cases, payload_of, shown_record
from storage.snapshots import figures_of
from storage.workbook import read_workbook, write_workbook

pytestmark = pytest.mark.integration
BAD = {
    "account_id": "ACC_002", "subscription_tier": "Starter", "monthly_revenue": 1250.00, "user_licenses": 12,
    "additional_features": [], "feature_revenue": 0.00, "total_monthly_revenue": 9999.00, "billing_date": "2024-01-21",
    "payment_status": "Paid",
}  # fmt: skip
CHANGE = {"account_id": "ACC_009", "previous_status": None, "new_status": "Dormant", "change_date": "2024-01-05",
          "sales_rep": "REP_SECRET"}  # fmt: skip


@pytest.fixture
def held(lake: Lake, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake that holds a bill and a status change back."""
    landing = tmp_path / "landing"
    shutil.copytree(golden / "landing", landing)
    monkeypatch.setenv("TECHFLOW_LANDING", str(landing))
    name = "late-20240205T000000Z.ndjson"
    (landing / "revenue" / name).write_text(json.dumps(BAD) + "\n", encoding="utf-8")
    (landing / "account_status_changes" / name).write_text(json.dumps(CHANGE) + "\n", encoding="utf-8")
    aggregated("2024-01")
    return lake


def case(lake: Lake, dataset: str) -> str:
    return str(open_cases(lake, dataset=dataset).get_column("case_id")[0])


def quarantined(lake: Lake, dataset: str) -> int:
    rows = lake.read(COMPLETENESS_ROW, (pl.col("dataset") == dataset) & (pl.col("month") == "2024-01"))
    return int(rows.get_column("quarantined")[0])


def closing(lake: Lake) -> Decimal:
    rows = figures_of(lake, Month(2024, 1)).filter((pl.col("metric_id") == "M-01") & (pl.col("grain_key") == "company"))
    value: Decimal = rows.get_column("value")[0]
    return value


def decide(lake: Lake, dataset: str, verdict: str, **more: Any) -> None:
    release_cases([{"case_id": case(lake, dataset), "verdict": verdict, "why": "agreed", **more}], by="finance")
    aggregated("2024-01")


def versions(lake: Lake) -> dict[str, int]:
    return {dataset.name: lake.open(dataset).version for dataset in DATASETS}


def test_a_fixed_bill_enters_its_month_and_closes_its_case(held: Lake) -> None:
    assert (1, 1) == (quarantined(held, "revenue"), quarantined(held, "account_status_changes"))

    decide(
        held, "revenue", "fix", payload=json.dumps(BAD | {"monthly_revenue": 2000.00, "total_monthly_revenue": 2000.00})
    )

    assert Decimal("48166.67") == closing(held)  # 47416.67 + 2000.00 - 1250.00: the later bill of ACC_002 counts
    assert 0 == quarantined(held, "revenue")
    assert open_cases(held, dataset="revenue").is_empty()
    counted = held.read(DISPOSITIONS, (pl.col("dataset") == "revenue") & (pl.col("code") == ""))
    assert {"accepted": 19, "quarantined": 1} == dict(counted.group_by("disposition").agg(pl.col("rows").sum()).rows())
    before = versions(held)
    aggregated("2024-01")
    assert before == versions(held)
    aggregated("2024-01", rebuild=True)
    assert Decimal("48166.67") == closing(held)


def test_an_accepted_bill_counts_as_it_is(held: Lake) -> None:
    decide(held, "revenue", "accept")

    assert Decimal("56165.67") == closing(held)  # 47416.67 + 9999.00 - 1250.00
    assert 0 == quarantined(held, "revenue")


def test_a_discarded_row_no_longer_stands_in_the_way(held: Lake) -> None:
    decide(held, "account_status_changes", "discard")

    assert (1, 0) == (quarantined(held, "revenue"), quarantined(held, "account_status_changes"))
    assert Decimal("47416.67") == closing(held)


def test_a_release_that_cannot_stand_releases_nothing(held: Lake) -> None:
    good = {"case_id": case(held, "revenue"), "verdict": "accept", "why": "agreed"}

    for bad in ({"case_id": "REV-00000000", "verdict": "accept", "why": "x"}, good | {"why": " "},
                good | {"verdict": "fix", "payload": "{"}):  # fmt: skip
        with pytest.raises(BadRelease):
            release_cases([good, bad], by="finance")

    assert 2 == open_cases(held).height


def test_a_spreadsheet_goes_out_and_comes_back(held: Lake, tmp_path: Path) -> None:
    path = tmp_path / "held.xlsx"
    assert 2 == write_workbook(held, path, {})
    book = openpyxl.load_workbook(path)
    assert ["How to", "account_status_changes", "revenue"] == book.sheetnames
    sheet = book["revenue"]
    column = {cell.value: cell.column for cell in sheet[1]}
    for name, value in (("verdict", "fix"), ("why", "typing error"), ("new total_monthly_revenue", "1250.00")):
        sheet.cell(2, column[name]).value = value
    book.save(path)

    decisions = read_workbook(held, path)

    assert [("fix", "typing error")] == [(each.verdict, each.why) for each in decisions]
    assert BAD | {"total_monthly_revenue": 1250.00} == json.loads(decisions[0].payload or b"")
    sheet.cell(2, column["verdict"]).value = "perhaps"
    book.save(path)
    with pytest.raises(BadRelease, match="sheet revenue, line 2: the verdict is one of fix, accept, discard"):
        read_workbook(held, path)
    text = " ".join(str(value) for each in book.worksheets for row in each.iter_rows(values_only=True) for value in row)
    assert "REP_SECRET" not in text


def test_a_case_is_shown_without_personal_values(held: Lake) -> None:
    shown = open_cases(held, dataset="account_status_changes").row(0, named=True)

    members = dict(shown_record(payload_of(held, shown), BY_NAME["account_status_changes"]))

    assert ("Dormant", "•••") == (members["new_status"], members["sales_rep"])
