"""What the close workbook of an edition is made from: of a revision its copies, of a draft what its manifest pins.

Source: `operations.md` S-2, S-9.
"""

import json
from datetime import datetime

import polars as pl

from compute.allocation import sources
from compute.close_book import ClosedMonth
from compute.company import Company, Identity
from compute.months import Month
from compute.reconciliation_bench import workbench
from storage.catalog import (
    ACCOUNT_MONTH_TABLE,
    ALLOCATION_LEDGER,
    EXPLANATIONS,
    RECONCILIATION_ROW,
    SILVER,
)
from storage.certified import kept_rows
from storage.dataset import Dataset
from storage.editions import Edition, figures_as
from storage.inputs import pinned_rows
from storage.lake import Lake
from storage.provenance import snapshot_of
from storage.snapshots import drafts_of
from storage.watched import OPEN_DIFFERENCE


def closed_month(lake: Lake, found: Edition, company: Company, now: datetime) -> ClosedMonth:
    """Return what the workbook of an edition is made from.

    Args:
        lake: where it is.
        found: the edition.
        company: its teams and expense classes, and what is material.
        now: at which explanations stand or have lapsed; of a revision it is the instant at which it was certified.
    """
    month = Month.parse(found.row["month"])
    compared = _compared(lake, found, month)
    at = found.life.certified.at if found.life.certified else now
    silver = json.loads(found.row["manifest"])["silver"]
    salaries, expenses = (
        pinned_rows(lake, SILVER[name], silver[SILVER[name].name], str(month)).rows for name in ("salaries", "expenses")
    )
    return ClosedMonth(
        figures=figures_as(lake, found),
        rows=_made_from(lake, found, month, ACCOUNT_MONTH_TABLE),
        shares=_made_from(lake, found, month, ALLOCATION_LEDGER),
        sources=sources(salaries, expenses, company),
        compared=compared,
        said=workbench(compared, lake.read(EXPLANATIONS), lake.read(OPEN_DIFFERENCE), company.close, at),
    )


def _made_from(lake: Lake, found: Edition, month: Month, source: Dataset) -> pl.DataFrame:
    """Return a gold table's rows of the month as the profit figures were made from them."""
    if found.life.certified:
        return kept_rows(lake, found.life, source)
    return snapshot_of(lake, month, found.stand).open("profit", source.name).read(pl.col("month") == str(month))


def _compared(lake: Lake, found: Edition, month: Month) -> pl.DataFrame:
    """Return the comparison with the ledger: of the newest draft as it is now, for new rows make no new draft."""
    if found.life.certified:
        return kept_rows(lake, found.life, RECONCILIATION_ROW)
    is_newest = drafts_of(lake, month).item(-1, "snapshot_id") == found.row["snapshot_id"]
    pinned = json.loads(found.row["manifest"])["ledger"]["tables"][RECONCILIATION_ROW.name]
    return lake.open(RECONCILIATION_ROW, None if is_newest else pinned).read(pl.col("month") == str(month))


def told_of_book(found: Edition, company: Identity) -> dict[str, str]:
    """Return what the front sheet of an edition's workbook says of it, name → text."""
    row, act = found.row, found.life.certified
    certified = f"by {act.by}, {act.at:%Y-%m-%d %H:%M}Z" if act else "not yet"
    return {
        f"Close of {row['month']}, {company.name}": "",
        "edition": f"{found.stand}, {found.life.state}; snapshot {row['snapshot_id']}",
        "hash": row["content_hash"],
        "certified": certified,
        "as of": f"{row['as_of']:%Y-%m-%d %H:%M}Z; made {row['created_at']:%Y-%m-%d %H:%M}Z",
        "amounts": f"{company.reporting_currency}. A sheet keeps fifteen digits; the tables of the lake have all.",
        "internal": "It names accounts and the cost of teams: not for investors.",
    }
