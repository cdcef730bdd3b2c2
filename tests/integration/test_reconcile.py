"""The reconciliation worked off: explained, lapsed, withdrawn, aged, pinned; PostgreSQL says what SQLite says.

Source: `operations.md` C.3, C.4 (AT-50, RC-1 to RC-5, gate "second bill").
"""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from compute.company import parse_company
from compute.months import Month
from compute.reconciliation_acts import BadAct
from flows.aggregated import aggregated
from flows.commands.export import BY_MONTH
from flows.reconcile import acknowledge_second_bill, explain_difference, withdraw_act
from storage.catalog import DATASETS, EXPLANATIONS, LEDGER_ROWS, RECONCILIATION_ROW, STATEMENT
from storage.lake import Lake
from storage.reconciliations import gates_of, pins_of, workbench_of
from storage.told import told_of
from storage.watched import OPEN_DIFFERENCE
from storage.work import Work
from tests.conftest import environment, techflow
from tests.integration.postgres import PASSWORD, Postgres
from tests.integration.test_ledger import all_rows
from tests.integration.test_run import expected_rows, exported_rows

pytestmark = pytest.mark.integration
JANUARY = Month(2024, 1)
ROLES = '[roles]\nfinance = ["p1", "p2"]\n'
COMPANY = parse_company(ROLES, source="company.toml")
FAR = date(2099, 12, 31)


