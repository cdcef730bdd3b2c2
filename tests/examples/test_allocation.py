"""Who carries a salary: COGS teams go by minutes, the rest by revenue, then by head, then nobody.

Source: `metrics.md` §6.3 (U-73, U-74).
"""

from decimal import Decimal

import polars as pl

from compute.allocation import MINUTES, UNALLOCATED, allocation, sources
from compute.months import Month
from tests.company import Books, bill, change, cost, team

JANUARY = Month(2024, 1)
TEAMS = [team("ENG_1", "Data Engineering", "2024-01", 100.0, 1), team("SUP_1", "Support", "2024-01", 10.0, 1)]
POOL = cost(None, "2024-01-31", 0.10)


def shares(books: Books, minutes: dict[str, int]) -> dict[tuple[str, str], tuple[Decimal, str]]:
    """Return amount and driver by source and account."""
    given = sources(books.of("salaries", JANUARY), books.of("expenses", JANUARY), books.company)
    used = pl.DataFrame(list(minutes.items()), schema=MINUTES, orient="row")
    rows = allocation("2024-01", books.rows.filter(pl.col("month") == "2024-01"), given, used)
    return {(row["source"], row["account_id"]): (row["amount"], row["driver"]) for row in rows.to_dicts()}


def test_support_goes_by_minutes_and_engineering_by_revenue() -> None:
    books = Books({"salaries": TEAMS, "revenue": [bill("ACC_1", "2024-01-15", 300.0), bill("ACC_2", "2024-01-15", 100.0)]},
                  (JANUARY,))  # fmt: skip

    # ACC_9 is known from engagement alone: its 500 minutes carry no cost.
    got = shares(books, {"ACC_1": 10, "ACC_2": 30, "ACC_9": 500})

    assert {
        ("ENG_1", "ACC_1"): (Decimal("75.00"), "revenue"),
        ("ENG_1", "ACC_2"): (Decimal("25.00"), "revenue"),
        ("SUP_1", "ACC_1"): (Decimal("2.50"), "active_minutes"),
        ("SUP_1", "ACC_2"): (Decimal("7.50"), "active_minutes"),
    } == got


def test_without_revenue_paying_accounts_share_evenly_and_ties_go_by_name() -> None:
    refunded = [bill(f"ACC_{number}", "2024-01-15", 50.0, payment_status="Refunded") for number in (1, 2, 3)]
    books = Books({"expenses": [POOL], "revenue": refunded}, (JANUARY,))

    got = {account: amount for (_, account), amount in shares(books, {}).items()}

    # 10 cents over three: 4, 3, 3
    cents = {"ACC_1": "0.04", "ACC_2": "0.03", "ACC_3": "0.03"}
    assert {account: (Decimal(amount), "equal") for account, amount in cents.items()} == got


def test_without_anybody_it_is_unallocated() -> None:
    books = Books({"expenses": [POOL], "salaries": TEAMS, "account_status_changes": [change("ACC_1", "2024-01-01", None, "Trial")]},
                  (JANUARY,))  # fmt: skip

    got = shares(books, {})

    assert {UNALLOCATED} == {account for _, account in got}
    assert Decimal("110.10") == sum(amount for amount, _ in got.values())


def test_what_nobody_carries_has_no_weight() -> None:
    books = Books({"salaries": TEAMS}, (JANUARY,))
    given = sources(books.of("salaries", JANUARY), books.of("expenses", JANUARY), books.company)

    rows = allocation("2024-01", books.rows, given, pl.DataFrame(schema=MINUTES))

    columns = ("source", "account_id", "amount", "driver", "weight")
    assert [
        ("ENG_1", UNALLOCATED, Decimal("100.00"), "none", Decimal(0)),
        ("SUP_1", UNALLOCATED, Decimal("10.00"), "none", Decimal(0)),
    ] == rows.sort("source").select(columns).rows()
