"""Money: one rounding, HALF_EVEN; shares that add up; and the facts of Polars' decimals that the code relies on.

Source: `metrics.md` §1.2 (U-85), §6.3; `data.md` U-12.
"""

from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest

from compute.money import (
    MONEY,
    RATIO,
    SUM,
    allocate,
    cents,
    divide_to_cents,
    exact,
    from_cents,
    quotient,
    stored,
    to_cents,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1.004", "1.00"),
        ("1.005", "1.00"),
        ("1.0050000000000000000000000000000000000001", "1.01"),
        ("1.015", "1.02"),
        ("-1.005", "-1.00"),
        ("-1.015", "-1.02"),
        ("-0.005", "0.00"),
        ("7", "7.00"),
        ("9999999999999999.99", "9999999999999999.99"),
    ],
)
def test_a_tie_goes_to_the_even_cent_and_zero_has_no_sign(value: str, expected: str) -> None:
    assert expected == str(to_cents(Decimal(value)))


@pytest.mark.parametrize(
    ("total", "parts", "expected"),
    [
        ("45000.00", "4", "11250.00"),
        ("0.05", "2", "0.02"),
        ("0.15", "2", "0.08"),
        ("-0.05", "2", "-0.02"),
        ("100.00", "3", "33.33"),
        ("200.00", "3", "66.67"),
        ("1.00", "0.3", "3.33"),
        ("9999999999999999.99", "1", "9999999999999999.99"),
    ],
)
def test_a_division_to_cents_is_rounded_once(total: str, parts: str, expected: str) -> None:
    assert expected == str(divide_to_cents(Decimal(total), Decimal(parts)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction(1, 3), "0.3333333333"),
        (Fraction(2, 3), "0.6666666667"),
        (Fraction(5, 10**11), "0.0000000000"),
        (Fraction(15, 10**11), "0.0000000002"),
        (Fraction(-2, 3), "-0.6666666667"),
        (exact(Decimal("0.10")) + exact(Decimal("0.20")), "0.3000000000"),
        (Fraction(10**16, 7), "1428571428571428.5714285714"),
    ],
)
def test_an_exact_value_is_stored_half_even_at_ten_places(value: Fraction, expected: str) -> None:
    assert expected == f"{stored(value):f}"


@pytest.mark.parametrize(
    ("top", "bottom", "expected"),
    [
        ("1", "3", "0.3333333333"),
        ("2", "3", "0.6666666667"),
        ("1", "8", "0.1250000000"),
        ("0.01", "3", "0.0033333333"),
        ("5", "100000000000", "0.0000000000"),
        ("15", "100000000000", "0.0000000002"),
        ("-2", "3", "-0.6666666667"),
        ("9999999999999999.99", "9999999999999999.99", "1.0000000000"),
        ("9999999999999999.99", "0.01", "999999999999999999.0000000000"),
        ("1", "0", None),
        ("0", "0", None),
        ("0", "5", "0.0000000000"),
        (None, "5", None),
        ("5", None, None),
    ],
)
def test_a_quotient_of_columns_is_rounded_once_and_never_divides_by_zero(
    top: str | None, bottom: str | None, expected: str | None
) -> None:
    frame = pl.DataFrame(
        [[top and Decimal(top), bottom and Decimal(bottom)]], schema={"top": SUM, "bottom": SUM}, orient="row"
    )

    actual = frame.select(it=quotient(pl.col("top"), pl.col("bottom")))

    assert {"it": RATIO} == dict(actual.schema)
    assert expected == (None if actual.item() is None else f"{actual.item():f}")


@pytest.mark.parametrize("bottom", [pl.Int64, pl.Decimal(38, 0), pl.Decimal(38, 20)], ids=str)
def test_a_quotient_has_ten_places_whatever_it_is_divided_by(bottom: pl.DataType) -> None:
    frame = pl.DataFrame({"top": ["10.00"], "bottom": ["3"]}).cast({"top": MONEY, "bottom": bottom})

    actual = frame.select(it=quotient(pl.col("top"), pl.col("bottom")))

    assert {"it": RATIO} == dict(actual.schema)
    assert "3.3333333333" == str(actual.item())


@pytest.mark.parametrize("amount", ["0.00", "0.01", "-0.01", "12.34", "9999999999999999.99", "-9999999999999999.99"])
def test_an_amount_is_the_same_after_a_way_through_cents(amount: str) -> None:
    frame = pl.DataFrame({"it": [Decimal(amount)]}, schema={"it": MONEY})

    back = frame.select(it=from_cents(cents(pl.col("it"))))

    assert back.equals(frame)
    assert int(Decimal(amount) * 100) == frame.select(cents(pl.col("it"))).item()


