"""Closing a month: its states are brought up to date by runs; people sign, waive, restate and revoke as flows.

Each act is one commit of the lifecycle log, so a crash before it certifies nothing, and after it all.
Source: `operations.md` C.4.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from compute.closing import Person, judge, restate, revoke, sign, together, waive
from compute.company_promises import Role
from compute.errors import BadMonth
from compute.lifecycle import Log
from compute.months import Month
from flows.job import RETRY, Job, Stopwatch, say, start
from storage.certified import LIFECYCLE, append_acts, keep_month, read_log
from storage.closing import authors_of, drafted, require_drafted

Told = list[str]


def bring_states(job: Job, months: Collection[Month]) -> None:
    """Validate the drafts whose gates pass, and take validated ones back whose gates fail again (T2, T3)."""
    log = read_log(job.lake)
    if judged(job, log, months, datetime.now(UTC)) is not log:
        write_states(job, months)


def judged(job: Job, log: Log, months: Collection[Month], at: datetime) -> Log:
    """Return the log with what the gates of the months say now; the same one when they say nothing new."""
    for draft in drafted(job.lake, log, job.company, at, [str(month) for month in months]).values():
        log = judge(log, draft, at)
    return log


@task(task_run_name="states of the drafts", cache_policy=NO_CACHE, **RETRY)
def write_states(job: Job, months: Collection[Month]) -> None:
    """Append to the log what the gates of the months say now."""
    _write(job, lambda log, at: judged(job, log, months, at))


@flow(name="sign-off", flow_run_name="sign-off of {month} for {role}")
def sign_off(month: str, role: Role, by: str, seen: str, statement: str = "") -> Told:
    """Sign the figures of a month; the cfo's sign-off, the last one, certifies it.

    Args:
        month: the period, 2024-01.
        role: finance, accounts, product, analytics or cfo.
        by: who signs, a person of the role in the company file.
        seen: the content hash of the figures that were looked at.
        statement: what the person says.

    Returns:
        What was done, a line each.
    """
    job, name = start("sign-off"), str(Month.parse(month))
    return write_signature(job, name, role, by, seen, statement)


@task(task_run_name="sign", cache_policy=NO_CACHE, **RETRY)
def write_signature(job: Job, month: str, role: Role, by: str, seen: str, statement: str) -> Told:
    """Append a sign-off; with the last one copy the months that are certified, then certify them in the same commit."""

    def add(log: Log, at: datetime) -> Log:
        # The last sign-off certifies whatever waits beside the month, so it looks at all of them.
        months = drafted(job.lake, log, job.company, at, () if role == "cfo" else [month])
        # Gates pass again in the same step: the log is judged first, so that a failing one takes the draft back.
        current = judge(log, require_drafted(months, month), at)
        copies = together(current, months, month) if role == "cfo" else []
        work = Stopwatch(job, LIFECYCLE.name).work(rows=0)
        kept = {name: keep_month(job.lake, name, months[name].snapshot_id, work) for name in copies}
        person = Person(by, role, at)
        return sign(
            current, months, month, person, seen=seen, roles=job.company.roles, statement=statement, kept=kept
        )  # fmt: skip

    return _write(job, add)


@flow(name="waive", flow_run_name="waiver of {gate} for {month}")
def waive_gate(month: str, gate: str, role: Role, by: str, reason: str, until: str | None = None) -> Told:
    """Waive a gate of a month; the next run footnotes it, and the sign-offs come after.

    Args:
        month: the period, 2024-01.
        gate: quality, gaps or incidents.
        role: cfo, or accounts for gaps.
        by: who waives.
        reason: in words; it is footnoted.
        until: the last day on which it holds, 2024-02-29; for good without it.
    """
    job, name = start("waive"), str(Month.parse(month))
    expires = None if until is None else _day(until) + timedelta(days=1)
    return write_waiver(job, name, gate, role, by, reason, expires)


@task(task_run_name="waive", cache_policy=NO_CACHE, **RETRY)
def write_waiver(job: Job, month: str, gate: str, role: Role, by: str, reason: str, expires: datetime | None) -> Told:
    """Append a waiver."""

    def add(log: Log, at: datetime) -> Log:
        months = drafted(job.lake, log, job.company, at, [month])
        draft, person = require_drafted(months, month), Person(by, role, at)
        return waive(log, draft, gate, person, job.company.roles, reason=reason, expires_at=expires)

    return _write(job, add)


@flow(name="restate", flow_run_name="restatement of {month}")
def restate_month(month: str, role: Role, by: str, reason: str, narrative: str) -> Told:
    """Say why the next revision of a certified month is made; it asks for one, which the next run drafts.

    Args:
        month: the period, 2024-01.
        role: as whom.
        by: who says so.
        reason: LATE_DATA, CORRECTED_SOURCE, … of S-5.
        narrative: in words; the report shows it.
    """
    job, name = start("restate"), str(Month.parse(month))
    return write_restatement(job, name, role, by, reason, narrative)


@task(task_run_name="restate", cache_policy=NO_CACHE, **RETRY)
def write_restatement(job: Job, month: str, role: Role, by: str, reason: str, narrative: str) -> Told:
    """Append why a revision is made."""
    roles = job.company.roles
    return _write(
        job, lambda log, at: restate(log, month, Person(by, role, at), roles, reason=reason, narrative=narrative)
    )


@flow(name="revoke", flow_run_name="revocation of {month}")
def revoke_revision(month: str, by: str, reason: str) -> Told:
    """Revoke the revision of a month that is in force; the one before returns, if there is one.

    Args:
        month: the period, 2024-01.
        by: who revokes, as cfo.
        reason: in words.
    """
    job, name = start("revoke"), str(Month.parse(month))
    return write_revocation(job, name, by, reason)


@task(task_run_name="revoke", cache_policy=NO_CACHE, **RETRY)
def write_revocation(job: Job, month: str, by: str, reason: str) -> Told:
    """Append a revocation, and what returns by it."""

    def add(log: Log, at: datetime) -> Log:
        life = log.certified(month)
        authors = authors_of(job.lake, life.snapshot_id) if life else frozenset[str]()
        return revoke(log, month, Person(by, "cfo", at), authors, job.company.roles, reason=reason)

    return _write(job, add)


def _write(job: Job, add: Callable[[Log, datetime], Log]) -> Told:
    """Read the log, add to it as of now, and commit; a retry after somebody else's commit judges anew."""
    watch, log = Stopwatch(job, LIFECYCLE.name), read_log(job.lake)
    told = add(log, datetime.now(UTC))
    acts = told.acts[len(log.acts) :]
    append_acts(job.lake, log, told, watch.work(rows=len(acts)))
    lines = [
        f"{act.snapshot_id or act.month} {act.kind}{f' as revision {act.revision}' if act.kind == 'certified' else ''}"
        f"{f' ({act.role})' if act.role else ''} by {act.by}"
        for act in acts
    ]
    for line in lines:
        say(line)
    return lines


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadMonth(f"'{text}' is no day: write it as 2024-02-29.") from None
