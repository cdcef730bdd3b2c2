"""A pytest plugin: how long each test takes, written as JSON at the end. It knows no mutants."""

import json
import os
from pathlib import Path

import pytest

_seconds: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish() -> None:
    Path(os.environ["MUTATION_TIMES"]).write_text(json.dumps(_seconds), encoding="utf-8")
