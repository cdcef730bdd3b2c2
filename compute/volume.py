"""Volume: whether a day brought as many rows as such days do; robust, seasonal, and frank about what it cannot see.

The judged day never stands in its own baseline. Source: `operations.md` D.2.
"""

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Literal

from compute.calendar import is_business_day
from compute.company_promises import Volume

Verdict = Literal["ok", "warn", "alert", "zero", "learning"]
MAD_SCALE = 0.6745  # of a normal distribution
WEEKS, FEWEST_WEEKS = 8, 6
NEAR_DAYS = 28
LEARNING_DAYS = 14

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Series:
    """Rows of a dataset by date.

    Attributes:
        rows: by date; a date between the first and the judged one that is not named had none.
        is_expected_daily: a whole topic has rows on every business day; anything else where every baseline day has.
        bounds: least and most rows a day, if the company file gives them.
        incident_dates: dates inside an incident of this dataset: they teach nothing.
    """

    rows: Mapping[date, int]
    is_expected_daily: bool
    bounds: tuple[int, int] | None = None
    incident_dates: Collection[date] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a day's volume is judged to be.

    Attributes:
        expected: rows of such a day; None while learning, and on a holiday.
        z: robust z of ln(1 + rows); None while learning.
        least_drop: the smallest fall, as a negative share of the expected rows, that would have alerted.
        least_rise: the same of a rise.
        is_mature: whether the date was mature when it was judged; it is judged before that, too (D.2.6).
    """

    day: date
    rows: int
    verdict: Verdict
    expected: float | None = None
    z: float | None = None
    least_drop: float | None = None
    least_rise: float | None = None
    is_mature: bool = False


def judge_volume(day: date, series: Series, settings: Volume, holidays: Collection[date]) -> Judgement:
    """Judge the rows of a date.

    Args:
        day: the date.
        series: its dataset's rows; those of later dates are not looked at.
        settings: `[volume]`.
        holidays: `[calendar]`.
    """
    rows, baseline = series.rows.get(day, 0), _baseline(day, series, holidays)
    is_expected = is_business_day(day, holidays) if series.is_expected_daily else bool(baseline) and min(baseline) > 0
    if rows == 0 and is_expected:
        return Judgement(day, rows, "zero")
    is_outside = series.bounds is not None and not series.bounds[0] <= rows <= series.bounds[1]
    first = min((each for each in series.rows if each < day), default=day)
    # A holiday is like no other day: comparing it with working days would alarm on every one of them.
    if (day - first).days < LEARNING_DAYS or not baseline or day in holidays:
        return Judgement(day, rows, "alert" if is_outside else "learning")
    logs = [math.log1p(each) for each in baseline]
    middle = median(logs)
    spread = max(median(abs(each - middle) for each in logs), settings.mad_floor)
    # Rounded, since the way through logarithms makes 999.9999999999998 of 1000, and exactly 30 % is an alert.
    z, expected = MAD_SCALE * (math.log1p(rows) - middle) / spread, round(math.expm1(middle), 6)
    change = abs(rows - expected)
    is_odd = abs(z) > settings.z and change >= settings.min_rows
    verdict: Verdict = (
        "alert" if is_outside or (is_odd and change >= settings.alert_change * expected)
        else "warn" if is_odd and change >= settings.warn_change * expected
        else "ok"
    )  # fmt: skip
    drop, rise = _power(spread, expected, settings)
    return Judgement(day, rows, verdict, expected, z, drop, rise)


def _power(spread: float, expected: float, settings: Volume) -> tuple[float, float]:
    """Return the smallest changes that could have been seen: by z, by the relative change, and by the rows."""
    k = settings.z * spread / MAD_SCALE
    least = max(settings.alert_change, settings.min_rows / expected if expected else math.inf)
    return -max(-math.expm1(-k), least), max(math.expm1(k), least)


def _baseline(day: date, series: Series, holidays: Collection[date]) -> list[int]:
    """Return the rows of the same weekday's previous 8 dates; of the same group's previous 28 when they are too few."""
    first = min((each for each in series.rows if each < day), default=day)

    def known(days: list[date], fits: Callable[[date], bool]) -> list[int]:
        return [
            series.rows.get(each, 0)
            for each in days
            if each >= first and each not in holidays and each not in series.incident_dates and fits(each)
        ]

    weekly = known([day - timedelta(weeks=back) for back in range(1, WEEKS + 1)], lambda _: True)
    if len(weekly) >= FEWEST_WEEKS:
        return weekly
    near = [day - timedelta(days=back) for back in range(1, NEAR_DAYS + 1)]
    return known(near, lambda each: (each.weekday() < _SATURDAY) == (day.weekday() < _SATURDAY))
