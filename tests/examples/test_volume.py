"""Volume, by hand: what alerts, what cannot be seen, what is only learned. Source: `operations.md` D.2 (AT-77)."""

from datetime import date, timedelta
from math import isclose

import pytest

from compute.company_promises import Volume
from compute.volume import Series, judge_volume

MONDAY = date(2024, 3, 4)
SATURDAY = date(2024, 3, 9)


def days(weeks: int, weekday: int = 1000, weekend: int = 200, before: date = MONDAY) -> dict[date, int]:
    """Return the days of so many weeks before a date, the same on every weekday and on every day of a weekend."""
    dates = [before - timedelta(days=back) for back in range(1, 7 * weeks + 1)]
    return {each: weekend if each.weekday() >= 5 else weekday for each in dates}


def verdict(day: date, rows: int, history: dict[date, int], **more: object) -> str:
    series = Series({**history, day: rows}, is_expected_daily=True, **more)  # type: ignore[arg-type]
    return judge_volume(day, series, Volume(), ()).verdict


# Eight Mondays of 1000: median ln 1001, MAD 0 → the floor 0.05; |z| > 3.5 from e^±0.25945 on: 771.3 and 1296.6 of 1000.
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (0, "zero"),
        (500, "alert"),  # -50 %
        (700, "alert"),  # exactly -30 %
        (701, "warn"),  # z is -5, but -29.9 % is no alert
        (771, "warn"),  # ln 772/1001 = -0.25979, z = -3.5046
        (772, "ok"),  # ln 773/1001 = -0.25849, z = -3.4871
        (1000, "ok"),
        (1296, "ok"),  # ln 1297/1001 = 0.25906, z = 3.4947
        (1299, "warn"),  # ln 1300/1001 = 0.26137, z = 3.5258; +29.9 %
        (1300, "alert"),
    ],
)
def test_a_monday_after_eight_mondays_of_1000(rows: int, expected: str) -> None:
    assert expected == verdict(MONDAY, rows, days(8))


def test_a_saturday_is_compared_with_saturdays() -> None:
    history = days(9, before=SATURDAY)

    assert "ok" == verdict(SATURDAY, 200, history)
    assert "alert" == verdict(SATURDAY, 1000, history)
    assert "alert" == verdict(date(2024, 3, 8), 200, days(9, before=date(2024, 3, 8)))


def test_a_change_of_fewer_than_50_rows_is_none() -> None:
    history = days(8, weekday=100)

    assert ["ok", "alert"] == [verdict(MONDAY, 51, history), verdict(MONDAY, 50, history)]


def test_a_topic_may_be_silent_at_the_weekend_and_on_a_holiday_but_not_on_a_business_day() -> None:
    history = days(9, weekend=0, before=SATURDAY)
    friday = date(2024, 3, 8)
    series = Series({**days(9, before=friday), friday: 0}, is_expected_daily=True)

    assert "ok" == verdict(SATURDAY, 0, history)
    assert "zero" == judge_volume(friday, series, Volume(), ()).verdict
    assert "zero" != judge_volume(friday, series, Volume(), (friday,)).verdict


def test_a_zero_day_needs_no_history() -> None:
    assert "zero" == judge_volume(MONDAY, Series({}, is_expected_daily=True), Volume(), ()).verdict


@pytest.mark.parametrize(("rare", "expected"), [(3, "zero"), (0, "ok")])
def test_a_file_feed_is_missed_where_every_day_of_its_baseline_had_rows(rare: int, expected: str) -> None:
    history = days(8, weekday=3)
    history[MONDAY - timedelta(weeks=2)] = rare
    series = Series({**history, MONDAY: 0}, is_expected_daily=False)

    assert expected == judge_volume(MONDAY, series, Volume(), ()).verdict