def shares(*rows: tuple[str, int, str, int]) -> dict[tuple[str, str], int]:
    """Allocate rows of source, cents, key, weight."""
    frame = pl.DataFrame(
        list(rows), schema={"source": pl.String, "n": pl.Int64, "key": pl.String, "w": pl.Int64}, orient="row"
    )
    shared = allocate(frame, source="source", amount="n", weight="w", key="key")
    return {(row["source"], row["key"]): row["share"] for row in shared.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("amount", "weights", "expected"),
    [
        (10, {"a": 1, "b": 1, "c": 1}, {"a": 4, "b": 3, "c": 3}),
        (11, {"a": 1, "b": 1, "c": 1}, {"a": 4, "b": 4, "c": 3}),
        (10, {"c": 1, "b": 1, "a": 1}, {"a": 4, "b": 3, "c": 3}),
        (1, {"ACC_9": 1, "ACC_10": 1}, {"ACC_9": 0, "ACC_10": 1}),  # by key as text
        (100, {"a": 1, "b": 2}, {"a": 33, "b": 67}),  # 33 1/3 and 66 2/3: the larger remainder first
        (100, {"a": 1, "b": 2, "c": 0}, {"a": 33, "b": 67, "c": 0}),
        (0, {"a": 1, "b": 2}, {"a": 0, "b": 0}),
        (7, {"a": 5}, {"a": 7}),
        (-10, {"a": 1, "b": 1, "c": 1}, {"a": -3, "b": -3, "c": -4}),  # floors are −4; two cents go back, by key
        (999_999_999_999_999_999, {"a": 10**9, "b": 2 * 10**9}, {"a": 333333333333333333, "b": 666666666666666666}),
    ],
)
def test_the_cents_left_go_to_the_largest_remainders_then_by_key(
    amount: int, weights: dict[str, int], expected: dict[str, int]
) -> None:
    actual = shares(*(("s", amount, key, weight) for key, weight in weights.items()))

    assert {("s", key): share for key, share in expected.items()} == actual


def test_each_source_is_shared_by_itself() -> None:
    actual = shares(("s", 3, "a", 1), ("t", 5, "a", 1), ("s", 3, "b", 1), ("t", 5, "b", 3))

    # 5 over 1 : 3 is 1.25 and 3.75.
    assert {("s", "a"): 2, ("s", "b"): 1, ("t", "a"): 1, ("t", "b"): 4} == actual


@pytest.mark.parametrize(
    ("top", "top_scale", "bottom", "bottom_scale", "expected"),
    [
        ("0.05", 2, "2", 2, "0.02"),
        ("0.15", 2, "2", 2, "0.08"),
        ("-0.15", 2, "2", 2, "-0.08"),
        ("0.05", 2, "2", 0, "0.02"),
        ("1", 2, "6", 2, "0.17"),
        ("1", 2, "6", 10, "0.1666666667"),
        ("1", 10, "6", 2, "0.1666666667"),
        ("0.0000000001", 10, "2", 10, "0.0000000000"),
        ("0.0000000003", 10, "2", 10, "0.0000000002"),
    ],
)
def test_polars_divides_decimals_once_half_even_at_the_wider_scale(
    top: str, top_scale: int, bottom: str, bottom_scale: int, expected: str
) -> None:
    frame = pl.DataFrame(
        {"top": [Decimal(top)], "bottom": [Decimal(bottom)]},
        schema={"top": pl.Decimal(38, top_scale), "bottom": pl.Decimal(38, bottom_scale)},
    )

    assert expected == f"{frame.select(pl.col('top') / pl.col('bottom')).item():f}"


@pytest.mark.parametrize(("value", "expected"), [("0.005", "0.00"), ("0.015", "0.02"), ("-0.015", "-0.02")])
def test_polars_casts_decimals_half_even(value: str, expected: str) -> None:
    frame = pl.DataFrame({"it": [Decimal(value)]}, schema={"it": pl.Decimal(38, 3)})

    assert expected == str(frame.select(pl.col("it").cast(SUM)).item())


def test_polars_adds_money_exactly_in_38_digits() -> None:
    frame = pl.DataFrame({"it": [Decimal("9999999999999999.99")] * 1_000}, schema={"it": MONEY})

    total = frame.select(pl.col("it").cast(SUM).sum()).item()

    assert Decimal("9999999999999999990.00") == total
