"""The truth about a sample's faults, and whether all of it was found, and nothing else.

`truth` makes what the truth file holds; `compare` holds it against what the pipelines have found.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from compute.sample.desk import Entry
from compute.sample.request import Request

Row = tuple[Any, ...]
SURPLUS = "(not stated)"
VERDICT = {"kind": pl.String, "table": pl.String, "stated": pl.Int64, "found": pl.Int64}
# What is compared, by table: the columns that name a row.
TABLES: Mapping[str, tuple[str, ...]] = {
    "findings": ("month", "code", "key"),
    "gaps": ("account_id", "kind", "from", "to", "verdict", "event_date"),
    "reconciliation": ("month", "account_id", "class"),
    "late_events": ("topic", "partition", "offset", "class"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """What the pipelines say of a company: the exports, and the audit of late events.

    Attributes:
        dispositions: dataset, disposition, code (empty for the total), rows.
        findings, gaps, late_events: with the columns of TABLES.
        reconciliation: the same, of every month; rows that match are left aside.
    """

    dispositions: pl.DataFrame
    findings: pl.DataFrame
    gaps: pl.DataFrame
    reconciliation: pl.DataFrame
    late_events: pl.DataFrame


def truth(
    request: Request, kinds: Iterable[str], entries: list[Entry], rows: Mapping[str, int], skipped: list[str]
) -> dict[str, Any]:
    """Return what the truth file holds.

    Args:
        request: what was asked for.
        kinds: the kinds of faults that were asked for.
        entries: the faults.
        rows: by feed, the rows of the company as it would be without them.
        skipped: what could not be put in, because nothing fitted.
    """
    months = f"{request.first}..{request.last}"
    return {
        "schema": 1,
        "params": {"seed": request.seed, "months": months, "accounts": request.accounts,
                   "users_per_account": request.users_per_account, "faults": sorted(kinds)},
        "rows": dict(sorted(rows.items())),
        "faults": [_stated(number, entry) for number, entry in enumerate(entries, 1)],
        "skipped": skipped,
    }  # fmt: skip


def _stated(number: int, entry: Entry) -> dict[str, Any]:
    counted: Counter[tuple[str, str, str]] = Counter()
    for dataset, disposition, code, rows in entry.rows:
        counted[dataset, disposition, code] += rows
    expect = {
        "code": entry.code,
        "effect": entry.effect,
        "dispositions": [[*key, rows] for key, rows in counted.items()],
        "findings": sorted(entry.findings),
        "gaps": entry.gaps,
        "reconciliation": entry.reconciliation,
        "late_events": entry.late,
    }
    return {
        "id": f"F-{number:04d}", "kind": entry.kind, "variant": entry.variant, "feed": entry.feed,
        "where": entry.where, "record": entry.record, "expect": {name: it for name, it in expect.items() if it},
    }  # fmt: skip


def compare(told: Mapping[str, Any], found: Found) -> pl.DataFrame:
    """Return by kind and table how many facts are stated and how many of them are found; then what nobody stated.

    Returns:
        `kind, table, stated, found`; the kind SURPLUS holds what was found and is not stated.
    """
    parts = [_counts(told, found.dispositions)]
    for table, columns in TABLES.items():
        rows = getattr(found, table)
        if table == "reconciliation":
            rows = rows.filter(pl.col("class") != "matched")
        texts = rows.select(pl.col(name).cast(pl.String) for name in columns).rows()
        parts.append(_places(told, table, Counter(texts)))
    return pl.DataFrame([row for part in parts for row in part], VERDICT, orient="row").sort("kind", "table")


def missed(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Return the verdicts in which something is not found, or nobody stated it."""
    return verdicts.filter((pl.col("stated") != pl.col("found")) | (pl.col("kind") == SURPLUS))


def _counts(told: Mapping[str, Any], dispositions: pl.DataFrame) -> list[Row]:
    """Compare counts: a fault's part of a count is found when the whole count is as stated."""
    wanted = Counter({(dataset, "accepted", ""): rows for dataset, rows in told["rows"].items()})
    for fault in told["faults"]:
        for dataset, disposition, code, rows in fault["expect"].get("dispositions", ()):
            wanted[dataset, disposition, code] += rows
    actual = Counter({(dataset, disposition, code or ""): rows for dataset, disposition, code, rows in
                      dispositions.select("dataset", "disposition", "code", "rows").rows()})  # fmt: skip
    agreed = {key for key in wanted | actual if wanted[key] == actual[key]}
    verdicts: dict[str, list[int]] = {}
    for fault in told["faults"]:
        for dataset, disposition, code, _ in fault["expect"].get("dispositions", ()):
            stated = verdicts.setdefault(fault["kind"], [0, 0])
            stated[0] += 1
            stated[1] += (dataset, disposition, code) in agreed
    surplus = len((wanted | actual).keys() - agreed)
    rows = [(kind, "dispositions", stated, hits) for kind, (stated, hits) in verdicts.items()]
    return [*rows, *([(SURPLUS, "dispositions", 0, surplus)] if surplus else [])]


def _places(told: Mapping[str, Any], table: str, actual: Counter[Row]) -> list[Row]:
    """Compare rows that name a place."""
    verdicts: dict[str, list[int]] = {}
    left = Counter(actual)
    for fault in told["faults"]:
        for place in fault["expect"].get(table, ()):
            key = tuple(str(each) for each in place)
            stated = verdicts.setdefault(fault["kind"], [0, 0])
            stated[0] += 1
            stated[1] += left[key] > 0
            left[key] -= 1
    surplus = sum(count for count in left.values() if count > 0)
    rows = [(kind, table, stated, hits) for kind, (stated, hits) in verdicts.items()]
    return [*rows, *([(SURPLUS, table, 0, surplus)] if surplus else [])]
