"""From judged to current rows, in literal codes and counts: order, W90, keys with nulls, REV-W03, refused days.

`test_revisions` has what is identical and the shapes of a history; `tests/property` has the laws. Source: `data.md`
A.0, steps 5 and 6 (U-01 to U-06, U-13, U-15, U-20, U-113).
"""

from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import polars as pl
import pytest

from compute.company import parse_company
from compute.contracts.feeds import BY_NAME
from compute.current import refused_days, settle, silver_rows, silver_schema
from compute.dispositions import count_dispositions
from tests.unit.records import Raw, judged, record

COMPANY = parse_company("", source="company.toml")
JAN_15, JAN_16 = "2024-01-15", "2024-01-16"

Outcome = tuple[str, list[str]]


def bill(total: int, on: str = JAN_15, **more: Any) -> bytes:
    return record(
        "revenue", monthly_revenue=total, feature_revenue=0, total_monthly_revenue=total, additional_features=[],
        billing_date=on, **more,
    )  # fmt: skip


def outcomes(dataset: str, frame: pl.DataFrame) -> list[Outcome]:
    """Settle judged rows; the outcome of each, in order of arrival."""
    settled = settle(frame, BY_NAME[dataset], COMPANY, refused_days(frame, COMPANY))
    return list(settled.select("_disposition", "_codes").iter_rows())


def history(dataset: str, *lines: bytes) -> list[Outcome]:
    return outcomes(dataset, judged(dataset, *lines))


A, B, C = bill(100), bill(110), bill(120)
CURRENT, REVISED = ("accepted", []), ("accepted", ["REV-W90"])
OLD, AGAIN = ("superseded", []), ("duplicate", [])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([A], [CURRENT]),
        ([A, B, A, C], [OLD, OLD, AGAIN, REVISED]),
        ([A, B, B], [OLD, REVISED, AGAIN]),
        ([A, bill(1, payment_status="?"), A], [CURRENT, ("quarantined", ["REV-Q04"]), AGAIN]),
        ([bill(1, payment_status="?")] * 2, [("quarantined", ["REV-Q04"])] * 2),  # as often as they arrive (U-06)
        ([b"{", A, b"{"], [("rejected", ["REV-R00"]), CURRENT, ("rejected", ["REV-R00"])]),
        ([A, bill(100, account_id="ACC_002")], [CURRENT, CURRENT]),
        ([A, bill(100, on="2024-02-01")], [CURRENT, CURRENT]),
        ([bill(100, subscription_tier="Gold"), A], [("superseded", ["REV-W02"]), REVISED]),
        ([A, bill(110, subscription_tier="Gold")], [OLD, ("accepted", ["REV-W02", "REV-W90"])]),
    ],
)
def test_a_history_of_one_key_ends_in_its_last_new_record(lines: list[bytes], expected: list[Outcome]) -> None:
    assert expected == history("revenue", *lines)


@pytest.mark.parametrize(
    ("dataset", "one", "other", "expected"),
    [
        ("expenses", {"cost_breakdown": None}, {"cost_breakdown": {}}, "superseded"),
        (
            "expenses",
            {"cost_breakdown": {"a": 5000, "b": 3000}},
            {"cost_breakdown": {"b": 3000, "a": 5000}},
            "accepted",
        ),
        ("expenses", {"account_id": None}, {"account_id": "SHARED"}, "accepted"),
        ("revenue", {"additional_features": ["a", "b"]}, {"additional_features": ["b", "a"]}, "superseded"),
        ("salaries", {"headcount": 4}, {"headcount": Raw("40e-1")}, "accepted"),
        ("account_status_changes", {"sales_rep": "A"}, {"sales_rep": "B"}, "superseded"),
        ("account_status_changes", {"contract_value": Raw("15000.001")}, {"contract_value": 15000}, "accepted"),
    ],
)
def test_only_what_is_identical_as_typed_is_a_duplicate_u03(
    dataset: str, one: dict[str, Any], other: dict[str, Any], expected: str
) -> None:
    first, second = history(dataset, record(dataset, **one), record(dataset, **other))

    assert expected == first[0]
    assert {"superseded": "accepted", "accepted": "duplicate"}[expected] == second[0]


