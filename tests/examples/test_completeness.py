"""Which rows of a month are there, held, or missing. Source: `operations.md` C.4, "Completeness" (AT-66)."""

from typing import Any

import polars as pl
import pytest

from compute.company import Company
from compute.completeness import CompletenessInput, completeness
from compute.contracts.feeds import FEEDS
from compute.current import settle
from compute.dispositions import count_dispositions
from compute.judging import judge
from compute.months import Month
from tests.company import Books, bill, change, cost, received, renewal, seats, team

JANUARY = Month(2024, 1)
ACTIVE = change("ACC_1", "2024-01-01", None, "Active")
BILL = bill("ACC_1", "2024-01-15", 100.0)
COST = cost("ACC_1", "2024-01-31", 40.0)
Feed = list[dict[str, Any] | bytes]


def counted(immature_dates: int = 0, **feeds: Feed) -> dict[str, tuple[int, int, int]]:
    """Return accepted, quarantined and missing of 2024-01 by dataset."""
    company = Company()
    books = Books(feeds, (JANUARY,))
    counts = [
        count_dispositions(settle(judge(received(feeds.get(feed.dataset, ())), feed, company), feed, company, frozenset()), feed)
        for feed in FEEDS
    ]  # fmt: skip
    given = CompletenessInput(
        counts=pl.concat(counts),
        rows=books.rows.filter(pl.col("month") == "2024-01"),
        salaries=books.of("salaries", JANUARY),
        prior_salaries=books.of("salaries", JANUARY.plus(-1)),
        expenses=books.of("expenses", JANUARY),
        immature_dates=immature_dates,
    )
    return {dataset: (good, held, lost) for _, dataset, good, held, lost in completeness(given, JANUARY).rows()}


def test_a_month_with_all_its_rows_lacks_nothing() -> None:
    found = counted(revenue=[BILL], expenses=[COST], account_status_changes=[ACTIVE],
                    salaries=[team("ENG_1", "Data Engineering", "2024-01", 30.0, 1)])  # fmt: skip

    nothing = ("click_events", "license_changes", "subscription_renewals", "team_activity", "usage_sessions")
    there = ("account_status_changes", "expenses", "revenue", "salaries")
    assert {**dict.fromkeys(nothing, (0, 0, 0)), **dict.fromkeys(there, (1, 0, 0))} == found


@pytest.mark.parametrize(
    ("status", "missing"),
    [("Active", 1), ("Past Due", 1), ("Suspended", 0), ("Trial", 0), ("Lead", 0), ("Expired", 0), ("Cancelled", 0)],
)
def test_a_bill_is_missing_where_the_status_at_the_months_end_pays(status: str, missing: int) -> None:
    found = counted(account_status_changes=[change("ACC_1", "2024-01-31", "Active", status)] if status != "Active"
                    else [ACTIVE])  # fmt: skip

    assert (0, 0, missing) == found["revenue"]


def test_an_account_that_is_active_by_inference_lacks_its_bill_of_the_month() -> None:
    found = counted(revenue=[bill("ACC_1", "2023-12-15", 100.0)])

    assert (0, 0, 1) == found["revenue"]
    assert (1, 0, 0) == found["account_status_changes"]


def test_an_unknown_status_is_missing_and_expects_no_bill() -> None:
    found = counted(license_changes=[seats("ACC_1", "2024-01-05", 10, 12, 20.0)])

    assert (0, 0, 0) == found["revenue"]
    assert (0, 0, 1) == found["account_status_changes"]
    assert (1, 0, 0) == found["license_changes"]


@pytest.mark.parametrize("payment_status", ["Void", "Partially Refunded"])
def test_a_bill_that_does_not_count_leaves_the_bill_missing(payment_status: str) -> None:
    found = counted(
        account_status_changes=[ACTIVE], revenue=[bill("ACC_1", "2024-01-15", 100.0, payment_status=payment_status)]
    )

    # A void bill is an accepted row; a partial refund is held, and its key is missing all the same.
    assert {"Void": (1, 0, 1), "Partially Refunded": (0, 1, 1)}[payment_status] == found["revenue"]
    assert (0, 0, 0) == found["expenses"]  # without a counting bill no expense is expected


