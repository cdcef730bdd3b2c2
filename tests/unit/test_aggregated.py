"""The joined figures, from a few stored ones: every reason, in its order, and the value beyond it."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from compute.account_month import ACCOUNT_MONTH
from compute.aggregated import AggregatedInput, burn_multiple_proxy, lifetime_value, rule_of_40, stored_figures
from compute.company_month import CompanyMonth, company_month
from compute.figures import COMPANY, FIGURE, Exact, Reason
from compute.months import Month

JANUARY, YEAR_BEFORE = Month(2024, 1), Month(2023, 1)
HISTORY, INPUT, ZERO = Reason.INSUFFICIENT_HISTORY, Reason.MISSING_INPUT, Reason.ZERO_DENOMINATOR
STORED: dict[str, Exact] = {
    "M-01": Fraction(3000), "M-05": Fraction(30), "M-20": Fraction(2000), "M-27.cogs": Fraction(500), "M-29": Fraction(500),
}  # fmt: skip


def sums(paying: int = 40, churn: int = 4, guard: Reason | None = None, **counts: int) -> CompanyMonth:
    empty = company_month(pl.DataFrame(schema=ACCOUNT_MONTH), JANUARY, Month(2023, 1))
    moved = {"new": 0, "reactivation": 0, **counts, "churn": churn}
    return replace(
        empty, paying=Fraction(paying), guard=guard, counts={name: Fraction(count) for name, count in moved.items()}
    )


def given(first: Month | None = YEAR_BEFORE, year: list[CompanyMonth] | None = None, **more: Any) -> AggregatedInput:
    figures = STORED | {name.replace("_", "-", 1).replace("_", "."): value for name, value in more.items()}
    year_ago = figures.pop("year-ago", Fraction(2000))
    return AggregatedInput(figures, year if year is not None else [sums()], year_ago, first)


@pytest.mark.parametrize(
    ("first", "expected"), [(Month(2023, 1), Fraction(3, 4)), (Month(2023, 2), HISTORY), (None, HISTORY)]
)
def test_growth_and_margin_need_a_month_a_year_before(first: Month | None, expected: Exact) -> None:
    assert expected == rule_of_40(given(first), JANUARY)  # 3000 / 2000 - 1 + 500 / 2000


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"year_ago": INPUT}, INPUT),
        ({"year_ago": Fraction(0)}, ZERO),
        ({"M_20": Fraction(0)}, ZERO),
        ({"M_20": Fraction(0), "year_ago": INPUT}, INPUT),
        ({"M_29": INPUT, "year_ago": Fraction(0)}, INPUT),
        ({"M_29": Fraction(-4000)}, Fraction(-3, 2)),
    ],
)
def test_an_unknown_part_goes_before_a_division_by_nothing_u82(more: dict[str, Any], expected: Exact) -> None:
    assert expected == rule_of_40(given(**more), JANUARY)


@pytest.mark.parametrize(
    ("net_new", "collected", "expected"),
    [
        (Fraction(10), Fraction(-60), Fraction(1, 2)),  # 60 / (12 × 10)
        (Fraction(1, 100), Fraction(-1, 100), Fraction(1, 12)),
        (Fraction(10), Fraction(0), ZERO),
        (Fraction(10), Fraction(1, 100), ZERO),
        (Fraction(0), Fraction(-60), ZERO),
        (Fraction(-1, 100), Fraction(-60), ZERO),
        (HISTORY, Fraction(-60), HISTORY),
        (HISTORY, INPUT, HISTORY),
        (Fraction(10), INPUT, INPUT),
        (Fraction(0), HISTORY, INPUT),
    ],
)
def test_the_burn_multiple_is_of_cash_that_burns_while_mrr_grows_u83(
    net_new: Exact, collected: Exact, expected: Exact
) -> None:
    assert expected == burn_multiple_proxy({"M-02.net_new": net_new, "M-29.collected": collected})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, Fraction(825)),  # 3000 / 30 × (2000 - 500) / 2000 / (4 / 44)
        ({"first": Month(2023, 2), "M_01": INPUT}, HISTORY),
        ({"first": None}, HISTORY),
        ({"M_01": INPUT, "M_20": Fraction(0)}, INPUT),
        ({"M_27_cogs": INPUT}, INPUT),
        ({"year": [sums(), sums(guard=HISTORY)]}, INPUT),
        ({"year": [sums(), sums(paying=0, churn=0)]}, ZERO),
        ({"M_20": Fraction(0), "year": [sums(churn=0)]}, ZERO),
        ({"year": [sums(churn=0)], "M_05": Fraction(3)}, Reason.NO_LOSSES),
        ({"M_05": Fraction(29)}, Reason.SMALL_CELL),
        ({"year": [sums(), sums(churn=0)]}, Fraction(1650)),  # half the churn
        # 40 paying less 5 and 3 who came, with 4 who went: 36 at the start; 75 × 36 / 4
        ({"year": [sums(new=5, reactivation=3)]}, Fraction(675)),
    ],
)
def test_a_lifetime_value_has_the_first_reason_that_applies_u82(values: dict[str, Any], expected: Exact) -> None:
    assert expected == lifetime_value(given(**values), JANUARY)


def test_only_the_company_s_own_figures_of_the_month_are_joined() -> None:
    rows = [
        ("M-01", "company_month", COMPANY, 5, ""),
        ("M-02.new", "company_month", COMPANY, None, "missing_input"),
        ("M-40", "company_day", COMPANY, 7, ""),
        ("M-01", "account_month", "ACC_1", 9, ""),
        ("M-51.by_type", "company_month", "company|Upgrade", 9, ""),
    ]
    names = ("metric_id", "grain", "grain_key", "value", "null_reason")
    figures = pl.DataFrame([dict(zip(names, row, strict=True)) for row in rows], schema=FIGURE)

    assert {"M-01": Fraction(5), "M-02.new": INPUT} == stored_figures(figures)
