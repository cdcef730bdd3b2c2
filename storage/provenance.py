"""Where a snapshot's figures come from: the versions of every table behind them, and the received records.

A manifest pins the figure tables; each commit pins what it read. Followed from table to table they name the version
of every table down to silver. Bronze only grows: a place in it is a record for good.
Source: `operations.md` S-2, E.2 "Provenance".
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from compute.contracts.contract import Contract
from compute.contracts.feeds import BY_NAME
from compute.contributions import Contributions
from compute.months import Month, parse_months
from compute.parts import Trace
from compute.releases import RELEASED, fixed_rows
from compute.schema import Schema, typed
from compute.wording import worded
from storage.catalog import BRONZE, DATASETS, FIGURES, RELEASES, SILVER
from storage.contents import NEVER_WRITTEN
from storage.editions import edition
from storage.lake import Lake
from storage.table import Table

RECORD: Schema = {
    "dataset": pl.String,
    "account_id": pl.String,
    "dated": pl.String,
    "place": pl.String,
    "arrival": pl.Datetime("us", "UTC"),
    "payload_sha256": pl.String,
}
_TABLES = {dataset.name: dataset for dataset in DATASETS}
_FROM_BILL = ("billed", "by_status")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A draft or revision of a month, and the tables that it was made from at the versions that they had."""

    lake: Lake
    month: Month
    stand: str
    snapshot_id: str
    content_hash: str
    as_of: datetime
    manifest: Mapping[str, Any]
    _versions: dict[str, Mapping[str, int]] = field(default_factory=dict)
    _tables: dict[tuple[str, int], Table] = field(default_factory=dict)

    def version(self, pipeline: str, table: str) -> int:
        """Return the version of a table behind a pipeline's figures."""
        if pipeline not in self._versions:
            name = FIGURES[pipeline].name
            self._versions[pipeline] = _behind(self.lake, name, self.manifest["upstream"][name]["version"], self.month)
        # What was made from a table that was never written leads no further.
        return self._versions[pipeline].get(table, NEVER_WRITTEN)

    def open(self, pipeline: str, table: str) -> Table:
        """Return a table as the pipeline's figures were made from it."""
        version = self.version(pipeline, table)
        if (table, version) not in self._tables:
            self._tables[table, version] = self.lake.open(_TABLES[table], version)
        return self._tables[table, version]


def snapshot_of(lake: Lake, month: Month, stand: str | None = None) -> Snapshot:
    """Return a month's snapshot.

    Args:
        lake: where it is.
        month: the period.
        stand: d3 for draft 3, r1 for revision 1; without it the revision in force, else the live draft.

    Raises:
        BadMonth: when the month has no draft.
        BadAnchor: when it has no such draft, or no revision.
    """
    found = edition(lake, month, stand)
    row = found.row
    return Snapshot(
        lake, month, found.stand, row["snapshot_id"], row["content_hash"], row["as_of"], json.loads(row["manifest"])
    )


def _behind(lake: Lake, name: str, version: int, month: Month) -> dict[str, int]:
    """Return the versions behind a table's month; of a table that is read twice, the nearer one."""
    found, waiting = {name: version}, [name]
    while waiting:
        for other, pinned in _inputs(lake, (each := waiting.pop(0)), found[each], month).items():
            if other not in found:
                found[other] = pinned
                waiting.append(other)
    return found


def _inputs(lake: Lake, name: str, version: int, month: Month) -> Mapping[str, int]:
    """Return what the last commit that wrote the month, up to a version, was made from."""
    for commit in lake.open(_TABLES[name], version).history():
        if "techflow.inputs" in commit and _wrote(commit, month):
            inputs: Mapping[str, int] = json.loads(commit["techflow.inputs"])
            return inputs
    return {}


def _wrote(commit: Mapping[str, Any], month: Month) -> bool:
    months = json.loads(commit["techflow.months"])
    return not months or month in parse_months(months)


def records_behind(snapshot: Snapshot, parts: Iterable[tuple[str, Contributions]]) -> pl.DataFrame:
    """Return the RECORD rows of the received records behind parts, each once.

    Args:
        snapshot: of the figures.
        parts: each with the pipeline that read it.
    """
    asked: dict[tuple[str, int], list[pl.Expr]] = defaultdict(list)
    for pipeline, part in parts:
        for trace in part.part.traces:
            version = snapshot.version(pipeline, SILVER[trace.dataset].name)
            asked[trace.dataset, version].append(_is_behind(part, trace))
    found = [_records(snapshot, BY_NAME[name], version, which) for (name, version), which in asked.items()]
    return pl.concat([pl.DataFrame(schema=RECORD), *found]).unique().sort(list(RECORD))


def _is_behind(part: Contributions, trace: Trace) -> pl.Expr:
    """Return which rows of the feed a trace leads to."""
    where = pl.sql_expr(trace.where.format_map(part.scope.words))
    if trace.is_by_account and "account_id" in part.part.key:
        rows = part.rows.filter(~pl.col("quality").is_in(_FROM_BILL)) if trace.is_without_bill else part.rows
        where &= pl.col("account_id").is_in(rows.get_column("account_id").to_list())
    elif trace.is_by_account and part.scope.account:
        where &= pl.col("account_id") == part.scope.account
    return where


def _records(snapshot: Snapshot, contract: Contract, version: int, which: list[pl.Expr]) -> pl.DataFrame:
    """Return the RECORD rows of a feed that any of the conditions holds for."""
    places = list(contract.order)
    account = pl.col(contract.account) if contract.account else pl.lit("")
    received = snapshot.lake.open(BRONZE[contract.dataset]).scan()
    fixed = fixed_rows(snapshot.lake.read(RELEASES), contract).lazy()
    digests = pl.concat([rows.select(*places, "_payload_sha256") for rows in (received, fixed)])
    return (
        snapshot.lake.open(SILVER[contract.dataset], version)
        .scan()
        .filter(pl.any_horizontal(which))
        .select(*places, account_id=account, dated=pl.col(contract.dated).cast(pl.String))
        .join(digests, on=places, how="left")
        .select(
            "account_id",
            "dated",
            dataset=pl.lit(contract.dataset),
            place=_place(contract),
            arrival="_arrival",
            payload_sha256="_payload_sha256",
        )
        .collect()
        .pipe(typed, RECORD)
    )


def _place(contract: Contract) -> pl.Expr:
    if contract.is_topic:
        stood = worded("{} partition {} offset {}", "_topic", "_partition", "_offset")
        is_fixed = pl.col("_partition") < 0
    else:
        stood, is_fixed = worded("{} line {}", "_file", "_row"), pl.col("_file") == RELEASED
    return pl.when(is_fixed).then(pl.lit("a fixed record")).otherwise(stood)
