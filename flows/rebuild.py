"""A snapshot made again from what its manifest pins, in a place of its own: the same hash, or what differs.

Source: `operations.md` S-3, S-9 (AT-65).
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from compute.exchange import content_hash
from compute.lifecycle import CloseRefused
from compute.months import Month
from compute.restatement import changed_figures
from flows.account_month import bring_account_months
from flows.aggregated import stale_aggregated, write_aggregated_figures
from flows.draft import gold_figures
from flows.engagement import make_engagement_figures, stale_engagement
from flows.growth import make_growth_figures, stale_growth
from flows.job import Job, Stopwatch, say, start
from flows.profit import make_profit_figures, stale_profit, write_allocation
from flows.user_days import bring_user_days
from storage.catalog import SILVER
from storage.editions import Edition, edition, figures_as
from storage.inputs import pinned_rows
from storage.lake import Lake
from storage.snapshots import used_footnotes


@flow(name="rebuild", flow_run_name="rebuild of {month}")
def rebuild(month: str, stand: str | None = None) -> dict[str, Any]:
    """Make a snapshot again from the records that its manifest pins, and compare the hash; the lake stays as it is.

    Args:
        month: the period, 2024-01.
        stand: r1 of revision 1, d3 of draft 3; without it the revision in force, else the newest draft.

    Returns:
        The snapshot, its hash, the hash that came out, how many figures differ, and the inputs that are gone and were
        read from the copies.
    """
    job = start("rebuild")
    found = edition(job.lake, Month.parse(month), stand)
    _require_same_rules(job, found)
    # Beside the lake, which has room for it; of a lake that is not on this machine where the system puts such things.
    beside = None if "://" in job.lake_root else Path(job.lake_root).parent
    with TemporaryDirectory(prefix="rebuild-", dir=beside) as folder:
        copies = copy_pinned(job, found.row["manifest"], folder)
        figures = make_again(_job_of(job, found, folder), Month.parse(month))
    notes = {**used_footnotes(figures.lazy()), **_manifest(found)["waivers"]}
    digest, name = content_hash([figures], notes), found.row["snapshot_id"]
    differ = changed_figures(figures_as(job.lake, found), figures).height
    say(f"{name} rebuilt: {'the same' if digest == found.row['content_hash'] else 'another'} hash", differ=differ)
    return {
        "snapshot": name, "hash": found.row["content_hash"], "rebuilt": digest, "differ": differ, "copies": copies,
    }  # fmt: skip


def _manifest(found: Edition) -> Mapping[str, Any]:
    manifest: Mapping[str, Any] = json.loads(found.row["manifest"])
    return manifest


def _require_same_rules(job: Job, found: Edition) -> None:
    manifest = _manifest(found)
    if manifest["rules"] != job.rules:
        raise CloseRefused(
            f"{found.row['snapshot_id']} was made by version {manifest['code_version']} "
            f"(commit {manifest['code_commit'][:12] or 'unknown'}) with company file {manifest['company_file'][:12]}: "
            "rebuild it with that code and that file."
        )


def _job_of(job: Job, found: Edition, folder: str) -> Job:
    """Return the job that made the snapshot, on a lake of its own."""
    as_of, is_given = found.row["as_of"], _manifest(found)["as_of_given"]
    return replace(job, lake_root=folder, as_of=as_of, is_as_of_given=is_given, executor="inline")


@task(task_run_name="copy what the manifest pins", cache_policy=NO_CACHE)
def copy_pinned(job: Job, manifest: str, folder: str) -> list[str]:
    """Copy silver as the manifest pins it, month by month, into a lake of its own.

    Returns:
        What is gone and was read from the copy that its certification kept: table, version and month, a text each.

    Raises:
        VersionGone: when a version can no longer be read and no copy was kept of it; the message names it.
    """
    lake, watch, copies = Lake(folder), Stopwatch(job, "silver"), list[str]()
    for dataset in SILVER.values():
        version = json.loads(manifest)["silver"][dataset.name]
        for month in sorted(job.lake.open(dataset, version).partitions()):
            pinned = pinned_rows(job.lake, dataset, version, month)
            lake.open(dataset).append(pinned.rows, watch.work(rows=pinned.rows.height, dataset=dataset.name))
            if pinned.is_copy:
                copies.append(f"{dataset.name} version {version} of {month}")
    say("the records that the manifest pins", from_copies=len(copies))
    return copies


def make_again(job: Job, month: Month) -> pl.DataFrame:
    """Run the pipelines for a month on the job's lake; returns its figures."""
    months = (month,)
    bring_account_months(job, months)
    bring_user_days(job)
    make_growth_figures(job, stale_growth(job, months))
    stale = stale_profit(job, months)
    write_allocation(job, stale)
    make_profit_figures(job, stale)
    make_engagement_figures(job, stale_engagement(job, months))
    write_aggregated_figures(job, stale_aggregated(job, months))
    return gold_figures(job, month).collect()
