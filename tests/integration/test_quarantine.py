"""Working off the quarantine: fix, accept, discard, by hand and in a spreadsheet (AT-05)."""

import json
import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

import flows.settle
from compute.correction import MASK
from compute.errors import BadSetting
from compute.months import Month
from compute.releases import BadRelease
from flows.aggregated import aggregated
from flows.release import CaseDecision, release_cases
from storage.catalog import COMPLETENESS_ROW, DATASETS, DISPOSITIONS, RELEASES, SILVER
from storage.lake import Lake
from storage.quarantine import Decision, all_cases, find_cases, open_cases, payloads_of
from storage.snapshots import figures_of
from storage.workbook import read_workbook, write_workbook
from tests.conftest import environment, techflow

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


def decided(name: str, verdict: str, why: str = "agreed", record: dict[str, Any] | None = None) -> CaseDecision:
    return CaseDecision.of(Decision(name, verdict, why, None if record is None else json.dumps(record).encode()))


def decide(lake: Lake, dataset: str, verdict: str, record: dict[str, Any] | None = None) -> str:
    name = case(lake, dataset)
    release_cases([decided(name, verdict, record=record)], by="finance")
    aggregated("2024-01")
    return name


def versions(lake: Lake) -> dict[str, int]:
    return {dataset.name: lake.open(dataset).version for dataset in DATASETS}


def test_a_fixed_bill_enters_its_month_and_closes_its_case(held: Lake) -> None:
    assert (1, 1) == (quarantined(held, "revenue"), quarantined(held, "account_status_changes"))

    decide(held, "revenue", "fix", BAD | {"monthly_revenue": 2000.00, "total_monthly_revenue": 2000.00})

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


def test_a_decision_is_undone_by_another(held: Lake) -> None:
    name = decide(held, "revenue", "accept")
    assert Decimal("56165.67") == closing(held)

    release_cases([decided(name, "discard", "it was a typing error after all")], by="finance")
    aggregated("2024-01")

    assert Decimal("47416.67") == closing(held)
    assert 0 == quarantined(held, "revenue")


def test_a_decided_case_is_no_longer_open_before_the_next_run(held: Lake) -> None:
    months = release_cases([decided(case(held, "revenue"), "accept")], by="finance")

    assert ("2024-01",) == months
    assert ["account_status_changes"] == open_cases(held).get_column("dataset").to_list()
    assert ["revenue"] == all_cases(held).filter("is_waiting").get_column("dataset").to_list()


def test_a_release_that_cannot_stand_releases_nothing(held: Lake) -> None:
    name = case(held, "revenue")
    good = decided(name, "accept")

    for bad in (decided("REV-00000000", "accept"), decided(name, "accept", " "), decided(name, "fix"), good,
                CaseDecision.of(Decision(case(held, "account_status_changes"), "fix", "x", b"{"))):  # fmt: skip
        with pytest.raises(BadRelease):
            release_cases([good, bad], by="finance")

    assert 2 == open_cases(held).height
    assert held.read(RELEASES).is_empty()


