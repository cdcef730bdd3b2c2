"""Which snapshot of a month is read: the revision in force, one that was, a draft. Source: `operations.md` S-7, S-8."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from compute.anchors import BadAnchor
from compute.errors import BadMonth
from compute.figures import FIGURE
from compute.lifecycle import Life, Log, as_of
from compute.months import Month
from storage.catalog import ACCOUNT_DAY_TABLE, ACCOUNT_MONTH_TABLE, SNAPSHOT_FIGURE
from storage.certified import TEAM_DAY, read_log, scan_kept
from storage.lake import Lake
from storage.snapshots import Sources, drafts_of, gold_sources, scan_figures


@dataclass(frozen=True, slots=True)
class Edition:
    """A snapshot of a month, as it stands.

    Attributes:
        row: its SNAPSHOT row.
        life: what was done to it.
        log: of all months.
    """

    row: Mapping[str, Any]
    life: Life
    log: Log

    @property
    def stand(self) -> str:
        """Its place in an anchor: r1 of a revision, d3 of a draft."""
        return f"d{self.row['draft']}" if self.life.revision is None else f"r{self.life.revision}"

    @property
    def revision(self) -> str:
        """The revision number as the exports show it; nothing of a draft."""
        return "" if self.life.revision is None else str(self.life.revision)


def edition(lake: Lake, month: Month, stand: str | None = None, at: datetime | None = None) -> Edition:
    """Return an edition of a month.

    Args:
        lake: where it is.
        month: the period.
        stand: r1 of revision 1, d3 of draft 3, `draft` of the newest; without it the revision in force, and where
            there is none the newest draft.
        at: instead of a stand: the revision that was in force at an instant.

    Raises:
        BadMonth: when the month has no draft, or no revision was in force then.
        BadAnchor: when it has no such draft or revision.
    """
    drafts, log, name = drafts_of(lake, month), read_log(lake), str(month)
    rows = {row["snapshot_id"]: row for row in drafts.iter_rows(named=True)}
    newest = drafts.item(-1, "snapshot_id")
    if at is not None:
        life = as_of(log, name, at)
        if life is None:
            raise BadMonth(f"No revision of {month} was in force at {at:%Y-%m-%dT%H:%M:%SZ}: techflow close {month}.")
    elif stand is None:
        life = log.certified(name) or log.life(name, newest)
    elif stand == "draft":
        life = log.life(name, newest)
    else:
        life = _named(log, name, stand, rows)
    return Edition(rows[life.snapshot_id], life, log)


def _named(log: Log, month: str, stand: str, rows: Mapping[str, Mapping[str, Any]]) -> Life:
    if not re.fullmatch("[dr][1-9][0-9]*", stand):
        raise BadAnchor(f"'{stand}' is no edition: write r1 for revision 1, d3 for draft 3, or draft for the newest.")
    number, revisions = int(stand[1:]), log.revisions(month)
    if stand[0] == "r" and number <= len(revisions):
        return revisions[number - 1]
    found = [name for name, row in rows.items() if stand == f"d{row['draft']}"]
    if found:
        return log.life(month, found[0])
    live = max(row["draft"] for row in rows.values())
    what = f"draft {number}" if stand[0] == "d" else f"revision {number}; {len(revisions)} were certified"
    raise BadAnchor(f"{month} has no {what}; its newest draft is d{live}: write that in the anchor.")


def figures_as(lake: Lake, edition: Edition) -> pl.DataFrame:
    """Return the FIGURE rows of an edition; of a revision those that were certified."""
    return scan_figures_as(lake, edition).collect()


def scan_figures_as(lake: Lake, edition: Edition) -> pl.LazyFrame:
    """Return the FIGURE rows of an edition, lazily."""
    life = edition.life
    if life.certified:
        return scan_kept(lake, life, SNAPSHOT_FIGURE).select(list(FIGURE))
    return scan_figures(lake, life.snapshot_id)


def details_as(lake: Lake, edition: Edition, month: Month) -> pl.DataFrame:
    """Return the FIGURE rows by day: of a revision as they stood then, of a draft as gold has them now."""
    return details_sources(lake, edition, month).figures(month)


def details_sources(lake: Lake, edition: Edition, month: Month) -> Sources:
    """Return what the figures by day are made from: of a revision as it stood then, of a draft as gold has it now."""
    if not edition.life.certified:
        return gold_sources(lake, month)
    return Sources(
        *(scan_kept(lake, edition.life, dataset) for dataset in (ACCOUNT_MONTH_TABLE, ACCOUNT_DAY_TABLE, TEAM_DAY))
    )
