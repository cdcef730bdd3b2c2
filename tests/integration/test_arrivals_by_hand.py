"""Histories that once left something behind in the lake, written down by hand (AT-30)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storage.catalog import ACCOUNT_MONTH_TABLE, MRR_BRIDGE
from tests.company import bill, change
from tests.property.companies import AS_OF, Step
from tests.property.lakes import Home, plain_flows

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _plain_flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with plain_flows():
        yield


def test_months_before_the_first_bill_that_nobody_asked_for_do_not_stay(tmp_path: Path) -> None:
    """Without a bill MRR is carried from the first evidence on; with one, from the first bill on."""
    home = Home(tmp_path)
    home.put(Step({"account_status_changes/a.ndjson": line(change("ACC_1", "2023-11-20", None, "Active"))}, {}))
    home.run("growth", "2024-02", AS_OF)
    before = months_of(home)
    home.put(Step({"revenue/a.ndjson": line(bill("ACC_1", "2024-01-15", 100.0))}, {}))

    home.run("aggregated", "2024-02", AS_OF)

    assert {"2023-11", "2023-12", "2024-01", "2024-02"} == before
    assert {"2024-01", "2024-02"} == months_of(home)
    assert {"2024-01", "2024-02"} == set(home.lake.open(MRR_BRIDGE).partitions())


def line(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode()


def months_of(home: Home) -> set[str]:
    return set(home.lake.open(ACCOUNT_MONTH_TABLE).partitions())
