"""The nine feeds' contracts: the user's records pass whole (AT-01), each invariant has its code (AT-02), and
contract and validator agree (AT-08). The mutated records stand in `invariants`; how a member is read, in
`test_reading`.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from compute.company import Company, parse_company
from compute.contracts.contract import disposition_letter
from compute.contracts.feeds import BY_NAME, FEEDS
from compute.contracts.schema import require
from compute.contracts.subscription_renewals import term_months
from compute.errors import ContractViolation
from compute.judging import judge
from tests.unit.invariants import CASES, Case
from tests.unit.records import SEED, SEED_CODES, judged, received, record, seed

USER_123 = "ad6f34b687beed567c0766807aaab8dee8224d9f1434747ec9b44a0d6929d64e"  # under b"key"
AS_TYPED: dict[str, dict[str, Any]] = {
    "revenue": {
        "account_id": "ACC_001",
        "subscription_tier": "Enterprise",
        "monthly_revenue": Decimal("25000.00"),
        "user_licenses": 150,
        "additional_features": ["Advanced Analytics", "API Access", "Priority Support"],
        "feature_revenue": Decimal("5000.00"),
        "total_monthly_revenue": Decimal("30000.00"),
        "billing_date": date(2024, 1, 15),
        "payment_status": "Paid",
    },
    "expenses": {
        "account_id": "ACC_001",
        "expense_category": "Infrastructure",
        "monthly_cost": Decimal("8000.00"),
        "cost_breakdown": [
            {"key": "cloud_services", "value": Decimal("5000.00")},
            {"key": "database_hosting", "value": Decimal("2000.00")},
            {"key": "monitoring_tools", "value": Decimal("1000.00")},
        ],
        "expense_date": date(2024, 1, 31),
    },
    "salaries": {
        "team_id": "ENG_001",
        "team_name": "Data Engineering",
        "monthly_salary_total": Decimal("45000.00"),
        "headcount": Decimal(4),
        "cost_per_engineer": Decimal("11250.00"),
        "salary_month": "2024-01",
    },
    "account_status_changes": {  # without sales_rep, which is an employee's name (A.11)
        "account_id": "ACC_002",
        "previous_status": "Trial",
        "new_status": "Active",
        "change_date": date(2024, 1, 20),
        "change_reason": "Trial Conversion",
        "contract_value": Decimal("15000.00"),
    },
    "license_changes": {
        "account_id": "ACC_003",
        "previous_licenses": 50,
        "new_licenses": 75,
        "change_date": date(2024, 1, 25),
        "change_type": "Upgrade",
        "additional_revenue": Decimal("5000.00"),
        "effective_date": date(2024, 2, 1),
    },
    "subscription_renewals": {
        "account_id": "ACC_004",
        "renewal_date": date(2024, 2, 1),
        "previous_contract_value": Decimal("20000.00"),
        "new_contract_value": Decimal("25000.00"),
        "renewal_type": "Expansion",
        "contract_duration": "12 months",
    },
    "click_events": {  # user_id as its pseudonym, user_agent as what is known of it, no ip_address (A.11)
        "user_id": USER_123, "account_id": "ACC_001", "event_type": "feature_click",
        "feature_name": "Advanced Analytics", "timestamp": datetime(2024, 1, 15, 10, 30, tzinfo=UTC),
        "session_id": "SESS_456", "page_url": "/analytics/dashboard", "browser": "Other", "system": "Other",
        "device": "Other",
    },
    "usage_sessions": {
        "user_id": USER_123, "account_id": "ACC_001", "session_start": datetime(2024, 1, 15, 9, tzinfo=UTC),
        "session_end": datetime(2024, 1, 15, 17, tzinfo=UTC), "total_active_time_minutes": 420,
        "features_used": ["Dashboard", "Reports", "API"], "device_type": "Desktop",
    },
    "team_activity": {
        "account_id": "ACC_001", "team_id": "TEAM_001", "date": date(2024, 1, 15), "active_users": 45,
        "total_session_time_hours": Decimal(180),
        "features_accessed": ["Dashboard", "Reports", "Analytics", "API"], "api_calls": 1250, "reports_generated": 23,
    },
}  # fmt: skip
COMMON_CODES = ("R00", "R01", "Q90", "Q91", "Q92", "W92")
INSTANT_CODES = {"CLK-Q93", "USE-Q93"}
# No member of a status change must be there: each is of the key, or may be missing. No topic holds money.
IMPOSSIBLE = {"STA-Q91", "CLK-W92", "USE-W92", "TEA-W92"}
IS_MISSING = ("R01", "Q91")

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0 Safari/537.36"
NINE = datetime(2024, 1, 15, 9, tzinfo=UTC)


def judged_case(case: Case) -> pl.DataFrame:
    return judged(case.dataset, record(case.dataset, **case.changes), arrival=case.arrival)


def own_quarantines(dataset: str) -> set[str]:
    """Return the codes of its own that the validator can judge; the address of CLK-Q92 is gone by silver."""
    rules = BY_NAME[dataset].rules(Company())
    return {rule.code for rule in rules if disposition_letter(rule.code) == "Q"} - {"CLK-Q92"}


def misses_a_member(case: Case) -> bool:
    return any(code.endswith(IS_MISSING) for code in set(case.codes) - own_quarantines(case.dataset))


def test_every_feed_has_its_record() -> None:
    assert list(SEED) == [contract.dataset for contract in FEEDS]


@pytest.mark.parametrize("dataset", SEED)
def test_the_users_record_is_accepted_with_no_code_but_that_of_its_private_address_at01(dataset: str) -> None:
    row = judged(dataset, seed(dataset)).row(0, named=True)

    assert ("accepted", SEED_CODES.get(dataset, []), None) == (row["_verdict"], row["_codes"], row["_detail"])


@pytest.mark.parametrize("dataset", SEED)
def test_the_users_record_keeps_its_values_exactly_at01(dataset: str) -> None:
    row = judged(dataset, seed(dataset)).row(0, named=True)

    assert AS_TYPED[dataset] == {name: row[name] for name in BY_NAME[dataset].columns}


@pytest.mark.parametrize("dataset", SEED)
def test_the_users_record_satisfies_the_validator_at08(dataset: str) -> None:
    rows = judged(dataset, seed(dataset))

    assert rows.equals(require(BY_NAME[dataset], Company(), rows))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_changed_record_gets_exactly_its_codes_and_verdict_at02(case: Case) -> None:
    row = judged_case(case).row(0, named=True)

    assert (sorted(case.codes), case.verdict) == (sorted(row["_codes"]), row["_verdict"])


@pytest.mark.parametrize("dataset", SEED)
def test_a_line_that_is_no_record_is_rejected_and_nothing_else_is_judged_u11(dataset: str) -> None:
    row = judged(dataset, b'{"account_id": 1, "currency": "EUR"').row(0, named=True)

    assert ([BY_NAME[dataset].code("R00")], "rejected", "undated") == (row["_codes"], row["_verdict"], row["month"])


@pytest.mark.parametrize("dataset", SEED)
def test_every_code_of_the_contract_has_a_case_at02(dataset: str) -> None:
    contract = BY_NAME[dataset]
    own = {rule.code for rule in contract.rules(Company())}
    common = {contract.code(each) for each in COMMON_CODES} | {
        code for code in INSTANT_CODES if contract.prefix in code
    }

    actual = {code for case in CASES if case.dataset == dataset for code in case.codes} | {contract.code("R00")}

    assert (own | common) - IMPOSSIBLE == actual


@pytest.mark.parametrize("case", [each for each in CASES if set(each.codes) & own_quarantines(each.dataset)], ids=str)
def test_what_an_own_rule_quarantines_the_validator_refuses_for_the_same_reasons_at08(case: Case) -> None:
    expected = set(case.codes) & own_quarantines(case.dataset)

    with pytest.raises(ContractViolation) as refused:
        require(BY_NAME[case.dataset], Company(), judged_case(case))

    assert expected <= {failure.partition(":")[0] for failure in refused.value.failures}


@pytest.mark.parametrize("case", [each for each in CASES if misses_a_member(each)], ids=str)
def test_what_misses_a_member_the_validator_refuses_at08(case: Case) -> None:
    with pytest.raises(ContractViolation, match="not_nullable"):
        require(BY_NAME[case.dataset], Company(), judged_case(case))


@pytest.mark.parametrize("case", [each for each in CASES if each.verdict == "accepted"], ids=str)
def test_what_is_accepted_satisfies_the_validator_at08(case: Case) -> None:
    rows = judged_case(case)

    assert rows.equals(require(BY_NAME[case.dataset], Company(), rows))


@pytest.mark.parametrize("dataset", [each for each in SEED if each != "click_events"])
def test_the_validator_refuses_a_key_that_names_two_rows(dataset: str) -> None:
    with pytest.raises(ContractViolation, match=f"{dataset} breaks its contract"):
        require(BY_NAME[dataset], Company(), judged(dataset, seed(dataset), seed(dataset)))


def test_the_validator_takes_clicks_whose_pages_differ_in_the_query_alone_u17() -> None:
    rows = judged("click_events", *(record("click_events", page_url=f"/list?page={page}") for page in (1, 2)))

    assert rows.equals(require(BY_NAME["click_events"], Company(), rows))


@pytest.mark.parametrize("dataset", SEED)
def test_a_row_is_judged_alike_whatever_comes_beside_it(dataset: str) -> None:
    lines = [b"{", seed(dataset), record(dataset, currency="EUR"), b"[]", seed(dataset)]

    verdicts = judged(dataset, *lines).get_column("_verdict").to_list()

    assert ["rejected", "accepted", "quarantined", "rejected", "accepted"] == verdicts


@pytest.mark.parametrize(
    ("dataset", "changes", "expected"),
    [
        ("revenue", {}, "2024-01"),
        ("expenses", {}, "2024-01"),
        ("salaries", {"salary_month": "2023-12"}, "2023-12"),
        ("account_status_changes", {"change_date": "2024-01-31"}, "2024-01"),
        ("license_changes", {}, "2024-02"),
        ("subscription_renewals", {"renewal_date": "2024-12-31"}, "2024-12"),
        ("revenue", {"billing_date": "2024-02-30"}, "undated"),
        ("revenue", {"user_licenses": -1}, "2024-01"),
        ("click_events", {"timestamp": "2024-01-31T23:59:59.9999999Z"}, "2024-01"),
        ("click_events", {"timestamp": "2024-02-01T00:30:00+01:00"}, "2024-01"),
        ("click_events", {"timestamp": "2024-01-31T23:30:00-01:00"}, "2024-02"),
        ("click_events", {"timestamp": "0001-01-01T00:00:00Z"}, "0001-01"),
        ("click_events", {"timestamp": "2024-01-15T10:30:00"}, "undated"),
        ("usage_sessions", {"session_start": "2023-12-31T23:30:00Z", "session_end": None}, "2023-12"),
        ("team_activity", {"date": "2024-02-29"}, "2024-02"),
    ],
)
def test_a_row_belongs_to_the_month_of_its_dated_field(dataset: str, changes: dict[str, Any], expected: str) -> None:
    actual = judged(dataset, record(dataset, **changes)).get_column("month").item()

    assert expected == actual


@pytest.mark.parametrize(
    ("dataset", "changes", "expected"),
    [
        ("expenses", {"account_id": None}, {"account_id": "SHARED"}),
        ("revenue", {"additional_features": None}, {"additional_features": []}),
        ("revenue", {"payment_status": "Past Due"}, {"payment_status": "Overdue"}),
        ("click_events", {"page_url": "/a/b?token=x#top"}, {"page_url": "/a/b"}),
        ("click_events", {"page_url": "?page=2"}, {"page_url": ""}),
        ("click_events", {"page_url": None}, {"page_url": None}),
        ("click_events", {"user_agent": WINDOWS}, {"browser": "Chrome", "system": "Windows", "device": "Desktop"}),
        ("click_events", {"user_agent": None}, {"browser": None, "system": None, "device": None}),
        ("usage_sessions", {"session_start": "2024-01-15T10:00:00+01:00"}, {"session_start": NINE}),
        ("usage_sessions", {"features_used": None}, {"features_used": None}),
        ("team_activity", {"total_session_time_hours": 0.1}, {"total_session_time_hours": Decimal("0.1")}),
    ],
)
def test_the_typed_row_holds_what_a_member_is_read_as(
    dataset: str, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    row = judged(dataset, record(dataset, **changes)).row(0, named=True)

    assert expected == {name: row[name] for name in expected}


@pytest.mark.parametrize(
    ("dataset", "toml", "expected"),
    [
        ("revenue", '[company]\nreporting_currency = "EUR"', []),
        ("revenue", "[company]\naccount_id_pattern = '^C\\d+$'", ["REV-Q92"]),
        ("revenue", '[vocabulary]\ntiers = ["Starter"]', ["REV-W02"]),
        ("expenses", '[expense_classes]\nPostage = "G&A"', ["EXP-W93"]),
        ("salaries", '[teams]\n"Data" = { cost_class = "R&D" }', ["SAL-W93"]),
        ("account_status_changes", '[status_graph]\nTrial = ["Expired"]', ["STA-W01"]),
        ("click_events", "[limits]\nlate_hours = 22", ["CLK-W01"]),
        ("click_events", "[limits]\nmax_event_age_days = 0", ["CLK-Q02"]),
        ("click_events", '[vocabulary]\nevent_types = ["login"]', ["CLK-W02"]),
        ("click_events", '[features]\naliases = {}\ncore = ["Dashboard"]', ["CLK-W02"]),
        ("click_events", '[features]\naliases = {}\ncore = ["Advanced Analytics"]', []),
        ("usage_sessions", '[vocabulary]\ndevice_types = ["API"]', ["USE-W93"]),
        ("team_activity", "[company]\naccount_id_pattern = '^C\\d+$'", ["TEA-Q92"]),
    ],
)
def test_the_company_s_own_choices_decide(dataset: str, toml: str, expected: list[str]) -> None:
    company = parse_company(toml, source="company.toml")
    own = {"currency": company.company.reporting_currency}

    row = judge(received(dataset, record(dataset, **own)), BY_NAME[dataset], company).row(0, named=True)

    assert expected == row["_codes"]


@pytest.mark.parametrize(
    ("duration", "expected"),
    [("1 month", 1), ("2 years", 24), (" 18Months ", 18), ("Month-to-Month", 1), ("P2Y", 24), ("p1y6m", 18)],
)
def test_a_term_is_read_in_months_u23(duration: str, expected: int) -> None:
    assert expected == term_months(duration)
