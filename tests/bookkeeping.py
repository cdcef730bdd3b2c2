"""A month whose workbook can be added up by hand, from literal records."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl

from compute.allocation import sources
from compute.close_book import ClosedMonth
from compute.company import Company
from compute.months import Month
from compute.reconciliation import reconcile
from compute.reconciliation_acts import EXPLANATION
from compute.reconciliation_bench import OPENED, workbench
from compute.reconciliation_ledger import LEDGER_AMOUNT
from tests.company import Books, bill, change, cost, team

JAN, NOON = "2024-01", datetime(2024, 2, 5, 12, tzinfo=UTC)


def books() -> Books:
    """January of four accounts: one grows, one shrinks, one leaves, one comes."""
    bills = [
        *(bill(f"ACC_{number}", "2023-12-05", 100.0 * number) for number in (1, 2, 3)),
        bill("ACC_1", "2024-01-05", 150.10, subscription_tier="Enterprise"), bill("ACC_2", "2024-01-05", 180.20),
        bill("ACC_4", "2024-01-05", 400.33),
    ]  # fmt: skip
    changes = [
        *(change(f"ACC_{number}", "2023-12-01", None, "Active") for number in (1, 2, 3)),
        change("ACC_3", "2024-01-20", "Active", "Cancelled"), change("ACC_4", "2024-01-02", None, "Active"),
    ]  # fmt: skip
    costs = [
        cost("ACC_1", "2024-01-15", 12.34), cost("ACC_2", "2024-01-15", 0.00), cost("ACC_4", "2024-01-15", 1.00),
        cost(None, "2024-01-31", 1000.00), cost(None, "2024-01-31", 77.77, "Sales"),
    ]  # fmt: skip
    teams = [team("T1", "Data Engineering", "2024-01", 5000.01, 3)]
    lines = {"revenue": bills, "account_status_changes": changes, "expenses": costs, "salaries": teams}
    return Books(lines, Month(2023, 12).until(Month(2024, 1)))


def month_of(books: Books, name: str, ledger: dict[str, str] | None = None) -> ClosedMonth:
    month, close = Month.parse(name), Company().close
    rows = books.rows.filter(pl.col("month") == name)
    posted = [(account, Decimal(amount), "v1", "0" * 64) for account, amount in (ledger or {}).items()]
    amounts = pl.DataFrame(posted, schema=LEDGER_AMOUNT, orient="row")
    compared = reconcile(name, rows if ledger else rows.clear(), amounts, close)
    said = workbench(compared, pl.DataFrame(schema=EXPLANATION), pl.DataFrame(schema=OPENED), close, NOON)
    shared = sources(books.of("salaries", month), books.of("expenses", month), books.company)
    return ClosedMonth(books.figure_table(name), rows, books.ledger(month), shared, compared, said)


LEDGER = {"ACC_1": "150.10", "ACC_2": "180.20", "ACC_4": "390.33", "ACC_9": "0.00"}
