"""The statement of a snapshot: what its report tells beside the figures.

It is kept with the snapshot, so that the report is a function of the snapshot alone.

Source: `operations.md` E.1, E.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from compute.company import Company
from compute.figures import COMPANY
from compute.judging import UNDATED
from compute.months import Month
from compute.retention import cohort_members
from compute.statement import (
    cohort_cells,
    last_weeks,
    licences_next,
    lines,
    mature_trials,
    public_names,
    renewals_due,
    variance,
)
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
    STATUS_STEP,
)
from storage.certified import PENDING_RESTATEMENT
from storage.dataset import Dataset
from storage.lake import Lake
from storage.table import Table
from storage.told import Told

# What a statement is made from; when one of them changes, it is made anew.
SOURCES: tuple[Dataset, ...] = (
    *FIGURES.values(), MRR_BRIDGE, ACCOUNT_MONTH_TABLE, STATUS_STEP, SILVER["subscription_renewals"],
    SILVER["license_changes"], SILVER["click_events"], ENGAGEMENT_WEEK, COMPLETENESS_ROW, RECONCILIATION_ROW,
    RECONCILIATION_GATE, HELD_ROW, PENDING_RESTATEMENT,
)  # fmt: skip
YEAR = 12


@dataclass(frozen=True, slots=True)
class Shared:
    """What the statements of all months read of, opened once.

    Attributes:
        tables: by name, at one moment.
        history: the company's figures of all months.
        members: COHORT rows.
    """

    tables: Mapping[str, Table]
    history: pl.DataFrame
    members: pl.DataFrame
    steps: pl.DataFrame
    renewals: pl.DataFrame
    weeks: pl.DataFrame
    company: Company

    @classmethod
    def read(cls, lake: Lake, company: Company) -> "Shared":
        """Return what is there now."""
        tables = {dataset.name: lake.open(dataset) for dataset in (*SOURCES, JUDGED["revenue"])}
        of_company = (pl.col("grain") == "company_month") & (pl.col("grain_key") == COMPANY)
        return cls(
            tables=tables,
            history=pl.concat([tables[dataset.name].read(of_company) for dataset in FIGURES.values()]),
            members=cohort_members(_existing(tables)).collect(engine="streaming"),
            steps=tables[STATUS_STEP.name].read(),
            renewals=tables[SILVER["subscription_renewals"].name].read(),
            weeks=tables[ENGAGEMENT_WEEK.name].read(pl.col("account_id") == COMPANY),
            company=company,
        )

    def of(self, dataset: Dataset, month: Month, *more: str) -> pl.DataFrame:
        """Return a table's rows of a month, and of other values of its month column."""
        return self.tables[dataset.name].read(pl.col("month").is_in([str(month), *more]))


def gather(month: Month, shared: Shared) -> Told:
    """Return the statement of a month as it stands now: small tables by name, as JSON values."""
    trailing = [str(each) for each in month.plus(-6).until(month)]
    year = [str(each) for each in month.plus(-YEAR).until(month.plus(-1))]
    tables = {
        "history": shared.history.filter(pl.col("month").is_in(year)).sort("month", "metric_id"),
        "bridges": shared.of(MRR_BRIDGE, month, *trailing).sort("month", "tier"),
        "cohorts": cohort_cells(_existing(shared.tables), shared.members, month),
        "trials": mature_trials(shared.steps, month),
        "renewals_due": renewals_due(shared.renewals, month),
        "licences_next": licences_next(shared.of(SILVER["license_changes"], month.plus(1)), month),
        "weeks": last_weeks(shared.weeks, month, shared.company.calendar.holidays),
        "completeness": shared.of(COMPLETENESS_ROW, month).drop("month").sort("dataset"),
        "gates": shared.of(RECONCILIATION_GATE, month).select("gate", "verdict").sort("gate"),
        "variance": variance(shared.of(RECONCILIATION_ROW, month)),
        "clicks": _clicks(shared, month),
        "imputed": _imputed(shared.steps, month),
        "held": _held(shared, month),
        "names": public_names(shared.company),
        "pending": _pending(shared, month),
    }
    return {table: lines(part) for table, part in tables.items()}


def _existing(tables: Mapping[str, Table]) -> pl.LazyFrame:
    rows = tables[ACCOUNT_MONTH_TABLE.name].scan().filter(pl.col("is_existing"))
    return rows.select("account_id", "month", "mrr", "mrr_quality")


def _clicks(shared: Shared, month: Month) -> pl.DataFrame:
    """Return how many accepted clicks of the month there are, and how many arrived late (L-4)."""
    codes = shared.tables[SILVER["click_events"].name].scan().filter(pl.col("month") == str(month)).select("_codes")
    late = pl.col("_codes").list.contains(pl.lit("CLK-W01")).sum()
    return codes.select(accepted=pl.len(), late=late).collect(engine="streaming")


def _pending(shared: Shared, month: Month) -> pl.DataFrame:
    """Return the company figures of certified months up to the month that wait for their next revision."""
    rows = shared.tables[PENDING_RESTATEMENT.name].read(pl.col("grain") == "company_month")
    seen = pl.col("first_seen").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    told = rows.filter(pl.col("month") <= str(month)).drop("grain").with_columns(seen)
    return told.sort("month", "metric_id", "grain_key")


def _imputed(steps: pl.DataFrame, month: Month) -> pl.DataFrame:
    dated = pl.col("change_date").is_between(pl.lit(month.first), pl.lit(month.last))
    return steps.filter(pl.col("is_imputed") & dated).select(steps=pl.len())


def _held(shared: Shared, month: Month) -> pl.DataFrame:
    """Return by dataset the rows that are held and open, and of bills the MRR that they state."""
    held = shared.of(HELD_ROW, month, UNDATED).filter(~pl.col("is_closed"))
    place = ["_batch_id", "_row"]
    bills = shared.of(JUDGED["revenue"], month, UNDATED).select([*place, "total_monthly_revenue"])
    stated = held.select("dataset", _batch_id="batch_id", _row="row").join(bills, on=place, how="left")
    is_bill = pl.col("dataset") == "revenue"
    mrr = pl.col("total_monthly_revenue").filter(is_bill).sum()
    return stated.group_by("dataset").agg(rows=pl.len(), mrr=mrr).sort("dataset")
