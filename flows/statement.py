"""The statements of drafts: what their reports tell beside the figures, brought up to date on every run."""

import json
from collections.abc import Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.months import Month
from flows.job import RETRY, Job, Stopwatch, say
from storage.catalog import STATEMENT
from storage.certified import read_log
from storage.facts import gather_facts
from storage.incidents import current_incidents
from storage.snapshots import Draft
from storage.standing import incident_lines, standing_of
from storage.statement import SOURCES, Shared, gather
from storage.told import keep_told
from storage.watched import INCIDENT_EVENT, STANDING


def bring_statements(job: Job, drafts: list[Draft]) -> bool:
    """Make the statements anew whose sources changed; tells whether there were any."""
    prints = " ".join(job.lake.open(dataset).fingerprint() for dataset in SOURCES)
    table, key = job.lake.open(STATEMENT), f"{job.rules} {prints}"
    stale = [draft for draft in _open(job, drafts) if job.is_rebuild or not table.done(draft.snapshot_id, key)]
    if stale:
        write_statements(job, stale, key)
    return bool(stale)


def _open(job: Job, drafts: list[Draft]) -> list[Draft]:
    """Return those that are not certified: what a certified one tells stays as it was signed."""
    log = read_log(job.lake)
    return [draft for draft in drafts if log.life(draft.month, draft.snapshot_id).certified is None]


@task(task_run_name="statements", cache_policy=NO_CACHE, **RETRY)
def write_statements(job: Job, drafts: list[Draft], key: str) -> None:
    """Write what the reports of the drafts tell beside their figures."""
    months = tuple(Month.parse(draft.month) for draft in drafts)
    watch, shared = Stopwatch(job, STATEMENT.name, months), Shared.read(job.lake, job.company)
    statements = {draft.snapshot_id: gather(month, shared) for draft, month in zip(drafts, months, strict=True)}
    keep_told(job.lake, STATEMENT, statements, dict.fromkeys(statements, key), watch.work(rows=len(statements)))
    say("statements", drafts=len(drafts))


def bring_standings(job: Job, drafts: list[Draft]) -> None:
    """Keep beside drafts what stands of incidents and service levels; anew when incidents of the month changed."""
    table, known = job.lake.open(STANDING), list(current_incidents(job.lake.open(INCIDENT_EVENT)).values())
    keys = {draft.snapshot_id: json.dumps(incident_lines(known, draft.month)) for draft in _open(job, drafts)}
    stale = {name: key for name, key in keys.items() if not table.done(name, key)}
    if stale:
        write_standings(job, {draft.snapshot_id: draft.month for draft in drafts if draft.snapshot_id in stale}, stale)


@task(task_run_name="incidents and service levels", cache_policy=NO_CACHE, **RETRY)
def write_standings(job: Job, months: Mapping[str, str], keys: Mapping[str, str]) -> None:
    """Write what stands now, by snapshot: `months` are those of the snapshots, `keys` what their rows are known by."""
    watch, facts = Stopwatch(job, STANDING.name), gather_facts(job.lake, job.company, job.started_at)
    standings = {name: standing_of(facts, month) for name, month in months.items()}
    keep_told(job.lake, STANDING, standings, keys, watch.work(rows=len(standings)))
