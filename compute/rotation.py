"""Who is on call: the persons of `[roles] operations` in turn, one ISO week each; weeks and holidays shared evenly.

Source: `operations.md`, "Configuration", `[roles]`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

_FIRST_MONDAY = date(1970, 1, 5)
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Duty:
    """A week of somebody.

    Attributes:
        monday: its first day.
        holidays: those of the calendar that lie in it.
    """

    monday: date
    person: str
    holidays: tuple[date, ...] = ()


def duties(first: date, weeks: int, persons: Sequence[str], holidays: Collection[date]) -> list[Duty]:
    """Return who is on call in so many ISO weeks from that of a day on; nothing without persons.

    Everybody has one week in each round of as many weeks as there are persons, in the order of the company file. Within
    a round, weeks with holidays go to those who have had the fewest, counted over all holidays of the calendar: a
    calendar that grows at its end changes no earlier round.

    Args:
        first: any day of the first week.
        weeks: how many weeks.
        persons: ids.
        holidays: the calendar's, past ones too.

    >>> [each.person for each in duties(date(2024, 1, 1), 4, ("ada", "ben"), ())]
    ['ben', 'ada', 'ben', 'ada']
    """
    had = dict.fromkeys(persons, 0)
    if not had:
        return []
    begin, size = _index(first), len(had)
    start = min([begin, *map(_index, holidays)])
    found: list[Duty] = []
    for at in range(start - start % size, begin + weeks, size):
        found += _round(at, list(had), holidays, had)
    return [each for each in found if begin <= _index(each.monday) < begin + weeks]


def on_call(day: date, persons: Sequence[str], holidays: Collection[date]) -> str:
    """Return who is on call on a day; empty without persons."""
    return next((each.person for each in duties(day, 1, persons, holidays)), "")


def _index(day: date) -> int:
    return (day - _FIRST_MONDAY) // _WEEK


def _round(at: int, persons: Sequence[str], holidays: Collection[date], had: dict[str, int]) -> list[Duty]:
    """Return the weeks of a round, and count the holidays that each person has had."""
    mondays = [_FIRST_MONDAY + _WEEK * index for index in range(at, at + len(persons))]
    free = {monday: tuple(sorted(day for day in holidays if monday <= day < monday + _WEEK)) for monday in mondays}
    turn, taken = dict(zip(mondays, persons, strict=True)), dict[date, str]()
    for monday in sorted((each for each in mondays if free[each]), key=lambda each: (-len(free[each]), each)):
        left = [person for person in persons if person not in taken.values()]
        taken[monday] = min(left, key=lambda person: (had[person], person != turn[monday], persons.index(person)))
        had[taken[monday]] += len(free[monday])
    rest = iter([person for person in persons if person not in taken.values()])
    return [Duty(monday, taken.get(monday) or next(rest), free[monday]) for monday in mondays]
