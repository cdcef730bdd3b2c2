"""Evidence beside a draft: reconciliation with the ledger, its gates, completeness. Computed on every run.

Source: `operations.md` C.3, C.4.
"""

from dataclasses import replace

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.completeness import CompletenessInput, completeness
from compute.errors import BadLedger
from compute.lateness import immature_dates
from compute.months import Month
from compute.reconciliation import RECONCILIATION, gates, ledger_amounts, reconcile
from flows.job import RETRY, Job, Stopwatch, say
from storage.catalog import (
    ACCOUNT_MONTH_TABLE,
    COMPLETENESS_ROW,
    DISPOSITIONS,
    RECONCILIATION_GATE,
    RECONCILIATION_ROW,
    SILVER,
)
from storage.dataset import Dataset
from storage.ledger import ledger_hash, read_ledger
from storage.watermark import engagement_watermark


@task(task_run_name="reconcile with the ledger", cache_policy=NO_CACHE, **RETRY)
def write_reconciliation(job: Job, months: tuple[Month, ...]) -> None:
    """Compare the billed revenue of the months with the accounting ledger."""
    source = job.lake.open(ACCOUNT_MONTH_TABLE)
    prints, watch = source.partitions(), Stopwatch(job, RECONCILIATION_ROW.name, months)
    rows, verdicts, keys = [], [], {}
    for month in months:
        name = str(month)
        billed = source.read(pl.col("month") == name)
        try:
            ledger = read_ledger(job.ledger, month)
            compared = reconcile(name, billed, ledger_amounts(ledger, name), job.company.close)
            key = ledger_hash(ledger)
        except BadLedger as error:
            say(f"{name}: reconciliation is unverified: {error}")
            compared, key = None, "unverified"
        rows.append(pl.DataFrame(schema=RECONCILIATION) if compared is None else compared)
        verdicts.append(gates(name, compared, job.company.close))
        keys[name] = f"{job.rules} {prints[name]} {key}"
    _replace_stale(job, RECONCILIATION_ROW, pl.concat(rows), keys, watch)
    _replace_stale(job, RECONCILIATION_GATE, pl.concat(verdicts), keys, watch)


@task(task_run_name="completeness", cache_policy=NO_CACHE, **RETRY)
def write_completeness(job: Job, months: tuple[Month, ...]) -> None:
    """Count what is accepted, held and missing in the months."""
    source, salaries, expenses, counts = (
        job.lake.open(dataset)
        for dataset in (ACCOUNT_MONTH_TABLE, SILVER["salaries"], SILVER["expenses"], DISPOSITIONS)
    )
    held, watch = counts.read(), Stopwatch(job, COMPLETENESS_ROW.name, months)
    mark = engagement_watermark(job.lake, job.company, job.as_of)
    rows, keys = [], {}
    for month in months:
        given = CompletenessInput(
            counts=held,
            rows=source.read(pl.col("month") == str(month)),
            salaries=salaries.read(pl.col("month") == str(month)),
            prior_salaries=salaries.read(pl.col("month") == str(month.plus(-1))),
            expenses=expenses.read(pl.col("month") == str(month)),
            immature_dates=immature_dates(month, mark, job.company),
        )
        rows.append(completeness(given, month))
        inputs = (source.partitions()[str(month)], counts.fingerprint(), salaries.fingerprint(), expenses.fingerprint())
        keys[str(month)] = " ".join((job.rules, str(given.immature_dates), *inputs))
    _replace_stale(job, COMPLETENESS_ROW, pl.concat(rows), keys, watch)


def _replace_stale(job: Job, dataset: Dataset, rows: pl.DataFrame, keys: dict[str, str], watch: Stopwatch) -> None:
    """Write the months whose inputs changed; the others stay as they are."""
    table = job.lake.open(dataset)
    stale = {month: key for month, key in keys.items() if not table.done(month, key)}
    if stale:
        fresh = rows.filter(pl.col("month").is_in(sorted(stale)))
        table.replace(fresh, stale, replace(watch.work(rows=fresh.height), dataset=dataset.name))
