"""What a run does with the golden company: figures, reruns, changes, executors."""

import csv
import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path

import polars as pl
import pytest

from compute.figures import FIGURE_KEY
from compute.months import Month
from flows.aggregated import aggregated
from flows.commands.export import BY_MONTH, WHOLE
from flows.growth import growth
from flows.profit import profit
from storage.catalog import (
    ACCOUNT_MONTH_TABLE,
    CLICK_SESSION,
    DATASETS,
    FIGURES,
    SESSION_PART,
    SNAPSHOT,
    USER_DAY_TABLE,
)
from storage.lake import Lake
from storage.runs import runs
from storage.snapshots import details_of, figures_of
from tests.conftest import EXAMPLES

pytestmark = pytest.mark.integration
MONTHS = "2023-12..2024-02"


def plain(text: object) -> object:
    try:
        return Decimal(str(text)).normalize() + 0
    except InvalidOperation:
        return "" if text is None else str(text)


def expected_rows(company: Path, folder: str, table: str) -> Counter[tuple[object, ...]]:
    text = (company / "expected" / folder / f"{table}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    if table == "metrics":
        keys = ("period", "metric_id", "grain", "grain_key", "value", "null_reason")
    elif table == "reconciliation":
        rows = [row for row in rows if row["account_id"] != "gate" and not row["account_id"].startswith("total:")]
        keys = ("account_id", "pipeline", "ledger", "delta", "class")
    elif table == "completeness":
        rows = [row | {"missing": "" if row["dataset"] == "click_events" else row["missing"]} for row in rows]
        keys = ("dataset", "accepted", "quarantined", "missing")
    else:
        keys = tuple(rows[0]) if rows else ()
    return Counter(tuple(plain(row[key]) for key in keys) for row in rows)


def exported_rows(lake: Lake, month: str, table: str) -> Counter[tuple[object, ...]]:
    rows = WHOLE[table](lake) if table in WHOLE else BY_MONTH[table](lake, Month.parse(month))
    if table == "metrics":
        rows = rows.select("period", "metric_id", "grain", "grain_key", "value", "null_reason")
    if table == "completeness":
        is_click = pl.col("dataset") == "click_events"
        missing = pl.when(~is_click).then(pl.col("missing").cast(pl.String)).otherwise(pl.lit(""))
        rows = rows.with_columns(missing=missing)
    return Counter(tuple(map(plain, row)) for row in rows.rows())


def unpacked(name: str, folder: Path) -> Path:
    """Return a packed example company, unpacked; a place that it has not is one that is not there."""
    with tarfile.open(EXAMPLES / f"{name}.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    company = folder / name
    (company / "company.toml").touch()
    return company


def versions(lake: Lake) -> dict[str, int]:
    return {dataset.name: lake.open(dataset).version for dataset in DATASETS}


@pytest.mark.parametrize("executor", ["inline", "ray"])
def test_every_exported_row_of_the_golden_company_is_as_expected(
    lake: Lake, golden: Path, executor: str, ray_session: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TECHFLOW_EXECUTOR", executor)

    aggregated(MONTHS)

    for month in ("2023-12", "2024-01", "2024-02"):
        for table in ("metrics", "reconciliation", "completeness", "allocation", "dispositions", "gaps"):
            assert expected_rows(golden, month, table) == exported_rows(lake, month, table), (month, table)
    heavy = runs(lake).filter(pl.col("dataset") == ACCOUNT_MONTH_TABLE.name)
    assert [(executor, 2)] == heavy.select("executor", "tasks").rows()


@pytest.mark.parametrize(
    ("name", "executor", "months"),
    [("clean", "ray", "2023-01..2024-02"), ("faulty", "inline", "2023-10..2024-03")],
)
def test_every_exported_row_of_a_company_with_engagement_is_as_expected(
    lake: Lake,
    tmp_path: Path,
    name: str,
    executor: str,
    months: str,
    ray_session: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    company = unpacked(name, tmp_path)
    for place in ("landing", "ledger.sqlite", "company.toml"):
        monkeypatch.setenv(f"TECHFLOW_{place.partition('.')[0].upper()}", str(company / place))
    monkeypatch.setenv("TECHFLOW_EXECUTOR", executor)

    aggregated(months)

    for folder in sorted((company / "expected").iterdir()):
        for table in ("metrics", "reconciliation", "completeness", "allocation", "dispositions", "gaps"):
            assert expected_rows(company, folder.name, table) == exported_rows(lake, folder.name, table), (
                folder,
                table,
            )
    heavy = runs(lake).filter(pl.col("tasks") > 0).select("dataset", "executor").unique()
    tables = (ACCOUNT_MONTH_TABLE, USER_DAY_TABLE, SESSION_PART, CLICK_SESSION)
    assert {(table.name, executor) for table in tables} == set(heavy.rows())


def test_the_offset_ledger_fails_gross_and_materiality_and_passes_net(
    lake: Lake, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TECHFLOW_LEDGER", str(golden / "ledger_offset.sqlite"))

    aggregated("2024-01")

    gates = dict(BY_MONTH["reconciliation_gates"](lake, Month(2024, 1)).rows())
    assert gates == {"RC-1": "pass", "RC-2": "pass", "RC-3": "FAIL", "RC-4": "FAIL"}
    assert expected_rows(golden, "2024-01-offset", "reconciliation") == exported_rows(lake, "2024-01", "reconciliation")


def test_a_second_run_reads_nothing_and_adds_no_version(lake: Lake) -> None:
    first = aggregated(MONTHS)
    before = versions(lake)

    second = aggregated(MONTHS)

    assert before == versions(lake)
    assert first["drafts"] == second["drafts"]
    assert set(second["rows"].values()) == {0}  # type: ignore[attr-defined]


def test_a_rebuild_from_bronze_gives_the_same_figures_and_no_new_draft(lake: Lake) -> None:
    first = aggregated(MONTHS)
    before = figures_of(lake, Month(2024, 1))

    second = aggregated(MONTHS, rebuild=True)

    assert before.sort(FIGURE_KEY).equals(figures_of(lake, Month(2024, 1)).sort(FIGURE_KEY))
    assert first["drafts"] == second["drafts"]


def test_an_edited_company_file_recomputes_what_depends_on_it(lake: Lake, tmp_path: Path) -> None:
    aggregated("2024-01")
    (tmp_path / "company.toml").write_text("[limits]\nsmall_team = 5\n", encoding="utf-8")

    drafts = aggregated("2024-01")["drafts"]

    cost = figures_of(lake, Month(2024, 1)).filter(pl.col("metric_id") == "M-31.cost_per_engineer")
    assert cost.select("value", "null_reason").rows() == [(None, "suppressed_small_cell")]
    assert drafts == {"2024-01": 2}


def test_a_bill_that_arrives_later_makes_a_new_draft_and_the_first_stays(
    lake: Lake, late_bill: Callable[[], None]
) -> None:
    aggregated("2024-01")
    late_bill()

    result = aggregated("2024-01")

    assert result["drafts"] == {"2024-01": 2}
    assert result["rows"]["revenue"] == 1  # type: ignore[index]
    closing = figures_of(lake, Month(2024, 1)).filter(
        (pl.col("metric_id") == "M-01") & (pl.col("grain") == "company_month")
    )
    assert Decimal("47516.67") == closing.get_column("value").item()
    assert lake.read(SNAPSHOT).get_column("snapshot_id").sort().to_list() == ["2024-01-d1", "2024-01-d2"]


def test_profit_and_growth_run_alone_and_aggregated_finds_them_done(lake: Lake) -> None:
    profit("2024-01")
    growth("2024-01")
    profit("2024-01")
    done = [lake.open(FIGURES[name]).version for name in ("profit", "growth")]

    aggregated("2024-01")

    assert done == [lake.open(FIGURES[name]).version for name in ("profit", "growth")]
    month = Month(2024, 1)
    assert figures_of(lake, month).height + details_of(lake, month).height > 800


def test_no_sales_rep_leaves_bronze(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    landing = tmp_path / "landing" / "account_status_changes"
    landing.mkdir(parents=True)
    change = {
        "account_id": "ACC_002", "previous_status": "Trial", "new_status": "Active", "change_date": "2024-01-20",
        "change_reason": "Trial Conversion", "sales_rep": "REP-7731", "contract_value": 15000.00,
    }  # fmt: skip
    bad = change | {"change_date": "2099-01-20"}
    landing.joinpath("changes.ndjson").write_text("\n".join(map(json.dumps, (change, bad))), encoding="utf-8")
    monkeypatch.setenv("TECHFLOW_LANDING", str(tmp_path / "landing"))

    aggregated("2024-01")

    for dataset in DATASETS:
        if not dataset.name.startswith("bronze/"):
            rows = lake.read(dataset)
            assert "REP-7731" not in repr(rows.to_dicts()), dataset.name
