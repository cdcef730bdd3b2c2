"""The tables of certification: the lifecycle log, what is kept of a certified month, what waits to change it.

Rows of a certified month are copied before the log's one commit certifies it, under the snapshot's name; a crash
between leaves copies that the next attempt finds. Source: `operations.md` C.4, S-1, S-5, S-9.
"""

import hashlib
import json
from dataclasses import replace
from datetime import date, datetime

import polars as pl

from compute.contracts.contract import INSTANT
from compute.details import DETAILS
from compute.exchange import content_hash
from compute.figures import FIGURE
from compute.lifecycle import Act, Life, Log, fold
from compute.months import Month
from compute.restatement import PENDING, PENDING_KEY, seen
from storage.catalog import (
    ACCOUNT_DAY_TABLE,
    ACCOUNT_MONTH_TABLE,
    ALLOCATION_LEDGER,
    COMPLETENESS_ROW,
    FIGURES,
    LATE_EVENTS,
    LEDGER_ROWS,
    RECONCILIATION_GATE,
    RECONCILIATION_ROW,
    SNAPSHOT,
    SNAPSHOT_FIGURE,
    USER_DAY_TABLE,
)
from storage.contents import UNREADABLE, key_number
from storage.copies import KEPT_AS, Kept, copied, copy_name, keep
from storage.dataset import Dataset
from storage.errors import LakeBusy
from storage.inputs import INPUTS, keep_inputs
from storage.lake import Lake
from storage.pieces import by_metric
from storage.snapshots import draft_named
from storage.work import Work

LIFECYCLE = Dataset(
    name="snapshot/lifecycle",
    schema={
        "sequence": pl.Int64,
        "at": INSTANT,
        "kind": pl.String,
        "month": pl.String,
        "by": pl.String,
        "snapshot_id": pl.String,
        "content_hash": pl.String,
        "role": pl.String,
        "revision": pl.Int64,
        "gate": pl.String,
        "scope": pl.String,
        "reason": pl.String,
        "note": pl.String,
        "expires_at": INSTANT,
        "evidence": pl.String,
    },
    key=("sequence",),
    description="What was done to snapshots: an act a row, from which their states are folded. One commit decides.",
    is_append_only=True,
)
PENDING_RESTATEMENT = Dataset(
    name="snapshot/pending_restatement",
    schema=PENDING,
    key=PENDING_KEY,
    partition_by="month",
    description="A figure of a certified month that would be another one now: old, new, why, since when.",
)

TEAM_DAY = FIGURES["engagement"]

# A month's figures, and at grain what they were made from and compared with (S-9).
KEPT = (
    Kept(SNAPSHOT_FIGURE, month="snapshot_id"),
    *(
        Kept(source)
        for source in (
            ACCOUNT_MONTH_TABLE, ALLOCATION_LEDGER, USER_DAY_TABLE, ACCOUNT_DAY_TABLE, LEDGER_ROWS,
            RECONCILIATION_ROW, RECONCILIATION_GATE, COMPLETENESS_ROW, LATE_EVENTS,
        )
    ),
    Kept(TEAM_DAY, grains=DETAILS),
)  # fmt: skip
CERTIFIED_FIGURE = KEPT[0].target
CERTIFICATION: tuple[Dataset, ...] = (
    LIFECYCLE, PENDING_RESTATEMENT, *(kept.target for kept in (*KEPT, *INPUTS.values())),
)  # fmt: skip


def read_log(lake: Lake) -> Log:
    """Return the lifecycle log as it stands."""
    return fold(Act(**row) for row in lake.read(LIFECYCLE).iter_rows(named=True))


def append_acts(lake: Lake, log: Log, told: Log, work: Work) -> None:
    """Add what a log was told to the table, in the one commit that decides.

    Args:
        lake: where.
        log: as it was read.
        told: the same with more acts.
        work: recorded with the commit.

    Raises:
        LakeBusy: when somebody else added to it since: what may follow is to be judged again.
    """
    table, acts = lake.open(LIFECYCLE), told.acts[len(log.acts) :]
    if table.count() != len(log.acts):
        raise LakeBusy(dataset=LIFECYCLE.name)
    if acts:
        rows = [{name: getattr(act, name) for name in LIFECYCLE.schema} for act in acts]
        table.append(pl.DataFrame(rows, schema=dict(LIFECYCLE.schema)), work)


