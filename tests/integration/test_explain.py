"""Every figure of a snapshot resolves to its lineage, and re-adds from it (AT-81); a change is told by its parts."""

import hashlib
import html
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from compute.anchors import anchor, parse_anchor
from compute.contracts.feeds import BY_NAME
from compute.metrics import BY_ID, METRICS
from compute.months import Month
from flows.aggregated import aggregated
from flows.commands.explain import as_csv, as_json
from storage.catalog import BRONZE, DATASETS, SNAPSHOT_FIGURE
from storage.changes import change_of
from storage.explanation import Explanation, Question, explain
from storage.lake import Lake
from tests.conftest import environment, techflow
from tests.integration.test_run import unpacked

pytestmark = pytest.mark.integration
READD = Path(__file__).parents[1] / "readd.py"
TABLES = {dataset.name: dataset for dataset in DATASETS}


@pytest.fixture(scope="module")
def golden_env(tmp_path_factory: pytest.TempPathFactory, prefect_home: Path) -> dict[str, str]:
    """The environment of a home in which the golden company has been run."""
    company = Path(__file__).parents[1] / "examples" / "golden"
    return ran(tmp_path_factory.mktemp("golden"), company, "2023-12..2024-02", prefect_home)


@pytest.fixture(scope="module")
def clean_env(tmp_path_factory: pytest.TempPathFactory, prefect_home: Path) -> dict[str, str]:
    """The environment of a home in which two months of the clean company have been run."""
    folder = tmp_path_factory.mktemp("clean")
    return ran(folder / "home", unpacked("clean", folder), "2024-01..2024-02", prefect_home)


def ran(home: Path, company: Path, months: str, prefect_home: Path) -> dict[str, str]:
    ledger = str(company / "ledger.sqlite")
    env = environment(
        home, company / "landing", prefect_home, TECHFLOW_LEDGER=ledger, TECHFLOW_EXECUTOR="inline"
    )  # fmt: skip
    techflow("run", months, env=env)
    return env


def lake_of(env: dict[str, str]) -> Lake:
    return Lake(str(Path(env["TECHFLOW_HOME"]) / "lake"))


def snapshot_figures(lake: Lake, month: str, accounts: int) -> pl.DataFrame:
    """Return a snapshot's figures; of those by account the figures of some accounts."""
    figures = lake.read(SNAPSHOT_FIGURE, pl.col("snapshot_id") == f"{month}-d1")
    owner = pl.col("grain_key").str.split("|").list.first()
    is_account = pl.col("grain") == "account_month"
    some = figures.filter(is_account).select(owner.unique().sort()).to_series().head(accounts)
    return figures.filter(~is_account | owner.is_in(some.to_list()))


def explained(lake: Lake, month: str, accounts: int) -> Iterator[tuple[dict[str, object], Explanation]]:
    for row in snapshot_figures(lake, month, accounts).iter_rows(named=True):
        place = anchor(row["metric_id"], month, "d1", row["grain"], row["grain_key"])
        yield row, explain(lake, Question.of(parse_anchor(place), None))


