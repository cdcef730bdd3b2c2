"""Sentences made of columns, whatever chunks the columns are in."""

from pathlib import Path

import polars as pl
import pytest

from compute.wording import worded

ROOT = Path(__file__).parents[2]


def test_a_column_whose_first_chunk_is_empty_can_be_worded() -> None:
    seats = pl.concat([pl.Series("seats", [9]), pl.Series("seats", [1, 2])], rechunk=False)
    frame = pl.DataFrame([pl.Series("k", ["a"] * 3), seats]).filter(pl.col("seats") < 5)

    assert [0, 2] == [chunk.len() for chunk in frame.get_column("seats").get_chunks()]
    assert ["1 seats", "2 seats"] == frame.select(worded("{} seats", "seats")).to_series().to_list()


def test_a_null_makes_no_sentence_and_values_must_fit() -> None:
    assert [None] == pl.DataFrame({"a": [None]}).select(worded("{}!", "a")).to_series().to_list()
    with pytest.raises(ValueError, match="does not hold 2"):
        worded("{}", "a", "b")


def test_nobody_uses_what_panics() -> None:
    users = [
        path for name in ("compute", "storage", "flows") for path in (ROOT / name).rglob("*.py")
        if "pl.format(" in path.read_text(encoding="utf-8")
    ]  # fmt: skip
    assert [] == users
