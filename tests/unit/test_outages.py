"""An outage is not a quiet hour. Source: `operations.md` L-5."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta

import pytest

from compute.company_promises import Volume
from compute.outages import HOUR, Clicks, Outage, Silence, outages, silences

TEN = datetime(2024, 3, 5, 10, tzinfo=UTC)  # a Tuesday
WEEK = timedelta(weeks=1)
LONG_AGO = TEN - 20 * WEEK


def judged(
    *weeks: int, first: datetime = LONG_AGO, left_out: Collection[datetime] = (), holidays: Collection[date] = ()
) -> tuple[str, float | None]:
    """Return the verdict on Tuesday 10 o'clock without a click after so many clicks in the weeks before, newest first."""
    by_hour = {TEN - WEEK * (back + 1): count for back, count in enumerate(weeks) if count}
    (found,) = silences([TEN], Clicks(by_hour, first, left_out), Volume(), holidays)
    return found.verdict, found.usual


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        ((20,) * 8, ("gap", 20)),
        ((19,) * 8, ("no_power", 19)),
        ((100, 100, 100, 100, 1, 1, 1, 1), ("gap", 50.5)),
        ((100, 100, 100, 100, 100, 100, 100, 0), ("no_power", 100)),  # once there was none
    ],
)
def test_an_hour_is_missed_when_the_same_hour_of_eight_weeks_had_clicks(
    weeks: tuple[int, ...], expected: tuple[str, float]
) -> None:
    assert expected == judged(*weeks)


def test_at_least_six_of_the_weeks_are_known() -> None:
    assert ("gap", 30) == judged(*[30] * 6, first=TEN - 6 * WEEK)
    assert ("no_power", None) == judged(*[30] * 5, first=TEN - 5 * WEEK)


def test_incidents_and_holidays_teach_nothing() -> None:
    last = TEN - WEEK
    assert ("no_power", 30) == judged(0, *[30] * 7)
    assert ("gap", 30) == judged(0, *[30] * 7, left_out=[last])
    assert ("gap", 30) == judged(0, *[30] * 7, holidays=[last.date()])
    assert ("no_power", None) == judged(*[30] * 8, left_out=[TEN - WEEK * back for back in (1, 2, 3)])


def test_of_an_hour_on_a_holiday_nobody_can_tell() -> None:
    assert ("no_power", 30) == judged(*[30] * 8, holidays=[TEN.date()])


def test_an_hour_with_a_click_is_no_silence_and_its_own_day_is_not_its_history() -> None:
    weeks = {TEN - WEEK * back: 30 for back in range(1, 9)}

    assert [] == silences([TEN], Clicks(weeks | {TEN: 1}, LONG_AGO), Volume(), ())


def test_hours_in_a_row_are_one_outage_over_a_quiet_night_too() -> None:
    gap, night = (lambda hour, verdict=each: Silence(hour, verdict, 30.0) for each in ("gap", "no_power"))
    evening, morning = TEN + 8 * HOUR, TEN + 10 * HOUR

    assert [Outage(TEN, 2, TEN + 2 * HOUR, 30.0)] == outages([gap(TEN), gap(TEN + HOUR)])
    assert [Outage(TEN, 1, TEN + HOUR, 30.0), Outage(TEN + 2 * HOUR, 1, TEN + 3 * HOUR, 30.0)] == outages(
        [gap(TEN + 2 * HOUR), gap(TEN)]
    )
    assert [Outage(evening, 2, morning + HOUR, 30.0)] == outages(
        [night(evening - 3 * HOUR), gap(evening), night(evening + HOUR), gap(morning)]
    )
    assert [] == outages([night(TEN)])