@pytest.mark.parametrize(("company", "month", "accounts"), [("golden_env", "2024-01", 7), ("clean_env", "2024-02", 2)])
def test_every_figure_resolves_and_re_adds_from_its_explanation_alone(
    company: str, month: str, accounts: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    lake = lake_of(request.getfixturevalue(company))
    for number, (row, told) in enumerate(explained(lake, month, accounts)):
        told_of = as_json(told)

        assert told_of["definition"]["formula"] == BY_ID[str(row["metric_id"])].definition
        assert told_of["figure"]["null_reason"] == row["null_reason"]
        assert told_of["figure"]["quality"] == row["quality"]
        assert set(told_of["figure"]["footnotes"]) == set(str(row["footnote_ids"]).split(";")) - {""}
        name, _, version = told.source.partition("@")
        stood = lake.open(TABLES[name], int(version)).read(pl.sql_expr(told.filter))
        assert stood.get_column("value").to_list() == [row["value"]], told.anchor
        assert told.records.get_column("payload_sha256").null_count() == 0
        (tmp_path / f"{number}.json").write_text(json.dumps(told_of), encoding="utf-8")
        (tmp_path / f"{number}.csv").write_text(as_csv(told), encoding="utf-8")

    done = readd(*sorted(tmp_path.iterdir()))
    assert done.returncode == 0, done.stdout
    assert f"{2 * (number + 1)} figures re-added, 0 differences" in done.stdout
    assert {metric.metric_id for metric in METRICS if "CM" in metric.grains} - {"M-45", "M-45.activation"} <= set(
        snapshot_figures(lake, month, accounts).get_column("metric_id")
    )


def test_every_anchor_of_a_report_has_its_target(golden_env: dict[str, str], tmp_path: Path) -> None:
    techflow("report", "2024-01", "--out", str(tmp_path), env=golden_env)
    page = "".join(place.read_text(encoding="utf-8") for place in tmp_path.rglob("*.html"))
    anchors = {html.unescape(found) for found in re.findall(r'id="(fig:[^"]+)"', page)}

    assert len(anchors) > 50
    for each in anchors:
        assert explain(lake_of(golden_env), Question.of(parse_anchor(each), None)).anchor == each


def readd(*places: Path, text: str = "") -> subprocess.CompletedProcess[str]:
    # Without the environment's packages: the script needs Python alone.
    words = [sys.executable, "-S", str(READD), *map(str, places)]
    return subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_changed_cent_is_found(golden_env: dict[str, str], form: str) -> None:
    text = techflow("explain", "M-08", "2024-01", "--format", form, env=golden_env).stdout

    good, bad = readd(text=text), readd(text=text.replace("28000", "28000.01"))

    assert (good.returncode, good.stdout) == (0, "1 figures re-added, 0 differences\n")
    assert bad.returncode == 1
    assert "the rows of prior_mrr come to 46166.6800000000, not 46166.67" in bad.stdout
    assert "comes to 0.9675090347, not 0.9675090276" in bad.stdout


def test_one_account_of_a_company_figure_cannot_be_re_added(golden_env: dict[str, str]) -> None:
    shown = techflow("explain", "M-08", "2024-01", "--account", "ACC_005", "--format", "csv", env=golden_env).stdout

    done = readd(text=shown)

    assert {line.split(",")[2] for line in shown.splitlines() if line.startswith("row,")} == {"ACC_005"}
    assert done.returncode == 1
    assert "explain it without --account" in done.stdout


def test_the_screen_shows_definition_tables_accounts_and_records(golden_env: dict[str, str]) -> None:
    shown = techflow("explain", "fig:M-01:2024-01:d1:account_month:ACC_005", env=golden_env).stdout

    for words in ("M-01 Closing MRR = 3000 money", "gold/growth_figure@1 where", "gold/account_month@1",
                  "month = '2024-01' and is_existing and account_id = 'ACC_005'", "batch.ndjson line 11"):  # fmt: skip
        assert words in shown, shown


def test_a_record_is_named_by_the_digest_of_its_bytes(golden_env: dict[str, str]) -> None:
    lake = lake_of(golden_env)
    told = explain(lake, Question("M-29", Month(2024, 1)))

    assert {"revenue", "expenses", "salaries"} == set(told.records.get_column("dataset"))
    for (dataset,), rows in told.records.group_by("dataset"):
        payloads = lake.read(BRONZE[BY_NAME[str(dataset)].dataset]).get_column("payload")
        assert set(rows.get_column("payload_sha256")) <= {hashlib.sha256(each).hexdigest() for each in payloads}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("fig:M-08:2024-01:r1",), "2024-01 has no revision 1; 0 were certified; its newest draft is d1"),
        (("fig:M-08:2024-01:d7",), "2024-01 has no draft 7; its newest draft is d1"),
        (("fig:M-52:2024-01:d1:Asleep",), "it has others: fig:M-52:2024-01:d1:Active, fig:M-52:2024-01:d1:Cancelled"),
        (("fig:M-45:2024-01:d1:Reports",), "no row of the month has it"),
        (("fig:M-20:2024-01:d1:account_day:ACC_001%7C2024-01-01",), "No snapshot holds an account_day figure"),
        (("fig:M-01:2024-01:d1:account_month:ACC_005", "--account", "ACC_001"), "leave out --account"),
        (("fig:M-08:2024-01:d1", "2024-02"), "leave the month out"),
        (("fig:M-08",), "is no anchor: write it as fig:M-08:2024-01:d3"),
        (("M-99", "2024-01"), "M-99 is no metric"),
        (("M-08",), "M-08 needs a month: techflow explain M-08 2024-01"),
        (("M-08", "2025-01"), "2025-01 has no draft yet: make one with"),
        (("M-08", "2024-01", "--account", "ACC_099"), "ACC_099 has no part in M-08"),
    ],
)
def test_an_anchor_without_a_target_is_refused_in_one_sentence(
    golden_env: dict[str, str], words: tuple[str, ...], why: str
) -> None:
    done = techflow("explain", *words, env=golden_env, check=False)

    assert done.returncode == 1
    assert done.stdout == ""
    assert why in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_replaced_draft_is_still_explained_from_the_tables_that_it_was_made_from(
    lake: Lake, late_bill: Callable[[], None]
) -> None:
    aggregated("2024-01")
    late_bill()
    aggregated("2024-01")

    first, second = (explain(lake, Question.of(parse_anchor(f"fig:M-01:2024-01:d{n}"), None)) for n in (1, 2))

    assert [Decimal("47416.67"), Decimal("47516.67")] == [each.figure["value"] for each in (first, second)]
    assert [Fraction("47416.67"), Fraction("47516.67")] == [each.sums[0].of.value for each in (first, second)]
    assert "ACC_008" not in first.records.get_column("account_id")
    assert "ACC_008" in second.records.get_column("account_id")
    assert first.sums[0].table != second.sums[0].table


