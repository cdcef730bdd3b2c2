"""Evidence beside a draft: how complete its records are. Computed on every run.

Source: `operations.md` C.4.
"""

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.completeness import CompletenessInput, completeness
from compute.lateness import immature_dates
from compute.months import Month
from flows.job import RETRY, Job, Stopwatch
from storage.catalog import (
    ACCOUNT_MONTH_TABLE,
    COMPLETENESS_ROW,
    DISPOSITIONS,
    SILVER,
)
from storage.watermark import engagement_watermark


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
    table = job.lake.open(COMPLETENESS_ROW)
    stale = {month: key for month, key in keys.items() if not table.done(month, key)}
    if stale:
        fresh = pl.concat(rows).filter(pl.col("month").is_in(sorted(stale)))
        table.replace(fresh, stale, watch.work(rows=fresh.height))
