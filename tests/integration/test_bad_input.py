"""Bad input by example: each gets its disposition, or one sentence; nothing is lost, nothing stops the rest."""

import gzip
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from compute.errors import BadMonth, BadSetting
from compute.judging import UNDATED
from compute.months import Month
from flows.aggregated import aggregated
from flows.commands.export import BY_MONTH
from storage.catalog import ACCOUNT_MONTH_TABLE, BRONZE, DEAD_LETTER, DISPOSITIONS, FINDINGS, JUDGED, SNAPSHOT
from storage.errors import LakeUnwritable
from storage.lake import Lake
from storage.snapshots import figures_of

pytestmark = pytest.mark.integration

BILL = {
    "account_id": "ACC_001", "subscription_tier": "Enterprise", "monthly_revenue": 100.00, "user_licenses": 5,
    "additional_features": [], "feature_revenue": 0.00, "total_monthly_revenue": 100.00, "billing_date": "2024-03-15",
    "payment_status": "Paid",
}  # fmt: skip
COST = {
    "account_id": "ACC_001",
    "expense_category": "Infrastructure",
    "monthly_cost": 8.00,
    "expense_date": "2024-01-31",
}
PAY = {"team_id": "ENG_009", "team_name": "Data Engineering", "monthly_salary_total": 0.00, "headcount": 0,
       "cost_per_engineer": 0.00, "salary_month": "2024-01"}  # fmt: skip


def line(record: dict[str, object], **changes: object) -> bytes:
    return json.dumps(record | changes).encode()


# feed, what it is, the line, the code that says what became of it (none: accepted)
LINES = (
    ("revenue", "not UTF-8", b'{"account_id": "ACC_\xe9"}', "REV-R00"),
    ("revenue", "cut in half", line(BILL)[:40], "REV-R00"),
    ("revenue", "an array", b"[1, 2]", "REV-R00"),
    ("revenue", "NaN", line(BILL).replace(b"100.0", b"NaN"), "REV-R00"),
    ("revenue", "a duplicate key", b'{"account_id": "ACC_001", "account_id": "ACC_002"}', "REV-R00"),
    ("revenue", "1e999", line(BILL).replace(b"100.0", b"1e999"), "REV-Q92"),
    ("revenue", "text for a number", line(BILL, monthly_revenue="12,50"), "REV-Q92"),
    ("revenue", "billed in 2099", line(BILL, billing_date="2099-01-15"), "REV-Q03"),
    ("expenses", "a negative cost", line(COST, monthly_cost=-1), "EXP-Q02"),
    ("expenses", "a breakdown that does not add up", line(COST, cost_breakdown={"cloud": 7.0}), "EXP-Q01"),
    ("salaries", "a month 13", line(PAY, salary_month="2024-13"), "SAL-Q92"),
    ("salaries", "nobody, for nothing", line(PAY), ""),
    ("account_status_changes", "an unknown status",
     b'{"account_id": "ACC_001", "new_status": "Paused", "change_date": "2024-01-31"}', "STA-Q01"),
)  # fmt: skip


