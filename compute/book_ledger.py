"""The close workbook's reconciliation: each account's billed revenue minus the ledger, and how the sums are judged.

Source: `operations.md` C.3.
"""

from decimal import Decimal

import polars as pl

from compute.book_figures import Figures, against, places
from compute.company_promises import Close
from compute.sheets import Check, Column, Sheet

_COLUMNS = (
    Column("account_id", head="account"),
    Column("class"),
    Column("pipeline", "money", is_summed=True),
    Column("ledger", "money", is_summed=True),
    Column("difference", "money", "[pipeline]-[ledger]", head="pipeline − ledger", is_summed=True),
    Column("share", "ratio", 'IF([ledger]=0,"",[difference]/[ledger])', head="of the ledger"),
    Column("gross", "money", "ABS([difference])", head="without sign", is_summed=True),
    Column("delta", "money", head="as compared", is_summed=True),
    Column("left", "money", "ROUND([difference]-[delta],2)", is_check=True, head="off by"),
    Column(
        "billed",
        "money",
        "ROUND([pipeline]-Accounts!$[revenue][place],2)",
        is_check=True,
        head="off its revenue",
    ),
    Column("ledger_version", head="ledger version"),
    Column("rc4", head="RC-4"),
    Column("code", head="explained as"),
    Column("by"),
    Column("because"),
)


def ledger_sheet(compared: pl.DataFrame, said: pl.DataFrame, accounts: Sheet) -> Sheet:
    """Return the sheet of the reconciliation, an account by row.

    Args:
        compared: RECONCILIATION rows of the month.
        said: WORKBENCH rows of those that differ.
        accounts: where their revenue stands.
    """
    rows = (
        compared.join(said.select("account_id", "rc4", "code", "by", "because"), on="account_id", how="left")
        .join(places(accounts.rows), on="account_id", how="left")
        # An account that has no row there has no revenue: below the last row nothing stands.
        .with_columns(pl.col("place").fill_null(accounts.last_row + 1), revenue=pl.lit(accounts.letter("revenue")))
        .sort("account_id")
    )
    told = "What each account was billed, minus what the accounting ledger has; an absent side counts as 0."
    return Sheet("Reconciliation", told, _COLUMNS, rows)


def ledger_checks(ledger: Sheet, figures: Figures) -> list[Check]:
    """Return the checks of the reconciliation; they say nothing of a month that was not compared."""
    if ledger.rows.is_empty():
        return [Check("revenue is compared with the ledger", ledger.total("pipeline"), "0", None, "not compared")]
    pipeline, difference = ledger.total("pipeline"), ledger.total("difference")
    sums = f"{pipeline}-{ledger.total('ledger')}"
    by_row = {"left": "each difference is the one that was judged", "billed": "each pipeline side is the revenue"}
    return [
        *(Check(told, ledger.total(name), ledger.total(name), Decimal(0)) for name, told in by_row.items()),
        Check("the differences add up to pipeline minus ledger", difference, difference, sums),
        against(figures, "revenue that was compared", pipeline, pipeline, "M-20"),
    ]


def judged_sums(ledger: Sheet, close: Close) -> list[tuple[str, str]]:
    """Return how RC-2 and RC-3 weigh the sums, what is weighed and its formula, which passes or FAILs."""
    whole = f"ABS({ledger.total('ledger')})"
    return [
        (f"{gate}: {what} within {(close.tolerance * 100).normalize():f} % of the ledger",
         f'IF(ROUND(ABS({ledger.total(name)})-{close.tolerance:f}*{whole},6)<=0,"pass","FAIL")')
        for gate, what, name in (("RC-2", "net", "difference"), ("RC-3", "gross", "gross"))
    ]  # fmt: skip