@pytest.fixture
def ledger(lake: Lake, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The offset ledger of the golden company, to write into; p1 and p2 are finance."""
    place = tmp_path / "ledger.sqlite"
    shutil.copy2(golden / "ledger_offset.sqlite", place)
    place.chmod(0o644)
    (tmp_path / "company.toml").write_text(ROLES, encoding="utf-8")
    monkeypatch.setenv("TECHFLOW_LEDGER", str(place))
    return place


def post(ledger: Path, *statements: str) -> None:
    with closing(sqlite3.connect(ledger)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


def gates(lake: Lake, now: datetime | None = None) -> dict[str, str]:
    found = gates_of(lake, JANUARY, COMPANY, now or datetime.now(UTC))
    return dict(found.select("gate", "verdict").rows())


def exported_gates(lake: Lake) -> dict[str, str]:
    return dict(BY_MONTH["reconciliation_gates"](lake, JANUARY).rows())


def explain(account: str, *, by: str = "p1", code: str = "TIMING", expires: date = FAR) -> None:
    explain_difference(account, "2024-01", code, "booked in February", by, expires)


def versions(lake: Lake) -> dict[str, int]:
    return {dataset.name: lake.open(dataset).version for dataset in DATASETS}


@pytest.mark.parametrize("case", ["2024-01", "2024-01-offset"])
def test_postgresql_reconciles_as_sqlite_does(
    case: str, lake: Lake, golden: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "ledger_offset" if case.endswith("offset") else "ledger"
    there = postgres.books(f"run_{name}", all_rows(golden / f"{name}.sqlite"))
    told = []
    for place in (str(golden / f"{name}.sqlite"), there):
        monkeypatch.setenv("TECHFLOW_LEDGER", place)
        told.append(aggregated("2024-01")["drafts"])
        found = (lake.read(RECONCILIATION_ROW), lake.read(LEDGER_ROWS), pins_of(lake, JANUARY))
        told.append([each.sort(each.columns).rows() if isinstance(each, pl.DataFrame) else each for each in found])

    assert told[:2] == told[2:]  # also the versions of the tables: the second run writes nothing
    assert expected_rows(golden, case, "reconciliation") == exported_rows(lake, "2024-01", "reconciliation")
    fails = {"RC-3": "FAIL", "RC-4": "FAIL"} if case.endswith("offset") else {}
    assert {**dict.fromkeys(("RC-1", "RC-2", "RC-3", "RC-4", "RC-5", "second bill"), "pass"), **fails} == gates(lake)


def test_a_ledger_that_lets_nobody_in_leaves_the_month_unverified_and_its_password_unsaid(
    lake: Lake, postgres: Postgres, tmp_path: Path, prefect_home: Path, golden: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    refusing = postgres.address(password=f"{PASSWORD}?")
    monkeypatch.setenv("TECHFLOW_LEDGER", refusing)
    (tmp_path / "company.toml").write_text(ROLES, encoding="utf-8")
    env = environment(tmp_path, golden / "landing", prefect_home, TECHFLOW_LEDGER=refusing)

    aggregated("2024-01")
    shown, status = (techflow(*words, env=env).stdout for words in (("reconcile", "2024-01"), ("status",)))

    cause = "cannot be read: the server refuses user or password: correct them in TECHFLOW_LEDGER."
    assert cause in caplog.text
    assert cause in shown
    assert f"postgresql://127.0.0.1:{postgres.port}/postgres" in status
    assert {"unverified"} == set(exported_gates(lake).values())
    assert {**dict.fromkeys(("RC-1", "RC-2", "RC-3", "RC-4", "RC-5"), "unverified"), "second bill": "pass"} == gates(
        lake
    )
    assert not [part for part in ("p@ss", "p%40ss", "w/ord", "w%2Ford") if part in f"{caplog.text}{shown}{status}"]
    with pytest.raises(BadAct, match="2024-01 is not compared, so nothing of it can be explained"):
        explain("ACC_003")


def test_an_explanation_lifts_rc_4_of_its_row_and_the_other_gates_stay(lake: Lake, ledger: Path) -> None:
    aggregated("2024-01")
    explain("ACC_003")
    one = gates(lake)
    explain("ACC_005", by="p2", code="ERROR_LEDGER")

    usual = {"RC-1": "pass", "RC-2": "pass", "RC-3": "FAIL"}
    assert {**usual, "RC-4": "FAIL", "RC-5": "pass", "second bill": "pass"} == one
    assert {**usual, "RC-4": "pass", "RC-5": "pass", "second bill": "pass"} == gates(lake)
    assert {**usual, "RC-4": "pass"} == exported_gates(lake), "the export says so at once"
    before = versions(lake)
    assert {"2024-01": 1} == aggregated("2024-01")["drafts"]
    unlike = {name for name, version in versions(lake).items() if version != before[name]}
    assert {"snapshot/statement"} == unlike, "only the report tells anew"
    told = told_of(lake, STATEMENT, "2024-01-d1")["gates"]
    assert [{"gate": gate, "verdict": verdict} for gate, verdict in {**usual, "RC-4": "pass"}.items()] == told


def test_it_lapses_when_it_expires_and_when_it_is_withdrawn(lake: Lake, ledger: Path) -> None:
    aggregated("2024-01")
    today = datetime.now(UTC).date()
    for account in ("ACC_003", "ACC_005"):
        explain(account, expires=today + timedelta(days=1))
    end = datetime(today.year, today.month, today.day, tzinfo=UTC) + timedelta(days=2)

    assert ["pass", "FAIL"] == [gates(lake, now)["RC-4"] for now in (end - timedelta(microseconds=1), end)]

    withdraw_act("ACC_003", "2024-01", "it was a refund", "p2")

    assert "FAIL" == gates(lake)["RC-4"] == exported_gates(lake)["RC-4"]
    acts = lake.read(EXPLANATIONS, pl.col("account_id") == "ACC_003").sort("at")
    assert [("given", "p1", "booked in February"), ("withdrawn", "p2", "it was a refund")] == acts.select(
        "act", "by", "because"
    ).rows()
    with pytest.raises(BadAct, match="Nothing stands that was said of 'ACC_003' in 2024-01"):
        withdraw_act("ACC_003", "2024-01", "once more", "p2")


def test_a_reposted_version_is_new_evidence_no_new_draft_and_what_was_explained_has_lapsed(
    lake: Lake, ledger: Path
) -> None:
    aggregated("2024-01")
    explain("ACC_003")
    first = pins_of(lake, JANUARY)
    post(ledger, "UPDATE accounting_revenue SET amount = '10300.01' WHERE account_id = 'ACC_003'")  # the label stays

    drafts = aggregated("2024-01")["drafts"]

    second, bench = pins_of(lake, JANUARY), workbench_of(lake, [JANUARY], COMPANY, datetime.now(UTC))
    assert {"2024-01": 1} == drafts
    changed = {name for name in first["accounts"] if first["accounts"][name] != second["accounts"][name]}
    assert ({"ACC_003"}, True) == (changed, first["content"] != second["content"])
    assert first["accounts"]["ACC_003"]["version"] == second["accounts"]["ACC_003"]["version"]
    assert [("ACC_003", "-300.01", "changed", "blocks"), ("ACC_005", "300.00", None, "blocks")] == bench.select(
        "account_id", pl.col("delta").cast(pl.String), "standing", "rc4"
    ).rows()
    assert "pass" == gates(lake)["RC-5"]
    # What was compared before is still there, at the version that was pinned.
    pinned = lake.open(LEDGER_ROWS, first["tables"][LEDGER_ROWS.name]).read(pl.col("account_id") == "ACC_003")
    assert ["10300"] == pinned.get_column("amount").to_list()


def test_newer_versions_win_an_absent_account_keeps_its_own_and_the_order_of_rows_is_nothing(
    lake: Lake, ledger: Path
) -> None:
    post(ledger, "UPDATE accounting_revenue SET ledger_version = 'v9'",
         "INSERT INTO accounting_revenue SELECT account_id, period, '10000.00', 'v10', posted_at FROM accounting_revenue "
         "WHERE account_id = 'ACC_003' AND period = '2024-01'")  # fmt: skip
    aggregated("2024-01")
    before = versions(lake)
    post(ledger, "CREATE TABLE other AS SELECT * FROM accounting_revenue ORDER BY account_id DESC, amount DESC",
         "DELETE FROM accounting_revenue", "INSERT INTO accounting_revenue SELECT * FROM other")  # fmt: skip

    aggregated("2024-01")

    assert before == versions(lake)
    rows = lake.read(RECONCILIATION_ROW, pl.col("account_id").is_in(["ACC_003", "ACC_005"])).sort("account_id")
    assert [("ACC_003", "matched", "v10"), ("ACC_005", "mismatch", "v9")] == rows.select(
        "account_id", "class", "ledger_version"
    ).rows()


def test_a_row_keeps_its_age_over_runs_and_while_it_agrees(lake: Lake, ledger: Path, golden: Path) -> None:
    aggregated("2024-01")
    first = lake.read(OPEN_DIFFERENCE).sort("account_id")
    post(ledger, "UPDATE accounting_revenue SET amount = '10000.00' WHERE account_id = 'ACC_003'")
    aggregated("2024-01")
    post(ledger, "UPDATE accounting_revenue SET amount = '9000.00' WHERE account_id IN ('ACC_001', 'ACC_003')")
    aggregated("2024-01")

    known = lake.read(OPEN_DIFFERENCE).sort("account_id")
    assert ["ACC_003", "ACC_005"] == first.get_column("account_id").to_list()
    assert first.rows() == known.filter(pl.col("account_id") != "ACC_001").rows()
    in_ten_days = known.get_column("since").max() + timedelta(days=10)  # type: ignore[operator]
    bench = workbench_of(lake, [JANUARY], COMPANY, in_ten_days)
    assert {"ACC_001": 10, "ACC_003": 10, "ACC_005": 10} == dict(bench.select("account_id", "days").rows())


@pytest.mark.parametrize(
    ("account", "code", "by", "expires", "sentence"),
    [
        ("ACC_003", "TIMING", "p3", FAR, "'p3' cannot do that: [roles] finance of the company file names p1, p2."),
        ("ACC_003", "LUCK", "p1", FAR, "'LUCK' is no code of an explanation: the codes are TIMING, REFUND,"),
        ("ACC_003", "TIMING", "p1", date(2024, 1, 31), "2024-01-31 has passed"),
        ("ACC_001", "TIMING", "p1", FAR, "ACC_001 is matched in 2024-01: there is nothing to explain."),
        ("ACC_999", "TIMING", "p1", FAR, "ACC_999 has neither bill nor ledger row in 2024-01"),
    ],
)
def test_an_explanation_that_cannot_stand_keeps_nothing(
    account: str, code: str, by: str, expires: date, sentence: str, lake: Lake, ledger: Path
) -> None:
    aggregated("2024-01")

    with pytest.raises(BadAct) as refused:
        explain(account, by=by, code=code, expires=expires)

    assert sentence in str(refused.value)
    assert lake.open(EXPLANATIONS).version < 0


def test_a_second_bill_waits_for_finance_who_acknowledges_it_as_it_is(
    lake: Lake, ledger: Path, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landing = tmp_path / "landing"
    shutil.copytree(golden / "landing", landing)
    monkeypatch.setenv("TECHFLOW_LANDING", str(landing))
    bill = {
        "account_id": "ACC_002", "subscription_tier": "Starter", "monthly_revenue": 1250.00, "user_licenses": 12,
        "additional_features": [], "feature_revenue": 0.00, "total_monthly_revenue": 1250.00,
        "billing_date": "2024-01-21", "payment_status": "Void",
    }  # fmt: skip

    def send(name: str, **more: object) -> None:
        (landing / "revenue" / f"{name}-20240205T000000Z.ndjson").write_text(json.dumps(bill | more), encoding="utf-8")
        aggregated("2024-01")

    send("a")
    before = gates(lake)["second bill"]
    acknowledge_second_bill("ACC_002 2024-01-21", "2024-01", "the void one is known", "p1")
    after = gates(lake)["second bill"]
    send("b", total_monthly_revenue=1300.00, monthly_revenue=1300.00)
    changed = gates(lake)["second bill"]

    assert ["FAIL", "pass", "FAIL"] == [before, after, changed]
    with pytest.raises(BadAct, match="'ACC_002' is no second bill of 2024-01; there are: 'ACC_002 2024-01-21'"):
        acknowledge_second_bill("ACC_002", "2024-01", "all of it", "p1")
    acknowledge_second_bill("ACC_002 2024-01-21", "2024-01", "the new amount is known too", "p2")
    assert "pass" == gates(lake)["second bill"]
    withdraw_act("ACC_002 2024-01-21", "2024-01", "finance asks again", "p2")
    assert "FAIL" == gates(lake)["second bill"]


def test_rc_5_fails_when_the_kept_rows_or_the_draft_are_something_else(
    lake: Lake, ledger: Path, late_bill: Callable[[], None]
) -> None:
    aggregated("2024-01")
    table, rows = lake.open(LEDGER_ROWS), lake.read(LEDGER_ROWS)
    other = pl.when(pl.col("account_id") == "ACC_005").then(pl.lit("2700.01")).otherwise("amount")
    table.replace(
        rows.with_columns(amount=other),
        {"2024-01": "tampered"},
        Work(flow="test", dataset=table.dataset.name, rows=1, finished_at=""),
    )

    assert "FAIL" == gates(lake)["RC-5"]
    aggregated("2024-01")  # the run sees that the table was not made from the ledger, and makes it anew
    assert "pass" == gates(lake)["RC-5"]


def test_people_work_on_it_by_the_commands(
    lake: Lake, ledger: Path, golden: Path, tmp_path: Path, prefect_home: Path
) -> None:
    aggregated("2024-01")
    env = environment(tmp_path, golden / "landing", prefect_home)

    refused = techflow("reconcile", "explain", "ACC_003", "2024-01", "--code", "FX", "--because", "x", "--by", "p3",
                       "--expires", "2099-12-31", env=env, check=False)  # fmt: skip
    techflow("reconcile", "explain", "ACC_003", "2024-01", "--code", "FX", "--because", "euro bills", "--by", "p1",
             "--expires", "2099-12-31", env=env)  # fmt: skip
    shown = techflow("reconcile", "2024-01", env=env).stdout
    rows = json.loads(techflow("reconcile", "2024-01", "--format", "json", env=env).stdout)

    assert (1, "") == (refused.returncode, refused.stdout)
    assert "'p3' cannot do that" in refused.stderr
    for line in (
        "2024-01: 2 open", "-2.9126 %   explained     0  FX by p1 until 2099-12-31: euro bills", "11.1111 %   blocks",
        "gross           600.00  1.2654 %", "RC-4         FAIL     1 unexplained of 2 that ask for it: ACC_005 300.00",
        "techflow reconcile explain ACC_005 2024-01 --code CODE",
    ):  # fmt: skip
        assert line in shown
    assert [("ACC_003", "-300.00", "explained", "FX"), ("ACC_005", "300.00", "blocks", None)] == [
        (row["account_id"], row["delta"], row["rc4"], row["code"]) for row in rows
    ]
