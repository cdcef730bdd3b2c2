"""What does a small batch cost beside a long past? Prints a table; run by hand.

    .venv/bin/python -m tests.benchmarks.kafka_history [MILLIONS ...]

A lake gets so many past clicks by naming the files of one judged million again and again, as those of other months:
what is read of them is read in full. Then three micro-batches of 1,000 new clicks each are drained and settled, into a
month of their own; shown is the median of what the flow took, and of the work that its commits record. The peak is
that of the process, in which the million was judged, too.
"""

import logging
import os
import resource
import statistics
import sys
import tempfile
import time
from itertools import count
from pathlib import Path

import polars as pl
from prefect import flow
from prefect.testing.utilities import prefect_test_harness

from compute.contracts.feeds import BY_NAME, FEEDS
from compute.current import refused_of
from compute.months import Month
from compute.summaries import arrivals_by_day
from flows import settle
from flows.ingest import ingest_all
from flows.job import Job, start
from flows.micro_batch import micro_batch
from flows.received import Received, bring_summaries
from storage.catalog import BRONZE, DISPOSITIONS, JUDGED, SILVER
from storage.contents import key_number
from storage.dataset import Dataset
from storage.files import describe, new_file
from storage.lake import Lake
from storage.runs import runs
from storage.work import DataFile, Work
from tests.conftest import EXAMPLES, QUIET
from tests.integration.broker import CLICKS, Kafka, Sent, running_broker
from tests.integration.mixture import START, click

MILLION, BATCH, TIMES = 1_000_000, 1_000, 3
MONTH, NEXT = "2024-01", 2_678_400_000  # milliseconds from its begin to that of the next month
FIRST = Month(1950, 1)
STAGES = (BRONZE[CLICKS], JUDGED[CLICKS], SILVER[CLICKS])


@flow(name="history")
def everything() -> None:
    """Bring all feeds up to date."""
    ingest_all(start("history"), FEEDS)


@flow(name="history")
def with_a_past(millions: int) -> None:
    """Give the lake so many millions of past clicks, as if they had been drained, judged and settled month by month."""
    job = start("history")
    months = [str(FIRST.plus(number)) for number in range(millions)]
    bronze, judged = (job.lake.open(each[CLICKS]) for each in (BRONZE, JUDGED))
    bronze.append_files(linked(job.lake, BRONZE[CLICKS], months), {}, Work("history", BRONZE[CLICKS].name))
    judged.append_files(linked(job.lake, JUDGED[CLICKS], months), {}, Work("history", JUDGED[CLICKS].name))
    settled(job, months)


def linked(lake: Lake, dataset: Dataset, months: list[str]) -> list[DataFile]:
    """Return the table's files of the month once more for each of the others: new names of the same bytes."""
    folder, files = Path(lake.root) / dataset.name, list[DataFile]()
    known = [each for each in lake.open(dataset)._actions() if MONTH in each.get("partition.month", MONTH)]
    for month in months:
        for each in known:
            partition = month if dataset.partition_by else ""
            path = new_file(dataset, partition)
            (folder / path).parent.mkdir(exist_ok=True)
            os.link(folder / each["path"], folder / path)
            files.append(describe(lake.store, dataset, path, each["num_records"], partition))
    return files


def settled(job: Job, months: list[str]) -> None:
    """Write the months' current rows and counts, with the marks that settling them would leave."""
    contract = BY_NAME[CLICKS]
    received = Received.open(job.lake, contract)
    beside = settle._beside(job, received)
    summaries = bring_summaries(job, received)
    marks = settle._marks(job, received, beside, summaries)
    refused = refused_of(arrivals_by_day(summaries), job.company)
    base = f"{contract.version} {job.company.fingerprint()}"
    prints = received.judged.partitions()
    keys = {month: f"{base} {sorted(refused)} {marks.get(month, '')} {prints[month]}" for month in months}
    files = linked(job.lake, SILVER[CLICKS], months)
    job.lake.open(SILVER[CLICKS]).replace_files(files, keys, Work("history", SILVER[CLICKS].name))
    counts = job.lake.open(DISPOSITIONS)
    mine = counts.read(pl.col("dataset") == CLICKS)
    copies = [mine.filter(pl.col("month") == MONTH).with_columns(month=pl.lit(month)) for month in months]
    counts.replace(
        pl.concat([mine, *copies]).sort("month", "disposition", "code"),
        {CLICKS: "history"},
        Work("history", DISPOSITIONS.name),
        {f"{CLICKS}/{month}": key_number(key) for month, key in keys.items()},
    )


def clicks(kafka: Kafka, first: int, many: int, begin: int) -> None:
    """Send clicks a second apart."""
    kafka.send(
        CLICKS,
        (Sent(click(each, begin + each * 1_000), each % 4, START + NEXT + each) for each in range(first, first + many)),
    )


def measure(millions: int, kafka: Kafka, home: Path) -> None:
    """Print a line of the table."""
    os.environ["TECHFLOW_HOME"] = str(home)
    lake, numbers = Lake(str(home / "lake")), count(0, BATCH)
    kafka.create(CLICKS, partitions=4)
    for first in range(0, MILLION, 100_000):
        clicks(kafka, first, 100_000, START)
    everything()
    if millions > 1:
        with_a_past(millions - 1)
    assert millions * MILLION == lake.open(JUDGED[CLICKS]).count() == lake.open(SILVER[CLICKS]).count()
    clicks(kafka, next(numbers), BATCH, START + NEXT)
    micro_batch()  # the first one of the process loads what the others find loaded
    took: list[float] = []
    for _ in range(TIMES):
        clicks(kafka, next(numbers), BATCH, START + NEXT)
        begin = time.perf_counter()
        assert micro_batch()[CLICKS] == BATCH
        took.append(time.perf_counter() - begin)
    done = runs(lake).filter(pl.col("flow") == "micro_batch")
    of = [done.filter(pl.col("dataset") == each.name).get_column("seconds").tail(TIMES).median() for each in STAGES]
    stages = " | ".join(f"{seconds:.2f}" for seconds in of)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {millions} M | {statistics.median(took):.1f} | {stages} | {peak:.0f} |", flush=True)  # noqa: T201
    kafka.delete(CLICKS)


def main(millions: list[int]) -> None:
    """Print the table."""
    os.environ |= QUIET | {
        "TECHFLOW_LANDING": str(EXAMPLES / "golden" / "landing"), "TECHFLOW_EXECUTOR": "inline",
        "TECHFLOW_PSEUDONYM_KEY": "one key",
    }  # fmt: skip
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, prefect_test_harness(server_startup_timeout=300):
        for kafka in running_broker(Path(folder) / "kafka"):
            os.environ["KAFKA_BOOTSTRAP_SERVERS"] = kafka.servers
            kafka.create("usage_sessions", "team_activity")
            print("| past clicks | micro-batch, s | drain | judge | settle | peak, MiB |\n|---|---|---|---|---|---|")  # noqa: T201
            for each in millions:
                measure(each, kafka, Path(folder) / f"{each}")


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1, 10, 100])