def test_holidays_and_incidents_teach_nothing_and_few_mondays_make_way_for_the_last_four_weeks() -> None:
    mondays = [MONDAY - timedelta(weeks=back) for back in range(1, 9)]
    history = {**days(8), **dict.fromkeys(mondays[:5], 10)}

    # Five of eight Mondays had 10 rows: such a day looks usual.
    assert "ok" == verdict(MONDAY, 10, history)
    # Three are left, fewer than 6: Monday to Friday of the last 28 days, 20 less 4 Mondays, all 1000.
    assert "alert" == verdict(MONDAY, 10, history, incident_dates=frozenset(mondays[:5]))
    series = Series({**history, MONDAY: 10}, is_expected_daily=True)
    assert "alert" == judge_volume(MONDAY, series, Volume(), frozenset(mondays[:5])).verdict


@pytest.mark.parametrize(("known", "expected"), [(13, "learning"), (14, "alert")])
def test_fewer_than_14_days_of_history_are_learning(known: int, expected: str) -> None:
    history = {MONDAY - timedelta(days=back): 1000 for back in range(1, known + 1)}

    assert expected == verdict(MONDAY, 100, history)


def test_bounds_hold_while_learning_too() -> None:
    for history in ({}, days(8)):
        assert "alert" == verdict(MONDAY, 999, history, bounds=(1000, 2000))
        assert "alert" == verdict(MONDAY, 2001, history, bounds=(1000, 2000))
    assert "learning" == verdict(MONDAY, 1000, {}, bounds=(1000, 2000))


def test_the_judged_day_and_later_ones_are_not_in_the_baseline() -> None:
    later = {MONDAY + timedelta(days=forward): 1 for forward in range(1, 60)}
    alone = judge_volume(MONDAY, Series({**days(8), MONDAY: 1}, is_expected_daily=True), Volume(), ())
    among = judge_volume(MONDAY, Series({**days(8), **later, MONDAY: 1}, is_expected_daily=True), Volume(), ())

    assert alone == among
    assert alone.verdict == "alert"
    assert isclose(1000, alone.expected or 0)


def test_the_stated_power_is_that_of_the_table() -> None:
    """At the floor of the spread z sees -22.9 % and +29.6 %, but nothing under 30 % and 50 rows alerts."""
    wide = Volume(alert_change=0.01, warn_change=0.01, min_rows=0)
    floor = judge_volume(MONDAY, Series({**days(8), MONDAY: 1000}, is_expected_daily=True), wide, ())
    usual = judge_volume(MONDAY, Series({**days(8), MONDAY: 1000}, is_expected_daily=True), Volume(), ())
    small = judge_volume(MONDAY, Series({**days(8, weekday=100), MONDAY: 100}, is_expected_daily=True), Volume(), ())

    assert (-0.229, 0.296) == (round(floor.least_drop or 0, 3), round(floor.least_rise or 0, 3))
    assert (-0.30, 0.30) == (usual.least_drop, usual.least_rise)
    assert (-0.5, 0.5) == (round(small.least_drop or 0, 9), round(small.least_rise or 0, 9))


def test_a_spread_above_the_floor_widens_what_is_usual() -> None:
    # Mondays 500, 1000, 2000, 1000, 500, 1000, 2000, 1000: |ln x - ln 1001| is 0 or 0.69 in halves, MAD = 0.346
    history = days(8)
    for back, rows in enumerate((500, 1000, 2000, 1000, 500, 1000, 2000, 1000), 1):
        history[MONDAY - timedelta(weeks=back)] = rows

    assert ["ok", "ok", "alert"] == [verdict(MONDAY, rows, history) for rows in (500, 200, 100)]


def test_five_mondays_are_too_few_and_six_are_enough() -> None:
    mondays = [MONDAY - timedelta(weeks=back) for back in range(1, 9)]
    history = {**days(8), **dict.fromkeys(mondays, 100)}

    assert "ok" == verdict(MONDAY, 100, history, incident_dates=mondays[6:])
    assert "alert" == verdict(MONDAY, 100, history, incident_dates=mondays[5:])


def test_of_few_saturdays_the_last_weekends_make_way_never_the_week() -> None:
    saturdays = [SATURDAY - timedelta(weeks=back) for back in range(1, 9)]

    assert "ok" == verdict(SATURDAY, 200, days(9, before=SATURDAY), incident_dates=saturdays[:3])
