"""Which accounts there are: the union of all that is named. Source: `data.md` A.10, XR-1."""

from datetime import UTC, datetime

import polars as pl

from compute.accounts import ACCOUNT, NAMED, accounts, named_in
from compute.months import Month
from tests.company import Books, bill, click, cost

DATASETS = ("revenue", "expenses", "click_events")
EARLY, LATE = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)


def union(*named: tuple[str, str, datetime]) -> list[tuple[object, ...]]:
    rows = accounts(pl.DataFrame(list(named), schema=NAMED, orient="row"), DATASETS)
    assert list(ACCOUNT) == rows.columns
    return rows.rows()


def test_an_account_is_first_seen_where_it_arrived_first() -> None:
    found = union(("revenue", "ACC_1", LATE), ("click_events", "ACC_1", EARLY), ("expenses", "ACC_2", LATE))

    assert [
        ("ACC_1", "click_events", EARLY, ["revenue", "click_events"]),
        ("ACC_2", "expenses", LATE, ["expenses"]),
    ] == found


def test_of_two_datasets_at_one_instant_the_foremost_counts_in_any_order_of_rows() -> None:
    named = [("click_events", "ACC_1", EARLY), ("expenses", "ACC_1", EARLY), ("revenue", "ACC_1", LATE)]

    assert union(*named) == union(*reversed(named))
    assert [("ACC_1", "expenses", EARLY, ["revenue", "expenses", "click_events"])] == union(*named)


def test_no_account_at_all_is_no_row() -> None:
    assert [] == union()


def test_the_shared_pool_is_no_account_and_held_rows_name_none() -> None:
    feeds = {
        "revenue": [bill("ACC_1", "2024-01-15", 100.0), bill("ACC_2", "2024-01-15", -1.0)],
        "expenses": [cost(None, "2024-01-31", 1.0)],
        "click_events": [click("ACC_3", "USER_1", "2024-01-20T10:00:00Z")],
    }

    found = Books(feeds, (Month(2024, 1),)).accounts()

    assert [("ACC_1", "revenue"), ("ACC_3", "click_events")] == found.select("account_id", "first_seen_in").rows()


def test_rows_without_records_name_nobody() -> None:
    nothing = pl.LazyFrame(schema={"account_id": pl.String, "_arrival": pl.Datetime("us", "UTC")})

    assert named_in("revenue", nothing).collect().is_empty()
