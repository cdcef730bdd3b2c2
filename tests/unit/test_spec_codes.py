"""Every code of the specification is produced somewhere: by a contract, by a finding, or later, with a reason.

Source: `data.md` A.0 (common codes), A.1 to A.10, C.2 (flags); `metrics.md` §3 (past due).
"""

from pathlib import Path

from compute.company import Company
from compute.contracts.contract import Contract
from compute.contracts.feeds import BY_NAME, FEEDS
from compute.contracts.meanings import meanings
from compute.finding_codes import CHECKS, CROSS_CHECKS
from compute.findings_arrival import ARRIVAL_CHECKS

EVERY = ("revenue", "expenses", "salaries", "account_status_changes", "license_changes", "subscription_renewals",
         "click_events", "usage_sessions", "team_activity")  # fmt: skip
# Common codes: of every feed unless the note of the specification names some.
COMMON = dict.fromkeys(("R00", "R01", "Q90", "Q91", "Q92", "Q99", "W92"), EVERY) | {
    "W90": EVERY[:6] + EVERY[7:],  # clicks have no revisions
    "Q93": ("click_events", "usage_sessions"),
    "Q94": ("license_changes", "subscription_renewals"),
    "Q95": ("salaries", "account_status_changes", "subscription_renewals", "usage_sessions", "team_activity"),
    "W93": ("expenses", "salaries", "account_status_changes", "usage_sessions"),
    "W94": ("click_events",),
}
OWN = [
    "REV-Q01",
    "REV-Q02",
    "REV-Q03",
    "REV-Q04",
    "REV-Q05",
    "REV-Q06",
    "REV-W01",
    "REV-W02",
    "REV-W03",
    "EXP-Q01",
    "EXP-Q02",
    "EXP-Q03",
    "EXP-W01",
    "EXP-W03",
    "SAL-Q01",
    "SAL-Q02",
    "SAL-Q03",
    "STA-Q01",
    "STA-Q02",
    "STA-Q03",
    "STA-W01",
    "STA-W04",
    "STA-W05",
    "LIC-Q01",
    "LIC-Q02",
    "LIC-Q03",
    "LIC-W01",
    "LIC-W03",
    "REN-Q01",
    "REN-Q02",
    "CLK-Q01",
    "CLK-Q02",
    "CLK-Q03",
    "CLK-Q91",
    "CLK-Q92",
    "CLK-W01",
    "CLK-W02",
    "CLK-W04",
    "USE-Q01",
    "USE-Q02",
    "USE-Q03",
    "USE-Q04",
    "USE-W01",
    "TEA-Q01",
    "TEA-Q02",
    "TEA-Q03",
]
FINDINGS = [
    "REV-W03",
    "REV-W04",
    "REV-W05",
    "EXP-W02",
    "EXP-W04",
    "SAL-W01",
    "SAL-W02",
    "STA-W01",
    "STA-W02",
    "STA-W03",
    "LIC-W02",
    "LIC-W04",
    "LIC-W05",
    "REN-W01",
    "REN-W02",
    "REN-W03",
    "CLK-W03",
    "USE-W02",
    "USE-W03",
    "TEA-W01",
    "TEA-W02",
    "status_without_billing",
    "billing_without_status",
    "renewal_after_end",
    "licence_after_end",
    "stale",
    "inferred_from_billing",
    "past_due",
]
CROSS = [f"XR-{number}" for number in range(1, 9)]
# What the specification names beside, and who will tell of it.
LATER = {
    "IMPUTATION_REPLACED": "a reason of a restatement: certification tells of it",
    "acknowledgement of REV-W03": "an act of finance: the gate second bill asks for it",
    "M-52.net_new": "a difference to M-05 is an incident: the watch opens it",
    "L-5": "a gap of clicks is an incident: the watch opens it",
}
FOUND = {check.code for check in CHECKS}


def coded(contract: Contract) -> set[str]:
    """Return the codes that a row of the feed may carry."""
    return set(meanings(contract, Company()))


def test_every_code_of_a_row_is_a_code_of_its_contract() -> None:
    common = {BY_NAME[feed].code(suffix) for suffix, feeds in COMMON.items() for feed in feeds}

    assert set() == {*common, *OWN} - set().union(*map(coded, FEEDS))


def test_every_finding_is_looked_for_or_comes_later() -> None:
    unknown = {contract.code("W91") for contract in FEEDS}
    refused = {contract.code("Q99") for contract in FEEDS}

    assert set() == {*FINDINGS, *unknown, *refused, "unreadable_file"} - FOUND - set(LATER)
    assert {*FINDINGS, *unknown, *refused, "unreadable_file", "XR-1", "XR-5", "XR-7"} == FOUND
    assert not FOUND & set(LATER)


def test_every_cross_dataset_check_is_found_under_a_code() -> None:
    assert CROSS == list(CROSS_CHECKS)
    assert set(CROSS_CHECKS.values()) <= FOUND


def test_a_member_that_no_field_reads_is_no_code_of_a_row_u14() -> None:
    assert set() == {code for contract in FEEDS for code in coded(contract) if code.endswith("-W91")}


def test_the_runbook_says_what_to_do_about_every_finding() -> None:
    runbook = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text(encoding="utf-8").splitlines()
    headings = {line.removeprefix("### ") for line in runbook if line.startswith("### ")}
    arrived = {check.code.removeprefix(f"{BY_NAME[check.dataset].prefix}-") for check in ARRIVAL_CHECKS}

    assert set() == (arrived | {check.code for check in CHECKS if check not in ARRIVAL_CHECKS}) - headings
