"""The reconciliation with the accounting ledger: compared on every run, explained by finance.

What finance does is a flow, so that it has a history. Source: `operations.md` C.3.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from compute.errors import BadLedger
from compute.months import Month
from compute.reconciliation import RECONCILIATION, gate_rows, gates, is_open, reconcile, unverified
from compute.reconciliation_acts import accounts_explained
from compute.reconciliation_bench import newly_open
from compute.reconciliation_ledger import LEDGER_ROW, ledger_amounts, ledger_rows, received_hash
from compute.timings import Timing
from flows.job import RETRY, Job, Stopwatch, say, start
from storage.catalog import ACCOUNT_MONTH_TABLE, EXPLANATIONS, LEDGER_ROWS, RECONCILIATION_GATE, RECONCILIATION_ROW
from storage.files import Replacement
from storage.ledger import read_ledger
from storage.queries import keep_query
from storage.reconciliation_acts import Act, acknowledge, explain, withdraw
from storage.reconciliations import not_compared, of_month
from storage.watched import OPEN_DIFFERENCE
from storage.work import Work


def bring_reconciliation(job: Job, months: tuple[Month, ...]) -> None:
    """Compare the billed revenue of the months with the accounting ledger, and judge it."""
    problems = write_reconciliation(job, months)
    write_gates(job, months, problems)
    keep_ages(job, months)


@task(task_run_name="reconcile with the ledger", cache_policy=NO_CACHE, **RETRY)
def write_reconciliation(job: Job, months: tuple[Month, ...]) -> dict[str, str]:
    """Write what was compared, and the ledger's rows; returns by month why it could not be."""
    watch, source = Stopwatch(job, RECONCILIATION_ROW.name, months), job.lake.open(ACCOUNT_MONTH_TABLE)
    kept, compared = Replacement(job.lake, LEDGER_ROWS), Replacement(job.lake, RECONCILIATION_ROW)
    received, prints = _receive(job, months), source.partitions()
    keys, problems = dict[str, str](), dict[str, str]()
    for month in map(str, months):
        inputs = f"{job.rules} {prints[month]}"
        try:
            mine = _rows_of(received, month)
            key = f"{inputs} {received_hash(mine)}"
            if not _is_stale(month, key, kept, compared):
                continue
            rows = ledger_rows(mine, month)
            table = reconcile(month, source.read(pl.col("month") == month), ledger_amounts(rows), job.company.close)
        except BadLedger as error:
            problems[month], key = str(error), f"{inputs} {error}"
            if not _is_stale(month, key, kept, compared):
                continue
            rows, table = pl.DataFrame(schema=LEDGER_ROW), pl.DataFrame(schema=RECONCILIATION)
        kept.add(month, rows)
        compared.add(month, table)
        keys[month] = key
    if keys:
        kept.commit(keys, watch.work(rows=kept.rows, dataset=LEDGER_ROWS.name))
        compared.commit(keys, watch.work(rows=compared.rows, inputs={source.dataset.name: source.version}))
    for problem in sorted(set(problems.values())):
        say(f"reconciliation is unverified: {problem}")
    return problems


def _receive(job: Job, months: tuple[Month, ...]) -> pl.DataFrame | BadLedger:
    """Return the ledger's rows of the months as received, or why there are none."""
    try:
        reading = read_ledger(job.ledger, months, job.company.sla.query_seconds)
    except BadLedger as error:
        return error
    say("ledger", rows=reading.rows.height, seconds=round(reading.seconds, 3))
    keep_query(job.lake, Timing("ledger", datetime.now(UTC), round(reading.seconds, 3)))
    return reading.rows


def _rows_of(received: pl.DataFrame | BadLedger, month: str) -> pl.DataFrame:
    if isinstance(received, BadLedger):
        raise received
    return received.filter(pl.col("period") == month)


def _is_stale(month: str, key: str, *tables: Replacement) -> bool:
    return not all(each.table.done(month, key) for each in tables)


