"""What a gap does to the status by month, from raw records on. Source: `data.md` C.2 (AT-19, AT-41)."""

from datetime import date

import pytest

from compute.months import Month
from compute.status import end_of_day
from tests.company import Books, bill, change

MONTHS = Month(2024, 1).until(Month(2024, 3))


def timeline(*rows: tuple[str, str | None, str]) -> Books:
    changes = [change("ACC_1", on, previous, new) for on, previous, new in rows]
    return Books({"account_status_changes": changes, "revenue": [bill("ACC_9", "2024-01-15", 1.0)]}, MONTHS)


def days(books: Books) -> list[tuple[date, str]]:
    return end_of_day(books.steps).select("change_date", "status").rows()


@pytest.mark.parametrize("start", ["Active", "Trial", "Lead", "Suspended", "Past Due"])
def test_lawful_steps_raise_nothing(start: str) -> None:
    lawful = {"Active": "Expired", "Trial": "Active", "Lead": "Trial", "Suspended": "Active", "Past Due": "Active"}

    books = timeline(("2024-02-10", start, lawful[start]))

    assert books.cases.filter(books.cases["kind"] == "illegal_edge").is_empty()


def test_a_first_row_from_lead_or_trial_opens_no_missing_start() -> None:
    assert timeline(("2024-02-10", "Trial", "Active")).cases.is_empty()
    assert ["missing_start"] == timeline(("2024-02-10", "Active", "Cancelled")).cases["kind"].to_list()


def test_an_imputed_start_is_dated_like_the_row_that_reveals_it() -> None:
    books = timeline(("2024-02-10", "Past Due", "Cancelled"))

    steps = books.steps.select("change_date", "from_status", "status", "is_imputed").rows()
    on = date(2024, 2, 10)
    assert [(on, "", "Active", True), (on, "Active", "Past Due", True), (on, "Past Due", "Cancelled", False)] == steps


def test_an_ambiguous_break_is_unknown_from_the_row_before_to_the_day_before_this_one() -> None:
    books = timeline(("2024-01-10", None, "Lead"), ("2024-03-20", "Expired", "Active"))

    assert [(date(2024, 1, 10), "Unknown"), (date(2024, 3, 20), "Active")] == days(books)
    assert ["Unknown", "Unknown", "Active"] == [books.account("ACC_1", str(month))["status"] for month in MONTHS]


def test_a_break_over_a_lawful_edge_is_imputed() -> None:
    books = timeline(("2024-01-10", None, "Trial"), ("2024-03-20", "Active", "Cancelled"))

    case = books.cases.row(0, named=True)
    assert ("chain_break", "Trial", "Active", "impute", "Active") == tuple(
        case[name] for name in ("kind", "from", "to", "verdict", "imputed")
    )
    assert (date(2024, 1, 10), date(2024, 3, 20)) == (case["earliest"], case["latest"])
    assert "Trial" == books.account("ACC_1", "2024-02")["status"]


def test_a_row_may_open_two_cases() -> None:
    books = timeline(("2024-01-10", None, "Trial"), ("2024-02-20", "Lead", "Past Due"))

    assert ["chain_break", "illegal_edge"] == sorted(books.cases["kind"])


def test_the_real_row_replaces_the_imputed_one_and_closes_the_case() -> None:
    """AT-41."""
    gap = (("2024-01-10", None, "Trial"), ("2024-03-20", "Past Due", "Active"))

    assert not timeline(*gap).cases.is_empty()
    whole = timeline(gap[0], ("2024-02-01", "Trial", "Active"), ("2024-02-20", "Active", "Past Due"), gap[1])
    assert whole.cases.is_empty()
    assert not whole.steps["is_imputed"].any()


def test_events_of_a_day_are_put_in_order_whatever_the_order_of_arrival() -> None:
    books = timeline(
        ("2024-02-10", "Active", "Cancelled"), ("2024-02-10", "Trial", "Active"), ("2024-01-05", None, "Trial")
    )

    assert ["Trial", "Active", "Cancelled"] == books.steps["status"].to_list()
    assert books.cases.is_empty()
