"""What records can support, by example: a feed that is not there, and what becomes of the figures."""

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from compute.metrics import METRICS
from compute.months import Month
from compute.support import MADE, NEEDS, Support, spans, support

BILLS = pl.DataFrame(
    {"account_id": ["ACC_001", "ACC_001", "ACC_002"], "month": ["2024-01", "2024-02", "2024-02"],
     "payment_status": ["Paid", "Paid", "Void"],
     "total_monthly_revenue": [Decimal(10), Decimal(10), Decimal(10)]}
)  # fmt: skip
COSTS = pl.DataFrame({"account_id": ["ACC_001"], "month": ["2024-02"]})
CLICKS = pl.DataFrame({"account_id": ["ACC_001"], "month": ["2024-02"]})


def pay(*rows: tuple[str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=["team_id", "month", "headcount"], orient="row")


def lacks(pipeline: str, *, has_ledger: bool = True, **current: pl.DataFrame) -> dict[str, str]:
    """Return the months of each lack of a pipeline."""
    answer = support(current, through=Month(2024, 6), has_ledger=has_ledger)
    return {each.lack: spans(each.months) for each in answer if each.pipeline == pipeline and each.lack}


def test_bills_without_expenses_leave_the_costs_null() -> None:
    answer = support({"revenue": BILLS}, through=Month(2024, 6), has_ledger=True)

    line = next(each for each in answer if each.lack == "no expenses")
    assert line.months == (Month(2024, 1), Month(2024, 2))
    assert line.consequence == "M-22, M-23, M-25…M-30 null (missing_input)"


def test_a_billed_account_without_an_expense_is_told_from_no_expenses() -> None:
    other = pl.DataFrame({"account_id": ["ACC_009"], "month": ["2024-01"]})

    found = lacks("profit", revenue=BILLS, expenses=pl.concat([COSTS, other]), salaries=pay(("A", "2024-01", 2)))

    assert found == {"billed accounts without an expense": "2024-01", "no salaries": "2024-02"}


def test_a_paying_account_without_a_bill_is_told_from_one_that_left() -> None:
    other = BILLS.head(1).with_columns(account_id=pl.lit("ACC_003"))
    left = pl.DataFrame(
        {
            "account_id": ["ACC_003"],
            "month": ["2024-02"],
            "change_date": [date(2024, 2, 9)],
            "new_status": ["Cancelled"],
        }
    )

    stays = lacks("profit", revenue=pl.concat([BILLS, other]))
    leaves = lacks("profit", revenue=pl.concat([BILLS, other]), account_status_changes=left)

    assert stays["paying accounts without a bill"] == "2024-02"
    assert "paying accounts without a bill" not in leaves


def test_a_void_bill_is_none() -> None:
    void = BILLS.filter(pl.col("payment_status") == "Void")

    assert lacks("aggregated", revenue=void) == {"no bills": ""}


def test_a_team_that_stops_makes_its_month_incomplete() -> None:
    salaries = pay(("A", "2024-01", 2), ("B", "2024-01", 3), ("C", "2024-01", 0), ("A", "2024-02", 2))

    assert (
        lacks("profit", revenue=BILLS, salaries=salaries)["a team of the month before has no salary row"] == "2024-02"
    )


def test_no_ledger_leaves_reconciliation_unverified() -> None:
    assert "no ledger" not in lacks("aggregated", revenue=BILLS)
    assert lacks("aggregated", has_ledger=False, revenue=BILLS)["no ledger"] == "2024-01..2024-02"


def test_clicks_without_licences_have_no_utilisation() -> None:
    answer = support({"click_events": CLICKS}, through=Month(2024, 6), has_ledger=True)

    assert (
        Support("engagement", (Month(2024, 2),), "M-44", "no bills or licence changes so far", "null (missing_input)")
        in answer
    )
    assert "no bills or licence changes so far" not in lacks("engagement", click_events=CLICKS, revenue=BILLS)


def test_the_first_month_has_no_movements_and_the_first_year_no_yearly_retention() -> None:
    year = pl.DataFrame(
        {"account_id": ["A"] * 13, "month": [str(Month(2023, 1).plus(each)) for each in range(13)],
         "payment_status": ["Paid"] * 13, "total_monthly_revenue": [Decimal(10)] * 13}
    )  # fmt: skip

    found = lacks("growth", revenue=year)

    assert found["no bills of an earlier month"] == "2023-01"
    assert found["no bills 12 months before"] == "2023-02..2023-12"


def test_a_pipeline_without_any_feed_is_said_once() -> None:
    assert list(lacks("engagement", revenue=BILLS)) == ["no clicks, usage sessions or team activity"]


def test_months_after_the_as_of_are_not_spoken_of() -> None:
    answer = support({"revenue": BILLS}, through=Month(2024, 1), has_ledger=True)

    assert {month for each in answer for month in each.months} == {Month(2024, 1)}


def test_without_a_record_nothing_can_be_made() -> None:
    answer = support({}, through=Month(2024, 6), has_ledger=True)

    assert [each.months for each in answer] == [()] * len(MADE)


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.figures)
def test_every_need_names_figures_of_the_registry(need: object) -> None:
    known = {metric.metric_id.partition(".")[0] for metric in METRICS}
    figures = need.figures.replace("…", ", ").replace(".*", "").split(", ")  # type: ignore[attr-defined]

    named = {figure.partition(".")[0] for figure in figures}
    assert named <= known | {"reconciliation"}


