"""Why a figure is empty, and what it is once it need not be. Source: `metrics.md` §1.5, §5, §6.5, §8 (AT-16, AT-20)."""

from decimal import Decimal
from typing import Any

import pytest

from compute.figures import Reason
from compute.months import Month
from tests.company import Books, bill, change, cost, renewal, seats, team

Figures = dict[tuple[str, str], Decimal | str]
HISTORY, INPUT, ZERO = "insufficient_history", "missing_input", "zero_denominator"
EMPTY = Books({}, Month(2024, 1).until(Month(2024, 1)))


def active(*accounts: str) -> list[dict[str, Any]]:
    return [change(account, "2023-01-01", None, "Active") for account in accounts]


def bills(account: str, start: str, totals: list[float | None], **more: Any) -> list[dict[str, Any]]:
    """Return a bill a month from the start on; None leaves a month out."""
    months = Month.parse(start).until(Month.parse(start).plus(len(totals) - 1))
    return [bill(account, f"{month}-15", total, **more) for month, total in zip(months, totals, strict=True) if total is not None]  # fmt: skip


def close(month: str, **lines: Any) -> Figures:
    return Books(lines, (Month.parse(month),)).figures(month)


def reasons(figures: Figures, *metric_ids: str) -> dict[str, Decimal | str]:
    return {name: figures[name, "company"] for name in metric_ids}


def test_a_company_without_records_still_has_every_company_figure() -> None:
    figures = EMPTY.figures("2024-01")

    zero = ("M-01", "M-01.known", "M-01.at_risk", "M-03", "M-04", "M-05", "M-20", "M-21", "M-22", "M-22.shared", "M-23",
            "M-24", "M-24.unallocated", "M-25", "M-51.opening", "M-51.closing")  # fmt: skip
    assert dict.fromkeys(zero, Decimal(0)) == reasons(figures, *zero)
    quotients = ("M-06", "M-07", "M-16", "M-17", "M-18", "M-26", "M-31", "M-49.top1", "M-49.hhi")
    expected = {**dict.fromkeys(quotients, ZERO), "M-16": HISTORY}
    assert expected == reasons(figures, *quotients)
    early = ("M-02.opening", "M-02.new", "M-02.net_new", "M-05.opening", "M-08", "M-09", "M-10", "M-11", "M-12", "M-13",
             "M-14", "M-15", "M-32", "M-33.proxy", "M-34", "M-50", "M-52.net_new")  # fmt: skip
    assert dict.fromkeys(early, HISTORY) == reasons(figures, *early)
    unpaid = ("M-27", "M-27.cogs", "M-27.gross_profit", "M-29", "M-29.collected", "M-30")
    assert dict.fromkeys(unpaid, INPUT) == reasons(figures, *unpaid)
    never = ("M-19.net", "M-19.gross", "M-19.count", "M-33", "M-35", "M-36")
    assert dict.fromkeys(never, Reason.NOT_COMPUTABLE.value) == reasons(figures, *never)


def test_one_unknown_mrr_empties_the_movement_family_and_leaves_the_known_beside_it() -> None:
    figures = close(
        "2024-02",
        revenue=bills("ACC_1", "2024-01", [100.0, 150.0]),
        account_status_changes=active("ACC_1", "ACC_2"),  # ACC_2 pays and has neither bill nor contract
    )

    lost = ("M-01", "M-03", "M-04", "M-05", "M-06", "M-07", "M-02.opening", "M-02.new", "M-02.net_new", "M-05.opening",
            "M-08", "M-09", "M-12", "M-13", "M-14", "M-15", "M-33.proxy", "M-49.top1", "M-49.hhi", "M-50", "M-51.closing",
            "M-52.net_new")  # fmt: skip
    assert dict.fromkeys(lost, INPUT) == reasons(figures, *lost)
    assert Decimal(150) == figures["M-01.known", "company"]
    assert (Decimal(50), INPUT) == (figures["M-02.expansion", "ACC_1"], figures["M-02.expansion", "ACC_2"])


