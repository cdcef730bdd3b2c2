"""One forked process for one change: import the changed module, run the chosen tests, say which one failed."""

import importlib
import importlib.machinery
import os
import signal
import time
from pathlib import Path
from types import CodeType
from typing import Any

import hypothesis
import pytest

from tests.mutation.changes import changed
from tests.mutation.choice import FEWER_EXAMPLES

# Loaded once, before forking; they have run nothing yet: a fork after Polars ran would wait for its threads for ever.
WARM = ("polars", "pandera.polars", "pyarrow", "deltalake", "networkx", "openpyxl", "xlsxwriter", "pydantic_settings")

_NAP = 0.02  # seconds


def warm() -> None:
    """Import what every test needs and no change touches."""
    for name in WARM:
        importlib.import_module(name)


def judged(root: Path, path: Path, number: int, tests: list[str], *, seconds: float) -> str:
    """Return what became of a change: the test that failed, `import`, `timeout`, or nothing where it survives."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.setsid()
        _run(root, path, number, tests, writing)
    os.close(writing)
    answer = b"timeout"
    for _ in range(int(seconds / _NAP)):  # counted, not by the clock: a run that is suspended judges nothing wrongly
        done, _ = os.waitpid(child, os.WNOHANG)
        if done:
            answer = os.read(reading, 10_000)
            break
        time.sleep(_NAP)
    else:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    os.close(reading)
    return answer.decode()


def _run(root: Path, path: Path, number: int, tests: list[str], answer: int) -> None:
    """Run in the child; it ends here."""
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    said = "import"
    try:
        _install(path, number)
        importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts))
        said = "run"
        files = sorted({test.partition("::")[0] for test in tests})
        observer = _Observer(tests)
        options = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--no-header", "--tb=no"]
        options += ["-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]
        code = pytest.main([*options, *files], plugins=[observer])
        said = (
            observer.failed
            if code == 1
            else ("" if code in (0, pytest.ExitCode.NO_TESTS_COLLECTED) else f"collection ({int(code)})")
        )
    except BaseException as error:
        said = f"{said}: {type(error).__name__}: {error}"
    os.write(answer, said.encode()[:10_000])
    os._exit(0)


def _install(path: Path, number: int) -> None:
    """Let the import system see the changed module instead of the file's text."""
    usual = importlib.machinery.SourceFileLoader.get_code

    def get_code(self: importlib.machinery.SourceFileLoader, fullname: str) -> CodeType | None:
        if Path(self.path) == path:
            return compile(changed(path.read_text("utf-8"), number), self.path, "exec", dont_inherit=True)
        return usual(self, fullname)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]


class _Observer:
    """A pytest plugin that keeps the chosen tests, in their order, and remembers the one that failed."""

    def __init__(self, tests: list[str]) -> None:
        self.failed = "collection"
        self._order = {test: index for index, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted(
            (each for each in items if each.nodeid in self._order), key=lambda each: self._order[each.nodeid]
        )
        for item in items:
            usual = getattr(item.obj, "_hypothesis_internal_use_settings", None) if hasattr(item, "obj") else None
            if usual is not None:
                item.obj._hypothesis_internal_use_settings = hypothesis.settings(
                    usual,
                    max_examples=max(usual.max_examples // FEWER_EXAMPLES, 4),
                    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
                    derandomize=True,
                    database=None,
                )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = report.nodeid
