"""MRR, movements, licences and statuses over several months of one account; ids beside the cases.

What one month shows is in `test_rules_by_hand.py`. Source: `metrics.md` §2 to §5.
"""

from decimal import Decimal
from typing import Any

import pytest

from compute.months import Month
from tests.company import Books, bill, change, renewal, seats

MONTHS = Month(2024, 1).until(Month(2024, 4))
OPEN = change("ACC_1", "2024-01-01", None, "Active")
JANUARY = bill("ACC_1", "2024-01-15", 100.0)
OTHER = bill("ACC_9", "2024-01-15", 500.0)  # makes 2024-01 the first observed month
CANCELLED = change("ACC_1", "2024-02-10", "Active", "Cancelled")


def books(**lines: Any) -> Books:
    return Books({**lines, "revenue": [OTHER, *lines.get("revenue", [])]}, MONTHS)


def mrr(company: Books) -> list[str]:
    """Return value and quality of every month in which ACC_1 exists."""
    own = company.rows.filter(company.rows["account_id"] == "ACC_1").sort("month")
    return [
        f"{'none' if value is None else value} {quality}" for value, quality in own.select("mrr", "mrr_quality").rows()
    ]


# what: (lines, MRR and quality from the first month on)
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a bill is carried without limit (U-45, AT-13)": (
        {"revenue": [JANUARY], "account_status_changes": [OPEN]},
        ["100.00 billed", "100.00 carried_forward", "100.00 carried_forward", "100.00 carried_forward"]),
    "an estimate that is carried stays an estimate": (
        {"account_status_changes": [change("ACC_1", "2024-01-20", "Trial", "Active", contract_value=15000.0)]},
        ["1250.00 estimated"] * 4),
    "a bill after an estimate makes it billed": (
        {"revenue": [bill("ACC_1", "2024-03-15", 1200.0)],
         "account_status_changes": [change("ACC_1", "2024-01-20", "Trial", "Active", contract_value=15000.0)]},
        ["1250.00 estimated", "1250.00 estimated", "1200.00 billed", "1200.00 carried_forward"]),
    "only changes effective in the month are added, all of them": (
        {"revenue": [JANUARY], "account_status_changes": [OPEN],
         "license_changes": [seats("ACC_1", "2024-01-20", 10, 12, 20.0, effective_date="2024-02-01"),
                             seats("ACC_1", "2024-02-20", 12, 11, -5.0),
                             seats("ACC_1", "2024-02-25", 11, 20, 90.0, effective_date="2024-04-01")]},
        ["100.00 billed", "115.00 carried_forward", "115.00 carried_forward", "205.00 carried_forward"]),
    "a carry that falls to nothing is not carried, and a paying account without contract is unknown": (
        {"revenue": [JANUARY], "account_status_changes": [OPEN],
         "license_changes": [seats("ACC_1", "2024-02-05", 10, 2, -300.0)]},
        ["100.00 billed", "0.00 carried_forward", "none unavailable", "none unavailable"]),
    "a bill of nothing is not carried": (
        {"revenue": [bill("ACC_1", "2024-01-15", 0.0)], "account_status_changes": [OPEN]},
        ["0.00 billed", "none unavailable", "none unavailable", "none unavailable"]),
    "not paying stops the carry and paying again does not bring it back": (
        {"revenue": [JANUARY], "account_status_changes": [
            OPEN, change("ACC_1", "2024-02-10", "Active", "Suspended"), change("ACC_1", "2024-03-10", "Suspended", "Active")]},
        ["100.00 billed", "0.00 by_status", "none unavailable", "none unavailable"]),
    "in an open gap what was there is carried (U-48)": (
        {"revenue": [JANUARY], "account_status_changes": [OPEN, change("ACC_1", "2024-04-10", "Trial", "Active")]},
        ["100.00 carried_forward" if month else "100.00 billed" for month in range(4)]),
    "an open gap before any bill is imputed until it closes": (
        {"account_status_changes": [
            change("ACC_1", "2024-01-05", None, "Trial"), change("ACC_1", "2024-01-09", "Trial", "Cancelled"),
            change("ACC_1", "2024-03-10", "Expired", "Trial")]},
        ["0.00 imputed", "0.00 imputed", "0.00 by_status", "0.00 by_status"]),
    "a bill counts in an open gap": (
        {"revenue": [bill("ACC_1", "2024-02-15", 70.0)], "account_status_changes": [
            change("ACC_1", "2024-01-05", None, "Lead"), change("ACC_1", "2024-03-10", "Expired", "Trial")]},
        ["0.00 imputed", "70.00 billed", "0.00 by_status", "0.00 by_status"]),
    "unknown before its first event is no open gap": (
        {"license_changes": [seats("ACC_1", "2024-01-05", 10, 12, 20.0)],
         "account_status_changes": [change("ACC_1", "2024-03-01", None, "Active")]},
        ["none unavailable"] * 4),
    "an account that is active by inference is carried too (U-47)": (
        {"revenue": [bill("ACC_1", "2024-02-15", 70.0)], "license_changes": [seats("ACC_1", "2024-01-05", 10, 12, 20.0)]},
        ["none unavailable", "70.00 billed", "70.00 carried_forward", "70.00 carried_forward"]),
    "not paying goes before every bill": (
        {"revenue": [JANUARY, bill("ACC_1", "2024-02-05", 100.0)], "account_status_changes": [OPEN, CANCELLED]},
        ["100.00 billed", "0.00 by_status", "0.00 by_status", "0.00 by_status"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_mrr_month_by_month(case: str) -> None:
    lines, expected = CASES[case]

    assert expected == mrr(books(**lines))


def test_a_contract_whose_term_has_run_out_is_still_used_until_the_next() -> None:
    company = books(
        account_status_changes=[OPEN],
        subscription_renewals=[renewal("ACC_1", "2022-01-01", 0.0, 1000.0),
                               renewal("ACC_1", "2023-06-01", 1000.0, 100.0, contract_duration="3 months")],
    )  # fmt: skip

    # 100.00 / 3 = 33.33; what is carried from then on stays an estimate.
    assert "33.33 estimated" == mrr(company)[-1]


@pytest.mark.parametrize(
    ("value", "cents"),
    [(0.18, "0.02"), (0.30, "0.02"), (0.06, "0.00")],  # 0.015 and 0.025 go to the even cent, as 0.005 does
)
def test_a_contract_value_is_rounded_half_to_even(value: float, cents: str) -> None:
    company = books(account_status_changes=[change("ACC_1", "2024-01-05", None, "Active", contract_value=value)])

    assert f"{cents} estimated" == mrr(company)[0]


def test_of_two_contracts_of_a_day_the_later_arrival_counts() -> None:
    days = [change("ACC_1", "2024-01-05", None, "Trial", contract_value=1200.0),
            change("ACC_1", "2024-01-05", "Trial", "Active", contract_value=2400.0)]  # fmt: skip

    assert "200.00 estimated" == mrr(books(account_status_changes=days))[0]
    assert "100.00 estimated" == mrr(books(account_status_changes=days[::-1]))[0]


@pytest.mark.parametrize("paid", ["Overdue", "Failed", "Unpaid", "Disputed", "Refunded", "Written Off"])
def test_the_status_goes_before_every_payment_status(paid: str) -> None:
    company = books(revenue=[bill("ACC_1", "2024-02-05", 100.0, payment_status=paid)],
                    account_status_changes=[OPEN, CANCELLED])  # fmt: skip

    figures = company.figures("2024-02")

    revenue = 0 if paid in ("Refunded", "Written Off") else 100
    assert (0, revenue, 0) == tuple(figures[name, "ACC_1"] for name in ("M-01", "M-20", "M-21"))
    assert 0 == figures["M-01.at_risk", "company"]


def test_a_missing_bill_has_no_revenue_though_it_has_mrr() -> None:
    company = books(revenue=[JANUARY, bill("ACC_9", "2024-02-15", 500.0)], account_status_changes=[OPEN])

    figures = company.figures("2024-02")

    assert (Decimal(100), "missing_input") == (figures["M-01", "ACC_1"], figures["M-20", "ACC_1"])
    assert (Decimal(600), "missing_input") == (figures["M-01", "company"], figures["M-20", "company"])


@pytest.mark.parametrize(
    ("status", "reason"), [("Suspended", "suspended"), ("Cancelled", "cancelled"), ("Expired", "expired")]
)
def test_a_churn_says_how_and_the_return_is_no_new_customer(status: str, reason: str) -> None:
    """AT-18, AT-19."""
    company = books(
        revenue=[JANUARY, bill("ACC_1", "2024-03-15", 80.0)],
        account_status_changes=[OPEN, change("ACC_1", "2024-02-10", "Active", status),
                                change("ACC_1", "2024-03-10", status, "Active")],
    )  # fmt: skip

    gone, back = company.account("ACC_1", "2024-02"), company.account("ACC_1", "2024-03")

    assert ("churn", Decimal("100.00"), reason) == (gone["movement"], gone["movement_amount"], gone["sub_reason"])
    assert ("reactivation", Decimal("80.00"), True) == (back["movement"], back["movement_amount"], back["is_explained"])
    assert company.cases.is_empty()


def test_a_customer_who_recovers_before_the_month_ends_has_not_moved() -> None:
    company = books(
        revenue=[JANUARY, bill("ACC_1", "2024-02-15", 100.0)],
        account_status_changes=[OPEN, change("ACC_1", "2024-02-10", "Active", "Past Due"),
                                change("ACC_1", "2024-02-20", "Past Due", "Active")],
    )  # fmt: skip

    assert "none" == company.account("ACC_1", "2024-02")["movement"]


def test_a_customer_won_and_lost_inside_a_month_has_not_moved() -> None:
    company = books(
        revenue=[bill("ACC_1", "2024-02-05", 100.0)],
        account_status_changes=[change("ACC_1", "2024-02-01", None, "Active"),
                                change("ACC_1", "2024-02-20", "Active", "Cancelled")],
    )  # fmt: skip

    row = company.account("ACC_1", "2024-02")
    assert ("none", Decimal("0.00"), Decimal("100.00")) == (row["movement"], row["movement_amount"], row["revenue"])


def test_inferred_activity_and_unknown_mrr_are_no_payment_before() -> None:
    # ACC_1 is Active by inference from January on, with nothing known of its MRR until March.
    company = books(revenue=[bill("ACC_1", "2024-03-15", 70.0)],
                    license_changes=[seats("ACC_1", "2024-01-05", 10, 12, 20.0)])  # fmt: skip

    assert ["unknown", "unknown", "unknown", "none"] == [
        company.account("ACC_1", str(month))["movement"] for month in MONTHS
    ]


# what: (lines, L of January to April)
LICENCES: dict[str, tuple[dict[str, Any], list[int | None]]] = {
    "of two changes of a day the later change date": (
        {"account_status_changes": [OPEN],
         "license_changes": [seats("ACC_1", "2024-01-20", 10, 30, 1.0, effective_date="2024-02-01"),
                             seats("ACC_1", "2024-01-10", 10, 20, 1.0, effective_date="2024-02-01")]},
        [None, 30, 30, 30]),
    "of two changes agreed and acting on the same days the later arrival": (
        {"account_status_changes": [OPEN],
         "license_changes": [seats("ACC_1", "2024-02-01", 10, 30, 1.0, change_type="True-up"),
                             seats("ACC_1", "2024-02-01", 10, 20, 1.0)]},
        [None, 20, 20, 20]),
    "a later change beats an earlier bill, a later bill an earlier change": (
        {"account_status_changes": [OPEN],
         "revenue": [bill("ACC_1", "2024-01-15", 9.0, user_licenses=10), bill("ACC_1", "2024-03-15", 9.0, user_licenses=11)],
         "license_changes": [seats("ACC_1", "2024-02-10", 10, 12, 0.0), seats("ACC_1", "2024-03-10", 12, 13, 0.0)]},
        [10, 12, 11, 11]),
    "the bill of the month that does not count brings no seats": (
        {"account_status_changes": [OPEN],
         "revenue": [bill("ACC_1", "2024-01-15", 9.0, user_licenses=10), bill("ACC_1", "2024-02-20", 9.0, user_licenses=99, payment_status="Void")]},
        [10, 10, 10, 10]),
    "not paying, no seats": (
        {"account_status_changes": [OPEN, CANCELLED], "revenue": [JANUARY, bill("ACC_1", "2024-03-15", 9.0)]},
        [10, 0, 0, 0]),
    "an open gap without revenue has no seats, with a bill it has": (
        {"account_status_changes": [change("ACC_1", "2024-01-05", None, "Lead"), change("ACC_1", "2024-04-10", "Expired", "Trial")],
         "revenue": [bill("ACC_1", "2024-02-15", 0.0, user_licenses=4)]},
        [0, 4, 0, 0]),
}  # fmt: skip


@pytest.mark.parametrize("case", LICENCES)
def test_licences_month_by_month(case: str) -> None:
    lines, expected = LICENCES[case]

    company = books(**lines)

    assert expected == [company.account("ACC_1", str(month))["licences"] for month in MONTHS]


@pytest.mark.parametrize(
    ("renews_on", "agreed", "acts", "committed"),
    [
        ("2024-03-02", "2024-01-31", "2024-02-01", "546.66"),  # 100.00 + 416.66 + 30.00: both count
        ("2024-03-03", "2024-01-31", "2024-02-01", "130.00"),  # 32 days before: not yet
        ("2024-01-31", "2024-01-31", "2024-02-01", "130.00"),  # on the last day it is no longer ahead
        ("2024-03-03", "2024-01-15", "2024-01-31", "100.00"),  # it acts on the last day: it is in the bill
        ("2024-03-03", "2024-02-01", "2024-02-15", "100.00"),  # agreed after the month's end
    ],
)
def test_what_is_committed_at_the_end_of_january(renews_on: str, agreed: str, acts: str, committed: str) -> None:
    # 25000.00 / 12 = 2083.33 and 20000.00 / 12 = 1666.67: 416.66, not 416.67.
    company = Books(
        {
            "revenue": [JANUARY],
            "account_status_changes": [OPEN],
            "license_changes": [seats("ACC_1", agreed, 10, 20, 30.0, effective_date=acts)],
            "subscription_renewals": [renewal("ACC_1", renews_on, 20000.0, 25000.0)],
        },
        MONTHS,
    )

    assert Decimal(committed) == company.figures("2024-01")["M-04", "company"]


def test_a_scheduled_loss_is_committed_and_that_of_an_account_without_mrr_is_not() -> None:
    company = Books(
        {
            "revenue": [JANUARY],
            "account_status_changes": [OPEN, change("ACC_2", "2024-01-01", None, "Trial")],
            "subscription_renewals": [renewal("ACC_1", "2024-02-01", 600.0, 0.0, "Non-Renewal"),
                                      renewal("ACC_2", "2024-02-01", 600.0, 1200.0)],
        },
        MONTHS,
    )  # fmt: skip

    # 100.00 + 0.00 - 50.00
    assert Decimal("50.00") == company.figures("2024-01")["M-04", "company"]


def test_a_bill_that_another_of_its_month_outdates_still_tells_that_the_account_is_active() -> None:
    """U-47: any bill above 0 that is not Void, not only the one that counts in its month (U-42)."""
    billed_twice = [bill("ACC_1", "2024-02-03", 70.0), bill("ACC_1", "2024-02-20", 0.0)]

    company = books(revenue=billed_twice)

    own = company.rows.filter(company.rows["account_id"] == "ACC_1").sort("month")
    assert [("Active", "inferred_from_billing")] * 3 == own.select("status", "status_source").rows()
    assert "0.00 billed" == mrr(company)[0]
