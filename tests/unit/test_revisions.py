"""Duplicates, revisions, refused batches, order of arrival. Source: `data.md` A.0."""

import json
import random
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from compute.company import Company
from compute.contracts.contract import PLACE
from compute.contracts.feeds import BY_NAME
from compute.current import refused_days, settle, silver_rows
from compute.dispositions import count_dispositions
from compute.judging import judge
from tests.company import bill, cost

REVENUE = BY_NAME["revenue"]
A, B = bill("ACC_1", "2024-01-15", 100.0), bill("ACC_1", "2024-01-15", 110.0)


def settled(
    rows: list[Any], dataset: str = "revenue", days: list[int] | None = None, company: Company | None = None
) -> pl.DataFrame:
    """Judge and settle records that arrive one a day, or on the days given."""
    arrivals = [datetime(2024, 2, day, tzinfo=UTC) for day in days or [1] * len(rows)]
    places = [("landing", "file", number, arrival, "batch", "", json.dumps(row).encode())
              for number, (row, arrival) in enumerate(zip(rows, arrivals, strict=True), 1)]  # fmt: skip
    frame = pl.DataFrame(places, schema={**PLACE, "payload": pl.Binary}, orient="row")
    company = company or Company()
    judged = judge(frame, BY_NAME[dataset], company)
    return settle(judged, BY_NAME[dataset], company, refused_days(judged, company)).sort("_row")


def dispositions(rows: list[Any], dataset: str = "revenue", days: list[int] | None = None) -> list[str]:
    return settled(rows, dataset, days).get_column("_disposition").to_list()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([A, A], ["accepted", "duplicate"]),
        ([A, B], ["superseded", "accepted"]),
        ([A, B, A], ["superseded", "accepted", "duplicate"]),  # B stays (U-15)
        ([A, A | {"monthly_revenue": 100.001, "total_monthly_revenue": 100.0}], ["accepted", "duplicate"]),
        ([A, A | {"user_licenses": 10.0}], ["accepted", "duplicate"]),
        ([A, A | {"additional_features": None}], ["accepted", "duplicate"]),
        ([A, A | {"note": "x"}], ["accepted", "duplicate"]),
        ([A | {"payment_status": "Past Due"}, A | {"payment_status": "Overdue"}], ["accepted", "duplicate"]),
        ([A, B | {"payment_status": "Unheard"}], ["accepted", "quarantined"]),  # replaces nothing (U-04)
    ],
)
def test_rows_of_one_key(rows: list[Any], expected: list[str]) -> None:
    assert expected == dispositions(rows)


def test_the_shared_pool_is_one_key() -> None:
    rows = [cost(None, "2024-01-31", 5.0), cost("SHARED", "2024-01-31", 5.0), cost("SHARED", "2024-01-31", 6.0)]

    assert ["superseded", "duplicate", "accepted"] == dispositions(rows, "expenses")


def test_arrival_decides_and_not_the_order_of_reading() -> None:
    assert ["accepted", "superseded"] == dispositions([B, A], days=[9, 3])
    assert ["REV-W90"] == settled([B, A], days=[9, 3]).row(0, named=True)["_codes"]


def test_a_second_bill_of_a_month_is_marked_and_the_first_is_not() -> None:
    later = bill("ACC_1", "2024-01-20", 50.0)

    assert [["REV-W03"], []] == settled([later, A]).get_column("_codes").to_list()


@pytest.mark.parametrize(("good", "bad", "is_refused"), [(93, 6, False), (94, 6, True), (95, 5, False)])
def test_a_batch_is_refused_above_the_ratio_from_100_rows_up(good: int, bad: int, is_refused: bool) -> None:
    rows: list[Any] = [bill(f"ACC_{number}", "2024-01-15", 1.0) for number in range(good)]
    rows += [[]] + [bill(f"ACC_9{number}", "2024-01-15", 1.0, payment_status="?") for number in range(bad - 1)]

    result = settled(rows)

    held = result.filter(pl.col("_codes").list.contains("REV-Q99"))
    assert (good + bad if is_refused else 0) == held.height
    assert 1 == result.filter(pl.col("_disposition") == "rejected").height  # no record is no quarantine (ADR 6)
    assert (good + bad - 1 if is_refused else bad - 1) == result.filter(pl.col("_disposition") == "quarantined").height


def test_a_batch_is_a_date_of_arrival_however_it_was_cut() -> None:
    rows = [
        bill(f"ACC_{number}", "2024-01-15", 1.0, payment_status="?" if number % 10 == 0 else "Paid")
        for number in range(150)
    ]
    judged = settled(rows, days=[1 + number % 2 for number in range(150)])

    assert judged.filter(pl.col("_codes").list.contains("REV-Q99")).is_empty()  # 75 rows a day
    assert {date(2024, 2, 1)} == refused_days(settled(rows), Company())


def test_any_order_gives_the_same_silver_and_the_counts_add_up() -> None:
    rows = [A, B, A, bill("ACC_2", "2024-01-16", 5.0), bill("ACC_2", "2024-01-17", 5.0), [], {"account_id": None}]
    days = [3, 4, 5, 1, 2, 6, 7]
    shuffled = list(zip(rows, days, strict=True))
    random.Random(7).shuffle(shuffled)

    first, second = settled(rows, days=days), settled([row for row, _ in shuffled], days=[day for _, day in shuffled])

    keep = ["account_id", "billing_date", "total_monthly_revenue", "_codes"]
    assert silver_rows(first, REVENUE).select(keep).equals(silver_rows(second, REVENUE).select(keep))
    counts = count_dispositions(first, REVENUE).filter(pl.col("code") == "")
    assert len(rows) == counts.get_column("rows").sum()
    assert count_dispositions(first, REVENUE).equals(count_dispositions(second, REVENUE))
