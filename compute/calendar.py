"""The calendar: business days, the ends of days and ISO weeks, when a month's close is due. All UTC, half-open.

Source: `operations.md`, 0 and L-13.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta

from compute.company_promises import Due
from compute.errors import BadSetting
from compute.months import Month

_DAY = timedelta(days=1)
_SATURDAY = 5


def is_business_day(day: date, holidays: Collection[date]) -> bool:
    """Tell whether a day is Monday to Friday and no holiday."""
    return day.weekday() < _SATURDAY and day not in holidays


def business_day(month: Month, number: int, holidays: Collection[date]) -> date:
    """Return the n-th business day of a month.

    Raises:
        BadSetting: when the holidays leave fewer.

    >>> business_day(Month(2024, 3), 3, ()), business_day(Month(2024, 1), 3, {date(2024, 1, 1)})
    (datetime.date(2024, 3, 5), datetime.date(2024, 1, 4))
    """
    days = [month.first + _DAY * index for index in range(month.days)]
    working = [day for day in days if is_business_day(day, holidays)]
    if number > len(working):
        raise BadSetting(
            f"calendar.holidays leave {month} only {len(working)} business days, {number} are needed: remove some."
        )
    return working[number - 1]


def day_end(day: date) -> datetime:
    """Return 00:00Z of the next day."""
    return datetime.combine(day + _DAY, time(), UTC)


def week_start(at: datetime) -> datetime:
    """Return the Monday 00:00Z of an instant's ISO week.

    >>> week_start(datetime(2024, 3, 3, 23, 59, tzinfo=UTC)).isoformat()
    '2024-02-26T00:00:00+00:00'
    """
    monday = at.astimezone(UTC).date() - _DAY * at.astimezone(UTC).weekday()
    return datetime.combine(monday, time(), UTC)


def week_name(start: datetime) -> str:
    """Return an ISO week as people write it.

    >>> week_name(datetime(2024, 12, 30, tzinfo=UTC))
    '2025-W01'
    """
    year, week, _ = start.isocalendar()
    return f"{year}-W{week:02d}"


def close_due(month: Month, due: Due, holidays: Collection[date]) -> datetime:
    """Return when a step of a month's close is due: on a business day of the month after.

    >>> close_due(Month(2024, 2), Due(business_day=5, time=time(18)), ()).isoformat()
    '2024-03-07T18:00:00+00:00'
    """
    return datetime.combine(business_day(month.plus(1), due.business_day, holidays), due.time, UTC)
