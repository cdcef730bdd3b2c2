"""The house holds: layers, generated pages, and nothing forgotten when a feed or a pipeline is added."""

import importlib
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prefect._experimental.sla.objects import LatenessSla, SlaTypes, TimeToCompletionSla
from prefect.tasks import MaterializingTask
from pydantic import TypeAdapter

from compute.checks import CHECKS
from compute.company_promises import Sla
from compute.contracts.feeds import FEEDS
from compute.finding_codes import CHECKS as FINDINGS
from compute.success import SCHEDULES
from flows.deploy import add_levels
from storage.catalog import BRONZE, DATASETS, JUDGED, SILVER
from storage.certified import CERTIFICATION
from storage.meanings import COMMON, OWN, meaning
from storage.watched import WATCHED

ROOT = Path(__file__).parents[2]
TABLES = (*DATASETS, *CERTIFICATION, *WATCHED)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(script), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("compute/money.py", "import prefect", "compute knows no table"),
        ("compute/money.py", "import storage.lake", "flows say when"),
        ("storage/landing.py", "import deltalake", "only the lake speaks deltalake"),
        ("flows/growth.py", "import ray", "only compute.cluster and compute.connection speak Ray"),
        ("storage/lake.py", "import obstore", "only storage.bucket speaks to object stores"),
        ("storage/topics.py", "import kafka", "only storage.kafka speaks Kafka"),
    ],
)
def test_a_forbidden_import_breaks_the_layers(tmp_path: Path, module: str, line: str, contract: str) -> None:
    for package in ("compute", "storage", "flows"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")

    done = lint_imports(tmp_path)

    assert done.returncode == 1
    assert any(contract in row and "BROKEN" in row for row in done.stdout.splitlines()), done.stdout


@pytest.mark.parametrize("name", ["metrics", "codes", "tables"])
def test_a_written_page_is_current(name: str) -> None:
    page = runpy.run_path(str(ROOT / "docs" / f"write_{name}.py"))["page"]()

    assert page == (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8"), "run `make docs`"


def test_every_feed_has_its_tables_and_dates_its_key() -> None:
    for contract in FEEDS:
        assert {contract.dataset} <= set(BRONZE) & set(JUDGED) & set(SILVER)
        assert contract.dated in contract.key, "else a key could leave its month"


def test_table_names_and_keys_are_sound() -> None:
    assert len(TABLES) == len({dataset.name for dataset in TABLES})
    for dataset in TABLES:
        assert set(dataset.key) <= set(dataset.schema)
        assert dataset.partition_by is None or dataset.partition_by in dataset.schema
        assert dataset.description.endswith(".")


def test_every_column_of_every_table_has_a_meaning_and_no_meaning_is_left_over() -> None:
    assert [] == [
        (dataset.name, name) for dataset in TABLES for name in dataset.schema if not meaning(dataset, name).strip()
    ]
    shown = {meaning(dataset, name) for dataset in TABLES for name in dataset.schema}
    said = [*COMMON.values(), *(words for columns in OWN.values() for words in columns.values())]
    assert [] == [words for words in said if words not in shown]


def test_every_flow_has_a_deployment_on_the_pool() -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    entrypoints = {each["entrypoint"] for each in declared}

    flows = (
        "profit", "growth", "engagement", "aggregated", "ready", "validate", "backfill", "upkeep", "watch", "digest",
        "close_form", "micro_batch",
    )  # fmt: skip
    assert {f"flows.{name}.{name}" for name in flows} == entrypoints
    assert all(each["tags"] == ["techflow", each["entrypoint"].rpartition(".")[2]] for each in declared)
    # Without a slug a second deploy is refused, once the server holds one.
    assert all(
        schedule["slug"] and schedule["timezone"] == "UTC" and not schedule["active"]
        for each in declared
        for schedule in each.get("schedules", ())
    )
    for entrypoint in entrypoints:
        module, _, name = entrypoint.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


def test_the_schedules_that_runs_are_counted_against_are_those_of_the_deployments() -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    crons = {each["name"]: each["schedules"][0]["cron"] for each in declared if each.get("schedules")}

    assert f"*/{Sla().watch_minutes} * * * *" == crons["watch"]
    # What runs every few minutes would hide a failed daily run (L-19), and no promise hangs on the upkeep.
    assert {name: crons[name] for name in SCHEDULES} == SCHEDULES
    assert {"watch", "growth-validate", "upkeep", "digest", "engagement-micro-batch"} == set(crons) - set(SCHEDULES)


def test_what_cloud_is_to_watch_is_what_it_takes_of_deployments_that_there_are() -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    levels = yaml.safe_load((ROOT / "deployments" / "service-levels.yaml").read_text(encoding="utf-8"))
    add_levels(declared, levels["service_levels"])

    found = {each["name"]: each["sla"] for each in declared["deployments"]}
    assert set(levels["service_levels"]) == {name for name, given in found.items() if given}
    taken = [TypeAdapter(SlaTypes).validate_python(each) for given in found.values() for each in given]
    assert {Sla().processing_seconds} == {each.duration for each in taken if isinstance(each, TimeToCompletionSla)}
    assert {60 * Sla().start_grace_minutes} == {
        each.within.total_seconds() for each in taken if isinstance(each, LatenessSla)
    }
    assert Sla().validation_seconds == found["growth-validate"][0]["stale_after"]
    assert 2 * 60 * Sla().watch_minutes == found["watch"][0]["stale_after"]


def test_a_rebuild_tells_prefect_of_no_asset() -> None:
    """An automation that waits for one would take a rebuild for news."""

    def materialising(module: str) -> list[str]:
        return [
            name for name, each in vars(importlib.import_module(module)).items() if isinstance(each, MaterializingTask)
        ]

    assert ["write_growth_figures"] == materialising("flows.growth")
    assert [] == materialising("flows.rebuild")


def test_every_check_has_its_heading_in_the_runbook() -> None:
    lines = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8").splitlines()
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in lines if line.startswith("#")}

    assert {check.heading for check in CHECKS.values()} <= headings


def test_every_finding_has_its_heading_in_the_runbook() -> None:
    lines = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8").splitlines()

    # What every feed has (Q99, W91) has one heading.
    headings = {line.removeprefix("### ") for line in lines if line.startswith("### ")}
    assert [] == [check.code for check in FINDINGS if not {check.code, check.code.partition("-")[2]} & headings]


def test_the_automation_of_a_silent_watch_waits_for_two_intervals() -> None:
    declared = yaml.safe_load((ROOT / "deployments" / "automations.yaml").read_text(encoding="utf-8"))["automations"]
    (silent,) = (each for each in declared if each["name"] == "techflow silent watch")

    assert 2 * 60 * Sla().watch_minutes == silent["trigger"]["within"]


def test_export_answers_without_prefect_and_ray(tmp_path: Path) -> None:
    script = "import sys, flows.commands.main; sys.exit(bool({'prefect', 'ray'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=False).returncode == 0
