"""The snapshot store: drafts of a month, each with its figures and its manifest.

Figures come first, the manifest's one row is the decision: a crash between them leaves no draft.
Source: `operations.md` C.4, T1, S-1, S-2, S-4.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from compute.details import DETAILS, account_day_figures
from compute.errors import BadMonth
from compute.exchange import content_hash
from compute.figures import FIGURE
from compute.footnotes import FOOTNOTES
from compute.months import Month
from storage.catalog import ACCOUNT_DAY_TABLE, ACCOUNT_MONTH_TABLE, FIGURES, SNAPSHOT, SNAPSHOT_FIGURE
from storage.files import Replacement
from storage.lake import Lake
from storage.pieces import by_metric
from storage.work import Work


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft that is live, and whether this call made it.

    Attributes:
        manifest: what it was made from: `upstream` has version and content of tables by name.
    """

    month: str
    number: int
    snapshot_id: str
    content_hash: str
    is_new: bool
    manifest: Mapping[str, Any]


def live_draft(lake: Lake, month: Month) -> Draft | None:
    """Return the newest draft of a month, or None."""
    drafts = _drafts(lake, month)
    if drafts.is_empty():
        return None
    return _draft(drafts.row(-1, named=True))


def newest_drafts(lake: Lake) -> dict[str, Draft]:
    """Return the newest draft of each month that has one."""
    rows = lake.read(SNAPSHOT).sort("draft").unique("month", keep="last")
    return {row["month"]: _draft(row) for row in rows.iter_rows(named=True)}


def draft_named(lake: Lake, snapshot_id: str) -> Draft:
    """Return a draft by its name."""
    return _draft(lake.read(SNAPSHOT, pl.col("snapshot_id") == snapshot_id).row(0, named=True))


def _draft(row: Mapping[str, Any], *, is_new: bool = False) -> Draft:
    manifest = json.loads(row["manifest"])
    return Draft(row["month"], row["draft"], row["snapshot_id"], row["content_hash"], is_new, manifest)


def drafts_of(lake: Lake, month: Month) -> pl.DataFrame:
    """Return the drafts of a month, SNAPSHOT rows, the live one last.

    Raises:
        BadMonth: when the month has none.
    """
    drafts = _drafts(lake, month)
    if drafts.is_empty():
        raise BadMonth(f"{month} has no draft yet: make one with `techflow run {month}`.")
    return drafts


def _drafts(lake: Lake, month: Month) -> pl.DataFrame:
    return lake.read(SNAPSHOT, pl.col("month") == str(month)).sort("draft")


def drafted_months(lake: Lake) -> set[Month]:
    """Return the months that have a draft."""
    return {Month.parse(name) for name in lake.read(SNAPSHOT, columns=["month"]).get_column("month").unique()}


def save_draft(
    lake: Lake,
    month: Month,
    figures: pl.LazyFrame,
    *,
    manifest: Mapping[str, Any],
    as_of: datetime,
    created_at: datetime,
    created_by: str,
    work: Work,
) -> Draft:
    """Make a draft of a month's figures, unless the live draft has the same content (S-4).

    Args:
        lake: where the store is.
        month: the period.
        figures: FIGURE rows of all pipelines, without the experiment feed, which stays in gold.
        manifest: what they were made from, as JSON values; its `footnotes`, id → text, are signed with the figures.
        as_of: the run's as-of.
        created_at: when.
        created_by: the person or run.
        work: recorded with the commits.

    Raises:
        LakeBusy: when another run made a draft meanwhile.
    """
    manifests, store = lake.open(SNAPSHOT), Replacement(lake, SNAPSHOT_FIGURE)
    digest = content_hash((part for _, part in by_metric(figures)), manifest["footnotes"])
    live = live_draft(lake, month)
    if live and live.content_hash == digest:
        return live
    number = live.number + 1 if live else 1
    snapshot_id = f"{month}-d{number}"
    store.add_parts(snapshot_id, by_metric(figures.with_columns(snapshot_id=pl.lit(snapshot_id))))
    store.commit({snapshot_id: digest}, replace(work, dataset=SNAPSHOT_FIGURE.name))
    row: dict[str, Any] = {
        "snapshot_id": snapshot_id,
        "month": str(month),
        "draft": number,
        "content_hash": digest,
        "as_of": as_of,
        "created_at": created_at,
        "created_by": created_by,
        "manifest": json.dumps(manifest, sort_keys=True),
    }
    manifests.append(pl.DataFrame([row], schema=dict(SNAPSHOT.schema)), work)
    return _draft(row, is_new=True)


def figures_of(lake: Lake, month: Month) -> pl.DataFrame:
    """Return the live draft's FIGURE rows: what a signature covers.

    Raises:
        BadMonth: when the month has no draft.
    """
    return figures_in(lake, drafts_of(lake, month).item(-1, "snapshot_id"))


def figures_in(lake: Lake, snapshot_id: str) -> pl.DataFrame:
    """Return the FIGURE rows of a snapshot."""
    return scan_figures(lake, snapshot_id).collect()


def scan_figures(lake: Lake, snapshot_id: str) -> pl.LazyFrame:
    """Return the FIGURE rows of a snapshot, lazily."""
    return lake.open(SNAPSHOT_FIGURE).scan().filter(pl.col("snapshot_id") == snapshot_id).select(list(FIGURE))


def details_of(lake: Lake, month: Month) -> pl.DataFrame:
    """Return the FIGURE rows of a month by account and day, and by team and day, as gold has them now."""
    return gold_sources(lake, month).figures(month)


@dataclass(frozen=True, slots=True)
class Sources:
    """What the figures of a month by day are made from: ACCOUNT_MONTH, ACCOUNT_DAY, and FIGURE rows of teams."""

    rows: pl.LazyFrame
    days: pl.LazyFrame
    teams: pl.LazyFrame

    def figures(self, month: Month) -> pl.DataFrame:
        """Return the FIGURE rows that they make."""
        by_account = account_day_figures(self.rows.collect(), self.days.collect(), month)
        return pl.concat([by_account, self.teams.collect()])


def gold_sources(lake: Lake, month: Month) -> Sources:
    """Return them as gold has them now."""
    of_month = pl.col("month") == str(month)
    rows, days, figures = (
        lake.open(dataset).scan().filter(of_month)
        for dataset in (ACCOUNT_MONTH_TABLE, ACCOUNT_DAY_TABLE, FIGURES["engagement"])
    )
    return Sources(rows, days, figures.filter(pl.col("grain").is_in(DETAILS)))


def used_footnotes(figures: pl.LazyFrame) -> dict[str, str]:
    """Return the footnotes that the figures carry, id → text."""
    used = figures.select(pl.col("footnote_ids").unique().drop_nulls()).collect(engine="streaming").to_series()
    return {name: FOOTNOTES[name] for name in sorted({name for ids in used for name in ids.split(";")} - {""})}
