"""The gates of a draft: one fails on its own evidence, and says whose move it is. Source: `operations.md` C.4."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from compute.company_promises import Owners
from compute.gates import RULES, WAIVERS, Evidence, Gate, gates, is_open
from compute.lifecycle import Act

COMPLETE = {"dataset": "revenue", "accepted": 2500, "quarantined": 0, "missing": 0}
CLEAN = Evidence(
    month="2024-01",
    broken=(),
    mrr_quality={"null": 0, "carried_forward": 0, "estimated": 0, "imputed": 0},
    completeness=(COMPLETE,),
    reconciliation=dict.fromkeys(("RC-1", "RC-2", "RC-3", "RC-4", "RC-5", "second bill"), ("pass", "so")),
    cases=(),
    incidents={},
)


def judged(**changes: Any) -> dict[str, Gate]:
    return {gate.name: gate for gate in gates(replace(CLEAN, **changes), Owners())}


def waiver(gate: str) -> Act:
    until = datetime(2024, 3, 1, tzinfo=UTC)
    return Act(1, until, "waived", "2024-01", "cfo", role="cfo", gate=gate, reason="agreed", expires_at=until)


def test_a_month_without_fault_is_open_at_every_gate() -> None:
    assert is_open(list(judged().values()))
    assert [rule.name for rule in RULES] == list(judged())


@pytest.mark.parametrize(
    ("gate", "changes", "evidence", "owner"),
    [
        # AT-66: 2499 of 2500 is 0.9996, and does not certify.
        ("completeness", {"completeness": (COMPLETE | {"accepted": 2499, "missing": 1},)},
         "revenue 0 held, 1 missing", ("finance",)),
        ("completeness", {"completeness": (COMPLETE | {"dataset": "click_events", "quarantined": 1},)},
         "click_events 1 held, 0 missing", ("product",)),
        ("completeness", {"completeness": ()}, "not counted yet", ("operations",)),
        ("RC-3", {"reconciliation": {**CLEAN.reconciliation, "RC-3": ("FAIL", "too much")}}, "too much", ("finance",)),
        ("identities", {"broken": ("MRR bridge: 1, not 2",)}, "MRR bridge: 1, not 2", ("operations",)),
        ("quality", {"mrr_quality": {"estimated": 1}}, "1 MRR estimated", ("finance",)),
        ("quality", {"mrr_quality": {"null": 2, "carried_forward": 1}}, "2 MRR null, 1 MRR carried forward",
         ("finance",)),
        ("gaps", {"cases": ("ACC_1 chain_break",)}, "1 open status gaps: ACC_1", ("accounts",)),
        ("second bill", {"reconciliation": {**CLEAN.reconciliation, "second bill": ("FAIL", "ACC_1")}}, "ACC_1",
         ("finance",)),
        ("incidents", {"incidents": {"INC-1": "Profit is late."}}, "1 unresolved: INC-1 Profit", ("operations",)),
    ],
)  # fmt: skip
def test_each_gate_fails_alone(gate: str, changes: dict[str, Any], evidence: str, owner: tuple[str, ...]) -> None:
    found = judged(**changes)
    assert ["FAIL"] == [each.verdict for each in found.values() if not each.is_passed]
    assert found[gate].evidence.startswith(evidence)
    assert (owner, True) == (found[gate].owner, bool(found[gate].then))


def test_without_a_ledger_no_reconciliation_gate_passes() -> None:
    assert {"RC-1", "RC-2", "RC-3", "RC-4", "RC-5", "second bill"} == {
        name for name, gate in judged(reconciliation={}).items() if gate.verdict == "unverified"
    }


def test_an_owner_is_the_company_s_choice() -> None:
    given = replace(CLEAN, completeness=(COMPLETE | {"missing": 1},))
    (gate, *_) = gates(given, Owners({"revenue": "cfo"}))
    assert ("cfo",) == gate.owner


@pytest.mark.parametrize(
    ("gate", "changes"),
    [
        ("quality", {"mrr_quality": {"estimated": 1}}),
        ("gaps", {"cases": ("ACC_1",)}),
        ("incidents", {"incidents": {"INC-1": "x"}}),
    ],
)
def test_a_waiver_opens_its_gate_and_no_other(gate: str, changes: dict[str, Any]) -> None:
    assert "waived" == judged(**changes, waivers=(waiver(gate),))[gate].verdict
    for other in {*WAIVERS, "completeness"} - {gate}:
        assert "FAIL" == judged(**changes, waivers=(waiver(other),))[gate].verdict


def test_what_is_never_waived_stays_closed() -> None:
    assert "FAIL" == judged(mrr_quality={"null": 1}, waivers=(waiver("quality"),))["quality"].verdict
    lacking = (COMPLETE | {"missing": 1},)
    assert "FAIL" == judged(completeness=lacking, waivers=(waiver("completeness"),))["completeness"].verdict