def keep_month(lake: Lake, month: str, snapshot_id: str, work: Work) -> dict[str, str]:
    """Copy what a snapshot consists of, and what it was made from, where nothing changes it.

    Returns:
        The name of each table's copy, by the table that was copied; the records' copies are named by themselves.
    """
    names = {}
    for kept in KEPT:
        source, of = lake.open(kept.source), snapshot_id if kept.month == "snapshot_id" else month
        name = copy_name(snapshot_id, source.partitions().get(of, "nothing"))
        names[kept.source.name] = name
        keep(lake, kept, {name: kept.rows(source, of)}, work)
    keep_inputs(lake, draft_named(lake, snapshot_id).manifest["silver"], work)
    return names


def certified_figures(lake: Lake, life: Life) -> pl.DataFrame:
    """Return the FIGURE rows of a revision."""
    return kept_rows(lake, life, SNAPSHOT_FIGURE).select(list(FIGURE))


def kept_rows(lake: Lake, life: Life, source: Dataset) -> pl.DataFrame:
    """Return a table's rows of a revision's month as they stood when it was certified."""
    return scan_kept(lake, life, source).collect()


def scan_kept(lake: Lake, life: Life, source: Dataset) -> pl.LazyFrame:
    """Return a table's rows of a revision's month as they stood when it was certified, lazily."""
    (kept,) = (each for each in KEPT if each.source is source)
    return copied(lake, kept, kept_of(life)[source.name])


def certified_as_of(lake: Lake) -> dict[str, date | None]:
    """Return the as-of that certified months keep, by month: a day if the run was given one, else None (S-4)."""
    in_force = {life.snapshot_id for life in read_log(lake).lives.values() if life.state == "CERTIFIED"}
    rows = lake.read(SNAPSHOT, pl.col("snapshot_id").is_in(sorted(in_force))).iter_rows(named=True)
    return {row["month"]: row["as_of"].date() if json.loads(row["manifest"])["as_of_given"] else None for row in rows}


def kept_of(life: Life) -> dict[str, str]:
    """Return the names of a revision's copies, by table."""
    assert life.certified is not None  # drafts have no copies
    names: dict[str, str] = json.loads(life.certified.evidence)["kept"]
    return names


def tampered(lake: Lake, log: Log) -> list[str]:
    """Return the certified snapshots whose figures do not have the hash that was signed (S-1, AT-60)."""
    revisions = [life for life in log.lives.values() if life.certified]
    return [life.snapshot_id for life in revisions if _hash(lake, life) != life.certified.content_hash]  # type: ignore[union-attr]


def _hash(lake: Lake, life: Life) -> str:
    """Return the hash of a revision's figures as they are; nothing of such as cannot be read any more."""
    where = pl.col(KEPT_AS) == kept_of(life)[SNAPSHOT_FIGURE.name]
    parts = (part for _, part in by_metric(lake.open(CERTIFIED_FIGURE).scan().filter(where).select(list(FIGURE))))
    try:
        return content_hash(parts, draft_named(lake, life.snapshot_id).manifest["footnotes"])
    except UNREADABLE:
        return ""


def keep_pending(lake: Lake, month: Month, found: pl.DataFrame, now: datetime, work: Work) -> None:
    """Keep what would be otherwise in a certified month now, PENDING rows, in place of what was kept before."""
    table, name = lake.open(PENDING_RESTATEMENT), str(month)
    known = table.read(pl.col("month") == name)
    if known.is_empty() and found.is_empty():
        return
    rows = seen(found, known, now).sort(PENDING_KEY)
    key = hashlib.sha256(rows.write_csv().encode()).hexdigest()
    if not table.done(name, key):
        table.replace(rows, {name: key}, replace(work, dataset=PENDING_RESTATEMENT.name, rows=rows.height))


def mark_compared(lake: Lake, month: Month, made_from: str, work: Work) -> None:
    """Remember what a certified month was compared with, once all that follows from it is done."""
    table, name, number = lake.open(PENDING_RESTATEMENT), _compared(month), key_number(made_from)
    if table.position(name) != number:
        nothing = pl.DataFrame(schema=dict(PENDING_RESTATEMENT.schema))
        table.replace(nothing, {}, replace(work, dataset=PENDING_RESTATEMENT.name, rows=0), {name: number})


def is_compared(lake: Lake, month: Month, made_from: str) -> bool:
    """Tell whether a certified month was compared with this last."""
    return lake.open(PENDING_RESTATEMENT).position(_compared(month)) == key_number(made_from)


def _compared(month: Month) -> str:
    return f"{month}#compared"
