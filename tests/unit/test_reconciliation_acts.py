"""What finance says of differences and second bills: what stands, what has lapsed, who may. Source: `operations.md` C.3, C.4."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from compute.company_promises import Close, Roles
from compute.findings import FINDING
from compute.reconciliation import RECONCILIATION, gates
from compute.reconciliation_acts import (
    ACKNOWLEDGEMENT,
    EXPLANATION,
    GIVEN,
    WITHDRAWN,
    BadAct,
    accounts_explained,
    expiry,
    explained,
    require_role,
    second_bill_gate,
)
from compute.reconciliation_bench import OPENED, newly_open, workbench

NOW = datetime(2024, 2, 10, 12, tzinfo=UTC)
LATER = datetime(2024, 3, 1, tzinfo=UTC)


def rows(*lines: tuple[str, str | None, str | None, str], month: str = "2024-01") -> pl.DataFrame:
    """Return RECONCILIATION rows from account, pipeline, ledger and class."""
    made: list[dict[str, Any]] = []
    for account, pipeline, ledger, kind in lines:
        sides = [None if side is None else Decimal(side) for side in (pipeline, ledger)]
        delta = (sides[0] or Decimal(0)) - (sides[1] or Decimal(0))
        made.append({"month": month, "account_id": account, "pipeline": sides[0], "ledger": sides[1], "delta": delta,
                     "class": kind, "ledger_version": "v1", "ledger_sha256": "-"})  # fmt: skip
    return pl.DataFrame(made, schema=RECONCILIATION)


def said(*acts: dict[str, Any]) -> pl.DataFrame:
    """Return EXPLANATION rows; what an act leaves out is the same for all."""
    usual = {"month": "2024-01", "account_id": "A", "act": GIVEN, "code": "TIMING", "because": "booked late",
             "delta": Decimal("-300.00"), "by": "p1", "at": NOW - timedelta(days=1), "expires_at": LATER}  # fmt: skip
    return pl.DataFrame([usual | {"act_id": str(number)} | act for number, act in enumerate(acts)], schema=EXPLANATION)


A = rows(("A", "10000.00", "10300.00", "mismatch"))


@pytest.mark.parametrize(
    ("acts", "now", "standing"),
    [
        ([{}], NOW, "stands"),
        ([{"delta": Decimal("-300.01")}], NOW, "changed"),
        ([{"delta": Decimal("300.00")}], NOW, "changed"),
        ([{}], LATER - timedelta(microseconds=1), "stands"),
        ([{}], LATER, "expired"),  # the end is exclusive
        ([{}, {"at": NOW, "delta": Decimal("-1.00")}], NOW, "changed"),  # the last one stands, or does not
        ([{"delta": Decimal("-1.00")}, {"at": NOW}], NOW, "stands"),
        ([{}, {"at": NOW, "act": WITHDRAWN}], NOW, None),
        ([{}, {"at": NOW, "act": WITHDRAWN}, {"at": NOW + timedelta(seconds=1)}], NOW, "stands"),
        ([{"month": "2023-12"}], NOW, None),
        ([{"account_id": "B"}], NOW, None),
        ([], NOW, None),
    ],
)
def test_an_explanation_stands_for_its_difference_until_it_expires_or_is_withdrawn(
    acts: list[dict[str, Any]], now: datetime, standing: str | None
) -> None:
    found = explained(A, said(*acts), now).get_column("standing").to_list()

    assert ([] if standing is None else [standing]) == found
    assert (["A"] if standing == "stands" else []) == accounts_explained(A, said(*acts), now)


def test_of_a_row_that_agrees_nothing_is_explained() -> None:
    assert explained(rows(("A", "100.00", "400.00", "within_tolerance")), said({}), NOW).is_empty()


def test_it_lifts_rc_4_for_its_row_only() -> None:
    two = rows(("A", "10000.00", "10300.00", "mismatch"), ("B", None, "5.00", "missing_in_pipeline"))

    before, after = (gates(two, Close(), accounts_explained(two, acts, NOW)) for acts in (said(), said({})))

    # RC-2: |-305.00| > 1 % of 10305.00; RC-3: 305.00 as well
    assert ["pass", "FAIL", "FAIL", "FAIL"] == [each.verdict for each in before] == [each.verdict for each in after]
    assert "2 unexplained of 2 that ask for it: A -300.00, B -5.00" == before[-1].evidence
    assert "1 unexplained of 2 that ask for it: B -5.00" == after[-1].evidence
    assert before[:-1] == after[:-1]


@pytest.mark.parametrize(
    ("person", "roles", "sentence"),
    [
        ("p3", Roles(finance=("p1", "p2")), "'p3' cannot do that: [roles] finance of the company file names p1, p2. Say who does it with --by."),
        ("p1", Roles(cfo=("p1",)), "'p1' cannot do that: [roles] finance of the company file names nobody. Say who does it with --by."),
    ],
)  # fmt: skip
def test_only_a_person_of_the_role_may(person: str, roles: Roles, sentence: str) -> None:
    with pytest.raises(BadAct) as refused:
        require_role(person, "finance", roles)

    assert sentence == str(refused.value)
    require_role("p1", "finance", Roles(finance=("p1",)))


def test_an_explanation_holds_through_its_last_day_and_none_that_has_passed_is_taken() -> None:
    assert datetime(2024, 2, 11, tzinfo=UTC) == expiry(date(2024, 2, 10), NOW)
    with pytest.raises(BadAct, match="2024-02-09 has passed: name a day from 2024-02-10 on"):
        expiry(date(2024, 2, 9), NOW)


BENCH = rows(
    ("A", "10000.00", "10300.00", "mismatch"),
    ("B", "3000.00", "2700.00", "mismatch"),
    ("C", "599.99", "500.00", "mismatch"),
    ("D", "5.00", None, "missing_in_ledger"),
    ("E", "7.00", "0.00", "zero_ledger"),
    ("F", "1.00", "1.00", "matched"),
    ("G", "101.00", "100.00", "within_tolerance"),
)


def test_the_workbench_shows_open_rows_the_greatest_difference_first() -> None:
    opened = pl.DataFrame(
        [("2024-01", "A", NOW - timedelta(days=3, hours=5)), ("2024-01", "B", NOW)], schema=OPENED, orient="row"
    )

    shown = workbench(BENCH, said({}, {"account_id": "B", "delta": Decimal("1.00")}), opened, Close(), NOW)

    # Δ / ledger: -300 / 10300, 300 / 2700, 99.99 / 500
    assert [
        ("A", "-300.00", "-0.0291262136", "explained", 3, "stands"),
        ("B", "300.00", "0.1111111111", "blocks", 0, "changed"),
        ("C", "99.99", "0.1999800000", "", None, None),  # below max(5.00, 100.00): open, and nobody has to explain it
        ("E", "7.00", None, "", None, None),
        ("D", "5.00", None, "blocks", None, None),  # a missing side blocks at any amount
    ] == shown.select(
        "account_id", pl.col("delta", "ratio").cast(pl.String), "rc4", "days", "standing"
    ).rows()  # fmt: skip


def test_a_row_is_seen_open_for_the_first_time_once() -> None:
    first = newly_open(BENCH, pl.DataFrame(schema=OPENED), NOW)
    grown = pl.concat([BENCH, rows(("A", "1.00", "500.00", "mismatch"), month="2024-02")])

    again = newly_open(grown, first, LATER)

    assert [("2024-01", name, NOW) for name in "ABCDE"] == first.rows()
    assert [("2024-02", "A", LATER)] == again.rows()


def bills(*keys: str, evidence: str = "one of 2 bills") -> pl.DataFrame:
    found = [{"month": "2024-01", "code": "REV-W03", "key": key, "evidence": evidence} for key in keys]
    return pl.DataFrame(
        [*found, {"month": "2024-01", "code": "REV-W04", "key": "X 2024-01", "evidence": ""}], schema=FINDING
    )


def known(*acts: dict[str, Any]) -> pl.DataFrame:
    usual = {"month": "2024-01", "key": "A 2024-01-16", "act": GIVEN, "evidence": "one of 2 bills", "because": "-",
             "by": "p1", "at": NOW}  # fmt: skip
    return pl.DataFrame(
        [usual | {"act_id": str(number)} | act for number, act in enumerate(acts)], schema=ACKNOWLEDGEMENT
    )


@pytest.mark.parametrize(
    ("acts", "verdict", "evidence"),
    [
        ([], "FAIL", "2 not acknowledged of 2 second bills: A 2024-01-16, B 2024-01-17"),
        ([{}], "FAIL", "1 not acknowledged of 2 second bills: B 2024-01-17"),
        ([{}, {"key": "B 2024-01-17"}], "pass", "0 not acknowledged of 2 second bills"),
        ([{}, {"key": "B 2024-01-17", "evidence": "one of 3 bills"}], "FAIL", "1 not acknowledged of 2 second bills: B 2024-01-17"),
        ([{}, {"key": "B 2024-01-17"}, {"act": WITHDRAWN, "at": LATER}], "FAIL", "1 not acknowledged of 2 second bills: A 2024-01-16"),
        ([{}, {"key": "B 2024-01-17", "month": "2024-02"}], "FAIL", "1 not acknowledged of 2 second bills: B 2024-01-17"),
    ],
)  # fmt: skip
def test_the_gate_second_bill_passes_when_each_is_acknowledged_as_it_is_shown(
    acts: list[dict[str, Any]], verdict: str, evidence: str
) -> None:
    gate = second_bill_gate(bills("A 2024-01-16", "B 2024-01-17"), known(*acts))

    assert ("second bill", verdict, evidence) == (gate.gate, gate.verdict, gate.evidence)


def test_a_month_without_second_bills_passes() -> None:
    assert "pass" == second_bill_gate(bills(), known()).verdict