@task(task_run_name="judge the reconciliation", cache_policy=NO_CACHE, **RETRY)
def write_gates(job: Job, months: tuple[Month, ...], problems: Mapping[str, str]) -> None:
    """Write the verdicts of RC-1 to RC-4; explanations stand or have lapsed as of the start of the run."""
    watch, source = Stopwatch(job, RECONCILIATION_GATE.name, months), job.lake.open(RECONCILIATION_ROW)
    table, explanations, prints = job.lake.open(RECONCILIATION_GATE), job.lake.read(EXPLANATIONS), source.partitions()
    parts, keys = [], {}
    for month in map(str, months):
        of_it = pl.col("month") == month
        given = explanations.filter(of_it)
        explained = accounts_explained(source.read(of_it), given, job.started_at) if given.height else []
        key = " ".join((job.rules, prints.get(month, ""), problems.get(month, ""), *explained))
        if table.done(month, key):
            continue
        problem = problems.get(month)
        found = unverified(problem) if problem else gates(source.read(of_it), job.company.close, explained)
        parts.append(gate_rows(month, found))
        keys[month] = key
    if keys:
        rows = pl.concat(parts)
        table.replace(rows, keys, watch.work(rows=rows.height, inputs={source.dataset.name: source.version}))


@task(task_run_name="keep since when differences are open", cache_policy=NO_CACHE, **RETRY)
def keep_ages(job: Job, months: tuple[Month, ...]) -> None:
    """Append the rows that are open for the first time."""
    watch, table = Stopwatch(job, OPEN_DIFFERENCE.name, months), job.lake.open(OPEN_DIFFERENCE)
    compared = job.lake.read(RECONCILIATION_ROW, pl.col("month").is_in([str(month) for month in months]) & is_open())
    fresh = newly_open(compared, table.read(), job.started_at)
    if fresh.height:
        table.append(fresh, watch.work(rows=fresh.height))


@flow(name="explain", flow_run_name="explain {account} {month} by {by}")
def explain_difference(account: str, month: str, code: str, because: str, by: str, expires: date) -> None:
    """Explain why an account's billed revenue and the ledger differ; lifts RC-4 for that account and month alone.

    Args:
        account: Whose difference.
        month: The month, as 2024-01.
        code: TIMING, REFUND, CREDIT_NOTE, DUPLICATE, MISSING_BILL, TIER_CHANGE, MANUAL_JOURNAL, FX, ERROR_PIPELINE or
            ERROR_LEDGER.
        because: The narrative.
        by: Who explains it, of the role finance.
        expires: The last day on which it holds, UTC.
    """
    job = start("explain")
    act = Act(Month.parse(month), because, by, job.started_at)
    keep_act(job, act, lambda work: explain(job.lake, job.company, act, account, code, expires, work))


@flow(name="acknowledge", flow_run_name="acknowledge {key} by {by}")
def acknowledge_second_bill(key: str, month: str, because: str, by: str) -> None:
    """Acknowledge a second bill of an account's month, as its finding tells it now.

    Args:
        key: Account and date of the bill, as the finding REV-W03 has them.
        month: The month, as 2024-01.
        because: Why it may stand.
        by: Who acknowledges it, of the role finance.
    """
    job = start("acknowledge")
    act = Act(Month.parse(month), because, by, job.started_at)
    keep_act(job, act, lambda work: acknowledge(job.lake, job.company, act, key, work))


@flow(name="withdraw", flow_run_name="withdraw {name} {month} by {by}")
def withdraw_act(name: str, month: str, because: str, by: str) -> None:
    """Withdraw an explanation or an acknowledgement; what was said stays on record.

    Args:
        name: The account whose difference was explained, or the key of the second bill.
        month: The month, as 2024-01.
        because: Why it no longer holds.
        by: Who withdraws it, of the role finance.
    """
    job = start("withdraw")
    act = Act(Month.parse(month), because, by, job.started_at)
    keep_act(job, act, lambda work: withdraw(job.lake, job.company, act, name, work))


def keep_act(job: Job, act: Act, keep: Callable[[Work], None]) -> None:
    """Keep an act and judge its month anew, so that what is exported and reported says so at once."""
    append_act(job, keep)
    if not not_compared(of_month(job.lake, RECONCILIATION_GATE, act.month), act.month):
        write_gates(job, (act.month,), {})
    say(f"kept, by {act.by}")


@task(task_run_name="keep the act", cache_policy=NO_CACHE, **RETRY)
def append_act(job: Job, keep: Callable[[Work], None]) -> None:
    """Add the act in one commit."""
    keep(Stopwatch(job, EXPLANATIONS.name).work(rows=1))
