"""How fast do lines become judged rows? Prints a table: `python -m tests.benchmarks.ingest [LINES [ROUNDS]]`.

The topics of the clean company are copied until they have so many lines, once clean and once with one line in a
thousand damaged. `decode` is the floor: polars parses envelopes and payloads into texts, and checks nothing. `land`
brings the log into bronze, `judge` brings bronze into judged files, `both` is their sum, what a line costs. `line by
line` does the same with one line after the other, as the exact way reads what fits no shape. Each runs in a process
of its own, some rounds in turn, and medians are shown; megabytes are those of the log. Afterwards, and not timed, each
damaged line is looked for: its bytes, its place and its code must be those of `damage.py`, and no other row may have one.
"""

import json
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
from tests.benchmarks.damage import copies, damaged, require_exact
from tests.conftest import EXAMPLES
from tests.property.plain_log import rows_one_by_one

AS_OF = datetime(2024, 3, 1, tzinfo=UTC)
ROWS_AT_ONCE = 50_000
COLUMNS = ("MB", "seconds", "cpu", "mb_per_s", "mb_per_2_cpu_s", "of_floor", "mib")


def decode(feed: str, home: Path) -> None:
    """Parse a log into texts."""
    kinds = {"list": pl.List(pl.String)}
    texts = pl.Struct({field.name: kinds.get(field.kind, pl.String()) for field in BY_NAME[feed].fields})
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
    storage.topics.records_of = rows_one_by_one  # type: ignore[attr-defined]
    compute.judging._typed_rows = typed_exactly


STAGES: dict[str, Callable[[str, Path], None]] = {"land": land, "judge": judge_all}


def timed(stage: Callable[[str, Path], None], feed: str, home: Path) -> tuple[float, float]:
    """Return seconds and CPU seconds of a stage."""
    browser_of("Mozilla/5.0")  # reads its patterns once a process, which takes a second
    begin, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    stage(feed, home)
    seconds, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF)
    return seconds, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime


def child(way: str, kind: str, feed: str, home: Path) -> None:
    """Print what each stage of a way took, when all damaged lines are where they belong."""
    if way == "line by line":
        one_by_one()
    stages = {"decode": decode} if way == "decode" else STAGES
    found: dict[str, Any] = {name: timed(stage, feed, home) for name, stage in stages.items()}
    found["peak"] = _peak_mib()
    if way != "decode":
        found["both"] = tuple(map(sum, zip(*(found[name] for name in STAGES), strict=True)))
        require_exact(feed, home, is_damaged=kind != "clean")
    print(json.dumps(found))  # noqa: T201


def _peak_mib() -> float:
    """Return the most memory of this program; getrusage counts the one that started it, too."""
    told = Path("/proc/self/status").read_text(encoding="ascii")
    return int(told.partition("VmHWM:")[2].split()[0]) / 1024


def run(way: str, kind: str, feed: str, log: Path) -> dict[str, Any]:
    """Run a way in a process of its own, beside the log, into a lake of its own."""
    print(f"  {feed}, {kind} lines: {way} …", file=sys.stderr, flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory(dir=log.parent) as folder:
        (Path(folder) / "topics").mkdir()
        (Path(folder) / "topics" / f"{feed}.jsonl").symlink_to(log)
        command = [sys.executable, "-m", "tests.benchmarks.ingest", way, kind, feed, folder]
        done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"{way} of {feed}, {kind} lines, ended with {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured_log(feed: str, kind: str, log: Path, times: int, floors: dict[str, float]) -> list[dict[str, Any]]:
    """Return a line of the table for each stage of each way of reading a log; prints them."""
    size, lines = log.stat().st_size / 1e6, []
    ways = (*(("decode",) if kind == "clean" else ()), "blocks", "line by line")
    rounds = [{way: run(way, kind, feed, log) for way in ways} for _ in range(times)]
    for way in ways:
        for stage in (name for name in rounds[0][way] if name != "peak"):
            seconds, cpu = (statistics.median(each[way][stage][index] for each in rounds) for index in (0, 1))
            floors.setdefault(feed, cpu)
            peak = statistics.median(each[way]["peak"] for each in rounds)
            figures = (size, seconds, cpu, size / seconds, 2 * size / cpu, cpu / floors[feed], peak)
            lines.append(
                {"feed": feed, "kind": kind, "way": way, "stage": stage, **dict(zip(COLUMNS, figures, strict=True))}
            )
            print(f"{feed:>15} {kind:>6} {way:>13} {stage:>7} {size:>6.0f} {seconds:>7.2f} {cpu:>7.2f} "  # noqa: T201
                  f"{size / seconds:>7.0f} {2 * size / cpu:>14.0f} {cpu / floors[feed]:>7.1f} {peak:>6.0f}", flush=True)  # fmt: skip
    return lines


def measured(lines: int, times: int = 3) -> list[dict[str, Any]]:
    """Print the table; returns its lines."""
    heads = f"{'MB':>6} {'s':>7} {'CPU s':>7} {'MB/s':>7} {'MB/s of 2 CPU':>14} {'/ floor':>7} {'MiB':>6}"
    print(f"\n{'feed':>15} {'lines':>6} {'way':>13} {'stage':>7} {heads}", flush=True)  # noqa: T201
    found, floors = list[dict[str, Any]](), dict[str, float]()
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(EXAMPLES / "clean.tar.xz") as packed:
            packed.extractall(folder, filter="data")
        for feed in (each.dataset for each in ENGAGEMENT_FEEDS):
            for kind in ("clean", "0.1 %"):
                log, given = Path(folder) / f"{feed}.jsonl", copies(feed, Path(folder) / "clean", lines)
                with log.open("wb") as out:
                    out.writelines(given if kind == "clean" else damaged(feed, given))
                found += measured_log(feed, kind, log, times, floors)
                log.unlink()
    return found


if __name__ == "__main__":
    words = sys.argv[1:]
    if len(words) == 4:
        child(words[0], words[1], words[2], Path(words[3]))
    else:
        measured(*map(int, words or ["300000"]))