@pytest.mark.parametrize(
    ("dataset", "one", "other", "expected"),
    [
        ("account_status_changes", {"previous_status": None}, {"previous_status": None, "contract_value": 1}, 1),
        ("account_status_changes", {"previous_status": None}, {"previous_status": "Lead"}, 2),
        ("license_changes", {}, {"change_type": "True-up"}, 2),
        ("license_changes", {}, {"effective_date": "2024-02-02"}, 2),
        ("license_changes", {}, {"new_licenses": 80}, 1),
        ("expenses", {}, {"expense_category": "Support"}, 2),
        ("salaries", {}, {"salary_month": "2024-02"}, 2),
        ("salaries", {}, {"team_name": "Support"}, 1),
        ("subscription_renewals", {}, {"new_contract_value": 30000}, 1),
    ],
)
def test_the_key_decides_whether_two_records_are_a_revision_or_two_u113(
    dataset: str, one: dict[str, Any], other: dict[str, Any], expected: int
) -> None:
    settled = history(dataset, record(dataset, **one), record(dataset, **other))

    assert expected == [disposition for disposition, _ in settled].count("accepted")


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ({"arrival": "2024-02-01T00:00:00Z", "file": "z"}, {"arrival": "2024-02-01T00:00:01Z", "file": "a"}),
        ({"arrival": "2024-02-01T00:00:00Z", "file": "a"}, {"arrival": "2024-02-01T00:00:00Z", "file": "b"}),
    ],
)
def test_rows_go_by_arrival_then_file_then_row_u02(first: dict[str, str], last: dict[str, str]) -> None:
    early, late = judged("revenue", A, B, **first), judged("revenue", C, A, **last)

    assert [OLD, OLD, REVISED, AGAIN] == outcomes("revenue", pl.concat([late, early]))


def test_any_order_of_reading_gives_the_same_outcome_at30() -> None:
    frame = judged("revenue", A, B, A, bill(1, payment_status="?"))
    expected = outcomes("revenue", frame)

    assert all(expected == outcomes("revenue", frame[list(order)]) for order in permutations(range(4)))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([bill(1, JAN_16), bill(1, "2024-01-17"), bill(1, JAN_15)], [["REV-W03"], ["REV-W03"], []]),
        ([bill(1, JAN_15, payment_status="Void"), bill(1, JAN_16, payment_status="Void")], [[], ["REV-W03"]]),
        ([bill(1, JAN_15), bill(1, JAN_16, account_id="ACC_002")], [[], []]),
        ([bill(1, "2024-01-31"), bill(1, "2024-02-01")], [[], []]),
        ([bill(1, JAN_15, payment_status="?"), bill(1, JAN_16)], [["REV-Q04"], []]),
        ([bill(1, JAN_15), bill(1, JAN_16), bill(2, JAN_16)], [[], [], ["REV-W90", "REV-W03"]]),
        ([bill(1, JAN_15), bill(1, JAN_15)], [[], []]),
    ],
)
def test_each_current_bill_of_an_account_s_month_but_the_first_is_marked(
    lines: list[bytes], expected: list[list[str]]
) -> None:
    assert expected == [codes for _, codes in history("revenue", *lines)]


def lines_of(good: int, bad: int) -> list[bytes]:
    return [bill(1, account_id=f"ACC_{number}") for number in range(good)] + [bill(1, payment_status="?")] * bad


