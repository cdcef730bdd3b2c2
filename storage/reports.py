"""What a report is made from, read from the snapshot store alone, and the tables that go out beside it.

Source: `operations.md` E.2, S-2.
"""

import json

import polars as pl

from compute.exchange import metrics_table
from compute.months import Month
from compute.report.figures import Header, Source
from storage.catalog import STATEMENT
from storage.lake import Lake
from storage.snapshots import drafts_of, figures_in
from storage.told import told_of
from storage.watched import STANDING

# What may leave the house: no account, no user, no team that is too small.
_PUBLIC = pl.col("grain").is_in(["company_day", "company_month"]) | (
    (pl.col("grain") == "team_month") & (pl.col("null_reason") != "suppressed_small_cell")
)


def report_source(lake: Lake, month: Month, company: str, currency: str) -> Source:
    """Return what the report of a month's live draft is made from.

    Raises:
        BadMonth: when the month has no draft.
    """
    row = drafts_of(lake, month).row(-1, named=True)
    header = Header(
        company=company,
        currency=currency,
        month=month,
        state="DRAFT",
        number=row["draft"],
        snapshot_id=row["snapshot_id"],
        content_hash=row["content_hash"],
        as_of=row["as_of"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        manifest=json.loads(row["manifest"]),
    )
    told = {**told_of(lake, STATEMENT, header.snapshot_id), **told_of(lake, STANDING, header.snapshot_id)}
    return Source(header, figures_in(lake, header.snapshot_id), told)


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
            **head.manifest,
            "completeness": list(source.table("completeness")),
            "reconciliation_gates": list(source.table("gates")),
        },
        indent=2,
        sort_keys=True,
        ensure_ascii=False,
    ) + "\n"  # fmt: skip
