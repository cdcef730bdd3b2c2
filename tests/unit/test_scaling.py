"""The cost model of docs/scaling.md: its arithmetic by hand, and that the page says what it gives."""

import json
from pathlib import Path

import pytest

from compute.buckets import BUCKETS as REAL_BUCKETS
from tests.benchmarks.scaling_model import (
    BUCKETS,
    CONSTANTS,
    DATES,
    Costs,
    fits,
    price,
    processor_seconds,
    tables,
)

BY_HAND = Costs(
    event=2e-6, reading=1e-7, shard=0.5, handing=0.001, file=0.0001, commit=0.1,
    rows_per_shard=1_000_000, stored_bytes=20.0, memory_bytes=250.0,
)  # fmt: skip


def test_a_month_of_a_hundred_million_by_hand() -> None:
    found = price(100_000_000, 1, BY_HAND)

    assert 100 == found.shards
    # 200 s of clicks, 5.625 s to read a bucket more than once, 50 s of shards, on 8 processors.
    assert pytest.approx((200 + 10 * (100 / 64 - 1) + 50) / 8) == found.work_seconds
    assert pytest.approx(0.1) == found.driver_seconds
    # Three commits of 0.1 s and a hundred files.
    assert pytest.approx(3 * (0.1 + 0.01)) == found.commit_seconds
    assert pytest.approx(10 + 31.953125 + 0.33) == found.seconds
    assert pytest.approx(0.40 * 42.283125 / 3600) == found.usd
    assert pytest.approx(2 * 0.023) == found.storage_usd
    assert "work" == found.bound


def test_more_nodes_help_until_there_is_a_processor_for_each_shard() -> None:
    few, enough, more = (price(10**9, nodes, BY_HAND).seconds for nodes in (10, 125, 500))

    assert few > enough == more


def test_a_month_with_more_clicks_than_buckets_and_dates_can_part_does_not_fit() -> None:
    assert BUCKETS == REAL_BUCKETS
    assert fits(BUCKETS * DATES * 1_000_000, BY_HAND)
    assert not fits(10**11, BY_HAND)


def test_the_model_told_beforehand_what_was_then_measured() -> None:
    known = json.loads(CONSTANTS.read_text(encoding="utf-8"))
    costs = Costs(**known["costs"])

    assert {1, 3, 10} <= {round(run["clicks"] / 1e6) for run in known["runs"]}
    for run in known["runs"]:
        assert run["predicted"] == pytest.approx(processor_seconds(run["clicks"], costs))
        assert run["seconds"] == pytest.approx(run["predicted"], rel=0.35)


def test_the_page_shows_what_the_model_gives() -> None:
    known = json.loads(CONSTANTS.read_text(encoding="utf-8"))
    page = (Path(CONSTANTS).with_suffix(".md")).read_text(encoding="utf-8")

    for line in tables(Costs(**known["costs"]), known["runs"]).splitlines():
        assert line in page, "tests/benchmarks/scaling.py table"
