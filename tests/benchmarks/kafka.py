"""How fast is a topic drained into Delta, and at what cost? Prints a table; run by hand.

    .venv/bin/python -m tests.benchmarks.kafka [RECORDS]

A broker of deployments/kafka holds records of 350 bytes of JSON in 8 partitions. Each way of reading them runs in a
process of its own, in one task, three times in turn; the medians are shown. `read` takes the records from the client,
`drain` is the whole way into a Delta table: coordinates, arrivals, digests, Parquet, commit. Beside ours stand
kafka-python polled as its documentation shows, and confluent-kafka where it is installed (it is none of ours); what is
done with the records is the same for all. "4 KiB" is ours with sockets read as the client does by itself. A drain of ours in two tasks is shown too, as a cluster runs them: processes
that are there already; its memory is that of the larger one.
"""

import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from kafka.net.compat import KafkaNetClient

from compute.cluster import run_here
from storage.kafka import drain as module
from storage.kafka.broker import Broker
from storage.kafka.columns import Columns
from storage.kafka.drain import Share
from storage.kafka.plan import Range, plan_drain
from storage.lake import Lake
from storage.work import DataFile, Work
from tests.integration.broker import CLICKS, Kafka, Sent, running_broker

PARTITIONS, BYTES, TIMES = 8, 350, 3
TWO, TASKS = "ours, two tasks", 2
OURS = module.read
Reader = Callable[[Broker, str, Sequence[Range]], Iterator[tuple[int, Columns]]]


def polled(broker: Broker, topic: str, ranges: Sequence[Range]) -> Iterator[tuple[int, Columns]]:
    module.in_bulk, module.wide_client = lambda _: None, KafkaNetClient
    return OURS(broker, topic, ranges)


def narrow(broker: Broker, topic: str, ranges: Sequence[Range]) -> Iterator[tuple[int, Columns]]:
    module.wide_client = KafkaNetClient
    return OURS(broker, topic, ranges)


def confluent(broker: Broker, topic: str, ranges: Sequence[Range]) -> Iterator[tuple[int, Columns]]:
    from confluent_kafka import Consumer, TopicPartition  # type: ignore[import-not-found]

    consumer = Consumer({"bootstrap.servers": broker.servers, "group.id": "bench", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, each.partition, each.start) for each in ranges])
    left = sum(map(len, ranges))
    while left:
        found: dict[int, list[Any]] = {}
        for message in consumer.consume(10_000, 1.0):
            found.setdefault(message.partition(), []).append(message)
        for partition, messages in found.items():
            left -= len(messages)
            yield (
                partition,
                Columns(
                    np.array([each.offset() for each in messages], dtype=np.int64),
                    np.array([each.timestamp()[1] for each in messages], dtype=np.int64),
                    pa.array([each.value() for each in messages], pa.binary()),
                    {},
                    0,
                ),
            )
    consumer.close()


READERS: dict[str, Reader] = {
    "ours": OURS, "ours, 4 KiB": narrow, "kafka-python poll": polled, "confluent-kafka": confluent,
}  # fmt: skip


def used() -> tuple[float, float]:
    """Return the CPU seconds of this process, and the most MiB that it has held."""
    now = resource.getrusage(resource.RUSAGE_SELF)
    return now.ru_utime + now.ru_stime, now.ru_maxrss / 1024


def costed(share: Share) -> tuple[DataFile, float, float]:
    """Return the file of a share, the CPU seconds that it took, and the process's MiB."""
    before, _ = used()
    file = module.drain(share)
    cpu, most = used()
    return file, cpu - before, most


def child(way: str, act: str, servers: str) -> None:
    """Read or drain the topic, and print what it took."""
    broker, elsewhere = Broker(servers), list[tuple[float, float]]()
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(TASKS, get_context("spawn")) as pool:
        lake, work = Lake(folder), Work("benchmark", CLICKS)
        plan, now = plan_drain(lake, broker, CLICKS), datetime.now(UTC)
        records = sum(map(len, plan.ranges))

        def in_two(_: object, shares: Sequence[Share]) -> list[DataFile]:
            done = list(pool.map(costed, shares))
            elsewhere.extend((cpu, most) for _, cpu, most in done)
            return [file for file, _, _ in done]

        if way == TWO:
            list(pool.map(time.sleep, [1.0] * TASKS))  # a second, so that both have begun
        module.RECORDS_PER_TASK = -(-records // TASKS) if way == TWO else records
        module.read = READERS.get(way, OURS)
        begin, (before, _) = time.perf_counter(), used()
        if act == "read":
            count = sum(len(columns) for _, columns in module.read(broker, CLICKS, plan.ranges))
        else:
            run = in_two if way == TWO else run_here
            count = module.land_topic_of(broker, plan, run, lake=lake, as_of=now, now=now, work=lambda *_: work).rows
        seconds, (cpu, most) = time.perf_counter() - begin, used()
    spent = cpu - before + sum(each for each, _ in elsewhere)
    print(json.dumps([count, seconds, spent, max([most, *(each for _, each in elsewhere)])]))  # noqa: T201


def measure(way: str, act: str, servers: str) -> list[float]:
    """Return records, seconds, CPU seconds and MiB of one run in a process of its own."""
    words = [sys.executable, "-m", "tests.benchmarks.kafka", way, act, servers]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(records: int) -> None:
    """Produce, measure, print."""
    filling = "x" * (BYTES - 40)
    with tempfile.TemporaryDirectory() as folder:
        for kafka in running_broker(Path(folder)):
            fill(kafka, records, filling)
            ways = [way for way in READERS if way != "confluent-kafka" or importlib.util.find_spec("confluent_kafka")]
            print(f"{records:,} records of {BYTES} bytes, {PARTITIONS} partitions")  # noqa: T201
            print(f"{'':8}{'':20}{'records/s':>12}{'per CPU-s':>12}{'MiB':>7}")  # noqa: T201
            for act, compared in (("read", ways), ("drain", [TWO, *ways])):
                runs = [{way: measure(way, act, kafka.servers) for way in compared} for _ in range(TIMES)]
                for way in compared:
                    of_way = [run[way] for run in runs]
                    assert {records} == {run[0] for run in of_way}
                    speed, cost = (statistics.median(run[0] / run[place] for run in of_way) for place in (1, 2))
                    print(f"{act:8}{way:20}{speed:12,.0f}{cost:12,.0f}{max(run[3] for run in of_way):7.0f}")  # noqa: T201


def fill(kafka: Kafka, records: int, filling: str) -> None:
    """Produce the records."""
    kafka.create(CLICKS, partitions=PARTITIONS)
    for first in range(0, records, 100_000):
        numbers = range(first, min(first + 100_000, records))
        values = (
            json.dumps({"number": number, "filling": filling}).ljust(BYTES)[:BYTES].encode() for number in numbers
        )
        kafka.send(CLICKS, (Sent(value, number % PARTITIONS) for number, value in zip(numbers, values, strict=True)))


if __name__ == "__main__":
    if len(sys.argv) == 4:
        child(*sys.argv[1:])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
