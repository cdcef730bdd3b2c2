"""A generated company goes through the pipelines: without faults nothing is said, with them exactly the truth."""

from pathlib import Path

import polars as pl
import pytest

from compute.months import parse_months
from compute.sample.company import sample_company
from compute.sample.faults import KINDS
from compute.sample.request import Request
from compute.sample.truth import compare, missed
from flows.aggregated import aggregated
from storage.catalog import COMPLETENESS_ROW, RECONCILIATION_GATE
from storage.lake import Lake
from storage.sample import NONE, write_sample
from storage.truth import read_found, read_truth

pytestmark = pytest.mark.integration
MONTHS = "2023-10..2024-03"


def made(folder: Path, kinds: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a company into a folder, and let the settings point to it."""
    folder.mkdir()
    write_sample(sample_company(Request(4, parse_months(MONTHS), 180, 2)), folder, lambda *_: None, kinds)
    for place in ("landing", "ledger.sqlite", "company.toml"):
        monkeypatch.setenv(f"TECHFLOW_{place.partition('.')[0].upper()}", str(folder / place))
    return folder


def test_a_sample_without_faults_passes_everything(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = read_truth(made(tmp_path / "sample", NONE, monkeypatch))

    aggregated(MONTHS)

    assert [] == told["faults"]
    assert missed(compare(told, read_found(lake))).is_empty()
    assert {"pass"} == set(lake.read(RECONCILIATION_GATE).get_column("verdict"))
    assert 0 == lake.read(COMPLETENESS_ROW).select(pl.col("quarantined", "missing").sum()).sum_horizontal().item()


def test_every_fault_of_a_sample_is_found_and_nothing_else(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = read_truth(made(tmp_path / "sample", frozenset(KINDS), monkeypatch))

    aggregated(MONTHS)

    verdicts = compare(told, read_found(lake))
    assert [] == missed(verdicts).rows()
    assert [] == told["skipped"]
    assert set(KINDS) == {fault["kind"] for fault in told["faults"]} == set(verdicts.get_column("kind"))
