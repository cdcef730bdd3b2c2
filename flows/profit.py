"""The profit pipeline: revenue, expenses, salaries, their allocation, contribution and margins."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl
from prefect import flow, task
from prefect.assets import Asset, AssetProperties, materialize
from prefect.cache_policies import NO_CACHE

from compute.allocation import account_shares, active_minutes, allocation, sources
from compute.company_month import company_month
from compute.contracts.feeds import PROFIT_FEEDS
from compute.months import Month
from compute.profit import ProfitInput, profit_of_accounts, profit_of_company, with_allocation
from flows.account_month import bring_account_months, require_months
from flows.artifacts import publish_tables
from flows.ingest import ingest_all
from flows.job import RETRY, Job, Stopwatch, asked_months, month_span, say, start
from flows.parameters import Instant, Months, run_name
from flows.record import record_run
from flows.user_days import bring_user_days
from storage.catalog import ACCOUNT_MONTH_TABLE, ALLOCATION_LEDGER, FIGURES, SILVER, USER_DAY_TABLE
from storage.evidence import first_observed
from storage.files import Replacement
from storage.pieces import ROWS_AT_ONCE, figure_parts, ranges
from storage.table import Table

FIGURE_TABLE = FIGURES["profit"]
ASSET = Asset(
    key="delta://techflow/gold/profit_figure",
    properties=AssetProperties(name="profit_figure", description=FIGURE_TABLE.description),
)
_SALARIES, _EXPENSES = SILVER["salaries"], SILVER["expenses"]


@flow(name="profit", flow_run_name=run_name)
def profit(month: Months, as_of: Instant = None, *, rebuild: bool = False) -> dict[str, object]:
    """Land what is new of the profit feeds and bring the profit gold of the months up to date.

    Args:
        month: 2024-01, or a range 2023-10..2024-03; last and this are the months of the as-of.
        as_of: Run as of this instant, written as 2024-02-02T12:00:00Z; the start of the run without it.
        rebuild: Compute silver and gold anew from bronze.

    Returns:
        The months, the versions of the tables, and how many rows each feed brought.
    """
    job = start("profit", as_of, is_rebuild=rebuild)
    months = asked_months(job, month)
    ingested = ingest_all(job, PROFIT_FEEDS)
    require_months(job, months)
    version = bring_account_months(job, months)
    bring_user_days(job)
    stale = stale_profit(job, months)
    if stale:
        write_allocation(job, stale)
        write_profit_figures(job, stale)
    publish_tables(job)
    record_run(job, months)
    return {
        "months": [str(each) for each in months],
        "versions": {
            "account_month": version,
            "allocation": job.lake.open(ALLOCATION_LEDGER).version,
            "profit_figure": job.lake.open(FIGURE_TABLE).version,
        },
        "rows": {each.dataset: each.landing.rows for each in ingested},
    }


def stale_profit(job: Job, months: tuple[Month, ...]) -> Mapping[str, str]:
    """Return the months whose profit figures are not made from what is there now, each with its new key."""
    rows, salaries, expenses, days = (
        job.lake.open(dataset).partitions() for dataset in (ACCOUNT_MONTH_TABLE, _SALARIES, _EXPENSES, USER_DAY_TABLE)
    )
    table = job.lake.open(FIGURE_TABLE)
    first = first_observed(job.lake)
    keys = {
        str(month): " ".join(
            (job.rules, str(first), rows.get(str(month), ""), expenses.get(str(month), ""),
             salaries.get(str(month), ""), salaries.get(str(month.plus(-1)), ""), days.get(str(month), ""))
        )
        for month in months
    }  # fmt: skip
    return {month: key for month, key in keys.items() if not table.done(month, key)}


@dataclass(frozen=True, slots=True)
class _Sources:
    """The tables that a month's profit is made from, each at one version."""

    rows: Table
    salaries: Table
    expenses: Table
    days: Table

    @classmethod
    def open(cls, job: Job) -> "_Sources":
        datasets = (ACCOUNT_MONTH_TABLE, _SALARIES, _EXPENSES, USER_DAY_TABLE)
        return cls(*(job.lake.open(dataset) for dataset in datasets))

    @property
    def versions(self) -> dict[str, int]:
        return {table.dataset.name: table.version for table in (self.rows, self.salaries, self.expenses, self.days)}


