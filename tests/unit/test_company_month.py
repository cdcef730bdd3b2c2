"""The company in a month, from account rows of a few cents: what counts is on which side of nothing a value is."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest

from compute.account_month import ACCOUNT_MONTH
from compute.company_month import CompanyMonth, bridges, company_month, movement_guard, worst
from compute.figures import Reason
from compute.months import Month

JANUARY = Month(2024, 1)
CENT = Decimal("0.01")
UNKNOWN = Reason.MISSING_INPUT


def account(name: str = "ACC_1", **more: Any) -> dict[str, Any]:
    return {
        "month": "2024-01", "account_id": name, "is_existing": True, "payment_status": "Paid", "tier": "Basic",
        "licences": 0, "prior_licences": 0, "mrr": Decimal(0), "mrr_quality": "billed", "prior_mrr": Decimal(0),
        "prior_mrr_quality": "billed", "movement": "none", "movement_amount": Decimal(0), "is_explained": False, **more,
    }  # fmt: skip


def rows(*accounts: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(accounts), schema=ACCOUNT_MONTH)


def month(*accounts: dict[str, Any], first: Month | None = None) -> CompanyMonth:
    return company_month(rows(*accounts), JANUARY, first or JANUARY.plus(-1))


@pytest.mark.parametrize(
    ("mrr", "paying", "licences"),
    [(Decimal(0), 0, 0), (CENT, 1, UNKNOWN), (Decimal(1), 1, UNKNOWN), (None, UNKNOWN, UNKNOWN)],
)
def test_a_cent_of_mrr_makes_an_account_pay_and_its_unknown_licences_matter_u64(
    mrr: Decimal | None, paying: Any, licences: Any
) -> None:
    found = month(account(mrr=mrr, licences=None))

    assert (paying, licences) == (found.paying, found.licences)


def test_known_licences_are_summed() -> None:
    assert Fraction(7) == month(account(licences=3), account("ACC_2", licences=4, mrr=CENT)).licences


@pytest.mark.parametrize(
    ("prior", "now", "expected"),
    [
        (0, 0, {}),
        (0, 1, {"new": 1}),
        (1, 2, {"upgrades": 1}),
        (2, 5, {"upgrades": 3}),
        (2, 1, {"downgrades": 1}),
        (5, 2, {"downgrades": 3}),
        (1, 0, {"churned": 1}),
        (3, 0, {"churned": 3}),
        (2, 2, {}),
    ],
)
def test_seats_move_in_one_way_and_the_bridge_closes(prior: int, now: int, expected: dict[str, int]) -> None:
    seats = month(account(prior_licences=prior, licences=now)).seats

    kinds = ("new", "upgrades", "downgrades", "churned")
    assert {"opening": prior, "closing": now, **dict.fromkeys(kinds, 0), **expected} == seats


def test_one_account_without_known_licences_empties_the_seat_bridge_u60() -> None:
    assert {UNKNOWN} == {*month(account(licences=None), account("ACC_2", licences=4)).seats.values()}


def test_what_is_known_stands_beside_what_is_not() -> None:
    found = month(account(mrr=None), account("ACC_2", mrr=CENT, prior_mrr=None))

    assert (UNKNOWN, Fraction(1, 100), UNKNOWN) == (found.closing, found.known, found.opening)


@pytest.mark.parametrize(
    ("payment_status", "at_risk"),
    [("Overdue", 1), ("Failed", 1), ("Unpaid", 1), ("Disputed", 1), ("Paid", 0), ("Pending", 0), ("Written Off", 0)],
)
def test_mrr_at_risk_is_that_of_bills_that_may_not_be_paid(payment_status: str, at_risk: int) -> None:
    assert at_risk == month(account(mrr=Decimal(1), payment_status=payment_status)).at_risk


def test_movements_are_summed_counted_and_explained_by_class() -> None:
    found = month(
        account("ACC_1", movement="churn", movement_amount=Decimal(5), is_explained=True),
        account("ACC_2", movement="churn", movement_amount=Decimal(7)),
        account("ACC_3", movement="new", movement_amount=Decimal(2), is_explained=True),
        account("ACC_4", movement="none", movement_amount=Decimal(9), is_explained=True),
    )

    assert (12, 2, 2, 1) == (found.amounts["churn"], found.counts["churn"], found.amounts["new"], found.counts["new"])
    assert (0, 0) == (found.amounts["expansion"], found.counts["expansion"])
    assert 7 == found.explained  # 5 + 2


@pytest.mark.parametrize(
    ("first", "movement", "expected"),
    [
        (Month(2023, 12), "none", None),
        (Month(2024, 1), "none", Reason.INSUFFICIENT_HISTORY),
        (Month(2024, 2), "none", Reason.INSUFFICIENT_HISTORY),
        (None, "none", Reason.INSUFFICIENT_HISTORY),
        (Month(2024, 1), "unknown", UNKNOWN),
        (Month(2023, 12), "unknown", UNKNOWN),
    ],
)
def test_an_unknown_movement_goes_before_a_short_history_u50(
    first: Month | None, movement: str, expected: Reason | None
) -> None:
    frame = rows(account(), account("ACC_2", movement=movement))

    assert expected == movement_guard(frame, JANUARY, first)
    assert (first is None or first >= JANUARY) == company_month(frame, JANUARY, first).is_early


def test_the_worst_quality_is_of_the_columns_that_are_named() -> None:
    frame = rows(
        account(mrr_quality="by_status", prior_mrr_quality="estimated"),
        account("ACC_2", mrr_quality="unavailable", mrr=None, prior_mrr_quality=None),
    )

    found = company_month(frame, JANUARY, None)
    assert ("unavailable", "by_status", "estimated") == (found.quality, found.known_quality, found.opening_quality)
    assert "unavailable" == found.both_quality
    assert "billed" == worst(rows(), "mrr_quality")


def test_bridges_of_tiers_add_up_to_that_of_the_company() -> None:
    moved = {"movement": "expansion", "movement_amount": Decimal(2), "prior_mrr": Decimal(3), "mrr": Decimal(5)}
    lost = {"movement": "churn", "movement_amount": Decimal(4), "prior_mrr": Decimal(4)}
    hidden = {"movement": "unknown", "movement_amount": None, "mrr": None, "prior_mrr": Decimal(1)}
    frame = rows(account(**moved), account("ACC_2", **lost), account("ACC_3", tier="Pro", **hidden))

    table = bridges(frame).select("tier", "opening", "expansion", "churn", "closing", "has_unknown").rows()

    assert [("Basic", 7, 2, 4, 5, False), ("Pro", 1, 0, 0, 0, True), ("company", 8, 2, 4, 5, True)] == table
