"""Retention, cohorts and trials from account rows and status steps of their own."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from compute.account_month import ACCOUNT_MONTH
from compute.figures import Exact, Figure, Reason
from compute.months import Month
from compute.retention import cohort_members, cohorts, trials, yearly_retention
from compute.status import STEP

JANUARY, YEAR_BEFORE = Month(2024, 1), Month(2023, 1)
HISTORY, INPUT, ZERO = Reason.INSUFFICIENT_HISTORY, Reason.MISSING_INPUT, Reason.ZERO_DENOMINATOR


def mrr(account: str, month: str, value: str | None, quality: str = "billed") -> dict[str, Any]:
    amount = None if value is None else Decimal(value)
    return {"month": month, "account_id": account, "mrr": amount, "mrr_quality": quality}


def values(figures: list[Figure]) -> dict[tuple[str, str], Exact]:
    return {(each.metric_id, each.key): each.value for each in figures}


def retained(*rows: dict[str, Any], first: Month | None = YEAR_BEFORE) -> list[Exact]:
    frame = pl.DataFrame(list(rows), schema=ACCOUNT_MONTH)
    return [figure.value for figure in yearly_retention(*of_months(frame), JANUARY, first)]


def of_months(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    january, before = (frame.filter(pl.col("month") == str(month)) for month in (JANUARY, YEAR_BEFORE))
    return january, before


def test_retention_is_of_the_accounts_that_paid_a_year_before() -> None:
    rows = [
        mrr("ACC_1", "2023-01", "0.01"), mrr("ACC_1", "2024-01", "0.02"),
        mrr("ACC_2", "2023-01", "0.03"), mrr("ACC_2", "2024-01", "0.00"),
        mrr("ACC_3", "2023-01", "0.00"), mrr("ACC_3", "2024-01", "9.00"),
        mrr("ACC_4", "2024-01", "9.00"), mrr("ACC_1", "2023-12", "9.00"),
    ]  # fmt: skip

    assert [Fraction(1, 2), Fraction(1, 4)] == retained(*rows)  # 0.02 / 0.04; 0.01 / 0.04


@pytest.mark.parametrize(
    ("then", "rows", "expected"),
    [
        ("10.00", [], INPUT),  # its row of this month is absent
        ("10.00", [mrr("ACC_1", "2024-01", None)], INPUT),
        (None, [mrr("ACC_1", "2024-01", "1.00")], INPUT),
        ("0.00", [mrr("ACC_1", "2024-01", None)], ZERO),
        ("1.00", [mrr("ACC_1", "2024-01", "1.00")], Fraction(1)),
    ],
)
def test_an_unknown_mrr_of_then_or_of_a_member_now_is_missing(
    then: str | None, rows: list[dict[str, Any]], expected: Exact
) -> None:
    assert [expected] * 2 == retained(mrr("ACC_1", "2023-01", then), *rows)


@pytest.mark.parametrize(("first", "expected"), [(Month(2023, 1), ZERO), (Month(2023, 2), HISTORY), (None, HISTORY)])
def test_the_month_a_year_before_must_be_observed(first: Month | None, expected: Exact) -> None:
    assert [expected] * 2 == retained(first=first)


def test_the_quality_is_the_worst_of_then_and_now() -> None:
    rows = [mrr("ACC_1", "2023-01", "1.00", "estimated"), mrr("ACC_1", "2024-01", "1.00", "by_status")]
    frame = pl.DataFrame(rows, schema=ACCOUNT_MONTH)

    assert ["estimated"] * 2 == [figure.quality for figure in yearly_retention(*of_months(frame), JANUARY, YEAR_BEFORE)]


def test_a_cohort_is_the_first_month_with_a_cent() -> None:
    frame = pl.DataFrame(
        [
            mrr("ACC_1", "2023-11", "0.00"), mrr("ACC_1", "2023-12", "0.01"), mrr("ACC_1", "2024-01", "0.03"),
            mrr("ACC_2", "2023-12", "0.01"), mrr("ACC_2", "2024-01", "0.00"),
            mrr("ACC_3", "2024-01", "0.50"), mrr("ACC_3", "2024-02", "9.00"), mrr("ACC_5", "2024-02", "9.00"),
            mrr("ACC_4", "2023-10", "1.00"), mrr("ACC_4", "2024-01", None),
        ],
        schema=ACCOUNT_MONTH,
    ).sample(fraction=1, shuffle=True, seed=1)  # fmt: skip

    assert {
        ("M-48.logo", "company|2023-10"): INPUT,
        ("M-48.net", "company|2023-10"): INPUT,
        ("M-48.logo", "company|2023-12"): Fraction(1, 2),
        ("M-48.net", "company|2023-12"): Fraction(3, 2),  # 0.03 / 0.02
        ("M-48.logo", "company|2024-01"): Fraction(1),
        ("M-48.net", "company|2024-01"): Fraction(1),
    } == values(cohorts(of_months(frame)[0], cohort_members(frame.lazy()).collect(), JANUARY))


def step(account: str, number: int, on: str, start: str, end: str, **more: Any) -> dict[str, Any]:
    return {"account_id": account, "step": number, "change_date": date.fromisoformat(on), "from_status": start,
            "status": end, "is_imputed": False, **more}  # fmt: skip


def tried(*steps: dict[str, Any], as_of: date | None = date(2024, 4, 30)) -> dict[str, Figure]:
    return {each.metric_id: each for each in trials(pl.DataFrame(list(steps), schema=STEP), JANUARY, as_of)}


BEGUN = step("ACC_1", 1, "2024-01-31", "", "Trial")


@pytest.mark.parametrize(
    ("on", "thirty", "ninety"),
    [("2024-01-31", 1, 1), ("2024-03-01", 1, 1), ("2024-03-02", 0, 1), ("2024-04-30", 0, 1), ("2024-05-01", 0, 0)],
)
def test_a_trial_converts_within_30_or_90_days_the_last_included_u55(on: str, thirty: int, ninety: int) -> None:
    found = tried(BEGUN, step("ACC_1", 2, on, "Trial", "Active"), step("ACC_2", 1, "2024-01-01", "", "Lead"))

    assert (thirty, ninety) == (found["M-16"].value, found["M-16.n90"].value)


@pytest.mark.parametrize(
    ("as_of", "thirty", "ninety"),
    [
        (None, HISTORY, HISTORY),
        (date(2024, 2, 29), HISTORY, HISTORY),
        (date(2024, 3, 1), 0, HISTORY),
        (date(2024, 4, 29), 0, HISTORY),
        (date(2024, 4, 30), 0, 0),
    ],
)
def test_a_cohort_is_mature_30_or_90_days_after_its_month(as_of: date | None, thirty: Any, ninety: Any) -> None:
    found = tried(BEGUN, as_of=as_of)

    assert (thirty, ninety) == (found["M-16"].value, found["M-16.n90"].value)


def test_only_what_is_later_than_the_first_trial_of_the_month_converts_it() -> None:
    before = step("ACC_1", 1, "2024-01-31", "", "Active")
    trial = step("ACC_1", 2, "2024-01-31", "Active", "Trial")

    assert [0, 1] == [
        tried(before, trial, *more)["M-16"].value for more in ([], [step("ACC_1", 3, "2024-02-01", "Trial", "Active")])
    ]
    early = [step("ACC_1", 1, "2024-01-01", "", "Trial"), step("ACC_1", 2, "2024-01-20", "Expired", "Trial")]
    assert (
        0 == tried(*early, step("ACC_1", 3, "2024-02-15", "Trial", "Active"))["M-16"].value
    )  # 45 days after the first


def test_conversions_of_the_month_are_compared_with_its_trials() -> None:
    found = tried(
        BEGUN,
        step("ACC_2", 1, "2024-01-01", "", "Trial"),
        step("ACC_2", 2, "2024-01-31", "Trial", "Active"),
        step("ACC_3", 1, "2023-12-31", "", "Trial"),
        step("ACC_3", 2, "2024-01-01", "Trial", "Active"),
        step("ACC_4", 1, "2024-01-05", "", "Active"),
        step("ACC_5", 1, "2024-02-01", "Trial", "Active"),
    )

    assert (Fraction(1, 2), Fraction(1)) == (found["M-16"].value, found["M-17"].value)  # ACC_2 of two; ACC_2 and ACC_3
    assert ZERO == tried(step("ACC_3", 2, "2024-01-01", "Trial", "Active"))["M-17"].value


@pytest.mark.parametrize(("start", "end"), [(True, False), (False, True), (False, False)])
def test_an_imputed_step_is_a_footnote(*, start: bool, end: bool) -> None:
    found = tried(BEGUN | {"is_imputed": start}, step("ACC_1", 2, "2024-01-31", "Trial", "Active", is_imputed=end))

    expected = ("imputed_step",) if start or end else ()
    assert [expected] * 3 == [found[name].footnotes for name in ("M-16", "M-16.n90", "M-17")]