def test_an_unknown_mrr_in_the_first_month_is_missing_input_before_history() -> None:
    figures = close(
        "2024-01", revenue=bills("ACC_1", "2024-01", [100.0]), account_status_changes=active("ACC_1", "ACC_2")
    )

    # ACC_2 is billed nothing and has no contract: its class is unknown, and §4.2 puts that first.
    assert (INPUT, INPUT) == (figures["M-02.opening", "company"], figures["M-08", "company"])
    assert (HISTORY, INPUT) == (figures["M-02.new", "ACC_1"], figures["M-02.new", "ACC_2"])
    assert HISTORY == figures["M-10", "company"]


def test_the_opening_stays_a_value_when_only_this_month_is_unknown() -> None:
    figures = close(
        "2024-02",
        revenue=[*bills("ACC_1", "2024-01", [100.0, 100.0])],
        account_status_changes=[*active("ACC_1"), change("ACC_2", "2024-01-05", None, "Trial"),
                                change("ACC_2", "2024-02-05", "Trial", "Active")],
    )  # fmt: skip

    assert (Decimal(100), INPUT) == (figures["M-02.opening", "company"], figures["M-02.new", "company"])


def test_without_losses_the_quick_ratio_says_so_and_without_movement_nothing_is_explained() -> None:
    figures = close(
        "2024-02", revenue=bills("ACC_1", "2024-01", [100.0, 100.0]), account_status_changes=active("ACC_1")
    )

    assert ("no_losses", "no_losses", ZERO) == tuple(
        figures[name, "company"] for name in ("M-15", "M-15.baremetrics", "M-50")
    )


@pytest.mark.parametrize(("months", "expected"), [(12, HISTORY), (13, Decimal("1.5"))])
def test_a_yearly_rate_needs_thirteen_months(months: int, expected: Decimal | str) -> None:
    """AT-20."""
    last = Month(2023, 1).plus(months - 1)
    totals = [100.0] * (months - 1) + [150.0]

    figures = close(str(last), revenue=bills("ACC_1", "2023-01", totals), account_status_changes=active("ACC_1"))

    assert expected == figures["M-10", "company"]
    assert (expected if expected == HISTORY else Decimal(1)) == figures["M-11", "company"]


def test_yearly_rates_follow_the_customers_of_then() -> None:
    # Then 100.00 + 200.00; now 150.00 + 50.00; ACC_3 is new and counts in neither.
    figures = close(
        "2024-01",
        revenue=[*bills("ACC_1", "2023-01", [100.0] * 12 + [150.0]), *bills("ACC_2", "2023-01", [200.0] * 12 + [50.0]),
                 bill("ACC_3", "2024-01-15", 900.0)],
        account_status_changes=active("ACC_1", "ACC_2"),
    )  # fmt: skip

    assert Decimal("0.6666666667") == figures["M-10", "company"]  # (150.00 + 50.00) / 300.00
    assert Decimal("0.5") == figures["M-11", "company"]  # (100.00 + 50.00) / 300.00


def test_a_yearly_rate_of_an_unknown_customer_is_missing_and_of_none_divides_by_nothing() -> None:
    then = [*bills("ACC_1", "2023-01", [100.0] * 13)]
    unknown = close("2024-01", revenue=then, account_status_changes=active("ACC_1", "ACC_2"))
    nobody = close("2024-01", revenue=[bill("ACC_1", "2023-01-15", 0.0), bill("ACC_1", "2024-01-15", 10.0)],
                   account_status_changes=[change("ACC_1", "2023-01-01", None, "Trial"),
                                           change("ACC_1", "2024-01-01", "Trial", "Active")],
                   expenses=[cost("ACC_1", "2024-01-31", 1.0)], salaries=[team("SUP_1", "Support", "2024-01", 1.0, 1)])  # fmt: skip

    assert (INPUT, INPUT) == (unknown["M-10", "company"], unknown["M-11", "company"])
    assert (ZERO, ZERO, ZERO) == tuple(nobody[name, "company"] for name in ("M-10", "M-11", "M-32"))


