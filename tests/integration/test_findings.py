"""Findings of a company into which faults were put: each fault is found where it was put."""

import json
from pathlib import Path

import polars as pl
import pytest

from compute.contracts.feeds import BY_NAME, FEEDS
from compute.finding_codes import CHECKS
from compute.months import Month
from flows.aggregated import aggregated
from flows.commands.export import EITHER
from storage.catalog import ACCOUNT_TABLE, FINDINGS, SILVER
from storage.lake import Lake
from tests.integration.test_run import unpacked

pytestmark = pytest.mark.integration
MONTHS = "2023-10..2024-03"
FLAGS = {"XR-2": "status_without_billing", "XR-3": "billing_without_status"}
DATES = ("change_date", "billing_date", "renewal_date", "salary_month", "date")


def expected(company: Path) -> set[tuple[str, str, str]]:
    """Return code, month and account (or team) of the faults that findings should tell of."""
    faults = json.loads((company / "truth.json").read_text(encoding="utf-8"))["faults"]
    codes, found = {check.code for check in CHECKS}, set()
    for fault in faults:
        # A billed trial has no code there: its effect names XR-3.
        named = "XR-3" if fault["kind"] == "trial_bill" else fault["expect"]["code"]
        code, record = FLAGS.get(named, named), fault["record"]
        if fault["kind"] == "extra_field":
            found.add((BY_NAME[fault["feed"]].code("W91"), "undated", fault["feed"]))
        elif code in codes:
            dated = next(record[name] for name in DATES if name in record)
            found.add((code, dated[:7], record.get("account_id") or record["team_id"]))
    return found


def test_every_fault_that_a_finding_tells_of_is_found_where_it_was_put(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = unpacked("faulty", tmp_path)
    for place in ("landing", "ledger.sqlite", "company.toml"):
        monkeypatch.setenv(f"TECHFLOW_{place.partition('.')[0].upper()}", str(company / place))

    aggregated(MONTHS)

    rows, wanted = lake.read(FINDINGS), expected(company)
    subject = pl.coalesce("account_id", pl.col("key").str.split(" ").list.first())
    codes = {"REV-W03", "REN-W02", "STA-W01", "STA-W02", "SAL-W01", "TEA-W01", "EXP-W91", *FLAGS.values()}
    assert codes == {code for code, *_ in wanted}
    assert wanted <= set(rows.select("code", "month", subject.alias("subject")).rows())
    assert rows.height == rows.select("code", "key").unique().height
    months, exported = Month(2023, 10).until(Month(2024, 3)), EITHER["findings"]
    assert exported(lake, ()).sort("code", "key").equals(exported(lake, months).sort("code", "key"))

    known = lake.read(ACCOUNT_TABLE)
    named = [lake.read(SILVER[feed.dataset], columns=["account_id"]) for feed in FEEDS if feed.account]
    assert {*pl.concat(named).to_series(), "SHARED"} == {*known.get_column("account_id"), "SHARED"}
    assert known.get_column("first_seen_in").is_in(known.get_column("datasets")).all()

    version, drafts = lake.open(FINDINGS).version, aggregated(MONTHS)["drafts"]

    assert version == lake.open(FINDINGS).version, "a run that changes nothing writes no findings"
    assert isinstance(drafts, dict)
    assert {1} == set(drafts.values()), "findings make no new draft"
