"""Small parts of contracts: conditions over unknown values, account numbers, choices that stay as they are."""

import re

import polars as pl
import pytest

from compute.company import Company
from compute.contracts.contract import exactly_one
from compute.contracts.feeds import BY_NAME
from compute.reading import Number, read_field


def test_exactly_one_of_two_conditions_counts_an_unknown_one_as_false() -> None:
    cases = [(left, right) for left in (True, False, None) for right in (True, False, None)]
    rows = pl.DataFrame(cases, schema={"left": pl.Boolean, "right": pl.Boolean}, orient="row")

    found = rows.select(exactly_one(pl.col("left"), pl.col("right"))).to_series().to_list()

    assert [False, True, True, True, False, False, True, False, False] == found


@pytest.mark.parametrize("value", [Number("7"), 7, True, ["ACC_1"], "7x", "x7"])
def test_an_account_is_text_that_fits_the_pattern_as_a_whole(value: object) -> None:
    account = BY_NAME["revenue"].fields[0]

    assert (None, "Q92") == read_field(account, value, re.compile("[0-9]+"))
    assert ("7", None) == read_field(account, "7", re.compile("[0-9]+"))


def test_a_company_is_frozen_and_has_no_other_keys() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Company().limits.small_team = 4  # type: ignore[misc]