ONE_BILL = BILLS.head(1)  # of 2024-01
LATER = pl.DataFrame({"account_id": ["ACC_001"], "month": ["2024-03"]})


def test_what_growth_lacks_after_one_bill_u82() -> None:
    assert {
        "no bills": "2024-02..2024-03",
        "no bills of an earlier month": "2024-01",
        "no bills 12 months before": "2024-02..2024-03",
        "no status changes so far": "2024-01..2024-03",
        "no licence changes so far": "2024-01..2024-03",
        "no renewals": "2024-01..2024-03",
    } == lacks("growth", revenue=ONE_BILL, click_events=LATER)


def test_what_growth_lacks_with_status_changes_alone() -> None:
    changes = LATER.with_columns(change_date=pl.lit(date(2024, 3, 1)), new_status=pl.lit("Active"))

    assert {
        "no bills of an earlier month": "2024-03",
        "no licence changes so far": "2024-03",
        "no bills or licence changes so far": "2024-03",
        "no renewals": "2024-03",
    } == lacks("growth", account_status_changes=changes)


def test_what_profit_lacks_without_bills_and_with_one() -> None:
    assert {"no bills": "2024-02", "no salaries": "2024-02"} == lacks("profit", expenses=COSTS)
    assert {"no bills": "2024-02", "no expenses": "2024-01", "no salaries": "2024-01..2024-02"} == lacks(
        "profit", revenue=ONE_BILL, expenses=COSTS
    )


def test_what_engagement_lacks_by_topic() -> None:
    team_day = LATER.with_columns(month=pl.lit("2024-01"))

    assert {
        "no usage sessions": "2024-03",
        "no team activity": "2024-03",
        "no bills or licence changes so far": "2024-03",
    } == lacks("engagement", click_events=LATER)
    assert {
        "no clicks": "2024-03",
        "no team activity": "2024-03",
        "no bills or licence changes so far": "2024-03",
    } == lacks("engagement", usage_sessions=LATER)
    assert {"no clicks and no usage sessions": "2024-01"} == lacks("engagement", team_activity=team_day)


def test_what_aggregated_lacks_after_one_bill() -> None:
    assert {
        "no bills of an earlier month": "2024-01",
        "no bills 12 months before": "2024-01..2024-03",
        "costs are incomplete": "2024-01..2024-03",
    } == lacks("aggregated", revenue=ONE_BILL, click_events=LATER)
