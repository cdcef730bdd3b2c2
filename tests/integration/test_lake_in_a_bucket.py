"""The whole product on a lake in a bucket: the bytes of a lake on this machine, and a sentence where there is none.

Rules: `interface.md`, "Settings" (TECHFLOW_LAKE); L-26.
"""

import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compute.lifecycle import SIGNING
from compute.months import Month
from flows.commands.export import BY_MONTH, EITHER, WHOLE
from storage.catalog import DATASETS
from storage.watched import WATCHED
from tests.conftest import environment, techflow
from tests.integration.object_store import KEY, SECRET, ObjectStore
from tests.property.lakes import Home, difference, plain_flows

pytestmark = pytest.mark.integration
JAN = "2024-01"
ROLES = "\n".join(["[roles]", *(f'{role} = ["{role}-1"]' for role in SIGNING)])
EXPORTS = [(table, JAN) for table in (*BY_MONTH, *EITHER)] + [(table, None) for table in WHOLE if table != "runs"]


def lived(home: Home, golden: Path) -> dict[str, Any]:
    """Take the golden company through a close; returns what came of it."""
    shutil.copytree(golden / "landing", home.root / "landing", dirs_exist_ok=True)
    shutil.copy(golden / "ledger.sqlite", home.root)
    (home.root / "company.toml").write_text(ROLES, encoding="utf-8")
    assert "" == home.run("aggregated", JAN)
    made = versions(home)
    assert "" == home.run("aggregated", JAN)
    # A run tells of itself and of how long the ledger took; what is there already is not written again.
    assert {"watch/run", "watch/query"} >= {name for name, version in versions(home).items() if made[name] != version}
    for role in SIGNING:
        home.act("sign_off", JAN, role, f"{role}-1", home.draft(Month.parse(JAN))[1])
    return {
        "rebuilt": home.act("rebuild", JAN, module="rebuild"),
        "kept": home.act("upkeep", module="upkeep"),
        "files": written(home),
    }


def versions(home: Home) -> dict[str, int]:
    return {dataset.name: home.lake.open(dataset).version for dataset in (*DATASETS, *WATCHED)}


def written(home: Home) -> dict[str, bytes]:
    """Return the bytes of every export and of the report."""
    out = home.root / "out"
    out.mkdir()
    for table, months in EXPORTS:
        home.act("export", table, months, "csv", out / f"{table}.csv", module="commands.export")
    home.act("report", JAN, out, module="commands.report")
    # The manifest names what a ledger's rows were kept in, and those files have names of their own in every lake.
    return {path.name: path.read_bytes() for path in sorted(out.iterdir()) if path.suffix != ".json"}


@pytest.fixture
def bucket(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    for name, value in object_store.variables().items():
        monkeypatch.setenv(name, value)
    with plain_flows():
        yield object_store


def test_a_month_in_a_bucket_is_run_closed_exported_and_rebuilt_as_on_a_disk(
    bucket: ObjectStore, tmp_path: Path, golden: Path
) -> None:
    here, there = Home(tmp_path / "here"), Home(tmp_path / "there", f"s3://lake/{tmp_path.name}")

    expected, actual = lived(here, golden), lived(there, golden)

    assert {} == difference(here.state(), there.state())
    assert sorted(expected["files"]) == sorted(actual["files"])
    assert [] == [name for name, content in expected["files"].items() if content != actual["files"][name]]
    assert expected == actual
    assert actual["rebuilt"]["hash"] == actual["rebuilt"]["rebuilt"]
    assert not (there.root / "lake").exists()


def test_the_demo_runs_in_a_bucket_with_its_tasks_on_ray(
    object_store: ObjectStore, tmp_path: Path, golden: Path, prefect_home: Path
) -> None:
    root = f"s3://lake/{tmp_path.name}/"
    env = environment(
        tmp_path / "there", golden / "landing", prefect_home, **object_store.variables(), TECHFLOW_LAKE=root
    )

    told = techflow("demo", "golden", env=env | {"RAY_ADDRESS": "local"}).stdout

    assert "account_month: 2 tasks" in told
    assert f"{root}golden (" in told
    line = next(line.split("techflow ")[1] for line in told.splitlines() if "why M-01 2024-01" in line)
    assert "2024-01: 47416.67 after 46166.67" in techflow(*line.split(), env=env).stdout
    assert SECRET not in told
    assert not list((tmp_path / "there").rglob("_delta_log"))


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address at which something listens and never answers."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        yield f"http://127.0.0.1:{silent.getsockname()[1]}"


HERE, SAYS = "at http://127.0.0.1:9 does not answer (connection refused)", "correct AWS_ENDPOINT_URL, or run again"
NO_BUCKET = "refuses the lake s3://nobodys/x: there is no such bucket: make it, or correct --lake"


@pytest.mark.parametrize(
    ("words", "wrong", "sentence"),
    [
        ("export dispositions", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, f"{HERE}: {SAYS}"),
        ("run 2024-01", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, f"{HERE}: {SAYS}"),
        ("export dispositions", {"AWS_ENDPOINT_URL": "{nobody}"}, "does not answer (no answer in time)"),
        ("export dispositions", {"AWS_SECRET_ACCESS_KEY": "guessed"}, "the secret is another: correct AWS_SECRET_ACCESS_KEY"),
        ("export dispositions", {"AWS_ACCESS_KEY_ID": "guessed"}, "it does not know the key: correct AWS_ACCESS_KEY_ID"),
        ("export dispositions", {"TECHFLOW_LAKE": "s3://nobodys/x"}, NO_BUCKET),
        ("run 2024-01", {"TECHFLOW_LAKE": "s3://nobodys/x"}, NO_BUCKET),
        ("status", {"TECHFLOW_LAKE": "gs://lake/x"}, "gs://lake/x is no place for a lake: give a folder, or s3://bucket/prefix"),
    ],
)  # fmt: skip
def test_what_keeps_a_lake_from_being_reached_is_one_sentence(
    object_store: ObjectStore, tmp_path: Path, golden: Path, prefect_home: Path, nobody: str,
    words: str, wrong: dict[str, str], sentence: str,
) -> None:  # fmt: skip
    env = environment(
        tmp_path, golden / "landing", prefect_home, **object_store.variables(), TECHFLOW_LAKE="s3://lake/x"
    )
    env |= {name: value.replace("{nobody}", nobody) for name, value in wrong.items()}

    begin = time.monotonic()
    done = techflow(*words.split(), env=env, check=False)

    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("not done: ")
    assert sentence in done.stderr
    assert 1 == len(done.stderr.splitlines()), done.stderr
    assert [] == [secret for secret in (KEY, SECRET, "guessed") if secret in done.stderr]
    assert time.monotonic() - begin < 120  # ten on a machine that does nothing else