@pytest.mark.parametrize(
    ("good", "bad", "ratio", "is_refused"),
    [
        (95, 5, "0.05", False),  # exactly at the limit
        (94, 6, "0.05", True),
        (0, 99, "0.05", False),
        (0, 100, "0.05", True),
        (99, 1, "0", True),
        (100, 0, "0", False),
        (0, 100, "1", False),
        (190, 10, "0.05", False),
        (189, 11, "0.05", True),
        (70, 30, "0.3", False),  # 0.3 · 100 is 30.000000000000004 in floats
    ],
)
def test_a_day_is_refused_from_100_rows_up_above_the_ratio_u13(
    good: int, bad: int, ratio: str, is_refused: bool
) -> None:
    company = parse_company(f"[limits]\nmax_bad_ratio = {ratio}", source="company.toml")

    actual = refused_days(judged("revenue", *lines_of(good, bad)), company)

    assert (frozenset([date(2024, 2, 5)]) if is_refused else frozenset()) == actual


def test_the_days_of_arrival_are_utc_days() -> None:
    lines = lines_of(90, 60)
    evening = judged("revenue", *lines[:75], arrival="2024-02-05T23:59:59Z")
    morning = judged("revenue", *lines[75:], arrival="2024-02-06T00:00:00Z")
    same_day = morning.with_columns(_arrival=pl.lit(datetime(2024, 2, 5, tzinfo=UTC)).cast(pl.Datetime("us", "UTC")))

    assert frozenset() == refused_days(pl.concat([evening, morning]), COMPANY)
    assert frozenset([date(2024, 2, 5)]) == refused_days(pl.concat([evening, same_day]), COMPANY)


def test_a_refused_row_is_quarantined_keeps_its_codes_and_replaces_nothing() -> None:
    before = judged("revenue", bill(5, account_id="ACC_0"), arrival="2024-02-01T00:00:00Z")
    refused = judged("revenue", *lines_of(94, 5), b"{")

    first, *rest = outcomes("revenue", pl.concat([refused, before]))

    assert CURRENT == first
    assert [("quarantined", ["REV-Q99"])] * 94 == rest[:94]
    assert [("quarantined", ["REV-Q04", "REV-Q99"])] * 5 == rest[94:99]
    assert ["REV-R00", "REV-Q99"] == rest[99][1]


def test_counts_are_of_rows_per_code_and_total_and_add_up_at03() -> None:
    lines = [A, B, A, bill(1, account_id=None), bill(1, payment_status="?", user_licenses=-1), bill(1, "2024-02-01")]
    frame = judged("revenue", *lines)

    settled = settle(frame, BY_NAME["revenue"], COMPANY, frozenset())
    counts = count_dispositions(settled, BY_NAME["revenue"])

    assert counts.drop("dataset", "closed").rows() == [
        ("2024-01", "accepted", "", 1),
        ("2024-01", "accepted", "REV-W90", 1),
        ("2024-01", "duplicate", "", 1),
        ("2024-01", "quarantined", "", 1),
        ("2024-01", "quarantined", "REV-Q04", 1),
        ("2024-01", "quarantined", "REV-Q06", 1),
        ("2024-01", "rejected", "", 1),
        ("2024-01", "rejected", "REV-R01", 1),
        ("2024-01", "superseded", "", 1),
        ("2024-02", "accepted", "", 1),
    ]
    assert len(lines) == counts.filter(pl.col("code") == "").get_column("rows").sum()


@pytest.mark.parametrize("dataset", BY_NAME)
def test_silver_holds_current_rows_in_its_shape_without_personal_data_a11(dataset: str) -> None:
    contract = BY_NAME[dataset]
    frame = judged(dataset, record(dataset), record(dataset, currency="EUR"))

    silver = silver_rows(settle(frame, contract, COMPANY, frozenset()), contract)

    assert dict(silver.schema) == dict(pl.DataFrame(schema=silver_schema(contract)).schema)
    assert "sales_rep" not in silver.columns
    assert {"user_agent", "ip_address"}.isdisjoint(silver.columns)
    assert [(1, "ok")] == silver.select(contract.order[-1], "_quality").rows()
