"""The calendar, by hand. Source: `operations.md`, 0; L-13."""

from datetime import UTC, date, datetime, time

import pytest

from compute.calendar import business_day, close_due, day_end, is_business_day, week_name, week_start
from compute.company_promises import Due
from compute.errors import BadSetting
from compute.months import Month

NEW_YEAR = (date(2024, 1, 1),)


@pytest.mark.parametrize(
    ("month", "number", "holidays", "expected"),
    [
        ("2024-03", 3, (), date(2024, 3, 5)),  # Fri 1, Mon 4, Tue 5
        ("2024-03", 5, (), date(2024, 3, 7)),
        ("2024-01", 3, NEW_YEAR, date(2024, 1, 4)),  # Mon 1 is a holiday: Tue 2, Wed 3, Thu 4
        ("2024-01", 5, NEW_YEAR, date(2024, 1, 8)),
        ("2024-01", 3, (), date(2024, 1, 3)),
        ("2024-06", 1, (), date(2024, 6, 3)),  # the 1st is a Saturday
        ("2024-01", 1, (date(2024, 1, 6),), date(2024, 1, 1)),  # a holiday on a Saturday takes nothing away
    ],
)
def test_the_business_days_of_a_month(month: str, number: int, holidays: tuple[date, ...], expected: date) -> None:
    assert expected == business_day(Month.parse(month), number, holidays)


def test_holidays_that_leave_too_few_business_days_are_named() -> None:
    all_january = {date(2024, 1, day) for day in range(1, 32)}

    with pytest.raises(BadSetting, match="leave 2024-01 only 0 business days, 3 are needed: remove some"):
        business_day(Month(2024, 1), 3, all_january)


def test_saturday_sunday_and_a_holiday_are_no_business_days() -> None:
    week = [date(2024, 1, day) for day in range(1, 8)]

    assert [False, True, True, True, True, False, False] == [is_business_day(day, NEW_YEAR) for day in week]


def test_a_day_ends_with_the_first_instant_of_the_next() -> None:
    assert datetime(2024, 3, 1, tzinfo=UTC) == day_end(date(2024, 2, 29))


def test_a_week_begins_on_monday_and_a_month_ends_a_microsecond_before_the_next() -> None:
    assert datetime(2024, 2, 26, tzinfo=UTC) == week_start(datetime(2024, 2, 26, tzinfo=UTC))
    assert datetime(2024, 2, 26, tzinfo=UTC) == week_start(datetime(2024, 3, 3, 23, 59, 59, 999999, tzinfo=UTC))
    assert "2024-W09" == week_name(datetime(2024, 2, 26, tzinfo=UTC))
    assert datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC) == Month(2024, 2).ends_at


def test_january_is_due_in_february() -> None:
    assert datetime(2024, 2, 5, 16, tzinfo=UTC) == close_due(Month(2024, 1), Due(business_day=3, time=time(16)), ())
    assert datetime(2024, 1, 4, 16, tzinfo=UTC) == close_due(
        Month(2023, 12), Due(business_day=3, time=time(16)), NEW_YEAR
    )
