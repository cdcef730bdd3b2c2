"""The month's draft: merged from gold, compared with the live draft and with the revision in force.

Source: `operations.md` C.4, T1, S-2, S-4 to S-6.
"""

import json
from collections.abc import Mapping, Sequence

import polars as pl
from prefect.assets import Asset, AssetProperties, materialize
from prefect.cache_policies import NO_CACHE

from compute.details import DETAILS
from compute.footnotes import waiver_notes
from compute.lifecycle import Life, Log
from compute.metrics import METRICS
from compute.months import Month
from compute.restatement import NOTHING_CHANGED, cause_of, changed_figures, is_due, pending
from flows.code import code_origin
from flows.job import RETRY, Job, Stopwatch, say
from storage.catalog import ACCOUNT_MONTH_TABLE, FIGURES, SILVER, SNAPSHOT
from storage.certified import certified_figures, is_compared, keep_pending, mark_compared, read_log
from storage.closing import checks_of, flipped_gates, has_late_events
from storage.reconciliations import pins_of
from storage.snapshots import Draft, draft_named, newest_drafts, save_draft, used_footnotes
from storage.watermark import engagement_watermark

ASSET = Asset(
    key="delta://techflow/snapshot/manifest",
    properties=AssetProperties(name="investor snapshot", description=SNAPSHOT.description),
)
Upstream = Mapping[str, Mapping[str, object]]  # table → version and content
DEFINITIONS = {metric.metric_id: metric.version for metric in METRICS}


def bring_drafts(job: Job, months: Sequence[Month]) -> list[Draft]:
    """Return the newest snapshot of each month, made anew where what it is made from has changed.

    A certified month gets a new draft only where S-5 or S-6 demands it or a person asked; else what changed waits.
    """
    log, drafts, is_rippling = read_log(job.lake), list[Draft](), False
    newest, upstream = newest_drafts(job.lake), upstream_of(job, months)
    for month in sorted(months):
        life, live = log.certified(str(month)), newest.get(str(month))
        if life:
            draft = _bring_revision(job, month, log, life, live, upstream[month], is_rippling=is_rippling)
            if not is_current(draft, upstream[month]):
                made_from, watch = _made_from(log, life, upstream[month]), Stopwatch(job, "", (month,))
                mark_compared(job.lake, month, made_from, watch.work(rows=0))
            is_rippling = is_rippling or life.snapshot_id != draft.snapshot_id
        else:
            draft = _bring(job, month, log, live, upstream[month])
        drafts.append(draft)
    return drafts


def are_drafted(job: Job, months: Sequence[Month]) -> bool:
    """Tell whether the newest snapshots of all the months were made from what is there now, or compared with it."""
    newest, upstream, log = newest_drafts(job.lake), upstream_of(job, months), read_log(job.lake)

    def is_settled(month: Month) -> bool:
        life = log.certified(str(month))
        compared = life is not None and is_compared(job.lake, month, _made_from(log, life, upstream[month]))
        return compared or is_current(newest.get(str(month)), upstream[month])

    return all(map(is_settled, months))


def _made_from(log: Log, life: Life, upstream: Upstream) -> str:
    """Return what a certified month was compared with, as a text: revision, contents of the tables, what was asked."""
    asked = log.restatement(life.month)
    return json.dumps([life.snapshot_id, _contents(upstream), asked.sequence if asked else None], sort_keys=True)


def is_current(draft: Draft | None, upstream: Upstream) -> bool:
    """Tell whether a snapshot was made from tables with just these contents."""
    return draft is not None and _contents(draft.manifest["upstream"]) == _contents(upstream)


def _bring(job: Job, month: Month, log: Log, live: Draft | None, upstream: Upstream) -> Draft:
    """Return the live draft, made anew when its upstream or its waivers changed."""
    waivers = waiver_notes(log, str(month), job.started_at)
    if live and is_current(live, upstream) and live.manifest["waivers"] == waivers:
        say(f"snapshot {live.snapshot_id}: unchanged")
        return live
    return merge_snapshot(job, month, waivers)


