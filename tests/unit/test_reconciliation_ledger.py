"""The ledger's rows: which of them count, exactly, and by what content they are pinned.

Source: `operations.md` C.3 "Sides" (U-120), RC-5; `data.md` A.0a (U-27). AT-50.
"""

from decimal import Decimal

import polars as pl
import pytest

from compute.errors import BadLedger
from compute.reconciliation import RECONCILIATION
from compute.reconciliation_ledger import (
    LEDGER,
    ledger_amounts,
    ledger_hash,
    ledger_rows,
    pin_gate,
    received_hash,
)


def booked(*rows: tuple[str | None, str | None, str | None]) -> pl.DataFrame:
    """Return a ledger of 2024-01 from account, amount and version."""
    lines = [(account, "2024-01", amount, version) for account, amount, version in rows]
    return pl.DataFrame(lines, schema=LEDGER, orient="row")


def kept(*rows: tuple[str | None, str | None, str | None]) -> pl.DataFrame:
    return ledger_rows(booked(*rows), "2024-01")


def pins(*rows: tuple[str | None, str | None, str | None]) -> dict[str, str]:
    return dict(ledger_amounts(kept(*rows)).select("account_id", "ledger_sha256").rows())


def test_the_rows_that_count_are_kept_in_one_order_and_written_in_one_way() -> None:
    rows = kept(
        ("B", "2.50", "9"), ("A", "10", "v10"), ("A", "-0.005", "v10"), ("A", "+1.0E+1", "v10"), ("A", "7", "v9")
    )

    assert [
        ("2024-01", "A", "v10", 1, "-0.005"), ("2024-01", "A", "v10", 2, "10"), ("2024-01", "A", "v10", 3, "10"),
        ("2024-01", "B", "9", 1, "2.5"),
    ] == rows.rows()  # fmt: skip


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("10300", "10300.00"),
        ("10300.0", "10300.00"),
        ("10.005", "10.00"),  # HALF_EVEN
        ("10.015", "10.02"),
        ("-0.001", "0.00"),
        ("-0", "0.00"),
        (".5", "0.50"),
        ("5.", "5.00"),
        ("1.5e3", "1500.00"),
        ("9999999999999999.99", "9999999999999999.99"),
        ("0.1000000000000000055511151231257827", "0.10"),
    ],
)
def test_an_amount_is_read_as_decimal_and_rounded_half_even(text: str, cents: str) -> None:
    assert [Decimal(cents)] == ledger_amounts(kept(("A", text, "1"))).get_column("ledger").to_list()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        *((text, "is no decimal") for text in ("", "ten", "NaN", "Infinity", "1_000", "1,000.00", "$5", " 5", "٥", "1e999", "0x10", "1" * 61)),
        ("1e16", "is 10¹⁶ or more"),
        ("-10000000000000000", "is 10¹⁶ or more"),
    ],
)  # fmt: skip
def test_an_amount_that_is_none_is_named_with_its_account_and_version(text: str, what: str) -> None:
    with pytest.raises(BadLedger) as refused:
        kept(("A", "5.00", "1"), ("B", text, "v2"))

    assert (
        f"1 of the ledger's 2 rows of 2024-01 cannot be compared (B version v2: the amount '{text}' {what}): "
        "correct them there."
    ) == str(refused.value)


def test_a_row_without_account_is_named_and_of_many_bad_rows_the_first_ones() -> None:
    with pytest.raises(BadLedger) as refused:
        kept((None, "5.00", "1"), ("A", None, None), ("B", "x", "2"), ("C", "y", "2"), ("D", "5.00", "2"))

    assert (
        "4 of the ledger's 5 rows of 2024-01 cannot be compared (a row of version 1 names no account; "
        "A version (none): the amount '' is no decimal; B version 2: the amount 'x' is no decimal; and 1 more): "
        "correct them there."
    ) == str(refused.value)


def test_a_bad_amount_of_an_older_version_decides_nothing() -> None:
    assert [("A", "10", "5")] == kept(("A", "ten", "9"), ("A", "5.00", "10")).select(
        "account_id", "ledger_version", "amount"
    ).rows()


def test_rows_that_add_up_to_more_than_a_cent_column_holds_are_refused() -> None:
    with pytest.raises(BadLedger, match="A add up to 10¹⁶ or more"):
        ledger_amounts(kept(("A", "9e15", "1"), ("A", "9e15", "1")))