def test_a_run_that_is_killed_before_its_counts_is_made_good_by_the_next(
    held: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_cases([decided(case(held, "revenue"), "accept")], by="finance")

    def killed(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(flows.settle, "_write_counts", killed)
        with pytest.raises(ZeroDivisionError):
            aggregated("2024-01")
    assert 19 == held.open(SILVER["revenue"]).count()
    aggregated("2024-01")

    assert 0 == quarantined(held, "revenue")
    assert Decimal("56165.67") == closing(held)


def test_prefect_keeps_no_record_of_a_fix_and_a_mask_keeps_the_value(held: Lake) -> None:
    from prefect.client.orchestration import get_client

    name = decide(held, "account_status_changes", "fix", CHANGE | {"new_status": "Trial", "sales_rep": MASK})

    with get_client(sync_client=True) as client:
        kept = [run.parameters for run in client.read_flow_runs() if run.name == "release by finance"]
    assert name in str(kept)
    assert not any(word in str(kept) for word in ("REP_SECRET", "Trial", "ACC_009"))
    payload = held.read(RELEASES).get_column("payload")[0]
    assert CHANGE | {"new_status": "Trial"} == json.loads(payload)


class Book:
    """An exported workbook that somebody fills in."""

    def __init__(self, lake: Lake, path: Path) -> None:
        self.count, self.path = write_workbook(lake, path, {}), path
        self.book = openpyxl.load_workbook(path)

    def fill(self, sheet: str = "revenue", **cells: Any) -> None:
        columns = {cell.value: cell.column for cell in self.book[sheet][1]}
        for name, value in cells.items():
            self.book[sheet].cell(2, columns[name.replace("new_", "new ", 1)]).value = value
        self.book.save(self.path)


def test_a_spreadsheet_goes_out_and_comes_back(held: Lake, tmp_path: Path) -> None:
    book = Book(held, tmp_path / "held.xlsx")
    assert 2 == book.count
    assert ["How to", "account_status_changes", "revenue"] == book.book.sheetnames
    assert "B2" == book.book["revenue"].freeze_panes
    sheets = [each.iter_rows(values_only=True) for each in book.book.worksheets]
    assert "REP_SECRET" not in " ".join(str(value) for rows in sheets for row in rows for value in row)
    # A number and a day, as a spreadsheet gives them.
    book.fill(verdict=" Fix ", why="typing error", new_total_monthly_revenue=1250.0, new_billing_date=datetime(2024, 1, 22))  # fmt: skip  # noqa: DTZ001
    book.fill("account_status_changes", verdict="discard", why="a test account")

    decisions = read_workbook(held, book.path)
    release_cases([CaseDecision.of(each) for each in decisions], by="finance")
    aggregated("2024-01")

    found = {each.verdict: each for each in decisions}
    assert BAD | {"total_monthly_revenue": 1250.00, "billing_date": "2024-01-22"} == json.loads(
        found["fix"].payload or b""
    )
    assert (0, 0) == (quarantined(held, "revenue"), quarantined(held, "account_status_changes"))
    assert open_cases(held).is_empty()
    assert 0 == write_workbook(held, book.path, {})


def test_a_wrong_line_of_a_spreadsheet_is_named_and_nothing_is_decided(held: Lake, tmp_path: Path) -> None:
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"verdict": "perhaps", "why": "x"}, "the verdict is one of fix, accept, discard"),
        ({"verdict": "accept"}, "say why"),
        ({"verdict": "fix", "why": "x"}, "a fix needs new values"),
        ({"why": "x", "new_user_licenses": "3"}, "new values need the verdict fix"),
        ({"verdict": "fix", "why": "x", "new_monthly_revenue": "12,50"}, "'12,50' is no money for monthly_revenue"),
        ({"case": "REV-00000000", "verdict": "accept", "why": "x"}, "names no case"),
        ({"case": None, "verdict": "accept", "why": "x"}, "its case is gone"),
    )  # fmt: skip
    for cells, sentence in wrong:
        book = Book(held, tmp_path / "held.xlsx")
        book.fill("account_status_changes", verdict="discard", why="good")
        book.fill(**cells)

        with pytest.raises(BadRelease, match=f"held.xlsx, sheet revenue, line 2: .*{sentence}.*Nothing was released"):
            read_workbook(held, book.path)

    book.book["revenue"].title = "Bills"
    book.book.save(book.path)
    with pytest.raises(BadSetting, match="sheet Bills: it is named after no feed"):
        read_workbook(held, book.path)
    book.path.write_bytes(b"no spreadsheet")
    with pytest.raises(BadSetting, match="is no spreadsheet"):
        read_workbook(held, book.path)


def test_the_commands_list_show_release_and_say_what_comes_next(held: Lake, tmp_path: Path, prefect_home: Path) -> None:
    env = environment(tmp_path, tmp_path / "landing", prefect_home)
    name, other = case(held, "account_status_changes"), case(held, "revenue")

    listed = techflow("quarantine", "list", "2023-12..2024-01", "--format", "csv", env=env).stdout
    shown = techflow("quarantine", "show", name.lower(), env=env).stdout
    refused = techflow("quarantine", "release", "REV-0", "--discard", "--why", "x", env=env, check=False)
    done = techflow("quarantine", "release", name, other, "--discard", "--why", "tests", "--by", "ops", env=env).stdout
    after = techflow("quarantine", "show", other, env=env).stdout

    assert name in listed
    assert "total is not monthly + feature revenue" in listed
    assert "unknown" in shown
    assert "sales_rep: •••" in shown
    assert "REP_SECRET" not in listed + shown
    assert (1, "names no case" in refused.stderr) == (refused.returncode, True)
    assert "2 released of 2024-01. The figures follow with the next run: techflow run 2024-01" in done
    assert "decided, counts from the next run on" in after
    assert "discard by ops" in after
    assert "2 more are decided" in techflow("quarantine", "list", env=env).stdout


def test_a_case_s_record_is_found_whether_received_or_fixed(held: Lake) -> None:
    name = case(held, "revenue")
    decide(held, "revenue", "fix", BAD | {"payment_status": "Maybe"})
    again = case(held, "revenue")

    records = {
        key: json.loads(value) for key, value in payloads_of(held, find_cases(held, [name, again]).values()).items()
    }

    assert {name: BAD, again: BAD | {"payment_status": "Maybe"}} == records
    assert 1 == quarantined(held, "revenue")
