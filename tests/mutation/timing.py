"""A pytest plugin: how long each test takes, added to a JSON file at the end. It knows no mutants."""

import json
import os
from pathlib import Path

import pytest

_seconds: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish() -> None:
    kept = Path(os.environ["MUTATION_TIMES"])
    before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    kept.write_text(json.dumps(before | _seconds), encoding="utf-8")
