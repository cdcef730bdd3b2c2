"""Rows are grouped as they lie, and a group that lies in several places is put together again."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from compute.buckets import with_bucket
from compute.company import Company
from compute.engagement_day import user_days
from compute.sessions import bins, day_parts
from compute.stretches import scattered, stretches
from storage.catalog import SILVER

NINE = datetime(2024, 1, 10, 9, 0, tzinfo=UTC)


def clicks(*each: tuple[str, int, str | None]) -> pl.DataFrame:
    """Return clicks of one user, as they came: session, minute after nine, feature."""
    rows = [
        {"account_id": "ACC_1", "user_id": "U", "session_id": session, "event_type": "click", "feature_name": feature,
         "timestamp": NINE + timedelta(minutes=minute)} for session, minute, feature in each
    ]  # fmt: skip
    kept = ("account_id", "user_id", "session_id", "event_type", "feature_name", "timestamp")
    return with_bucket(
        pl.DataFrame(rows, schema={name: SILVER["click_events"].schema[name] for name in kept}),
        ["account_id", "user_id"],
    )


def test_clicks_of_a_visit_that_came_apart_and_out_of_order_are_one_part() -> None:
    came = clicks(("A", 0, "SSO"), ("A", 10, None), ("B", 3, None), ("A", 5, "API"), ("A", 15, "SSO"))

    parts = day_parts(bins(came, Company())).select("session_id", "clicks", "active_us", "features")

    # From 9:00 to 9:15, not 10 minutes of the first stretch and 10 of the second.
    assert [("A", 4, 15 * 60_000_000, ["API Access", "SSO"]), ("B", 1, 0, [])] == parts.rows()


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 2, 1], [2, 0, 1]])
def test_a_day_that_came_apart_is_one_user_day(order: list[int]) -> None:
    came = clicks(("A", 0, "SSO"), ("A", 1, None), ("A", 24 * 60, "API"))[order]

    days = user_days(bins(came, Company()), pl.DataFrame(schema=SILVER["usage_sessions"].schema), Company())

    assert [(2, ["SSO"]), (1, ["API Access"])] == days.select("clicks", "features").rows()


def test_a_stretch_ends_where_a_key_changes_and_nulls_are_alike() -> None:
    rows = pl.DataFrame({"key": [None, None, "a", "a", None], "text": ["y", "x", None, "x", "x"]})

    found = stretches([rows.get_column("key")])

    assert [2, 2, 1] == found.sizes.tolist()
    assert [["x", "y"], ["x"], ["x"]] == found.distinct(rows.get_column("text"), found.numbers).to_list()
    assert [True, False, True] == scattered(found.first(rows, "key"), ["key"]).to_list()


@pytest.mark.parametrize("names", [3, 300, 70_000])
def test_names_are_told_apart_however_many_there_are(names: int) -> None:
    texts = [f"{number:05}" for number in range(names)]
    key = pl.Series(["a"] * names + ["b"] * 2)

    found = stretches([key]).union(pl.Series([*([text] for text in reversed(texts)), [texts[-1]] * 2, None]))

    assert [texts, texts[-1:]] == found.to_list()


def test_names_that_are_few_in_each_of_many_stretches_take_no_room_for_all_in_each() -> None:
    texts = [f"{number:05}" for number in range(20_000)]

    found = stretches([pl.Series(texts)]).union(pl.Series([[text, "00000", text] for text in texts]))

    # A table of 20,000 by 20,000 would be 400 megabytes.
    assert [["00000"], *(["00000", text] for text in texts[1:])] == found.to_list()


def test_no_rows_are_no_stretches() -> None:
    rows = pl.DataFrame(schema={"key": pl.String, "at": pl.Datetime("us", "UTC")})

    found = stretches(rows.get_columns())

    assert [] == found.sizes.tolist() == found.total(rows.get_column("key").is_null().to_numpy()).tolist()
    assert [] == found.least(rows.get_column("at")).to_list()
    assert [] == found.distinct(rows.get_column("key"), found.numbers).to_list()
