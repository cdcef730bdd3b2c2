"""Every code of the six file feeds, and each boundary that must pass (AT-01, AT-02, AT-08).

A row is the good record of the seed with one thing changed. Source: `data.md` A.0 to A.6.
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from compute.company import Company
from compute.contracts.feeds import BY_NAME, FEEDS
from compute.contracts.schema import pandera_schema
from compute.judging import judge
from tests.company import received

ARRIVAL = datetime(2024, 3, 1, 12, tzinfo=UTC)
SEED: dict[str, dict[str, Any]] = {
    "revenue": {
        "account_id": "ACC_001", "subscription_tier": "Enterprise", "monthly_revenue": 25000.00, "user_licenses": 150,
        "additional_features": ["Advanced Analytics", "API Access", "Priority Support"], "feature_revenue": 5000.00,
        "total_monthly_revenue": 30000.00, "billing_date": "2024-01-15", "payment_status": "Paid"},
    "expenses": {
        "account_id": "ACC_001", "expense_category": "Infrastructure", "monthly_cost": 8000.00,
        "cost_breakdown": {"cloud_services": 5000.00, "database_hosting": 2000.00, "monitoring_tools": 1000.00},
        "expense_date": "2024-01-31"},
    "salaries": {
        "team_id": "ENG_001", "team_name": "Data Engineering", "monthly_salary_total": 45000.00, "headcount": 4,
        "cost_per_engineer": 11250.00, "salary_month": "2024-01"},
    "account_status_changes": {
        "account_id": "ACC_002", "previous_status": "Trial", "new_status": "Active", "change_date": "2024-01-20",
        "change_reason": "Trial Conversion", "sales_rep": "Someone", "contract_value": 15000.00},
    "license_changes": {
        "account_id": "ACC_003", "previous_licenses": 50, "new_licenses": 75, "change_date": "2024-01-25",
        "change_type": "Upgrade", "additional_revenue": 5000.00, "effective_date": "2024-02-01"},
    "subscription_renewals": {
        "account_id": "ACC_004", "renewal_date": "2024-02-01", "previous_contract_value": 20000.00,
        "new_contract_value": 25000.00, "renewal_type": "Expansion", "contract_duration": "12 months"},
}  # fmt: skip
R, E, S, A, L, N = SEED
SALE = {"previous_status": None, "new_status": "Active", "change_reason": None}

# dataset, what changes, the codes of the row
CASES: list[tuple[str, dict[str, Any], str]] = [
    (R, {"account_id": None}, "R01"), (R, {"billing_date": ""}, "R01"), (R, {"account_id": "ACC-1"}, "Q92"),
    (R, {"account_id": 1}, "Q92"), (R, {"billing_date": "2024-02-30"}, "Q92"), (R, {"payment_status": None}, "Q91"),
    (R, {"currency": "EUR"}, "Q90"), (R, {"currency": "USD"}, ""), (R, {"currency_code": "CHF"}, "Q90"),
    (R, {"monthly_revenue": "12,50"}, "Q92"), (R, {"monthly_revenue": True}, "Q92"), (R, {"unheard": 1}, ""),
    (R, {"user_licenses": 150.5}, "Q92"), (R, {"user_licenses": 150.0}, ""), (R, {"additional_features": [1]}, "Q92"),
    (R, {"total_monthly_revenue": 30000.01}, ""), (R, {"total_monthly_revenue": 30000.02}, "Q01"),
    (R, {"total_monthly_revenue": 30000.004}, "W92"),
    (R, {"monthly_revenue": -1.0, "total_monthly_revenue": 4999.0}, "Q02"),
    (R, {"billing_date": "2024-03-02"}, ""), (R, {"billing_date": "2024-03-03"}, "Q03"),
    (R, {"billing_date": "2015-01-01"}, ""), (R, {"billing_date": "2014-12-31"}, "Q03"),
    (R, {"payment_status": "paid"}, "Q04"), (R, {"payment_status": "Past Due"}, ""),
    (R, {"payment_status": "Partially Refunded"}, "Q05"), (R, {"user_licenses": -1}, "Q06"),
    (R, {"user_licenses": 0}, "Q06"), (R, {"additional_features": []}, "W01"), (R, {"additional_features": None}, "W01"),
    (R, {"subscription_tier": "Gold"}, "W02"),
    (E, {"account_id": None}, ""), (E, {"account_id": "SHARED"}, ""), (E, {"account_id": ""}, "Q92"),
    (E, {"expense_category": ""}, "R01"), (E, {"monthly_cost": 8000.01}, ""), (E, {"monthly_cost": 8000.02}, "Q01"),
    (E, {"monthly_cost": -1.0, "cost_breakdown": None}, "Q02 W03"), (E, {"cost_breakdown": {"a": 9000.0, "b": -1000.0}}, "Q02"),
    (E, {"cost_breakdown": {"a": None}}, "Q92"), (E, {"cost_breakdown": {}}, "W03"), (E, {"expense_date": "2024-03-31"}, ""),
    (E, {"expense_date": "2024-04-30"}, "Q03"), (E, {"expense_date": "2024-01-30"}, "W01"),
    (E, {"expense_category": "Parties"}, "W93"), (E, {"cost_breakdown": {"a": 8000.001}}, "W92"),
    (S, {"team_id": None}, "R01"), (S, {"salary_month": "2024-13"}, "Q92"), (S, {"cost_per_engineer": 11250.01}, ""),
    (S, {"cost_per_engineer": 11250.02}, "Q01"), (S, {"headcount": 0}, "Q02"), (S, {"headcount": 4.0}, ""),
    (S, {"headcount": 0, "monthly_salary_total": 0, "cost_per_engineer": 0}, ""),
    (S, {"headcount": 4.5, "cost_per_engineer": 10000.0}, "Q03"), (S, {"headcount": 4.5}, "Q01 Q03"),
    (S, {"headcount": -4, "monthly_salary_total": 1.0}, "Q95"), (S, {"team_name": "Kitchen"}, "W93"),
    (A, {"new_status": None}, "R01"), (A, {"new_status": "Paused"}, "Q01 W01 W04"),
    (A, {"previous_status": "", "change_reason": None}, "Q01 W01"),
    (A, {"previous_status": "Active", "change_reason": None}, "Q02 W01"), (A, {"change_date": "2024-03-02"}, ""),
    (A, {"change_date": "2024-03-03"}, "Q03"), (A, {"contract_value": -1.0}, "Q95"), (A, SALE, ""),
    (A, {"previous_status": "Lead", "new_status": "Past Due", "change_reason": None}, "W01"),
    (A, {**SALE, "change_reason": "Trial Conversion"}, "W04"), (A, {"change_reason": "Admin"}, "W04"),
    (A, {"contract_value": None}, "W05"), (A, {**SALE, "change_reason": "Whim"}, "W93"),
    (A, {"previous_status": "Active", "new_status": "Expired", "change_reason": None}, ""),
    (L, {"change_type": None}, "Q91"), (L, {"change_type": "Swap", "new_licenses": -5}, "Q94"),
    (L, {"new_licenses": 50}, "Q01"), (L, {"additional_revenue": -1.0}, "Q02"), (L, {"additional_revenue": 0}, ""),
    (L, {"previous_licenses": -1}, "Q03"), (L, {"effective_date": "2024-01-25"}, ""),
    (L, {"effective_date": "2024-01-24"}, "W01"), (L, {"new_licenses": 500}, ""), (L, {"new_licenses": 501}, "W03"),
    (L, {"change_type": "Removal", "new_licenses": 40, "additional_revenue": -1.0}, ""),
    (L, {"change_type": "Removal", "new_licenses": 40, "additional_revenue": 1.0}, "Q02"),
    (N, {"contract_duration": "PT12M"}, "Q01"), (N, {"contract_duration": "0 months"}, "Q01"),
    (N, {"contract_duration": "10 YEARS "}, ""), (N, {"contract_duration": "121 months"}, "Q01"),
    (N, {"contract_duration": "P1Y6M"}, ""), (N, {"new_contract_value": 20000.0}, "Q02"),
    (N, {"renewal_type": "Flat"}, "Q02"), (N, {"renewal_type": "Contraction", "new_contract_value": 0}, "Q02"),
    (N, {"renewal_type": "Non-Renewal", "new_contract_value": 0}, ""), (N, {"renewal_type": "Whim"}, "Q94"),
    (N, {"renewal_type": "Early Renewal", "previous_contract_value": -1.0}, "Q95"),
]  # fmt: skip


def judged(dataset: str, record: dict[str, Any]) -> dict[str, Any]:
    rows = judge(received([record], ARRIVAL), BY_NAME[dataset], Company())
    return rows.row(0, named=True)


@pytest.mark.parametrize(("dataset", "changes", "codes"), CASES)
def test_a_changed_record_gets_its_codes(dataset: str, changes: dict[str, Any], codes: str) -> None:
    contract = BY_NAME[dataset]

    row = judged(dataset, SEED[dataset] | changes)

    assert [contract.code(suffix) for suffix in codes.split()] == sorted(row["_codes"])
    worst = "rejected" if "R" in codes else "quarantined" if "Q" in codes else "accepted"
    assert worst == row["_verdict"]


@pytest.mark.parametrize("dataset", SEED)
def test_the_seed_passes_untouched(dataset: str) -> None:
    record = SEED[dataset]

    row = judged(dataset, record)

    assert ([], "accepted") == (row["_codes"], row["_verdict"])
    for field in BY_NAME[dataset].fields:
        if not field.is_personal:
            typed, given = row[field.name], record[field.name]
            if field.kind == "map":
                typed = {pair["key"]: pair["value"] for pair in typed}
                given = {name: Decimal(str(value)) for name, value in given.items()}
            assert (str(typed) if field.kind == "date" else typed) == given


def test_every_rule_has_a_case() -> None:
    """A rule that no case shows is a rule that could be broken unseen."""
    shown = {BY_NAME[dataset].code(suffix) for dataset, _, codes in CASES for suffix in codes.split()}

    declared = {rule.code for contract in FEEDS for rule in contract.rules(Company())}
    assert not declared - shown


@pytest.mark.parametrize(("dataset", "changes", "codes"), [case for case in CASES if "Q" in case[2]])
def test_contract_and_validator_agree(dataset: str, changes: dict[str, Any], codes: str) -> None:
    """AT-08: what an own rule quarantines, the pandera schema refuses."""
    contract = BY_NAME[dataset]
    own = {rule.code for rule in contract.rules(Company())}
    quarantining = {contract.code(suffix) for suffix in codes.split() if suffix.startswith("Q")}
    rows = judge(received([SEED[dataset] | changes], ARRIVAL), contract, Company())

    checks = {check.name: check for check in pandera_schema(contract, Company()).checks}
    for code in quarantining & own:
        rule = next(rule for rule in contract.rules(Company()) if rule.code == code)
        assert code in checks
        assert rows.select(rule.when.fill_null(value=False)).item() is True


@pytest.mark.parametrize(
    "line",
    [b"\xff", b"[]", b'{"a": NaN}', b'{"a": 1, "a": 2}', b'{"b": {"a": 1, "a": 1}}', b'{"a": Infinity}', b'{"a"',
     b'{"account_id": "\\ud800"}', b"12", b'"text"'],
)  # fmt: skip
def test_what_is_no_record_is_rejected(line: bytes) -> None:
    row = judge(received([line]), BY_NAME["revenue"], Company()).row(0, named=True)

    assert (["REV-R00"], "rejected", "undated") == (row["_codes"], row["_verdict"], row["month"])
    assert row["_detail"]


def test_large_and_small_numbers_are_exact() -> None:
    line = json.dumps(SEED["revenue"]).replace("30000.0", "1234567890123456.78").encode()
    over = json.dumps(SEED["revenue"]).replace("30000.0", "9999999999999999.999").encode()

    rows = judge(received([line, over]), BY_NAME["revenue"], Company())

    assert [Decimal("1234567890123456.78"), None] == rows.get_column("total_monthly_revenue").to_list()
    assert rows.get_column("_codes").list.contains("REV-Q92").to_list() == [False, True]
    assert pl.Decimal(18, 2) == rows.schema["total_monthly_revenue"]