def year_of(accounts: int, *, cancelled: int) -> Figures:
    """Return 2024-01 of so many accounts at 100.00, some of which cancel on 2024-01-10; a team costs 500.00."""
    names = [f"ACC_{number}" for number in range(accounts)]
    gone = names[:cancelled]
    return close(
        "2024-01",
        revenue=[line for name in names for line in bills(name, "2023-01", [100.0] * (12 if name in gone else 13))],
        account_status_changes=[*active(*names), *(change(name, "2024-01-10", "Active", "Cancelled") for name in gone)],
        expenses=[cost(name, "2024-01-31", 10.0) for name in names],
        salaries=[team("SUP_1", "Support", "2024-01", 500.0, 5)],
    )


def test_the_joined_figures_of_a_company_with_a_year() -> None:
    figures = year_of(32, cancelled=2)

    # M-20 3000.00, direct 320.00, salaries 500.00: M-29 = 2180.00; 3000 / 3200 - 1 + 2180 / 3000 = 0.664166…
    assert Decimal("0.6641666667") == figures["M-32", "company"]
    # 100.00 × (3000 - 820) / 3000 / ((2 / 32) / 12) = 100 × 0.72666… × 192 = 13952.00
    assert Decimal("13952") == figures["M-34", "company"]
    assert ZERO == figures["M-33.proxy", "company"]  # cash is not burnt


@pytest.mark.parametrize(
    ("accounts", "cancelled", "expected"),
    [(32, 0, "no_losses"), (31, 1, Decimal("27156")), (30, 1, "suppressed_small_cell"), (3, 0, "no_losses")],
)
def test_a_lifetime_value_needs_losses_and_thirty_customers(
    accounts: int, cancelled: int, expected: Decimal | str
) -> None:
    # 31 accounts: M-20 3000.00, COGS 310.00 + 500.00; 100 × 2190 / 3000 × 12 × 31 = 27156
    assert expected == year_of(accounts, cancelled=cancelled)["M-34", "company"]


@pytest.mark.parametrize(
    ("salaries", "per_engineer", "result"),
    [
        ([], ZERO, INPUT),  # no row at all: costs are unknown, and nobody is an engineer
        ([team("ENG_1", "Data Engineering", "2024-02", 30.0, 2)], Decimal(600), Decimal(30)),  # 1200.00 / 2; 100 - 40 - 30
        ([team("SUP_1", "Support", "2024-02", 30.0, 2)], ZERO, Decimal(30)),
        ([team("ENG_1", "Data Engineering", "2024-01", 30.0, 1)], INPUT, INPUT),
        ([team("ENG_1", "Data Engineering", "2024-01", 30.0, 1), team("ENG_1", "Data Engineering", "2024-02", 0.0, 0)],
         ZERO, Decimal(60)),
        ([team("ENG_1", "Data Engineering", "2024-02", 30.0, 2), team("SUP_1", "Support", "2024-01", 30.0, 1)],
         INPUT, INPUT),
        ([team("ENG_1", "Frontend", "2024-02", 30.0, 2), team("X_1", "Gardeners", "2024-02", 10.0, 5)],
         Decimal(600), Decimal(20)),  # an unclassified team costs and is no engineer
    ],
)  # fmt: skip
def test_engineers_and_what_their_absence_leaves_unknown(
    salaries: list[Any], per_engineer: Decimal | str, result: Decimal | str
) -> None:
    figures = close("2024-02", revenue=bills("ACC_1", "2024-01", [100.0, 100.0]), account_status_changes=active("ACC_1"),
                    expenses=[cost("ACC_1", "2024-02-29", 40.0)], salaries=salaries)  # fmt: skip

    assert (per_engineer, result) == (figures["M-31", "company"], figures["M-29", "company"])


