"""The terminal: tables that fit, rows told one by one where they do not, pipes that cut nothing; errors in a sentence."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from flows.commands import main
from flows.commands.screen import show_table

COLUMNS = ("dataset", "rows", "what was found in it")
ROWS = [("account_status_changes", 7, "a step that the graph does not allow"), ("revenue", 1200, None)]


def printed(width: int | None, **more: object) -> list[str]:
    """Return the lines on a terminal of a width, or in a pipe."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=width is not None, width=width or 10_000, no_color=True, highlight=False)
    show_table(console, COLUMNS, ROWS, **more)  # type: ignore[arg-type]
    plain = out.getvalue().replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
    return [line.rstrip() for line in plain.splitlines()]


@pytest.mark.parametrize("width", [200, 80, None])
def test_what_fits_is_a_table_with_its_numbers_to_the_right(width: int | None) -> None:
    assert [
        "dataset                 rows  what was found in it",
        "account_status_changes     7  a step that the graph does not allow",
        "revenue                 1200",
    ] == printed(width)


def test_the_least_needed_columns_go_first_and_are_named() -> None:
    assert [
        "feeds",
        "dataset                 rows",
        "account_status_changes     7",
        "revenue                 1200",
        "on a wider screen: what was found in it",
    ] == printed(50, title="feeds", least=("what was found in it", "rows"))


def test_rows_that_never_fit_are_told_one_by_one_and_whole() -> None:
    lines = printed(45)

    assert 2 == sum(line.startswith("─") for line in lines)
    assert "what was found in it  a step that the graph" in lines
    assert "                      does not allow" in lines
    assert max(map(len, lines)) <= 45
    assert "what was found in it" not in "".join(lines[-3:])  # a column without a value is left out


def techflow(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).with_name("techflow")
    return subprocess.run([script, *words], capture_output=True, text=True, cwd=tmp_path, check=False)


def test_what_is_wrong_is_one_sentence_and_debug_shows_where(tmp_path: Path) -> None:
    plain, debug = techflow(tmp_path, "report", "2024-1"), techflow(tmp_path, "--debug", "report", "2024-1")

    assert (1, "") == (plain.returncode, plain.stdout)
    assert 1 == len(plain.stderr.splitlines())
    assert plain.stderr.startswith("not done: '2024-1' is no month: write it as 2024-01")
    assert 1 == debug.returncode
    assert debug.stderr.startswith("Traceback")
    assert debug.stderr.endswith(plain.stderr)


def test_a_fault_of_the_program_is_one_sentence_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TECHFLOW_DEBUG", raising=False)

    def broken() -> None:
        raise KeyError("account_id")

    monkeypatch.setattr(main, "app", broken)

    with pytest.raises(SystemExit) as ended:
        main.main()

    assert 1 == ended.value.code
    said = "not done: KeyError: 'account_id'. This is a fault of the program: run it with --debug"
    assert said in capsys.readouterr().err