def test_a_superseded_bill_and_a_duplicate_are_not_counted() -> None:
    found = counted(account_status_changes=[ACTIVE], revenue=[BILL, bill("ACC_1", "2024-01-15", 90.0), BILL])

    assert (1, 0, 0) == found["revenue"]


def test_a_cost_of_nothing_is_a_row_and_another_months_cost_is_not() -> None:
    free = counted(revenue=[BILL], expenses=[cost("ACC_1", "2024-01-31", 0.0)])
    late = counted(revenue=[BILL], expenses=[cost("ACC_1", "2024-02-29", 40.0), cost(None, "2024-01-31", 9.0)])

    assert (1, 0, 0) == free["expenses"]
    assert (1, 0, 1) == late["expenses"]  # the shared row is accepted, and no one's


def test_a_row_whose_date_cannot_be_read_counts_in_every_month() -> None:
    found = counted(revenue=[BILL, bill("ACC_1", "the 15th", 100.0), bill("ACC_1", "2024-02-30", 100.0)])

    assert (1, 2, 0) == found["revenue"]


def test_a_held_row_of_another_month_does_not_count() -> None:
    february = bill("ACC_1", "2024-02-15", 100.0, payment_status="Partially Refunded")

    assert (1, 0, 0) == counted(revenue=[BILL, february])["revenue"]


def test_a_rejected_row_counts_only_as_missing() -> None:
    found = counted(account_status_changes=[ACTIVE], revenue=[b'{"account_id": "ACC_1"'])

    assert (0, 0, 1) == found["revenue"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([team("ENG_1", "Data Engineering", "2023-12", 30.0, 1)], (0, 0, 1)),
        ([team("ENG_1", "Data Engineering", "2023-12", 0.0, 0)], (0, 0, 0)),  # it had ended before
        # A row with headcount 0 ends a team.
        ([team("ENG_1", "Data Engineering", "2023-12", 30.0, 1), team("ENG_1", "Data Engineering", "2024-01", 0.0, 0)], (1, 0, 0)),
        ([team("ENG_1", "Data Engineering", "2023-11", 30.0, 1)], (0, 0, 0)),
    ],
)  # fmt: skip
def test_a_team_is_expected_after_a_month_with_heads(rows: Feed, expected: tuple[int, int, int]) -> None:
    assert expected == counted(salaries=rows)["salaries"]


def test_a_renewal_is_counted_in_its_month_and_never_missing() -> None:
    found = counted(subscription_renewals=[renewal("ACC_1", "2024-01-31", 10.0, 20.0),
                                           renewal("ACC_2", "2024-02-01", 10.0, 20.0)])  # fmt: skip

    assert (1, 0, 0) == found["subscription_renewals"]


def test_immature_dates_are_missing_clicks() -> None:
    assert (0, 0, 3) == counted(immature_dates=3)["click_events"]


def test_one_of_many_is_still_missing() -> None:
    """AT-66: 99 of 100 do not pass for all; the gate takes integers."""
    active = [change(f"ACC_{number}", "2024-01-01", None, "Active") for number in range(100)]
    bills = [bill(f"ACC_{number}", "2024-01-15", 10.0) for number in range(99)]

    assert (99, 0, 1) == counted(account_status_changes=active, revenue=bills)["revenue"]


def test_an_account_that_only_costs_is_neither_there_nor_missing() -> None:
    found = counted(account_status_changes=[ACTIVE], revenue=[BILL], expenses=[COST, cost("ACC_9", "2024-01-31", 1.0)])

    assert (1, 0, 0) == found["account_status_changes"]
    assert (1, 0, 0) == found["revenue"]
