"""Months: UTC calendar months as values, and as columns.

In frames a month is text `YYYY-MM`: it sorts, partitions a table and reads well.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from compute.errors import BadMonth


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A UTC calendar month.

    >>> str(Month.parse("2023-12").plus(1))
    '2024-01'
    >>> Month.parse("2024-02").last
    datetime.date(2024, 2, 29)
    """

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> "Month":
        """Read `YYYY-MM`.

        Raises:
            BadMonth: when the text is anything else.
        """
        if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) or text < "0001":
            raise BadMonth(f"'{text}' is no month: write it as 2024-01, or a range as 2023-10..2024-03.")
        return cls(int(text[:4]), int(text[5:]))

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month that a day lies in."""
        return cls(day.year, day.month)

    def plus(self, months: int) -> "Month":
        """Return the month so many months later (earlier when negative)."""
        year, index = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(year, index + 1)

    def until(self, last: "Month") -> tuple["Month", ...]:
        """Return the months from this one to `last`, both inclusive."""
        count = (last.year - self.year) * 12 + last.number - self.number + 1
        return tuple(self.plus(index) for index in range(count))

    @property
    def first(self) -> date:
        """The month's first day."""
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """The month's last day, E(m)."""
        return date(self.year, self.number, self.days)

    @property
    def days(self) -> int:
        """How many days the month has."""
        return calendar.monthrange(self.year, self.number)[1]

    @property
    def ends_at(self) -> datetime:
        """The month's last instant, UTC, one microsecond before the next month."""
        return datetime(*self.plus(1).first.timetuple()[:3], tzinfo=UTC) - timedelta(microseconds=1)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"


def parse_months(text: str) -> tuple[Month, ...]:
    """Read a month or a range of months, oldest first.

    Raises:
        BadMonth: when the text is neither, or the range runs backwards.

    >>> [str(month) for month in parse_months("2023-12..2024-02")]
    ['2023-12', '2024-01', '2024-02']
    """
    first, dots, last = text.partition("..")
    start = Month.parse(first)
    end = Month.parse(last) if dots else start
    if end < start:
        raise BadMonth(f"The range '{text}' runs backwards: write the earlier month first.")
    return start.until(end)


_MONTH_PATTERN = "([0-9]{4}-(0[1-9]|1[0-2])|last|this)"
MONTH_PATTERN, MONTHS_PATTERN = f"^{_MONTH_PATTERN}$", f"^{_MONTH_PATTERN}([.][.]{_MONTH_PATTERN})?$"


def spelt_out(text: str, today: date) -> str:
    """Return a month or range with the words `last` and `this` replaced by the months that they mean.

    A schedule says what it runs once, and means another month each time.

    >>> spelt_out("last..this", date(2024, 1, 15)), spelt_out("2023-10..last", date(2024, 1, 15))
    ('2023-12..2024-01', '2023-10..2023-12')
    """
    this = Month.of(today)
    words = {"last": str(this.plus(-1)), "this": str(this)}
    return "..".join(words.get(part, part) for part in text.split(".."))


def month_of(day: pl.Expr) -> pl.Expr:
    """Return the month text of a date column; null stays null."""
    return day.dt.strftime("%Y-%m")


def last_day(month: pl.Expr) -> pl.Expr:
    """Return E(m), the last day of a month text column."""
    return (month + "-01").str.to_date("%Y-%m-%d").dt.month_end()


def month_before(month: pl.Expr) -> pl.Expr:
    """Return the month text one month earlier."""
    return (month + "-01").str.to_date("%Y-%m-%d").dt.offset_by("-1mo").dt.strftime("%Y-%m")


def month_after(month: pl.Expr) -> pl.Expr:
    """Return the month text one month later."""
    return (month + "-01").str.to_date("%Y-%m-%d").dt.offset_by("1mo").dt.strftime("%Y-%m")


def calendar_frame(months: tuple[Month, ...]) -> pl.DataFrame:
    """Return one row per month: `month` text and `ends_on`, its last day."""
    return pl.DataFrame(
        {"month": [str(month) for month in months], "ends_on": [month.last for month in months]},
        schema={"month": pl.String, "ends_on": pl.Date},
    )
