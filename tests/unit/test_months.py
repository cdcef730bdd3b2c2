"""Months as they are written, counted and ended."""

import re
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from compute.months import (
    MONTHS_PATTERN,
    BadMonth,
    Month,
    last_day,
    month_after,
    month_before,
    parse_months,
    spelt_out,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2024-01", ["2024-01"]), ("2024-01..2024-01", ["2024-01"]), ("2023-12..2024-01", ["2023-12", "2024-01"])],
)
def test_a_range_holds_both_its_ends(text: str, expected: list[str]) -> None:
    assert expected == [str(month) for month in parse_months(text)]


@pytest.mark.parametrize(
    "text", ["2024-02..2024-01", "2024-13", "2024-00", "0000-12", "2024-1", "2024-01..", "24-01", "2024-010"]
)
def test_anything_else_is_no_month(text: str) -> None:
    with pytest.raises(BadMonth):
        parse_months(text)


def test_the_first_year_is_year_one() -> None:
    assert Month(1, 1) == Month.parse("0001-01")


@pytest.mark.parametrize(("month", "days"), [(Month(2024, 2), 29), (Month(2023, 2), 28), (Month(2023, 12), 31)])
def test_a_month_ends_a_microsecond_before_the_next(month: Month, days: int) -> None:
    assert days == month.days == month.last.day
    following = month.plus(1).first
    assert datetime(following.year, following.month, 1, tzinfo=UTC) - month.ends_at == timedelta(microseconds=1)


def test_columns_of_months_have_their_last_day_and_their_neighbours() -> None:
    rows = pl.DataFrame({"month": ["2023-12", "2024-01", "2024-02"]})
    month = pl.col("month")

    found = rows.select(last_day(month).cast(pl.String), before=month_before(month), after=month_after(month)).rows()

    assert [
        ("2023-12-31", "2023-11", "2024-01"),
        ("2024-01-31", "2023-12", "2024-02"),
        ("2024-02-29", "2024-01", "2024-03"),
    ] == found


@pytest.mark.parametrize("text", ["2024-01", "2023-10..2024-03", "last", "this", "last..this", "2023-10..last"])
def test_what_forms_let_through_is_a_month_or_range(text: str) -> None:
    assert re.search(MONTHS_PATTERN, text)
    assert parse_months(spelt_out(text, date(2024, 3, 1)))


@pytest.mark.parametrize(
    "text", ["", "2024", "2024-13", "2024-1", "last..", "..last", "next", "2024-01...2024-02", " 2024-01"]
)
def test_what_is_no_month_gets_through_neither_form_nor_flow(text: str) -> None:
    assert not re.search(MONTHS_PATTERN, text)
    with pytest.raises(BadMonth):
        parse_months(spelt_out(text, date(2024, 3, 1)))
