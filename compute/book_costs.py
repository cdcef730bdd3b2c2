"""The close workbook's allocation: each source with the sum of its shares, and who carries what of it.

Source: `metrics.md` §6.3.
"""

from decimal import Decimal

import polars as pl

from compute.allocation import UNALLOCATED
from compute.book_figures import Figures, against
from compute.sheets import HEAD_ROW, SUM_ROW, Check, Column, Sheet, letters

_BEFORE = 2  # columns of the sheet of shares that stand before its sources


def _letters(shares: pl.DataFrame) -> dict[str, str]:
    """Return the column of each source on the sheet of shares."""
    sources = shares.get_column("source").unique().sort()
    return {source: letters(place) for place, source in enumerate(sources, start=_BEFORE)}


def share_sheet(rows: pl.DataFrame, shares: pl.DataFrame) -> Sheet:
    """Return the sheet of shares: an account by row, what no account could carry last, and a source by column.

    Args:
        rows: ACCOUNT_MONTH rows of the month.
        shares: ALLOCATION rows of the month.
    """
    columns = _letters(shares)
    named = pl.col("source").replace_strict(columns, return_dtype=pl.String)
    wide = shares.with_columns(named).pivot(
        on="source", on_columns=list(columns.values()), index="account_id", values="amount"
    )
    accounts = [*rows.get_column("account_id"), UNALLOCATED]
    listed = pl.DataFrame({"account_id": accounts, "row": range(HEAD_ROW + 1, HEAD_ROW + 1 + len(accounts))})
    carried = f"SUM({letters(_BEFORE)}[row]:{letters(_BEFORE + max(1, len(columns)) - 1)}[row])"
    return Sheet(
        "Shares",
        "What each account carries of each source.",
        (
            Column("account_id", head="account"),
            Column("allocated", "money", carried, is_summed=True),
            *(Column(letter, "money", is_summed=True, head=source) for source, letter in columns.items()),
        ),
        listed.join(wide, on="account_id", how="left", maintain_order="left"),
        frozen=_BEFORE,
    )


def allocation_sheet(sources: pl.DataFrame, shares: pl.DataFrame) -> Sheet:
    """Return the sheet of the allocation, a source by row.

    Args:
        sources: `source, cost_class, amount` as the records have them.
        shares: ALLOCATION rows of the month.
    """
    by_source = shares.group_by("source").agg(pl.col("driver", "cost_class").first(), accounts=pl.len())
    letter = pl.col("source").replace_strict(_letters(shares), default=None, return_dtype=pl.String)
    rows = sources.select("source", "amount").join(by_source, on="source", how="full", coalesce=True)
    columns = (
        Column("source"),
        Column("cost_class", head="class"),
        Column("driver", head="shared by"),
        Column("accounts", "count", head="shares"),
        Column("amount", "money", is_summed=True),
        Column("allocated", "money", f"Shares!$[letter]${SUM_ROW}", is_summed=True, head="sum of its shares"),
        Column("left", "money", "ROUND([amount]-[allocated],2)", is_check=True, head="difference"),
    )
    told = "What is shared out, as the records have it, beside what its shares add up to."
    return Sheet("Allocation", told, columns, rows.with_columns(letter=letter).sort("source"))


def cost_checks(allocation: Sheet, shares: Sheet, figures: Figures) -> list[Check]:
    """Return the checks of the allocation: each source is given away whole, and the figures are the sums."""
    whole = "the shares of each source are its amount"
    left, carried = allocation.total("left"), shares.total("allocated")
    return [
        Check(whole, left, left, Decimal(0)),
        Check("the sums by account are the sums by source", carried, carried, allocation.total("allocated")),
        against(figures, "all shares", carried, carried, "M-24", "M-24.unallocated"),
    ]