def _bring_revision(
    job: Job, month: Month, log: Log, life: Life, live: Draft | None, upstream: Upstream, *, is_rippling: bool
) -> Draft:
    """Return the newest snapshot of a certified month, and keep what would change in it."""
    base = draft_named(job.lake, life.snapshot_id)
    is_open = live is not None and live.snapshot_id != life.snapshot_id
    # Time alone changes nothing: compared are the figures, and the waivers that it was signed with stay its own.
    if is_current(base, upstream):
        changed = NOTHING_CHANGED
    else:
        changed = changed_figures(certified_figures(job.lake, life), gold_figures(job, month).collect())
    definitions = base.manifest["definitions"] != DEFINITIONS
    is_method = definitions or base.manifest["rules"] != job.rules
    is_late = not changed.is_empty() and has_late_events(job.lake, month, life)
    flipped = flipped_gates(job.lake, month, life)
    found = pending(changed, flipped, month, life.revision or 0, cause_of(is_method=is_method, is_late=is_late))
    keep_pending(job.lake, month, found, job.started_at, Stopwatch(job, "", (month,)).work(rows=0))
    if is_open:
        return _bring(job, month, log, live, upstream)
    is_wanted = (
        definitions
        or is_rippling
        or log.restatement(str(month)) is not None
        or is_due(changed, job.company.close.headline_materiality)
        or bool(flipped)
    )
    if changed.height and is_wanted:
        return merge_snapshot(job, month, waiver_notes(log, str(month), job.started_at))
    say(f"snapshot {base.snapshot_id}: certified", waiting=changed.height)
    return base


def upstream_of(job: Job, months: Sequence[Month]) -> Mapping[Month, Upstream]:
    """Return what drafts of the months are made from: version and content of every table."""
    tables = [job.lake.open(dataset) for dataset in (*FIGURES.values(), ACCOUNT_MONTH_TABLE)]
    held = {table.dataset.name: (table.version, table.partitions()) for table in tables}
    return {
        month: {
            name: {"version": version, "content": contents.get(str(month), "")}
            for name, (version, contents) in held.items()
        }
        for month in months
    }


def _contents(upstream: Upstream) -> dict[str, object]:
    return {name: each["content"] for name, each in upstream.items()}


def gold_figures(job: Job, month: Month) -> pl.LazyFrame:
    """Return the pipelines' figures of a month as they stand now, without the experiment feed."""
    signed = (pl.col("month") == str(month)) & ~pl.col("grain").is_in(DETAILS)
    return pl.concat([job.lake.open(dataset).scan().filter(signed) for dataset in FIGURES.values()])


@materialize(ASSET, task_run_name="merge snapshot {month}", cache_policy=NO_CACHE, **RETRY)
def merge_snapshot(job: Job, month: Month, waivers: Mapping[str, str]) -> Draft:
    """Merge the pipelines' gold of a month into its DRAFT snapshot, with its manifest."""
    watch, origin, upstream = Stopwatch(job, SNAPSHOT.name, (month,)), code_origin(), upstream_of(job, (month,))[month]
    figures = gold_figures(job, month)
    count: int = figures.select(pl.len()).collect(engine="streaming").item()
    manifest: dict[str, object] = {
        "upstream": upstream,
        "silver": {dataset.name: job.lake.open(dataset).version for dataset in SILVER.values()},
        "definitions": DEFINITIONS,
        "rules": job.rules,
        "company_file": job.company.fingerprint(),
        "code_version": job.code_version,
        "code_commit": origin.commit,
        "code_authors": origin.authors,
        "as_of_given": job.is_as_of_given,
        "engagement_watermark": engagement_watermark(job.lake, job.company, job.as_of).isoformat(),
        "waivers": dict(waivers),
        "footnotes": {**used_footnotes(figures), **waivers},
        "ledger": pins_of(job.lake, month),
        "checks": checks_of(job.lake, month, figures),
    }
    draft = save_draft(
        job.lake,
        month,
        figures,
        manifest=manifest,
        as_of=job.as_of,
        created_at=job.started_at,
        created_by=job.run_by,
        work=watch.work(rows=count, inputs={name: each["version"] for name, each in upstream.items()}),  # type: ignore[misc]
    )
    say(f"snapshot {draft.snapshot_id}: {'new draft' if draft.is_new else 'unchanged'}", figures=count)
    return draft
