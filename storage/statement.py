"""The statement of a snapshot: what its report tells beside the figures.

It is kept with the snapshot, so that the report is a function of the snapshot alone.

Source: `operations.md` E.1, E.2.
"""

import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import polars as pl

from compute.figures import COMPANY
from compute.judging import UNDATED
from compute.months import Month
from compute.retention import cohort_members
from compute.statement import cohort_cells, last_weeks, licences_next, lines, mature_trials, renewals_due, variance
from storage.catalog import (
    ACCOUNT_MONTH_TABLE,
    COMPLETENESS_ROW,
    ENGAGEMENT_WEEK,
    FIGURES,
    HELD_ROW,
    JUDGED,
    MRR_BRIDGE,
    RECONCILIATION_GATE,
    RECONCILIATION_ROW,
    SILVER,
    STATEMENT,
    STATUS_STEP,
)
from storage.dataset import Dataset
from storage.lake import Lake
from storage.work import Work

# What a statement is made from; when one of them changes, it is made anew.
SOURCES: tuple[Dataset, ...] = (
    *FIGURES.values(), MRR_BRIDGE, ACCOUNT_MONTH_TABLE, STATUS_STEP, SILVER["subscription_renewals"],
    SILVER["license_changes"], SILVER["click_events"], ENGAGEMENT_WEEK, COMPLETENESS_ROW, RECONCILIATION_ROW,
    RECONCILIATION_GATE, HELD_ROW,
)  # fmt: skip
YEAR = 12

Statement = dict[str, list[dict[str, Any]]]


def gather(lake: Lake, month: Month, holidays: Collection[date]) -> Statement:
    """Return the statement of a month as it stands now: small tables by name, as JSON values."""
    of_month, name = pl.col("month") == str(month), str(month)
    rows = (
        lake.open(ACCOUNT_MONTH_TABLE)
        .scan()
        .filter(pl.col("is_existing"))
        .select("account_id", "month", "mrr", "mrr_quality")
    )
    trailing = pl.col("month").is_in([str(each) for each in month.plus(-6).until(month)])
    tables = {
        "history": _history(lake, month),
        "bridges": lake.read(MRR_BRIDGE, trailing).sort("month", "tier"),
        "cohorts": cohort_cells(rows, cohort_members(rows).collect(engine="streaming"), month),
        "trials": mature_trials(lake.read(STATUS_STEP), month),
        "renewals_due": renewals_due(lake.read(SILVER["subscription_renewals"]), month),
        "licences_next": licences_next(
            lake.read(SILVER["license_changes"], pl.col("month") == str(month.plus(1))), month
        ),
        "weeks": last_weeks(lake.read(ENGAGEMENT_WEEK, pl.col("account_id") == COMPANY), month, holidays),
        "completeness": lake.read(COMPLETENESS_ROW, of_month).drop("month").sort("dataset"),
        "gates": lake.read(RECONCILIATION_GATE, of_month).drop("month").sort("gate"),
        "variance": variance(lake.read(RECONCILIATION_ROW, of_month)),
        "clicks": _clicks(lake, name),
        "imputed": _imputed(lake, month),
        "held": _held(lake, name),
    }
    return {table: lines(part) for table, part in tables.items()}


def _history(lake: Lake, month: Month) -> pl.DataFrame:
    """Return the company's figures of the twelve months before, of those that have any."""
    months = [str(each) for each in month.plus(-YEAR).until(month.plus(-1))]
    where = pl.col("month").is_in(months) & (pl.col("grain") == "company_month") & (pl.col("grain_key") == "company")
    parts = [lake.read(dataset, where) for dataset in FIGURES.values()]
    return pl.concat(parts).sort("month", "metric_id")


def _clicks(lake: Lake, month: str) -> pl.DataFrame:
    """Return how many accepted clicks of the month there are, and how many arrived late (L-4)."""
    codes = lake.open(SILVER["click_events"]).scan().filter(pl.col("month") == month).select("_codes")
    late = pl.col("_codes").list.contains(pl.lit("CLK-W01")).sum()
    return codes.select(accepted=pl.len(), late=late).collect(engine="streaming")


def _imputed(lake: Lake, month: Month) -> pl.DataFrame:
    dated = pl.col("change_date").is_between(pl.lit(month.first), pl.lit(month.last))
    return lake.read(STATUS_STEP, pl.col("is_imputed") & dated).select(steps=pl.len())


def _held(lake: Lake, month: str) -> pl.DataFrame:
    """Return by dataset the rows that are held and open, and of bills the MRR that they state."""
    held = lake.read(HELD_ROW, pl.col("month").is_in([month, UNDATED]) & ~pl.col("is_closed"))
    place = ["_batch_id", "_row"]
    bills = lake.read(JUDGED["revenue"], pl.col("month").is_in([month, UNDATED]), [*place, "total_monthly_revenue"])
    stated = held.select("dataset", _batch_id="batch_id", _row="row").join(bills, on=place, how="left")
    is_bill = pl.col("dataset") == "revenue"
    mrr = pl.col("total_monthly_revenue").filter(is_bill).sum()
    return stated.group_by("dataset").agg(rows=pl.len(), mrr=mrr).sort("dataset")


def save_statements(lake: Lake, statements: Mapping[str, Statement], key: str, work: Work) -> None:
    """Keep the statements of snapshots, in place of those before."""
    rows = [
        {"snapshot_id": snapshot_id, "statement": json.dumps(statement, sort_keys=True)}
        for snapshot_id, statement in statements.items()
    ]
    lake.open(STATEMENT).replace(
        pl.DataFrame(rows, schema=dict(STATEMENT.schema)), dict.fromkeys(statements, key), work
    )


def read_statement(lake: Lake, snapshot_id: str) -> Statement:
    """Return the statement of a snapshot; empty when none was kept."""
    rows = lake.read(STATEMENT, pl.col("snapshot_id") == snapshot_id)
    found: Statement = json.loads(rows.item(0, "statement")) if rows.height else {}
    return found
