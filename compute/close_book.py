"""The close workbook of a month: sheets that finance follows with live formulas, and what they must agree with.

Rows are what the figures were made from; sums, differences and shares are formulas. The checks compare them with the
figures that are signed, so that a row that was changed shows.
Source: `operations.md` C.4 gate "identities", C.3.
"""

from dataclasses import dataclass

import polars as pl

from compute.book_accounts import account_checks, account_sheet, bridge_checks, bridge_sheet
from compute.book_costs import allocation_sheet, cost_checks, share_sheet
from compute.book_figures import company_figures
from compute.book_ledger import judged_sums, ledger_checks, ledger_sheet
from compute.company_promises import Close
from compute.sheets import Check, Sheet


@dataclass(frozen=True, slots=True)
class ClosedMonth:
    """What the workbook of a snapshot is made from.

    Attributes:
        figures: its FIGURE rows.
        rows: ACCOUNT_MONTH rows of the month.
        shares: ALLOCATION rows of the month.
        sources: `source, cost_class, amount` of what is shared out, as the records have it.
        compared: RECONCILIATION rows of the month.
        said: WORKBENCH rows of those that differ.
    """

    figures: pl.DataFrame
    rows: pl.DataFrame
    shares: pl.DataFrame
    sources: pl.DataFrame
    compared: pl.DataFrame
    said: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook without its front sheet.

    Attributes:
        checks: what the front sheet lists.
        verdicts: what it says beside them, each with its formula.
    """

    sheets: tuple[Sheet, ...]
    checks: tuple[Check, ...]
    verdicts: tuple[tuple[str, str], ...]


def close_book(month: ClosedMonth, close: Close) -> Book:
    """Return the workbook of a month.

    Args:
        month: what it is made from.
        close: for the tolerance of RC-2 and RC-3.
    """
    figures, rows = company_figures(month.figures), month.rows.sort("account_id")
    shares = share_sheet(rows, month.shares)
    accounts = account_sheet(rows, shares)
    bridge = bridge_sheet(accounts)
    allocation = allocation_sheet(month.sources, month.shares)
    ledger = ledger_sheet(month.compared, month.said, accounts)
    checks = (
        *account_checks(accounts, figures),
        *bridge_checks(bridge, accounts, figures),
        *cost_checks(allocation, shares, figures),
        *ledger_checks(ledger, figures),
    )
    verdicts = tuple(judged_sums(ledger, close)) if month.compared.height else ()
    return Book((accounts, bridge, allocation, shares, ledger), checks, verdicts)
