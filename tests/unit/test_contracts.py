"""The six file feeds' contracts: the user's records pass whole (AT-01), each invariant has its code (AT-02), and
contract and validator agree (AT-08). The mutated records stand in `invariants`; how a member is read, in
`test_reading`.
"""

from datetime import date
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
from tests.unit.records import SEED, judged, received, record, seed

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
}
COMMON_CODES = ("R00", "R01", "Q90", "Q91", "Q92", "W92")
IS_MISSING = ("R01", "Q91")


def judged_case(case: Case) -> pl.DataFrame:
    return judged(case.dataset, record(case.dataset, **case.changes), arrival=case.arrival)


def own_quarantines(dataset: str) -> set[str]:
    return {rule.code for rule in BY_NAME[dataset].rules(Company()) if disposition_letter(rule.code) == "Q"}


def test_every_feed_has_its_record() -> None:
    assert list(SEED) == [contract.dataset for contract in FEEDS]


@pytest.mark.parametrize("dataset", SEED)
def test_the_users_record_is_accepted_without_a_code_at01(dataset: str) -> None:
    row = judged(dataset, seed(dataset)).row(0, named=True)

    assert (row["_verdict"], row["_codes"], row["_detail"]) == ("accepted", [], None)


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
    expected = {rule.code for rule in contract.rules(Company())} | {contract.code(each) for each in COMMON_CODES}

    actual = {code for case in CASES if case.dataset == dataset for code in case.codes} | {contract.code("R00")}

    # No member of a status change must be there: each is of the key, or may be missing.
    assert expected - {"STA-Q91"} == actual


@pytest.mark.parametrize("case", [each for each in CASES if set(each.codes) & own_quarantines(each.dataset)], ids=str)
def test_what_an_own_rule_quarantines_the_validator_refuses_for_the_same_reasons_at08(case: Case) -> None:
    expected = set(case.codes) & own_quarantines(case.dataset)

    with pytest.raises(ContractViolation) as refused:
        require(BY_NAME[case.dataset], Company(), judged_case(case))

    assert expected <= {failure.partition(":")[0] for failure in refused.value.failures}


@pytest.mark.parametrize(
    "case", [each for each in CASES if any(code.endswith(IS_MISSING) for code in each.codes)], ids=str
)
def test_what_misses_a_member_the_validator_refuses_at08(case: Case) -> None:
    with pytest.raises(ContractViolation, match="not_nullable"):
        require(BY_NAME[case.dataset], Company(), judged_case(case))


@pytest.mark.parametrize("case", [each for each in CASES if each.verdict == "accepted"], ids=str)
def test_what_is_accepted_satisfies_the_validator_at08(case: Case) -> None:
    rows = judged_case(case)

    assert rows.equals(require(BY_NAME[case.dataset], Company(), rows))


@pytest.mark.parametrize("dataset", SEED)
def test_the_validator_refuses_a_key_that_names_two_rows(dataset: str) -> None:
    with pytest.raises(ContractViolation, match=f"{dataset} breaks its contract"):
        require(BY_NAME[dataset], Company(), judged(dataset, seed(dataset), seed(dataset)))


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
    ],
)
def test_what_stands_for_a_missing_or_other_word_is_in_the_typed_row(
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
    ],
)
def test_the_company_s_own_choices_decide(dataset: str, toml: str, expected: list[str]) -> None:
    company = parse_company(toml, source="company.toml")
    own = {"currency": company.company.reporting_currency}

    row = judge(received(record(dataset, **own)), BY_NAME[dataset], company).row(0, named=True)

    assert expected == row["_codes"]


@pytest.mark.parametrize(
    ("duration", "expected"),
    [("1 month", 1), ("2 years", 24), (" 18Months ", 18), ("Month-to-Month", 1), ("P2Y", 24), ("p1y6m", 18)],
)
def test_a_term_is_read_in_months_u23(duration: str, expected: int) -> None:
    assert expected == term_months(duration)