@pytest.fixture
def landing(lake: Lake, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the golden landing area, to be spoilt."""
    folder = tmp_path / "landing"
    shutil.copytree(golden / "landing", folder)
    monkeypatch.setenv("TECHFLOW_LANDING", str(folder))
    return folder


def test_each_bad_line_gets_its_code_and_the_figures_stay(lake: Lake, landing: Path) -> None:
    for feed, what, content, _ in LINES:
        (landing / feed / f"{feed}-20240601T000000Z-{what}.ndjson".replace(" ", "_")).write_bytes(content)

    aggregated("2024-01")

    for feed, what, content, code in LINES:
        name = f"{feed}-20240601T000000Z-{what}.ndjson".replace(" ", "_")
        codes = lake.read(JUDGED[feed], pl.col("_file") == name).get_column("_codes").to_list()
        assert [code] == [row[0] if row else "" for row in codes], what
        assert [content] == lake.read(BRONZE[feed], pl.col("_file") == name).get_column("payload").to_list()
    letters = lake.read(DEAD_LETTER).sort("file")
    rejected = sorted(content for _, _, content, code in LINES if code.endswith("R00"))
    assert rejected == sorted(letters.get_column("payload").to_list())
    assert all(letters.get_column("reason").to_list())
    closing = figures_of(lake, Month(2024, 1)).filter(pl.col("metric_id") == "M-01.known").get_column("value").item()
    assert f"{closing:.2f}" == "47416.67"


def test_conservation_holds_over_all_that_arrived(lake: Lake, landing: Path) -> None:
    for feed, _, content, _ in LINES:
        with (landing / feed / "more-20240601T000000Z.ndjson").open("ab") as file:
            file.write(content + b"\n")

    aggregated("2024-01")

    ruled = dict(lake.read(DISPOSITIONS, pl.col("code") == "").group_by("dataset").agg(pl.col("rows").sum()).rows())
    received = {dataset: lake.open(table).count() for dataset, table in BRONZE.items()}
    assert ruled == {dataset: rows for dataset, rows in received.items() if rows}


def test_odd_files_do_not_stop_the_rest(
    lake: Lake, landing: Path, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    (landing / "revenue" / "empty.ndjson").write_bytes(b"")
    (landing / "revenue" / "broken.ndjson.gz").write_bytes(b"this is no gzip")
    (landing / "revenue" / "cut.ndjson.gz").write_bytes(gzip.compress(line(BILL) * 100)[:-10])
    (landing / "revenue" / "long-20240401T000000Z.ndjson").write_bytes(line(BILL, note="x" * 50_000_000))
    (landing / "invoices").mkdir()

    aggregated("2024-03")

    assert lake.open(BRONZE["revenue"]).count() == 19  # 18 golden bills and the long line
    assert "broken.ndjson.gz cannot be read" in caplog.text
    assert "cut.ndjson.gz cannot be read" in caplog.text
    assert "invoices is no feed" in caplog.text
    assert [
        ("REV-W91", "revenue note"),
        ("unreadable_file", "revenue broken.ndjson.gz"),
        ("unreadable_file", "revenue cut.ndjson.gz"),
    ] == standing(lake)


def test_an_unreadable_file_is_a_finding_until_it_is_sent_again_or_taken_away(lake: Lake, landing: Path) -> None:
    broken, cut = (landing / "revenue" / f"{name}.ndjson.gz" for name in ("broken", "cut"))
    broken.write_bytes(b"this is no gzip")
    cut.write_bytes(gzip.compress(line(BILL) * 100)[:-10])
    aggregated("2024-03")
    found = [standing(lake)]
    broken.unlink()
    aggregated("2024-03")
    found.append(standing(lake))
    cut.write_bytes(gzip.compress(line(BILL)))
    aggregated("2024-03")
    found.append(standing(lake))

    assert [2, 1, 0] == [len(each) for each in found]
    assert [("unreadable_file", "revenue cut.ndjson.gz")] == found[1]


def standing(lake: Lake) -> list[tuple[str, ...]]:
    """Return code and key of the findings of no month."""
    return lake.read(FINDINGS, pl.col("month") == UNDATED).sort("code", "key").select("code", "key").rows()


def test_a_missing_ledger_leaves_reconciliation_unverified(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TECHFLOW_LEDGER", "nowhere.sqlite")

    aggregated("2024-01")

    gates = BY_MONTH["reconciliation_gates"](lake, Month(2024, 1)).get_column("verdict").unique().to_list()
    assert gates == ["unverified"]
    assert BY_MONTH["reconciliation"](lake, Month(2024, 1)).is_empty()
    assert not figures_of(lake, Month(2024, 1)).is_empty()


@pytest.mark.parametrize(
    ("month", "sentence"),
    [
        ("2023-09", "2023-09 lies before the first evidence: the earliest month to run is 2023-10."),
        ("2099-01", "2099-01 lies after the as-of: the latest month to run is 2026-11."),
    ],
)
def test_a_month_without_records_makes_no_gold_and_no_snapshot(lake: Lake, month: str, sentence: str) -> None:
    with pytest.raises(BadMonth) as refused:
        aggregated(month, as_of="2026-11-24T00:00:00Z")

    assert sentence == str(refused.value)
    assert lake.open(ACCOUNT_MONTH_TABLE).version < 0
    assert lake.open(SNAPSHOT).version < 0
    assert lake.open(BRONZE["revenue"]).count() == 18


@pytest.mark.parametrize("month", ["2024-13", "2024", "2024-02..2024-01", "January"])
def test_what_is_no_month_is_refused_in_one_sentence(lake: Lake, month: str) -> None:
    with pytest.raises(BadMonth, match="month"):
        aggregated(month)


def test_a_wrong_key_of_the_company_file_is_named(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "company.toml").write_text("[limits]\nsmall_teem = 3\n", encoding="utf-8")

    with pytest.raises(BadSetting, match=r"company\.toml: limits\.small_teem: is no known key"):
        aggregated("2024-01")


def test_an_unwritable_lake_is_one_sentence(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("TECHFLOW_LAKE", str(tmp_path / "file" / "lake"))

    with pytest.raises(LakeUnwritable, match="cannot be written"):
        aggregated("2024-01")

    assert not (tmp_path / "lake").exists()
