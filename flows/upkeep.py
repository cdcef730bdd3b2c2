"""Upkeep: what the tables need now and then, so that they stay quick to read and hold nothing that nobody names."""

from dataclasses import asdict

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE

from flows.job import RETRY, Job, say, start
from storage.catalog import DATASETS
from storage.dataset import Dataset
from storage.upkeep import Upkept, keep_up
from storage.watched import WATCHED


@flow(name="upkeep")
def upkeep() -> dict[str, int]:
    """Compact tables of many files, sum up their logs, sweep what killed runs left; one table after the other.

    Returns:
        How many partitions were compacted, logs summed up and files swept.
    """
    job = start("upkeep")
    done = [keep_table(job, dataset) for dataset in (*DATASETS, *WATCHED) if job.lake.open(dataset).version >= 0]
    busy = [each for each in done if not each.is_idle]
    if busy:
        rows = [asdict(each) | {"compacted": ", ".join(each.compacted)} for each in busy]
        create_table_artifact(key="upkeep", table=rows, description="What was done for the tables.")
    return {
        "compacted": sum(len(each.compacted) for each in busy),
        "checkpointed": sum(each.is_checkpointed for each in busy),
        "swept": sum(each.swept for each in busy),
    }


@task(task_run_name="upkeep {dataset.name}", cache_policy=NO_CACHE, **RETRY)
def keep_table(job: Job, dataset: Dataset) -> Upkept:
    """Keep one table up."""
    done = keep_up(job.lake, dataset)
    if not done.is_idle:
        say(
            f"upkeep {done.dataset}", compacted=len(done.compacted), checkpointed=done.is_checkpointed,
            swept=done.swept, bytes=done.swept_bytes,
        )  # fmt: skip
    return done
