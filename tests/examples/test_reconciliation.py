"""Billed revenue against the accounting ledger, row by row and gate by gate. Source: `operations.md` C.3 (AT-50)."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from compute.company_promises import Close
from compute.months import Month
from compute.reconciliation import CLASSES, Gate, gates, reconcile, unverified, variance
from compute.reconciliation_ledger import LEDGER, ledger_amounts, ledger_rows
from tests.company import Books, bill, change, read_landing

JANUARY = Month(2024, 1)
GOLDEN = Path(__file__).parent / "golden"


def ledger(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """Return a ledger of 2024-01 from account, amount and version."""
    lines = [(account, "2024-01", amount, version) for account, amount, version in rows]
    return ledger_amounts(ledger_rows(pl.DataFrame(lines, schema=LEDGER, orient="row"), "2024-01"))


def compared(pipeline: dict[str, str], booked: dict[str, str]) -> pl.DataFrame:
    """Return the reconciliation of accounts billed so much with accounts booked so much."""
    rows = pl.DataFrame(
        [
            {"account_id": account, "bill_total": Decimal(total), "revenue": Decimal(total)}
            for account, total in pipeline.items()
        ],
        schema={"account_id": pl.String, "bill_total": pl.Decimal(18, 2), "revenue": pl.Decimal(18, 2)},
    )
    return reconcile("2024-01", rows, ledger(*((account, amount, "v1") for account, amount in booked.items())), Close())


def verdicts(pipeline: dict[str, str], booked: dict[str, str]) -> dict[str, str]:
    return judged(gates(compared(pipeline, booked), Close()))


def judged(found: tuple[Gate, ...]) -> dict[str, str]:
    return {each.gate: each.verdict for each in found}


@pytest.mark.parametrize(
    ("pipeline", "booked", "expected"),
    [
        ("0.01", "0.02", "matched"),
        ("100.00", "100.01", "matched"),
        ("1.00", "1.02", "mismatch"),  # two cents of 1.02 are more than 1 %
        ("101.00", "100.00", "within_tolerance"),  # exactly 1.00 %
        ("99.00", "100.00", "within_tolerance"),
        ("101.01", "100.00", "mismatch"),
        ("98.99", "100.00", "mismatch"),
        ("5.00", "0.00", "zero_ledger"),
        ("0.01", "0.00", "matched"),  # both there and a cent apart
        ("0.00", None, "matched"),
        ("0.01", None, "missing_in_ledger"),  # a cent counts when a side is absent
        (None, "0.00", "matched"),
        (None, "0.01", "missing_in_pipeline"),
        ("100.00", "-100.00", "mismatch"),
        ("0.00", "-100.00", "mismatch"),
        ("33333333.34", "33003300.34", "within_tolerance"),  # 330033.00 ≤ 330033.0034
        ("33333333.35", "33003300.34", "mismatch"),  # 330033.01 > 330033.0034
    ],
)
def test_the_class_of_an_account(pipeline: str | None, booked: str | None, expected: str) -> None:
    table = compared({"ACC_1": pipeline} if pipeline else {}, {"ACC_1": booked} if booked else {})

    assert [("ACC_1", expected)] == table.select("account_id", "class").rows()


def test_an_absent_side_stays_empty_and_counts_as_nothing_in_the_difference() -> None:
    table = compared({"ACC_1": "10.00"}, {"ACC_2": "7.00"})

    assert [
        ("ACC_1", Decimal("10.00"), None, Decimal("10.00")),
        ("ACC_2", None, Decimal("7.00"), Decimal("-7.00")),
    ] == table.select("account_id", "pipeline", "ledger", "delta").rows()


@pytest.mark.parametrize(
    ("rows", "amount", "version"),
    [
        ([("ACC_1", "9.00", "v9"), ("ACC_1", "10.00", "v10")], "10.00", "v10"),
        ([("ACC_1", "10.00", "v10"), ("ACC_1", "9.00", "v9")], "10.00", "v10"),
        ([("ACC_1", "1.00", "2024-02"), ("ACC_1", "2.00", "2024-10")], "2.00", "2024-10"),
        ([("ACC_1", "4.00", "v2"), ("ACC_1", "-1.50", "v2"), ("ACC_1", "99.00", "v1")], "2.50", "v2"),
        # Absent from v2, the account keeps what v1 said of it.
        ([("ACC_1", "4.00", "v1"), ("ACC_2", "8.00", "v2")], "4.00", "v1"),
    ],
)
def test_the_highest_version_of_an_account_wins_and_its_rows_add_up(
    rows: list[tuple[str, str, str]], amount: str, version: str
) -> None:
    amounts = ledger(*rows).filter(pl.col("account_id") == "ACC_1")

    assert [(Decimal(amount), version)] == amounts.select("ledger", "ledger_version").rows()


def test_another_period_of_the_ledger_is_not_read() -> None:
    rows = pl.DataFrame([("ACC_1", "2023-12", "not read", "v1")], schema=LEDGER, orient="row")

    assert ledger_amounts(ledger_rows(rows, "2024-01")).is_empty()


@pytest.mark.parametrize(
    ("pipeline", "booked", "expected"),
    [
        # Δ = 100.00 of Σl 10000.00: exactly 1 % passes.
        ({"ACC_1": "10100.00"}, {"ACC_1": "10000.00"}, ("pass", "pass", "pass")),
        # 100.01 does not; and it is 1.0001 % of its ledger, above 100.00 too.
        ({"ACC_1": "10100.01"}, {"ACC_1": "10000.00"}, ("FAIL", "FAIL", "FAIL")),
        # +60.00 and -60.00: net 0.00, gross 120.00 of 10000.00; each below 100.00.
        (
            {"ACC_1": "1060.00", "ACC_2": "8940.00"},
            {"ACC_1": "1000.00", "ACC_2": "9000.00"},
            ("pass", "FAIL", "pass"),
        ),
        # A mismatch of 99.99 is below 100.00; one of 100.00 is not. Σl = 20000.00 allows 200.00.
        ({"ACC_1": "599.99", "ACC_2": "19500.00"}, {"ACC_1": "500.00", "ACC_2": "19500.00"}, ("pass", "pass", "pass")),
        ({"ACC_1": "600.00", "ACC_2": "19500.00"}, {"ACC_1": "500.00", "ACC_2": "19500.00"}, ("pass", "pass", "FAIL")),
        # zero_ledger is material from 100.00 on.
        ({"ACC_1": "99.99", "ACC_2": "20000.00"}, {"ACC_1": "0.00", "ACC_2": "20000.00"}, ("pass", "pass", "pass")),
        ({"ACC_1": "100.00", "ACC_2": "20000.00"}, {"ACC_1": "0.00", "ACC_2": "20000.00"}, ("pass", "pass", "FAIL")),
        # A missing side blocks at any amount.
        ({"ACC_1": "0.01", "ACC_2": "100.00"}, {"ACC_2": "100.00"}, ("pass", "pass", "FAIL")),
        ({"ACC_2": "100.00"}, {"ACC_1": "0.01", "ACC_2": "100.00"}, ("pass", "pass", "FAIL")),
        # Σl = 0: only Σp = 0, only Σ|Δ| = 0.
        ({"ACC_1": "0.00"}, {}, ("pass", "pass", "pass")),
        ({"ACC_1": "0.01"}, {"ACC_1": "0.00"}, ("FAIL", "FAIL", "pass")),
        ({"ACC_1": "5.00"}, {"ACC_1": "5.00", "ACC_2": "-5.00"}, ("FAIL", "FAIL", "FAIL")),
        # A readable ledger without rows: every account is absent from it.
        ({"ACC_1": "5.00"}, {}, ("FAIL", "FAIL", "FAIL")),
        # A negative ledger is measured by its magnitude.
        ({"ACC_1": "-10000.00"}, {"ACC_1": "-10000.00"}, ("pass", "pass", "pass")),
    ],
)
def test_the_gates(pipeline: dict[str, str], booked: dict[str, str], expected: tuple[str, str, str]) -> None:
    found = verdicts(pipeline, booked)

    assert ("pass", *expected) == (found["RC-1"], found["RC-2"], found["RC-3"], found["RC-4"])


def test_a_large_mismatch_is_material_from_one_percent_on_which_every_mismatch_is() -> None:
    # 1010.01 of 101000.00 is above 1 % (1010.00): no mismatch of a large account is small.
    assert verdicts({"ACC_1": "102010.01"}, {"ACC_1": "101000.00"})["RC-4"] == "FAIL"
    assert verdicts({"ACC_1": "102010.00"}, {"ACC_1": "101000.00"})["RC-4"] == "pass"


def test_the_company_file_says_what_is_within_tolerance_and_what_is_material() -> None:
    strict = Close(tolerance=Decimal("0.005"), account_materiality_amount=Decimal("0.60"))
    rows = pl.DataFrame(
        [{"account_id": "ACC_1", "bill_total": Decimal("100.70"), "revenue": Decimal("100.70")}],
        schema={"account_id": pl.String, "bill_total": pl.Decimal(18, 2), "revenue": pl.Decimal(18, 2)},
    )

    table = reconcile("2024-01", rows, ledger(("ACC_1", "100.00", "v1")), strict)

    # 0.70 > 0.5 % of 100.00 = 0.50; it is material from max(1 % of 100.00, 0.60) = 1.00 on
    assert ["mismatch"] == table["class"].to_list()
    assert ["pass", "FAIL", "FAIL", "pass"] == [each.verdict for each in gates(table, strict)]
    lower = strict.model_copy(update={"account_materiality": Decimal("0.005")})
    assert ["pass", "FAIL", "FAIL", "FAIL"] == [each.verdict for each in gates(table, lower)]


def test_without_a_ledger_no_gate_passes_and_each_says_why() -> None:
    assert [(f"RC-{number}", "unverified", "no server answers") for number in (1, 2, 3, 4)] == [
        (each.gate, each.verdict, each.evidence) for each in unverified("no server answers")
    ]


def test_every_class_is_met_by_some_pair_of_amounts() -> None:
    pairs = compared(
        {"ACC_1": "5.00", "ACC_3": "5.00", "ACC_4": "5.00", "ACC_5": "101.00", "ACC_6": "102.00"},
        {"ACC_1": "5.00", "ACC_2": "5.00", "ACC_4": "0.00", "ACC_5": "100.00", "ACC_6": "100.00"},
    )

    assert list(CLASSES) == pairs["class"].to_list()


def test_only_state_bills_take_part_and_a_refund_takes_part_with_nothing() -> None:
    active = [change(f"ACC_{number}", "2024-01-01", None, "Active") for number in range(1, 6)]
    books = Books(
        {
            "revenue": [
                bill("ACC_1", "2024-01-15", 100.0),
                bill("ACC_2", "2024-01-15", 200.0, payment_status="Refunded"),
                bill("ACC_3", "2024-01-15", 300.0, payment_status="Void"),
                bill("ACC_4", "2024-01-15", 400.0, payment_status="Partially Refunded"),
                bill("ACC_5", "2023-12-15", 500.0),  # carried forward in January: an estimate, never compared
            ],
            "account_status_changes": active,
        },
        (JANUARY,),
    )

    table = reconcile("2024-01", books.rows.filter(pl.col("month") == "2024-01"), ledger(), Close())

    # Σp = 100.00 + 0.00
    assert [
        ("ACC_1", Decimal("100.00"), "missing_in_ledger"), ("ACC_2", Decimal("0.00"), "matched"),
    ] == table.select("account_id", "pipeline", "class").rows()  # fmt: skip


def test_offsetting_errors_of_the_golden_company_pass_net_and_fail_gross() -> None:
    books = Books(read_landing(GOLDEN / "landing"), (JANUARY,))
    query = "select account_id, period, amount, ledger_version from accounting_revenue"
    with closing(sqlite3.connect(GOLDEN / "ledger_offset.sqlite")) as database:
        rows = pl.DataFrame(database.execute(query).fetchall(), schema=LEDGER, orient="row")

    table = reconcile(
        "2024-01", books.rows.filter(pl.col("month") == "2024-01"), ledger_amounts(ledger_rows(rows, "2024-01")), Close()
    )  # fmt: skip

    # 10000.00 - 10300.00 = -300.00 and 3000.00 - 2700.00 = 300.00: net 0.00, gross 600.00 > 1 % of 47416.67 = 474.17
    differing = table.filter(pl.col("class") != "matched").select("account_id", "delta", "class").rows()
    assert [("ACC_003", Decimal("-300.00"), "mismatch"), ("ACC_005", Decimal("300.00"), "mismatch")] == differing
    sums = variance(table)
    assert ("47416.67", "47416.67", "0.00", "600.00") == tuple(
        str(each) for each in (sums.pipeline, sums.ledger, sums.net, sums.gross)
    )
    told = {each.gate: (each.verdict, each.evidence) for each in gates(table, Close())}
    assert ("pass", "net 0.00 against 1 % of 47416.67") == told["RC-2"]
    assert ("FAIL", "gross 600.00 against 1 % of 47416.67") == told["RC-3"]
    # 300.00 ≥ max(103.00, 100.00) and 300.00 ≥ max(27.00, 100.00): both ask for an explanation
    assert ("FAIL", "2 unexplained of 2 that ask for it: ACC_003 -300.00, ACC_005 300.00") == told["RC-4"]

    # Explained, RC-4 passes and RC-3 fails as before: what offsets is not explained away.
    one, both = (judged(gates(table, Close(), names)) for names in (["ACC_003"], ["ACC_003", "ACC_005"]))
    assert {"RC-1": "pass", "RC-2": "pass", "RC-3": "FAIL", "RC-4": "FAIL"} == one
    assert {"RC-1": "pass", "RC-2": "pass", "RC-3": "FAIL", "RC-4": "pass"} == both
