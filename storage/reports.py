"""What a report is made from, read from the snapshot store alone, and the tables that go out beside it.

Source: `operations.md` E.2, S-2.
"""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from compute.exchange import metrics_table
from compute.lifecycle import Life
from compute.months import Month
from compute.report.figures import Certificate, Header, Signature, Source
from storage.catalog import STATEMENT
from storage.editions import Edition, figures_as
from storage.lake import Lake
from storage.told import told_of
from storage.watched import STANDING

# What may leave the house: no account, no user, no team that is too small.
_PUBLIC = pl.col("grain").is_in(["company_day", "company_month"]) | (
    (pl.col("grain") == "team_month") & (pl.col("null_reason") != "suppressed_small_cell")
)


def report_source(lake: Lake, found: Edition, company: str, currency: str) -> Source:
    """Return what the report of an edition of a month is made from."""
    row, life = found.row, found.life
    header = Header(
        company=company,
        currency=currency,
        month=Month.parse(row["month"]),
        state=life.state,
        number=row["draft"],
        snapshot_id=row["snapshot_id"],
        content_hash=row["content_hash"],
        as_of=row["as_of"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        manifest=json.loads(row["manifest"]),
        signatures=_signatures(life),
        certificate=_certificate(life),
    )
    told = {**told_of(lake, STATEMENT, header.snapshot_id), **told_of(lake, STANDING, header.snapshot_id)}
    return Source(header, figures_as(lake, found), told)


def _signatures(life: Life) -> tuple[Signature, ...]:
    return tuple(Signature(act.role, act.by, act.at, act.content_hash) for act in life.signatures.values())


def _certificate(life: Life) -> Certificate | None:
    act = life.certified
    if act is None:
        return None
    return Certificate(
        revision=life.revision or 0, at=act.at, by=act.by, reason=act.reason, narrative=act.note,
        difference=json.loads(act.evidence)["difference"], superseded_by=life.superseded_by,
    )  # fmt: skip


def public_figures(source: Source) -> pl.DataFrame:
    """Return the figures that an investor may have, with the columns of the `metrics` export."""
    feature = pl.col("grain_key").str.split("|").list.get(1, null_on_oob=True)
    is_free_text = (pl.col("metric_id") == "M-45") & ~feature.is_in(sorted(source.names))
    given = source.header.certificate
    return metrics_table(source.figures.filter(_PUBLIC & ~is_free_text), str(given.revision) if given else "")


def _certified(head: Header) -> dict[str, object]:
    signed = [{"role": each.role, "person": each.person, "at": each.at.isoformat(), "content_hash": each.content_hash}
              for each in head.signatures]  # fmt: skip
    given = head.certificate
    if given is None:
        return {"sign_offs": signed}
    return {
        "sign_offs": signed, "revision": given.revision, "certified_at": given.at.isoformat(),
        "certified_by": given.by, "supersedes": given.revision - 1 or None, "superseded_by": given.superseded_by,
        "reason": given.reason, "narrative": given.narrative, "difference": list(given.difference),
    }  # fmt: skip


def _public(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest as it may leave the house: of the ledger the versions and the hash over all accounts."""
    ledger = manifest["ledger"]
    versions = sorted({each["version"] for each in ledger["accounts"].values()})
    kept = {name: value for name, value in manifest.items() if name != "code_authors"}
    return kept | {"ledger": {"content": ledger["content"], "versions": versions, "tables": ledger["tables"]}}


def manifest_text(source: Source) -> str:
    """Return the manifest of the snapshot as JSON."""
    head = source.header
    return json.dumps(
        {
            "snapshot_id": head.snapshot_id,
            "period": str(head.month),
            "state": head.state,
            "draft": head.number,
            **_certified(head),
            "content_hash": head.content_hash,
            "as_of": head.as_of.isoformat(),
            "created_at": head.created_at.isoformat(),
            **_public(head.manifest),
            "completeness": list(source.table("completeness")),
            "reconciliation_gates": list(source.table("gates")),
        },
        indent=2,
        sort_keys=True,
        ensure_ascii=False,
    ) + "\n"  # fmt: skip
