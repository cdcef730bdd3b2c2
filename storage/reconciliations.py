"""The reconciliation as it stands: its gates, its open rows, what pins it.

Source: `operations.md` C.3, C.4 "Gates of a draft".
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from compute.company import Company
from compute.months import Month
from compute.reconciliation import UNVERIFIED, Gate, gate_rows, gates, unverified
from compute.reconciliation_acts import accounts_explained, second_bill_gate
from compute.reconciliation_bench import workbench
from compute.reconciliation_ledger import ledger_hash, pin_gate
from storage.catalog import (
    ACKNOWLEDGEMENTS,
    EXPLANATIONS,
    FINDINGS,
    LEDGER_ROWS,
    RECONCILIATION_GATE,
    RECONCILIATION_ROW,
    SNAPSHOT,
    SNAPSHOT_FIGURE,
)
from storage.dataset import Dataset
from storage.lake import Lake
from storage.watched import OPEN_DIFFERENCE


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the gates of months are judged by, each table read once.

    Attributes:
        drafted: `month, account_id, revenue` (M-20) of the live drafts.
    """

    rows: pl.DataFrame
    stored: pl.DataFrame
    kept: pl.DataFrame
    findings: pl.DataFrame
    drafted: pl.DataFrame
    explanations: pl.DataFrame
    acknowledgements: pl.DataFrame

    @classmethod
    def read(cls, lake: Lake, months: Collection[str]) -> "Comparison":
        """Return what the lake holds of months now."""
        of_months = pl.col("month").is_in(sorted(months))
        newest = lake.read(SNAPSHOT, of_months, ["month", "draft", "snapshot_id"]).sort("draft")
        live = newest.unique("month", keep="last").get_column("snapshot_id")
        is_billed = (pl.col("metric_id") == "M-20") & (pl.col("grain") == "account_month")
        figures = lake.read(SNAPSHOT_FIGURE, pl.col("snapshot_id").is_in(live.implode()) & is_billed)
        return cls(
            rows=lake.read(RECONCILIATION_ROW, of_months),
            stored=lake.read(RECONCILIATION_GATE, of_months),
            kept=lake.read(LEDGER_ROWS, of_months),
            findings=lake.read(FINDINGS, of_months),
            drafted=figures.select("month", account_id="grain_key", revenue="value"),
            explanations=lake.read(EXPLANATIONS),
            acknowledgements=lake.read(ACKNOWLEDGEMENTS),
        )

    def gates(self, month: str, company: Company, now: datetime) -> pl.DataFrame:
        """Return the gates and "second bill" of a month as they stand: `gate, verdict, evidence`.

        RC-1 to RC-5, then second bill. They are judged anew, for explanations lapse by the clock and by what was
        compared since; RC-5 is judged against the live draft.
        """
        compared, stored, kept, findings, drafted = (
            rows.filter(month=month) for rows in (self.rows, self.stored, self.kept, self.findings, self.drafted)
        )
        if problem := not_compared(stored, month):
            found = (*unverified(problem), Gate("RC-5", UNVERIFIED, problem))
        else:
            explained = accounts_explained(compared, self.explanations, now)
            pinned = pin_gate(compared, kept, drafted.drop("month"))
            found = (*gates(compared, company.close, explained), pinned)
        second = second_bill_gate(findings, self.acknowledgements)
        return gate_rows(month, (*found, second)).drop("month")


def gates_of(lake: Lake, month: Month, company: Company, now: datetime) -> pl.DataFrame:
    """Return the reconciliation's gates and "second bill" of a month as they stand: `gate, verdict, evidence`."""
    return Comparison.read(lake, [str(month)]).gates(str(month), company, now)


def of_month(lake: Lake, dataset: Dataset, month: Month) -> pl.DataFrame:
    """Return a table's rows of a month."""
    return lake.read(dataset, pl.col("month") == str(month))


def not_compared(stored: pl.DataFrame, month: Month | str) -> str:
    """Return why a month is not compared with the ledger; empty when it is.

    Args:
        stored: its GATE rows, as the last run kept them.
        month: the month.
    """
    if stored.is_empty():
        return f"{month} has not been compared with the ledger yet: techflow run {month}."
    return next(iter(stored.filter(pl.col("verdict") == UNVERIFIED).get_column("evidence")), "")


def pins_of(lake: Lake, month: Month) -> dict[str, Any]:
    """Return what a manifest pins of the comparison of a month (RC-5), as JSON values.

    `content` is the hash of all ledger rows that were compared; `accounts` has version and content of each account's;
    `tables` the Delta versions that hold the rows and the comparison.
    """
    tables = {dataset.name: lake.open(dataset) for dataset in (LEDGER_ROWS, RECONCILIATION_ROW)}
    pinned = tables[RECONCILIATION_ROW.name].read(
        (pl.col("month") == str(month)) & pl.col("ledger_sha256").is_not_null()
    )  # fmt: skip
    rows = pinned.select("account_id", "ledger_version", "ledger_sha256").sort("account_id").rows()
    return {
        "content": ledger_hash(pinned.get_column("ledger_sha256")),
        "accounts": {account: {"version": version, "content": content} for account, version, content in rows},
        "tables": {name: table.version for name, table in tables.items()},
    }


def workbench_of(lake: Lake, months: Collection[Month], company: Company, now: datetime) -> pl.DataFrame:
    """Return the open rows of months, WORKBENCH rows."""
    compared = lake.read(RECONCILIATION_ROW, pl.col("month").is_in([str(month) for month in months]))
    return workbench(compared, lake.read(EXPLANATIONS), lake.read(OPEN_DIFFERENCE), company.close, now)