def test_the_content_of_an_account_knows_no_order_and_no_way_of_writing() -> None:
    same = pins(("A", "1.50", "v2"), ("B", "3", "v2"), ("A", "2.5", "v2"))

    assert same == pins(("A", "2.50", "v2"), ("A", "1.5", "v2"), ("B", "3.00", "v2"))
    assert ledger_hash(same.values()) == ledger_hash(reversed(list(same.values())))


@pytest.mark.parametrize(
    "other",
    [
        [("A", "1.50", "v3"), ("A", "2.50", "v3")],  # another version
        [("A", "1.50", "v2"), ("A", "2.501", "v2")],  # another amount, also below a cent
        [("A", "4.00", "v2")],  # the same sum of other rows
        [("A", "1.50", "v2"), ("A", "2.50", "v2"), ("A", "0.00", "v2")],
    ],
)
def test_other_rows_are_another_content(other: list[tuple[str, str, str]]) -> None:
    assert pins(("A", "1.50", "v2"), ("A", "2.50", "v2")) != pins(*other)


def test_what_was_received_is_recognised_in_any_order() -> None:
    one, two = ("A", "1", "v1"), ("B", "2", "v1")

    assert received_hash(booked(one, two)) == received_hash(booked(two, one)) != received_hash(booked(one, two, two))


def pinned(*rows: tuple[str | None, str | None, str | None], **billed: str) -> pl.DataFrame:
    """Return RECONCILIATION rows of ledger rows and of what accounts were billed."""
    bills = pl.DataFrame(
        [(account, Decimal(amount)) for account, amount in billed.items()],
        schema={"account_id": pl.String, "pipeline": RECONCILIATION["pipeline"]}, orient="row",
    )  # fmt: skip
    both = bills.join(ledger_amounts(kept(*rows)), on="account_id", how="full", coalesce=True)
    return both.select(
        month=pl.lit("2024-01"), account_id="account_id", pipeline="pipeline", ledger="ledger",
        delta=pl.lit(None, dtype=RECONCILIATION["delta"]), **{"class": pl.lit("matched")},
        ledger_version="ledger_version", ledger_sha256="ledger_sha256",
    )  # fmt: skip


def drafted(**revenue: str | None) -> pl.DataFrame:
    return pl.DataFrame(
        [(account, None if amount is None else Decimal(amount)) for account, amount in revenue.items()],
        schema={"account_id": pl.String, "revenue": pl.Decimal(38, 10)}, orient="row",
    )  # fmt: skip


A, B = ("A", "5.00", "v1"), ("B", "2.00", "v1")


def test_rc_5_passes_when_the_rows_are_kept_and_the_draft_says_what_was_compared() -> None:
    compared = pinned(A, B, A="5.00", C="1.00")
    digest = ledger_hash(compared.get_column("ledger_sha256").drop_nulls())[:12]

    gate = pin_gate(compared, kept(B, A), drafted(A="5.0000000000", C="1", D="0", E=None))

    assert ("RC-5", "pass", f"2 accounts pinned by version and content, together {digest}") == (
        gate.gate, gate.verdict, gate.evidence,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "draft", "told"),
    [
        ([A], {"A": "5.00"}, "the ledger rows that are kept are not those compared: B"),
        ([A, B, ("C", "1", "v1")], {"A": "5.00"}, "the ledger rows that are kept are not those compared: C"),
        ([A, ("B", "2.00", "v2")], {"A": "5.00"}, "the ledger rows that are kept are not those compared: B"),
        ([A, B], {"A": "5.01"}, "the draft has other revenue than was compared, run the month: A"),
        ([A, B], {}, "the draft has other revenue than was compared, run the month: A"),
        ([A, B], {"A": "5.00", "D": "1"}, "the draft has other revenue than was compared, run the month: D"),
    ],
)
def test_rc_5_fails_when_either_is_something_else(
    rows: list[tuple[str, str, str]], draft: dict[str, str], told: str
) -> None:
    gate = pin_gate(pinned(A, B, A="5.00"), kept(*rows), drafted(**draft))

    assert ("FAIL", told) == (gate.verdict, gate.evidence)
