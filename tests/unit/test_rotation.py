"""Who is on call: weeks and holidays shared evenly. Source: `operations.md`, `[roles]`."""

from collections import Counter
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from compute.rotation import duties, on_call

THREE = ("ada", "ben", "cy")
CHRISTMAS, BOXING, NEW_YEAR = date(2024, 12, 25), date(2024, 12, 26), date(2025, 1, 1)


def persons(first: date, weeks: int, *holidays: date) -> list[str]:
    return [each.person for each in duties(first, weeks, THREE, holidays)]


def test_everybody_has_a_week_in_turn() -> None:
    # The round of ada, ben and cy begins on Monday, 23 December 2024.
    assert ["cy", "ada", "ben", "cy", "ada", "ben", "cy"] == persons(date(2024, 12, 18), 7)


def test_a_week_with_a_holiday_goes_to_whoever_had_the_fewest() -> None:
    easter = (date(2025, 4, 18), date(2025, 4, 21))  # Good Friday, Easter Monday
    found = duties(date(2025, 4, 7), 3, THREE, (CHRISTMAS, BOXING, NEW_YEAR, *easter))

    # ada had two at Christmas, ben had New Year, cy had none: Good Friday's week is cy's in place of ben's,
    # Easter Monday's is ben's, who has one as cy has by now, and ada has what is left.
    assert ["ada", "cy", "ben"] == [each.person for each in found]
    assert [(), easter[:1], easter[1:]] == [each.holidays for each in found]
    assert ["ada", "ben", "cy"] == persons(date(2025, 4, 7), 3)


def test_who_is_on_call_on_a_day() -> None:
    assert "ada" == on_call(CHRISTMAS, THREE, (CHRISTMAS,))
    assert "" == on_call(CHRISTMAS, (), (CHRISTMAS,))
    assert "ada" == on_call(CHRISTMAS, ("ada", "ada"), ())


DAYS = st.dates(date(2023, 1, 1), date(2026, 12, 31))


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 6), DAYS, st.sets(DAYS, max_size=20))
def test_weeks_are_even_and_the_answer_does_not_depend_on_where_it_begins(
    size: int, day: date, holidays: set[date]
) -> None:
    names = [f"p{index}" for index in range(size)]
    found = duties(day, 6 * size, names, holidays)

    weeks = Counter(each.person for each in found)
    assert max(weeks.values()) - min(weeks[name] for name in names) <= 2  # a round that is cut off at either end
    later = duties(day + timedelta(weeks=3), 6 * size - 3, names, holidays)
    assert found[3:] == later


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 5), st.sets(DAYS, min_size=5, max_size=25))
def test_holidays_are_shared_evenly_when_no_two_fall_into_one_round(size: int, days: set[date]) -> None:
    names = [f"p{index}" for index in range(size)]
    apart: list[date] = []
    for day in sorted(days):
        if not apart or (day - apart[-1]).days >= 14 * size:
            apart.append(day)
    had = Counter(on_call(day, names, apart) for day in apart)

    assert max(had.values()) - min(had[name] for name in names) <= 1
