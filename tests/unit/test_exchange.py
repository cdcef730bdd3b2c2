"""The exchange format: the same bytes for the same rows. Source: `interface.md` "Exports", `operations.md` S-1."""

import hashlib
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from compute.exchange import content_hash, metrics_table, plain, to_csv
from compute.figures import FIGURE
from compute.money import RATIO

COLUMNS = "period,revision,metric_id,grain,grain_key,value,unit,quality,null_reason,footnote_ids"


def figure(metric_id: str, value: str | None, unit: str = "money", **more: Any) -> dict[str, Any]:
    return {
        "month": "2024-01", "metric_id": metric_id, "grain": "company_month", "grain_key": "company",
        "value": None if value is None else Decimal(value), "unit": unit, "quality": "billed", "null_reason": None,
        "footnote_ids": "", **more,
    }  # fmt: skip


def figures(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=FIGURE)


ARR = figure("M-03", "1200")
MRR = figure("M-01", "100.00", footnote_ids="estimated")
UNKNOWN = figure("M-06", None, null_reason="missing_input")


@pytest.mark.parametrize(
    ("value", "money", "other"),
    [
        ("0", "0.00", "0"),
        ("7", "7.00", "7"),
        ("100", "100.00", "100"),
        ("12.5", "12.50", "12.5"),
        ("12.34", "12.34", "12.34"),
        ("12.345", "12.345", "12.345"),
        ("12.0000000001", "12.0000000001", "12.0000000001"),
        ("-0.1", "-0.10", "-0.1"),
        ("-20", "-20.00", "-20"),
        ("1010.10", "1010.10", "1010.1"),
    ],
)
def test_money_has_two_places_at_least_and_nothing_else_has_zeros_that_say_nothing(
    value: str, money: str, other: str
) -> None:
    rows = pl.DataFrame(
        {"value": [Decimal(value)] * 3, "unit": ["money", "ratio", "count"]}, schema_overrides={"value": RATIO}
    )

    assert [money, other, other] == rows.select(plain(pl.col("value"), pl.col("unit"))).to_series().to_list()


def test_an_unknown_value_is_no_text() -> None:
    rows = pl.DataFrame({"value": [None], "unit": ["money"]}, schema={"value": RATIO, "unit": pl.String})

    assert [""] == rows.select(plain(pl.col("value"), pl.col("unit"))).to_series().to_list()


def test_the_export_has_its_columns_sorted_by_all_of_them_and_nothing_for_null() -> None:
    table = metrics_table(figures(UNKNOWN, ARR, MRR), "2024-01.r1")

    assert to_csv(table) == (
        f"{COLUMNS}\n"
        "2024-01,2024-01.r1,M-01,company_month,company,100.00,money,billed,,estimated\n"
        "2024-01,2024-01.r1,M-03,company_month,company,1200.00,money,billed,,\n"
        "2024-01,2024-01.r1,M-06,company_month,company,,money,billed,missing_input,\n"
    )


def test_a_draft_has_no_revision() -> None:
    assert ["", ""] == metrics_table(figures(ARR, MRR)).get_column("revision").to_list()


def test_the_hash_is_that_of_the_rows_without_revision_and_of_the_footnotes_in_order() -> None:
    text = (
        "period,metric_id,grain,grain_key,value,unit,quality,null_reason,footnote_ids\n"
        "2024-01,M-01,company_month,company,100.00,money,billed,,estimated\n"
        "2024-01,M-03,company_month,company,1200.00,money,billed,,\n"
        "carried_forward,From an earlier bill.\n"
        "estimated,From a contract.\n"
    )
    notes = {"estimated": "From a contract.", "carried_forward": "From an earlier bill."}

    assert hashlib.sha256(text.encode()).hexdigest() == content_hash([figures(ARR, MRR)], notes)


@pytest.mark.parametrize(
    "aside",
    [figure("M-24", "5", grain="account_day"), figure("M-46", "5", grain="team_day"), figure("M-47", "5", "count")],
)
def test_days_and_the_freshness_of_sources_are_not_hashed(aside: dict[str, Any]) -> None:
    assert content_hash([figures(ARR)], {}) == content_hash([figures(ARR, aside)], {})


@pytest.mark.parametrize(
    "other",
    [
        figure("M-03", "1200.0000000001"),
        figure("M-04", "1200"),
        figure("M-03", "1200", grain="account_month"),
        figure("M-03", "1200", quality="estimated"),
    ],
)
def test_every_other_difference_changes_the_hash(other: dict[str, Any]) -> None:
    assert content_hash([figures(ARR)], {}) != content_hash([figures(other)], {})
