"""How fast do lines become judged rows? Prints a table; run by hand.

    .venv/bin/python -m tests.benchmarks.ingest [LINES]

The topics of the clean company are copied until they have so many lines, once clean and once with one line in a
thousand damaged. `decode` is the floor: polars parses envelopes and payloads into texts, and checks nothing. `land`
brings the log into bronze, `judge` brings bronze into judged files. `line by line` does the same with one line after
the other, as the exact way reads what fits no shape. Each runs in a process of its own, three times in turn, and
medians are shown; megabytes are those of the log.
"""

import json
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

import compute.judging
import storage.topics
from compute.ahead import ahead
from compute.company import Company
from compute.contracts.feeds import BY_NAME, ENGAGEMENT_FEEDS
from compute.exact import typed_exactly
from compute.judging import judge
from compute.privacy import browser_of
from storage.catalog import BRONZE, JUDGED
from storage.files import write_files
from storage.lake import Lake
from storage.work import Work
from tests.conftest import EXAMPLES
from tests.property.plain_log import rows_one_by_one

AS_OF = datetime(2024, 3, 1, tzinfo=UTC)
TIMES, ROWS_AT_ONCE, ONE_IN = 3, 50_000, 1000
NAMES = ("user_id", "team_id")  # copies are told apart by them
DAMAGE: tuple[Callable[[bytes], bytes], ...] = (
    lambda line: line[:-20],
    lambda line: b"\xff" + line,
    lambda line: line.replace(b'\\"account_id\\"', b'\\"account_id\\": \\"A\\", \\"account_id\\"'),
    lambda line: line.replace(b'\\"account_id\\": ', b'\\"account_id\\": 7, \\"x\\": '),
    lambda line: line.replace(b'\\"account_id\\"', b'\\"account_id\\": NaN, \\"x\\"'),
    lambda line: line.replace(b'"partition"', b'"part"'),
)


def copies(feed: str, company: Path, lines: int) -> Iterator[bytes]:
    """Yield so many lines of a topic's log by renaming users and teams."""
    log = (company / "landing" / "topics" / f"{feed}.jsonl").read_bytes().splitlines()
    for copy in range(max(1, round(lines / len(log)))):
        for line in log:
            envelope = json.loads(line)
            record = json.loads(envelope["payload"])
            record |= {name: f"{record[name]}-{copy}" for name in NAMES if name in record}
            offset = envelope["offset"] + copy * len(log)
            yield json.dumps(envelope | {"offset": offset, "payload": json.dumps(record)}).encode() + b"\n"


def damaged(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines of which one in a thousand is damaged, each way in turn."""
    for number, line in enumerate(lines):
        if number % ONE_IN:
            yield line
        else:
            yield DAMAGE[number // ONE_IN % len(DAMAGE)](line[:-1]) + b"\n"


def decode(feed: str, home: Path) -> None:
    """Parse a log into texts."""
    contract = BY_NAME[feed]
    texts = pl.Struct({field.name: pl.String for field in contract.fields})
    envelope = {"partition": pl.Int64, "offset": pl.Int64, "ts": pl.Int64, "payload": pl.String}
    log = pl.scan_ndjson(home / "topics" / f"{feed}.jsonl", schema=envelope)
    log.with_columns(pl.col("payload").str.json_decode(texts)).collect(engine="streaming")


def land(feed: str, home: Path) -> None:
    """Bring a log into bronze."""
    work = Work("bench", BRONZE[feed].name)
    storage.topics.land_topic(Lake(str(home / "lake")), str(home), feed, as_of=AS_OF, now=AS_OF, work=work)


def judge_all(feed: str, home: Path) -> None:
    """Bring bronze into judged files."""
    lake, contract = Lake(str(home / "lake")), BY_NAME[feed]
    lake.open(JUDGED[feed]).created()
    rows = lake.open(BRONZE[feed]).scan().drop("_ingested_at")
    batches = rows.collect_batches(chunk_size=ROWS_AT_ONCE, maintain_order=True)
    for _ in ahead(lambda each: write_files(lake, JUDGED[feed], judge(each, contract, Company(), b"key")), batches):
        pass


def one_by_one() -> None:
    """Read one line after the other from here on."""
    storage.topics.records_of = rows_one_by_one
    compute.judging._typed_rows = typed_exactly  # type: ignore[assignment]


STAGES: dict[str, Callable[[str, Path], None]] = {"land": land, "judge": judge_all}


def measured(stage: Callable[[str, Path], None], feed: str, home: Path) -> tuple[float, float]:
    """Return seconds and CPU seconds of a stage."""
    browser_of("Mozilla/5.0")  # reads its patterns once a process, which takes a second
    begin, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    stage(feed, home)
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
    return seconds, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime


def child(way: str, feed: str, home: Path) -> None:
    """Print what each stage of a way took."""
    if way == "line by line":
        one_by_one()
    stages = {"decode": decode} if way == "decode" else STAGES
    found = {name: measured(stage, feed, home) for name, stage in stages.items()}
    print(json.dumps(found | {"peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))  # noqa: T201


def timed(way: str, feed: str, log: Path) -> dict[str, tuple[float, float]]:
    """Run a way in a process of its own, beside the log, into a lake of its own."""
    with tempfile.TemporaryDirectory(dir=log.parent) as folder:
        (Path(folder) / "topics").mkdir()
        (Path(folder) / "topics" / f"{feed}.jsonl").symlink_to(log)
        command = [sys.executable, "-m", "tests.benchmarks.ingest", way, feed, folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, tuple[float, float]] = json.loads(done.stdout)
    return found


def table(feed: str, kind: str, log: Path) -> None:
    """Print what each way of reading a log took."""
    size = log.stat().st_size / 1e6
    ways = ["decode"] if kind == "clean" else []
    rounds = [{way: timed(way, feed, log) for way in [*ways, "blocks", "line by line"]} for _ in range(TIMES)]
    for way in rounds[0]:
        peak = statistics.median(float(each[way]["peak"]) for each in rounds)  # type: ignore[arg-type]
        for stage in (name for name in rounds[0][way] if name != "peak"):
            seconds, cpu = (statistics.median(each[way][stage][index] for each in rounds) for index in (0, 1))
            print(  # noqa: T201
                f"{feed:>15} {kind:>6} {way:>13} {stage:>7} {size:>6.0f} {seconds:>7.2f} {cpu:>7.2f} "
                f"{size / seconds:>7.0f} {2 * size / cpu:>12.0f} {peak:>6.0f}",
                flush=True,
            )


def main() -> None:
    """Print the table."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 300_000
    print(  # noqa: T201
        f"{'feed':>15} {'lines':>6} {'way':>13} {'stage':>7} {'MB':>6} {'s':>7} {'CPU s':>7} {'MB/s':>7} "
        f"{'MB/s of 2 CPU':>12} {'MiB':>6}"
    )
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(EXAMPLES / "clean.tar.xz") as packed:
            packed.extractall(folder, filter="data")
        for feed in (each.dataset for each in ENGAGEMENT_FEEDS):
            for kind, change in (("clean", iter), ("0.1 %", damaged)):
                log = Path(folder) / f"{feed}.{kind[0]}.jsonl"
                with log.open("wb") as out:
                    out.writelines(change(copies(feed, Path(folder) / "clean", lines)))
                table(feed, kind, log)
                log.unlink()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        child(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
    else:
        main()
