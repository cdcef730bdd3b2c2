"""Rules of MRR, movements and profit, each as the smallest company that shows it.

Source: `metrics.md` §3, §4, §5; ids beside the cases.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from compute.months import Month
from tests.company import Books, bill, change, cost, renewal, seats, team

MONTHS = Month(2024, 1).until(Month(2024, 3))
OPEN = change("ACC_1", "2024-01-01", None, "Active")
OTHER = bill("ACC_9", "2024-01-15", 500.0)  # makes 2024-01 the first observed month
JANUARY = bill("ACC_1", "2024-01-15", 100.0)


def books(months: tuple[Month, ...] = MONTHS, as_of: date | None = None, **lines: Any) -> Books:
    return Books(lines, months, as_of=as_of)


def mrr(company: Books, month: str) -> tuple[str | None, str]:
    row = company.account("ACC_1", month)
    return (None if row["mrr"] is None else str(row["mrr"])), row["mrr_quality"]


# what: (bills, changes, licences, renewals, MRR of 2024-02)
MRR_CASES = {
    "the bill": ([JANUARY, bill("ACC_1", "2024-02-15", 110.0)], [OPEN], [], [], ("110.00", "billed")),
    "bill missing, licence change": (
        [JANUARY], [OPEN], [seats("ACC_1", "2024-02-05", 10, 12, 20.0)], [], ("120.00", "carried_forward")),
    "a partial refund is as if missing (U-46)": (
        [JANUARY, bill("ACC_1", "2024-02-15", 90.0, payment_status="Partially Refunded")], [OPEN], [], [],
        ("100.00", "carried_forward")),
    "latest bill void, an earlier one there (U-42)": (
        [JANUARY, bill("ACC_1", "2024-02-10", 105.0), bill("ACC_1", "2024-02-20", 999.0, payment_status="Void")],
        [OPEN], [], [], ("105.00", "billed")),
    "only bill void": (
        [JANUARY, bill("ACC_1", "2024-02-20", 999.0, payment_status="Void")], [OPEN], [], [],
        ("100.00", "carried_forward")),
    "two bills: the one dated last": (
        [bill("ACC_1", "2024-02-20", 120.0), bill("ACC_1", "2024-02-10", 999.0)], [OPEN], [], [], ("120.00", "billed")),
    "carried below 0 stays 0": (
        [JANUARY], [OPEN], [seats("ACC_1", "2024-02-05", 10, 2, -300.0)], [], ("0.00", "carried_forward")),
    "contract value of a conversion (U-44)": (
        [], [change("ACC_1", "2024-01-05", None, "Trial"),
             change("ACC_1", "2024-02-20", "Trial", "Active", contract_value=15000.0)], [], [],
        ("1250.00", "estimated")),
    "a renewal of the same day beats the contract": (
        [], [change("ACC_1", "2024-01-05", None, "Trial"),
             change("ACC_1", "2024-02-20", "Trial", "Active", contract_value=15000.0)], [],
        [renewal("ACC_1", "2024-02-20", 0.0, 2400.0)], ("200.00", "estimated")),
    "paying, nothing known": ([], [OPEN], [], [], (None, "unavailable")),
    "first event later, bill now (U-30)": (
        [bill("ACC_1", "2024-02-15", 70.0)], [change("ACC_1", "2024-03-05", None, "Active")], [], [],
        ("70.00", "billed")),
    "open gap after nothing (U-48)": (
        [], [change("ACC_1", "2024-02-05", None, "Lead"), change("ACC_1", "2024-03-20", "Expired", "Cancelled")],
        [], [], ("0.00", "imputed")),
    "suspended at month end": (
        [JANUARY, bill("ACC_1", "2024-02-15", 100.0)], [OPEN, change("ACC_1", "2024-02-20", "Active", "Suspended")],
        [], [], ("0.00", "by_status")),
    "a trial with a bill": (
        [bill("ACC_1", "2024-02-15", 100.0)], [change("ACC_1", "2024-02-01", None, "Trial")], [], [],
        ("0.00", "by_status")),
    "no event and no bill": ([], [], [seats("ACC_1", "2024-02-05", 10, 12, 20.0)], [], (None, "unavailable")),
}  # fmt: skip


@pytest.mark.parametrize("case", MRR_CASES)
def test_mrr_and_its_quality(case: str) -> None:
    bills, changes, licences, renewals, expected = MRR_CASES[case]

    company = books(
        revenue=[OTHER, *bills], account_status_changes=changes, license_changes=licences,
        subscription_renewals=renewals,
    )  # fmt: skip

    assert expected == mrr(company, "2024-02")


# payment status: counts as MRR, M-20, M-21, at risk
PAYMENTS = {
    "Paid": (True, True, True, False),
    "Pending": (True, True, False, False),
    "Overdue": (True, True, False, True),
    "Past Due": (True, True, False, True),
    "Failed": (True, True, False, True),
    "Unpaid": (True, True, False, True),
    "Disputed": (True, True, False, True),
    "Refunded": (True, False, False, False),
    "Written Off": (True, False, False, False),
}


@pytest.mark.parametrize("status", PAYMENTS)
def test_payment_status(status: str) -> None:
    company = books(revenue=[bill("ACC_1", "2024-01-15", 100.0, payment_status=status)], account_status_changes=[OPEN])

    figures = company.figures("2024-01")
    names = ("M-01", "M-20", "M-21", "M-01.at_risk")
    assert PAYMENTS[status] == tuple(figures[name, "company"] == 100 for name in names)


# what: (bills of ACC_1 by month, changes, class in 2024-03)
MOVEMENTS = {
    "new": ({"2024-03": 50.0}, [change("ACC_1", "2024-03-01", None, "Active")], "new"),
    "won back": (
        {"2024-01": 50.0, "2024-03": 50.0},
        [OPEN, change("ACC_1", "2024-02-02", "Active", "Cancelled"), change("ACC_1", "2024-03-02", "Cancelled", "Active")],
        "reactivation"),
    "paid before the bills begin (U-51)": (
        {"2024-03": 50.0},
        [change("ACC_1", "2023-05-01", None, "Active"), change("ACC_1", "2023-07-01", "Active", "Cancelled"),
         change("ACC_1", "2024-03-02", "Cancelled", "Active")], "reactivation"),
    "active for some days only, before": (
        {"2024-03": 50.0},
        [change("ACC_1", "2023-05-02", None, "Active"), change("ACC_1", "2023-05-20", "Active", "Cancelled"),
         change("ACC_1", "2024-03-02", "Cancelled", "Active")], "new"),
    "a resume is no new": (
        {"2024-01": 50.0, "2024-03": 50.0},
        [OPEN, change("ACC_1", "2024-02-02", "Active", "Suspended"), change("ACC_1", "2024-03-02", "Suspended", "Active")],
        "reactivation"),
    "a missing bill is no churn (AT-13)": ({"2024-01": 50.0, "2024-02": 50.0}, [OPEN], "none"),
    "cancelled": (
        {"2024-01": 50.0, "2024-02": 50.0}, [OPEN, change("ACC_1", "2024-03-09", "Active", "Cancelled")], "churn"),
    "up": ({"2024-02": 50.0, "2024-03": 60.0}, [OPEN], "expansion"),
    "down": ({"2024-02": 50.0, "2024-03": 40.0}, [OPEN], "contraction"),
}  # fmt: skip


@pytest.mark.parametrize("case", MOVEMENTS)
def test_class_of_a_movement(case: str) -> None:
    totals, changes, expected = MOVEMENTS[case]
    bills = [bill("ACC_1", f"{month}-15", total) for month, total in totals.items()]

    company = books(revenue=[OTHER, *bills], account_status_changes=changes)

    assert expected == company.account("ACC_1", "2024-03")["movement"]


def test_a_change_effective_next_month_is_committed_and_not_yet_mrr() -> None:
    upgrade = seats("ACC_1", "2024-01-25", 10, 20, 30.0, effective_date="2024-02-01")

    company = books(revenue=[JANUARY], account_status_changes=[OPEN], license_changes=[upgrade])

    figures = company.figures("2024-01")
    assert (Decimal(100), Decimal(130)) == (figures["M-01", "company"], figures["M-04", "company"])


@pytest.mark.parametrize(("on", "committed"), [("2024-03-02", "2083.33"), ("2024-03-03", "1666.67")])
def test_a_renewal_is_committed_from_31_days_before_and_rounded_by_side(on: str, committed: str) -> None:
    # 25000 / 12 = 2083.33 and 20000 / 12 = 1666.67, so 416.66 and not 416.67; 31 days before 03-02 is 01-31.
    renewed = renewal("ACC_1", on, 20000.0, 25000.0)

    company = books(
        revenue=[bill("ACC_1", "2024-01-15", 1666.67)], account_status_changes=[OPEN], subscription_renewals=[renewed]
    )

    assert Decimal(committed) == company.figures("2024-01")["M-04", "company"]


@pytest.mark.parametrize(
    ("as_of", "converted_on", "expected"),
    [
        (None, "2024-02-09", "insufficient_history"),
        (date(2024, 2, 29), "2024-02-09", "insufficient_history"),
        (date(2024, 3, 1), "2024-02-09", Decimal(1)),  # 01-10 + 30 days, inclusive; mature on 01-31 + 30 days
        (date(2024, 3, 1), "2024-02-10", Decimal(0)),
    ],
)
def test_a_trial_cohort_is_published_when_mature(as_of: date | None, converted_on: str, expected: object) -> None:
    changes = [change("ACC_1", "2024-01-10", None, "Trial"),
               change("ACC_1", converted_on, "Trial", "Active", contract_value=1200.0)]  # fmt: skip

    company = books(revenue=[OTHER], account_status_changes=changes, as_of=as_of)

    assert expected == company.figures("2024-01")["M-16", "company"]


def test_licences_in_force() -> None:
    upgrade = seats("ACC_1", "2024-02-15", 10, 99, 1.0)  # of the bill's day: the bill wins
    later = seats("ACC_1", "2024-03-20", 12, 15, 1.0)
    cancelled = change("ACC_2", "2024-02-10", "Active", "Cancelled")

    company = books(
        revenue=[JANUARY, bill("ACC_1", "2024-02-15", 100.0, user_licenses=12), bill("ACC_2", "2024-01-15", 50.0)],
        account_status_changes=[OPEN, change("ACC_2", "2024-01-01", None, "Active"), cancelled],
        license_changes=[upgrade, later],
    )

    months = ("2024-01", "2024-02", "2024-03")
    assert [10, 12, 15] == [company.account("ACC_1", month)["licences"] for month in months]
    assert [10, 0, 0] == [company.account("ACC_2", month)["licences"] for month in months]


def test_a_team_that_is_missing_makes_costs_unknown() -> None:
    company = books(
        revenue=[JANUARY], account_status_changes=[OPEN], expenses=[cost("ACC_1", "2024-02-29", 1.0)],
        salaries=[team("ENG_1", "Data Engineering", "2024-01", 30.0, 3), team("SUP_1", "Support", "2024-01", 10.0, 1),
                  team("ENG_1", "Data Engineering", "2024-02", 30.0, 3)],
    )  # fmt: skip

    figures = company.figures("2024-02")
    assert "missing_input" == figures["M-29", "company"] == figures["M-31", "company"]
    assert Decimal(30) == figures["M-24", "company"]  # what is there is still shared out


def test_the_smallest_company_still_has_all_its_figures() -> None:
    """AT-84: one account of 100.00 with 5 licences, cost 40.00, one engineer at 30.00."""
    company = books(
        Month(2024, 1).until(Month(2024, 2)),
        revenue=[bill("ACC_1", f"2024-0{month}-15", 100.0, user_licenses=5) for month in (1, 2)],
        account_status_changes=[OPEN],
        expenses=[cost("ACC_1", "2024-01-31", 40.0), cost("ACC_1", "2024-02-29", 40.0)],
        salaries=[team("ENG_1", "Data Engineering", f"2024-0{month}", 30.0, 1) for month in (1, 2)],
    )

    first, second = company.figures("2024-01"), company.figures("2024-02")
    both = {"M-01": 100, "M-05": 1, "M-49.top1": 1, "M-49.hhi": 1, "M-23": 60, "M-25": 30, "M-26": 12, "M-31": 1200,
            "M-27": Decimal("0.6"), "M-30": Decimal("0.3"), "M-10": "insufficient_history",
            "M-34": "insufficient_history", "M-17": "zero_denominator", "M-18": "zero_denominator"}  # fmt: skip
    for name, value in both.items():
        assert value == first[name, "company"] == second[name, "company"], name
    assert "suppressed_small_cell" == first["M-31.cost_per_engineer", "ENG_1"]
    for name in ("M-02.opening", "M-02.new", "M-05.opening", "M-08", "M-09", "M-12", "M-15", "M-50", "M-52.net_new"):
        assert "insufficient_history" == first[name, "company"], name
    later = {"M-02.opening": 100, "M-02.new": 0, "M-08": 1, "M-09": 1, "M-12": 0, "M-13": 0, "M-14": 0,
             "M-15": "no_losses", "M-50": "zero_denominator", "M-33.proxy": "zero_denominator"}  # fmt: skip
    assert later == {name: second[name, "company"] for name in later}
    assert [0, 5, 5] == [first[f"M-51.{name}", "company"] for name in ("opening", "new", "closing")]
    assert [5, 0, 5] == [second[f"M-51.{name}", "company"] for name in ("opening", "new", "closing")]


def test_the_six_seed_records_of_the_file_feeds() -> None:
    """§11.5: each growth record concerns another account without a bill."""
    company = books(
        revenue=[bill("ACC_001", "2024-01-15", 25000.0, feature_revenue=5000.0, total_monthly_revenue=30000.0,
                      additional_features=["API Access"], user_licenses=150)],
        expenses=[cost("ACC_001", "2024-01-31", 8000.0)],
        salaries=[team("ENG_001", "Data Engineering", "2024-01", 45000.0, 4)],
        account_status_changes=[change("ACC_002", "2024-01-20", "Trial", "Active", contract_value=15000.0)],
        license_changes=[seats("ACC_003", "2024-01-25", 50, 75, 5000.0, effective_date="2024-02-01")],
        subscription_renewals=[renewal("ACC_004", "2024-02-01", 20000.0, 25000.0, "Expansion")],
    )  # fmt: skip

    figures = company.figures("2024-01")
    assert ("missing_input", Decimal(31250)) == (figures["M-01", "company"], figures["M-01.known", "company"])
    assert (Decimal(1250), "missing_input") == (figures["M-01", "ACC_002"], figures["M-20", "ACC_002"])
    assert "missing_input" == figures["M-01", "ACC_003"]
    assert ("M-01", "ACC_004") not in figures
    assert (2, 1) == (figures["M-52", "company|Active"], figures["M-52", "company|Unknown"])
    assert Decimal(-23000) == figures["M-25", "ACC_001"]


def test_each_figure_is_a_value_or_a_reason_never_both_never_neither() -> None:
    table = books(revenue=[JANUARY], account_status_changes=[OPEN]).figure_table("2024-02")

    assert all((value is None) == bool(reason) for value, reason in table.select("value", "null_reason").rows())
    assert not table.select("metric_id", "grain", "grain_key").is_duplicated().any()
