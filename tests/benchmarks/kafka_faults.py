"""What goes wrong, and how many records are there afterwards? Prints a table; run by hand.

    .venv/bin/python -m tests.benchmarks.kafka_faults [RECORDS] [CLICKS]

RECORDS (200,000) for the faults of a drain, on a broker of deployments/kafka, each in a lake of its own: in are those
that the broker holds, out the rows of bronze after the next drain, once the places that differ. CLICKS (1,000,000) for
the counts: one in a hundred late, one in a hundred twice, one in a thousand no record, drained and settled by a flow.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from storage.catalog import BRONZE, DEAD_LETTER, DISPOSITIONS, LATE_EVENTS, SILVER
from storage.lake import Lake
from tests.conftest import EXAMPLES, QUIET, ending, start
from tests.integration.broker import CLICKS, Kafka, Sent, running_broker
from tests.integration.drains import drain_once
from tests.integration.mixture import mixture

ROOT = Path(__file__).parents[2]
DAY = 1_705_314_601_000
Fault = Callable[[Lake, Kafka], None]


def child(when: str, lake: Lake, kafka: Kafka) -> subprocess.Popen[bytes]:
    """Start a drain in a process of its own, which may end itself."""
    words = [sys.executable, "-m", "tests.integration.drains", when, lake.root, kafka.servers, CLICKS]
    return subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL)  # the ones that lose say so


def killed(when: str) -> Fault:
    """Return the fault of a kill -9."""
    return lambda lake, kafka: child(when, lake, kafka).wait() and None


def three_at_once(lake: Lake, kafka: Kafka) -> None:
    """Let three drains begin together."""
    for each in [child("never", lake, kafka) for _ in range(3)]:
        each.wait()


def restarted(lake: Lake, kafka: Kafka) -> None:
    """Stop the broker while a drain reads, and start it again."""
    running = child("never", lake, kafka)
    folder = Path(lake.root) / BRONZE[CLICKS].name
    while not list(folder.glob("*.parquet")) and running.poll() is None:
        time.sleep(0.01)
    kafka.stop()
    kafka.start()
    running.wait()


FAULTS: dict[str, Fault] = {
    "none": lambda *_: None,
    "kill -9 in the middle of a file": killed("in the middle"),
    "kill -9 after the files, before the commit": killed("before the commit"),
    "kill -9 after the commit": killed("after the commit"),
    "three drains at once": three_at_once,
    "the broker stopped and started in the middle": restarted,
}


def drained(records: int, kafka: Kafka, folder: Path) -> None:
    """Print a line a fault: records in, rows committed by the drain that met it, rows after the next, places."""
    kafka.create(CLICKS, partitions=4)
    kafka.send(CLICKS, (Sent(b'{"number":%d}' % number, number % 4, DAY) for number in range(records)))
    print("| fault | in | committed at once | out, after one more drain | once |\n|---|---|---|---|---|")  # noqa: T201
    for number, (name, fault) in enumerate(FAULTS.items()):
        lake = Lake(str(folder / f"lake{number}"))
        fault(lake, kafka)
        first = lake.open(BRONZE[CLICKS]).count()
        drain_once(lake, kafka.servers, CLICKS)
        places = lake.read(BRONZE[CLICKS], columns=["_partition", "_offset"])
        print(f"| {name} | {records:,} | {first:,} | {places.height:,} | {places.n_unique():,} |", flush=True)  # noqa: T201
    kafka.delete(CLICKS)


def counted(clicks: int, kafka: Kafka, folder: Path) -> None:
    """Print what becomes of a mixture that a flow drains in two goes, the first of which is killed."""
    kafka.create(CLICKS, partitions=8)
    kafka.create("usage_sessions", "team_activity")
    sent = 0
    records = mixture(clicks, milliseconds=300_000_000 // clicks, partitions=8)  # within three days and a half

    def noted() -> object:
        nonlocal sent
        for record in records:
            sent += 1
            yield record

    kafka.send(CLICKS, noted())  # type: ignore[arg-type]
    home = folder / "home"
    env = os.environ | QUIET | {
        "TECHFLOW_HOME": str(home), "TECHFLOW_LANDING": str(EXAMPLES / "golden" / "landing"),
        "KAFKA_BOOTSTRAP_SERVERS": kafka.servers, "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    run = 'from flows.engagement import engagement\nengagement("2024-01", as_of="2024-01-07T00:00:00Z")'
    die = "from tests.integration import drains\ndrains.die_in_the_middle()\n"
    begin = time.perf_counter()
    with ending() as started:  # a flow that is killed leaves its Prefect server behind
        for script in (die + run, run):
            started.append(start([sys.executable, "-c", script], env))
            assert started[-1].wait() == (0 if script is run else -signal.SIGKILL)
    lake = Lake(str(home / "lake"))
    counts = lake.read(DISPOSITIONS, (pl.col("dataset") == CLICKS) & (pl.col("code") == ""))
    totals = dict(counts.group_by("disposition").agg(pl.col("rows").sum()).sort("disposition").rows())
    held = {each.name: lake.open(each).count() for each in (SILVER[CLICKS], LATE_EVENTS, DEAD_LETTER)}
    print(f"\n{sent:,} records sent, {lake.open(BRONZE[CLICKS]).count():,} in bronze, {totals}, {held}")  # noqa: T201
    print(f"{time.perf_counter() - begin:.0f} s, with two starts of Prefect and the killed run")  # noqa: T201


def main(records: int, clicks: int) -> None:
    """Break things, and count."""
    with tempfile.TemporaryDirectory() as folder:
        for kafka in running_broker(Path(folder) / "kafka"):
            drained(records, kafka, Path(folder))
            counted(clicks, kafka, Path(folder))


if __name__ == "__main__":
    main(*[int(word) for word in sys.argv[1:]][:2] or (200_000, 1_000_000))