def _of(table: Table, month: Month) -> pl.DataFrame:
    return table.read(pl.col("month") == str(month))


@task(task_run_name="allocation", cache_policy=NO_CACHE, **RETRY)
def write_allocation(job: Job, stale: Mapping[str, str]) -> int:
    """Share salaries and shared expenses of the months over their accounts."""
    ledger, given = Replacement(job.lake, ALLOCATION_LEDGER), _Sources.open(job)
    months = tuple(Month.parse(name) for name in sorted(stale))
    watch = Stopwatch(job, ALLOCATION_LEDGER.name, months)
    for month in months:
        shared = sources(_of(given.salaries, month), _of(given.expenses, month), job.company)
        minutes, rows = active_minutes(_of(given.days, month)), _of(given.rows, month)
        ledger.add_parts(str(month), _ledger(month, rows, shared, minutes))
    version = ledger.commit(stale, watch.work(rows=ledger.rows, inputs=given.versions))
    say("allocation", months=len(months), rows=ledger.rows, version=version)
    return version


def _ledger(
    month: Month, rows: pl.DataFrame, shared: pl.DataFrame, minutes: pl.DataFrame
) -> Iterator[tuple[pl.Expr, pl.DataFrame]]:
    """Return the allocation ledger of a month by as many sources at once as memory allows: each is shared by itself."""
    at_once = max(1, ROWS_AT_ONCE // max(1, rows.height))
    parts = list(shared.sort("source").iter_slices(at_once)) or [shared]
    for where, part in zip(ranges("source", [each.item(0, "source") for each in parts[1:]]), parts, strict=True):
        yield where, allocation(str(month), rows, part, minutes)


@materialize(ASSET, task_run_name="profit figures", cache_policy=NO_CACHE, **RETRY)
def write_profit_figures(job: Job, stale: Mapping[str, str]) -> int:
    """Write the profit figures of the months; returns the table's version."""
    version = make_profit_figures(job, stale)
    months = tuple(Month.parse(name) for name in sorted(stale))
    ASSET.add_metadata({"months": month_span(months)})  # the event of what has materialised says of when
    return version


def make_profit_figures(job: Job, stale: Mapping[str, str]) -> int:
    """Do what the task does, without telling Prefect that an asset has materialised: a rebuild is no news."""
    figures, given, ledger = Replacement(job.lake, FIGURE_TABLE), _Sources.open(job), job.lake.open(ALLOCATION_LEDGER)
    months = tuple(Month.parse(name) for name in sorted(stale))
    watch, first = Stopwatch(job, FIGURE_TABLE.name, months), first_observed(job.lake)
    for month in months:
        rows = _of(given.rows, month)
        profit_input = ProfitInput(
            rows=rows,
            shares=account_shares(ledger.scan().filter(pl.col("month") == str(month))),
            salaries=_of(given.salaries, month),
            prior_salaries=_of(given.salaries, month.plus(-1)),
            expenses=_of(given.expenses, month),
            sums=company_month(rows.filter(pl.col("is_existing")), month, first),
        )
        accounts = with_allocation(rows, profit_input.shares)
        company = profit_of_company(profit_input, accounts, month, job.company)
        figures.add_parts(str(month), figure_parts(company, accounts, profit_of_accounts))
    inputs = {**given.versions, ledger.dataset.name: ledger.version}
    version = figures.commit(stale, watch.work(rows=figures.rows, inputs=inputs))
    say("profit figures", months=len(months), rows=figures.rows, version=version)
    return version
