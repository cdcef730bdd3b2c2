"""`techflow sample` on the command line: what it says, and its exit codes."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from compute.errors import BadSetting
from flows.commands.main import app

ASK = ("--months", "2024-01", "--accounts", "20", "--users-per-account", "1")


def test_it_says_what_it_made_and_what_to_type_next(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["sample", "--out", str(tmp_path / "made"), *ASK, "--faults", "malformed"])

    assert 0 == done.exit_code, done.output
    assert "click_events" in done.stdout
    assert "faults" in done.stdout
    assert "run 2024-01..2024-01" in done.stdout
    assert {"company.toml", "landing", "ledger.sqlite", "truth.json"} == {
        path.name for path in (tmp_path / "made").iterdir()
    }


@pytest.mark.parametrize(
    "wrong", [("--faults", "gremlin"), ("--months", "never"), ("--accounts", "1"), ("--seed", "-1")]
)
def test_a_wrong_wish_is_wrong_usage_and_makes_nothing(tmp_path: Path, wrong: tuple[str, str]) -> None:
    done = CliRunner().invoke(app, ["sample", "--out", str(tmp_path / "made"), *ASK, *wrong])

    assert 2 == done.exit_code
    assert not (tmp_path / "made").exists()


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()

    done = CliRunner().invoke(app, ["sample", "--out", str(tmp_path), *ASK])

    assert isinstance(done.exception, BadSetting), "main says it in a sentence, exit code 1"
    assert ["mine"] == [path.name for path in tmp_path.iterdir()]