def test_the_change_of_mrr_is_told_by_account_and_movement(golden_env: dict[str, str]) -> None:
    shown = techflow("why", "M-01", "2024-01", "--format", "csv", env=golden_env).stdout

    # 1250.00 + 2000.00 + 1500.00 - 1000.00 - 2500.00 = 1250.00 = 47416.67 - 46166.67
    assert shown.splitlines() == [
        "key,of,cause,detail,before,after,change",
        "ACC_006,mrr,churn,cancelled,2500.00,0.00,-2500.00",
        "ACC_001,mrr,expansion,feature,28000.00,30000.00,2000.00",
        "ACC_007,mrr,reactivation,,0.00,1500.00,1500.00",
        "ACC_002,mrr,new,,0.00,1250.00,1250.00",
        "ACC_005,mrr,contraction,seat,4000.00,3000.00,-1000.00",
    ]
    told = json.loads(techflow("why", "M-01", "2024-01", "--format", "json", env=golden_env).stdout)
    assert told["change"] == "1250"
    assert "a change of 1250 money" in techflow("why", "M-01", "2024-01", env=golden_env).stdout


def test_what_changed_adds_up_to_the_change_of_every_figure_that_can_be_told(clean_env: dict[str, str]) -> None:
    lake, told = lake_of(clean_env), 0
    figures = snapshot_figures(lake, "2024-02", 0).filter(
        pl.col("grain") == "company_month", pl.col("value").is_not_null()
    )
    before = snapshot_figures(lake, "2024-01", 0)
    for row in figures.filter(pl.col("metric_id") != "M-32").iter_rows(named=True):
        place = {name: row[name] for name in ("metric_id", "grain", "grain_key")}
        was = before.filter(**place)
        if was.height == 0 or was.get_column("value").item() is None:
            continue
        asked = Question(row["metric_id"], Month(2024, 2), grain=row["grain"], key=row["grain_key"])
        change = change_of(lake, asked)

        assert change.before == was.get_column("value").item(), row["metric_id"]
        # Hours are a quotient by account too: each row is rounded once.
        error = abs((change.rows.get_column("change").sum() or 0) - (row["value"] - change.before))
        assert error <= (Decimal("1e-8") if row["unit"] == "hours" else 0), row["metric_id"]
        told += 1

    assert told > 60


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("M-10", "2024-01"), "M-10 (NRR, 12 months) has no value in 2024-01 (insufficient_history)"),
        (("M-08", "2024-01"), "M-08 (NRR, 1 month) has no value in 2023-12 (zero_denominator)"),
        (("M-08", "2024-02", "--account", "ACC_005"), "M-08 is no figure of an account in 2024-02"),
    ],
)
def test_a_change_that_cannot_be_told_is_refused_in_one_sentence(
    golden_env: dict[str, str], words: tuple[str, ...], why: str
) -> None:
    done = techflow("why", *words, env=golden_env, check=False)

    assert done.returncode == 1
    assert why in done.stderr


def test_a_sum_of_quotients_is_told_by_the_figures_that_it_is_made_of(clean_env: dict[str, str]) -> None:
    done = techflow("why", "M-32", "2024-02", env=clean_env, check=False)

    assert done.returncode == 1
    assert "neither a sum over accounts nor one quotient" in done.stderr
