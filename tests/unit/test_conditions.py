"""Small parts that larger examples step over: unknown conditions, account numbers, reasons, orders."""

import json
import re
from datetime import UTC, datetime

import polars as pl
import pytest

from compute.clock import clock_marks, moved_rows
from compute.company import Company
from compute.contracts.contract import exactly_one
from compute.contracts.feeds import BY_NAME
from compute.contracts.schema import require
from compute.current import ALONE, Beside
from compute.errors import ContractViolation
from compute.figures import Column, column_frame
from compute.lateness import late_events
from compute.money import MONEY
from compute.months import Month
from compute.mrr import with_mrr
from compute.reading import Number, read_field
from compute.releases import VERDICTS, is_accepted_as_is
from tests.unit.records import SEED, judged, record


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


def test_the_cost_of_a_part_of_a_head_is_compared_too() -> None:
    half = {"headcount": 0.5, "monthly_salary_total": 100, "cost_per_engineer": 100}

    assert [["SAL-Q01", "SAL-Q03"]] == judged("salaries", record("salaries", **half)).get_column("_codes").to_list()


@pytest.mark.parametrize("member", ["previous_contract_value", "new_contract_value"])
@pytest.mark.parametrize(("value", "is_negative"), [(0, False), (-0.01, True)])
def test_a_contract_of_nothing_is_not_negative(member: str, value: float, *, is_negative: bool) -> None:
    (codes,) = judged("subscription_renewals", record("subscription_renewals", **{member: value})).get_column("_codes")

    assert is_negative == ("REN-Q95" in codes)


def test_mrr_does_not_depend_on_the_order_of_the_account_months() -> None:
    """ACC_1 is carried forward from its bill, ACC_2 from its own."""
    names = ("account_id", "month", "bill_total")
    bills = [("ACC_1", "2024-01", 5), ("ACC_2", "2024-01", 7), ("ACC_1", "2024-02", None), ("ACC_2", "2024-02", None)]
    grid = pl.DataFrame(bills, schema=names, orient="row").with_columns(
        pl.col("bill_total").cast(MONEY), birth=pl.lit("2024-01"), status=pl.lit("Active"), is_open_gap=pl.lit(value=False),
        licence_revenue=pl.lit(0, dtype=MONEY), contract_mrr=pl.lit(None, dtype=MONEY),
    )  # fmt: skip

    for order in ([0, 1, 2, 3], [3, 0, 1, 2], [2, 1, 0, 3]):
        found = with_mrr(grid[order], Month(2024, 1)).sort("account_id", "month").get_column("mrr").to_list()
        assert [5, 5, 7, 7] == found


@pytest.mark.parametrize("dataset", SEED)
def test_every_member_of_the_user_s_records_is_a_field(dataset: str) -> None:
    assert set(json.loads(SEED[dataset])) == {field.name for field in BY_NAME[dataset].fields}


def test_a_value_that_is_absent_without_a_reason_is_missing_input() -> None:
    wide = pl.DataFrame({"month": ["2024-01"] * 3, "key": ["a", "b", "c"], "value": [None, None, 5],
                         "reason": [None, "zero_denominator", "no_losses"]})  # fmt: skip

    table = column_frame(wide, "account_month", pl.col("key"), [Column("M-01", pl.col("value"), pl.col("reason"))])

    columns = ("grain_key", "value", "null_reason", "quality")
    assert [
        ("a", None, "missing_input", "unavailable"),
        ("b", None, "zero_denominator", "unavailable"),
        ("c", 5, "", "billed"),
    ] == table.select(columns).rows()


def test_a_broken_contract_names_its_failures_in_order() -> None:
    worse = judged("revenue", record("revenue", user_licenses=-1, total_monthly_revenue=1, payment_status=None))

    with pytest.raises(ContractViolation) as refused:
        require(BY_NAME["revenue"], Company(), worse)

    assert ["REV-Q01", "REV-Q06", "not_nullable"] == [failure.partition(":")[0] for failure in refused.value.failures]


def test_late_events_stand_in_the_order_of_their_topic() -> None:
    clicks = BY_NAME["click_events"]
    received = [
        judged("click_events", record("click_events", timestamp=f"{on}T10:00:00Z"), arrival="2024-03-09T00:00:00Z", offset=offset)
        for on, offset in (("2024-02-01", 1), ("2024-01-20", 9), ("2024-01-21", 4))
    ]  # fmt: skip
    rows = pl.concat(received)

    assert [("2024-01", 4), ("2024-01", 9), ("2024-02", 1)] == late_events(rows, rows, clicks, Company()).select(
        "month", "offset"
    ).rows()


def test_a_company_is_frozen_and_has_no_other_keys() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Company().limits.small_team = 4  # type: ignore[misc]


def test_one_quarantine_code_among_others_makes_a_row_accepted_as_it_is() -> None:
    codes = [["REV-W02", "REV-Q01"], ["REV-Q01"], ["REV-W02"], []]
    rows = pl.DataFrame({"_codes": codes}, schema={"_codes": pl.List(pl.String)})

    assert [True, True, False, False] == rows.select(is_accepted_as_is()).to_series().to_list()


def test_there_are_three_verdicts() -> None:
    assert ("fix", "accept", "discard") == VERDICTS


def test_clock_marks_do_not_depend_on_the_order_of_reading() -> None:
    names = [f"ACC_{number:03d}" for number in range(20)]
    frame = judged("click_events", *(record("click_events", account_id=name) for name in names))
    late = Beside(ALONE.accounts, datetime(2024, 1, 30, 9, tzinfo=UTC))

    expected = {"2024-01": f"20 0 {' '.join(names)}"}
    assert expected == clock_marks(moved_rows(frame, BY_NAME["click_events"], Company(), late))
    assert expected == clock_marks(moved_rows(frame.reverse(), BY_NAME["click_events"], Company(), late))
