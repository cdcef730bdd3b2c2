"""What a report is made from, read from the snapshot store alone, and the tables that go out beside it.

Source: `operations.md` E.2, S-2.
"""

import json
from typing import Any

import polars as pl

from compute.errors import BadMonth
from compute.exchange import metrics_table
from compute.figures import FIGURE
from compute.footnotes import FOOTNOTES
from compute.months import Month
from compute.report.figures import Header, Source
from storage.catalog import SNAPSHOT, SNAPSHOT_FIGURE
from storage.lake import Lake
from storage.snapshots import used_footnotes
from storage.standing import read_standing
from storage.statement import read_statement

# What may leave the house: no account, no user, no team that is too small.
_PUBLIC = pl.col("grain").is_in(["company_day", "company_month"]) | (
    (pl.col("grain") == "team_month") & (pl.col("null_reason") != "suppressed_small_cell")
)


def report_source(lake: Lake, month: Month, company: str, currency: str) -> Source:
    """Return what the report of a month's live draft is made from.

    Raises:
        BadMonth: when the month has no draft.
    """
    row = snapshot_row(lake, month)
    figures = lake.read(SNAPSHOT_FIGURE, pl.col("snapshot_id") == row["snapshot_id"], list(FIGURE))
    header = Header(
        company=company,
        currency=currency,
        month=month,
        state=row["state"],
        number=row["draft"],
        snapshot_id=row["snapshot_id"],
        content_hash=row["content_hash"],
        as_of=row["as_of"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        manifest=json.loads(row["manifest"]),
    )
    told = {**read_statement(lake, row["snapshot_id"]), **read_standing(lake, row["snapshot_id"])}
    return Source(header, figures, told)


def snapshot_row(lake: Lake, month: Month) -> dict[str, Any]:
    """Return the live draft's row of the snapshot table.

    Raises:
        BadMonth: when the month has no draft.
    """
    rows = lake.read(SNAPSHOT, pl.col("month") == str(month)).sort("draft")
    if rows.is_empty():
        raise BadMonth(f"{month} has no draft yet: make one with `techflow run {month}`.")
    return rows.row(-1, named=True)


def public_figures(source: Source) -> pl.DataFrame:
    """Return the figures that an investor may have, with the columns of the `metrics` export."""
    feature = pl.col("grain_key").str.split("|").list.get(1, null_on_oob=True)
    is_free_text = (pl.col("metric_id") == "M-45") & ~feature.is_in(sorted(source.names))
    return metrics_table(source.figures.filter(_PUBLIC & ~is_free_text))


def manifest_text(source: Source) -> str:
    """Return the manifest of the snapshot as JSON."""
    head = source.header
    return json.dumps(
        {
            "snapshot_id": head.snapshot_id,
            "period": str(head.month),
            "state": head.state,
            "draft": head.number,
            "content_hash": head.content_hash,
            "as_of": head.as_of.isoformat(),
            "created_at": head.created_at.isoformat(),
            "footnotes": {name: FOOTNOTES[name] for name in used_footnotes(source.figures)},
            **head.manifest,
            "completeness": list(source.table("completeness")),
            "reconciliation_gates": list(source.table("gates")),
        },
        indent=2,
        sort_keys=True,
        ensure_ascii=False,
    ) + "\n"  # fmt: skip