@pytest.mark.parametrize(
    ("heads", "expected"), [(2, "suppressed_small_cell"), (0, "suppressed_small_cell"), (3, Decimal(10))]
)
def test_the_cost_of_an_engineer_of_a_small_team_is_suppressed(heads: int, expected: Decimal | str) -> None:
    salaries = [team("ENG_1", "Data Engineering", "2024-01", 30.0 if heads else 0.0, heads),
                team("SUP_1", "Support", "2024-01", 90.0, 9)]  # fmt: skip

    figures = close("2024-01", salaries=salaries)

    assert expected == figures["M-31.cost_per_engineer", "ENG_1"]
    assert ("M-31.cost_per_engineer", "SUP_1") not in figures


def test_what_nobody_carries_is_not_allocated() -> None:
    figures = close("2024-01", salaries=[team("SUP_1", "Support", "2024-01", 90.0, 9)])

    assert (Decimal(0), Decimal(90)) == (figures["M-24", "company"], figures["M-24.unallocated", "company"])


def test_shared_expenses_are_cost_of_revenue_by_their_category() -> None:
    shared = [
        cost(None, "2024-01-31", 7.0),
        cost(None, "2024-01-31", 5.0, "Marketing"),
        cost(None, "2024-01-31", 3.0, "?"),
    ]
    salaries = [team("SUP_1", "Support", "2024-01", 20.0, 5), team("SAL_1", "Sales", "2024-01", 40.0, 5)]

    figures = close("2024-01", expenses=shared, salaries=salaries)

    assert (Decimal(15), Decimal(27)) == (figures["M-22.shared", "company"], figures["M-27.cogs", "company"])  # 7 + 20


def test_without_any_bill_movements_have_no_history() -> None:
    licences = [seats("ACC_1", "2024-01-05", 0, 8, 1.0)]

    trial = [change("ACC_1", "2024-01-01", None, "Trial")]
    figures = close("2024-02", license_changes=licences, account_status_changes=trial)

    assert (HISTORY, HISTORY) == (figures["M-02.new", "ACC_1"], figures["M-02.net_new", "ACC_1"])


def test_licences_without_revenue_do_not_hide_those_with_it() -> None:
    """U-64: an account without known licences and without MRR adds nothing."""
    free = [change("ACC_3", "2023-01-01", None, "Active", contract_value=0.0)]
    trial = [change("ACC_2", "2023-01-01", None, "Trial")]

    figures = close("2024-01", revenue=bills("ACC_1", "2024-01", [100.0], user_licenses=8),
                    account_status_changes=[*active("ACC_1"), *trial, *free])  # fmt: skip

    assert Decimal("12.5") == figures["M-07", "company"]  # 100.00 / 8
    assert (ZERO, INPUT) == (figures["M-07", "ACC_2"], figures["M-07", "ACC_3"])
    assert (INPUT, INPUT) == (figures["M-51.closing", "company"], figures["M-51.new", "ACC_3"])


def test_renewals_and_seats_are_summed_over_their_month() -> None:
    figures = close(
        "2024-01",
        subscription_renewals=[renewal("ACC_1", "2024-01-05", 100.0, 150.0), renewal("ACC_2", "2024-01-31", 300.0, 0.0, "Non-Renewal"),
                               renewal("ACC_3", "2024-02-01", 1.0, 999.0)],
        license_changes=[seats("ACC_1", "2024-01-05", 10, 15, 1.0), seats("ACC_2", "2024-01-06", 5, 8, 1.0),
                         seats("ACC_3", "2023-12-06", 5, 99, 1.0, effective_date="2024-02-01")],
    )  # fmt: skip

    assert Decimal("0.375") == figures["M-18", "company"]  # (150.00 + 0.00) / (100.00 + 300.00)
    assert Decimal(8) == figures["M-51.by_type", "company|Upgrade"]  # 5 + 3
    assert Decimal(0) == figures["M-51.by_type", "company|Initial"]
