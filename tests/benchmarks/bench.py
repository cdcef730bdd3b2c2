"""How the session rollup stands beside other engines: `make bench`, or `python -m tests.benchmarks.bench [CLICKS ...] [--rounds N]`.

Every engine reads the same files of silver, in a process of its own, engines in turn, several rounds; start-up and a
warm-up on a small lake are not counted. Answers are compared row by row. Tables are printed; the figures are kept as
JSON in `.benchmarks/`.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from compute.company import Company
from storage.catalog import SESSION_PART, USER_DAY_TABLE
from storage.lake import Lake
from tests.benchmarks.clicks_lake import CLICKS, Shape, fill
from tests.benchmarks.tree import Taken, measure

PLACE = Path(".benchmarks")
REQUIREMENTS = Path("tests/benchmarks/peers/requirements.txt")
OURS = ("ours, ray", "ours, inline")
QUICK = ("floor", *OURS, "polars", "duckdb")
SLOW = ("pyspark", "daft", "ray-data")
SLOW_UP_TO = 10_000_000  # beyond it they take minutes a round
WARM = 20_000


def main(clicks: list[int], rounds: int) -> None:
    """Print a table a size."""
    PLACE.mkdir(exist_ok=True)
    python = _peers()
    warm = _lake(Shape(WARM))
    for named, title in ((0.95, "sessions by session_id"), (0.0, "sessions by gaps alone")):
        for size in clicks if named else clicks[:1]:
            engines = [*QUICK, *(SLOW if size <= SLOW_UP_TO and named else ())]
            _table(title, Shape(size, named=named), engines, warm, python, rounds)


def _table(title: str, shape: Shape, engines: list[str], warm: Path, python: str, rounds: int) -> None:
    lake = _lake(shape)
    taken: dict[str, list[Taken]] = {engine: [] for engine in engines}
    answers = {}
    for round_ in range(rounds):
        for engine in engines:
            if engine in SLOW and round_:
                continue
            with tempfile.TemporaryDirectory(dir=PLACE) as folder:
                out = Path(folder).resolve()
                taken[engine].append(_measured(engine, lake, warm, out, python))
                if engine != "floor":
                    answers[engine] = _answer(engine, lake, out)
            print(f"  {engine}: {taken[engine][-1]}", file=sys.stderr, flush=True)  # noqa: T201
    _print(title, shape, taken, answers)
    kept = {engine: [asdict(each) for each in every] for engine, every in taken.items()}
    named = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{shape.clicks}-{shape.named}.json"
    (PLACE / named).write_text(json.dumps({"shape": asdict(shape), "taken": kept, "answers": answers}, indent=1))


def _measured(engine: str, lake: Path, warm: Path, out: Path, python: str) -> Taken:
    env = {**os.environ, "PYTHONPATH": str(Path.cwd()), "PREFECT_HOME": str((PLACE / "prefect").resolve()),
           "PREFECT_LOGGING_LEVEL": "ERROR", "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300", "RAY_USAGE_STATS_ENABLED": "0", "DO_NOT_TRACK": "1",
           "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DAFT_ANALYTICS_ENABLED": "0", "RAY_ADDRESS": "local"}  # fmt: skip
    log = PLACE / f"{engine.replace(', ', '-')}.log"
    if engine in OURS:
        for each in (lake, warm):
            shutil.rmtree(each / "gold", ignore_errors=True)
        executor = engine.rpartition(" ")[2]
        command = [sys.executable, "-m", "tests.benchmarks.ours", executor, str(lake.resolve()), str(warm.resolve())]
        return measure(command, env, log)
    company = Company()
    spec = {"files": _files(lake), "warm": _files(warm), "out": str(out), "aliases": company.features.aliases,
            "deny": list(company.vocabulary.non_qualifying_event_types)}  # fmt: skip
    place = out / "spec.json"
    place.write_text(json.dumps(spec))
    return measure([python, "-m", "tests.benchmarks.peers.run", engine, str(place)], env, log)


def _files(lake: Path) -> list[str]:
    return sorted(map(str, (lake / CLICKS.name).resolve().rglob("*.parquet")))


def _lake(shape: Shape) -> Path:
    """Return a lake of that shape, made once."""
    place = PLACE / f"lake-{shape.clicks}-{shape.whale}-{shape.named}"
    if not (place / "made").exists():
        shutil.rmtree(place, ignore_errors=True)
        fill(Lake(str(place.resolve())), shape)
        (place / "made").touch()
    return place


def _peers() -> str:
    """Return the Python of the other engines, installed once."""
    python = PLACE / "peers" / "bin" / "python"
    wanted, made = REQUIREMENTS.read_text(), PLACE / "peers" / "made"
    if not made.exists() or made.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", str(PLACE / "peers")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)], check=True)
        made.write_text(wanted)
    return str(python.absolute())


def _answer(engine: str, lake: Path, out: Path) -> dict[str, list[int]]:
    """Return rows and an order-free hash of each output."""
    found = {}
    for name in ("parts", "days"):
        if engine in OURS:
            rows = _ours(Lake(str(lake)), name)
        else:
            file = out / f"{name}.parquet"
            rows = pl.scan_parquet(sorted(file.rglob("*.parquet")) if file.is_dir() else file)
        hashed, height = 0, 0
        for part in _typed(rows, name).collect().iter_slices(1_000_000):
            hashed = (hashed + sum(part.hash_rows(7).to_list())) % (1 << 64)
            height += part.height
        found[name] = [height, hashed]
    return found


def _typed(rows: pl.LazyFrame, name: str) -> pl.LazyFrame:
    numbers = ("started", "ended", "active", "clicks") if name == "parts" else ("clicks", "qualifying")
    texts = ("account_id", "user_id", "session_id") if name == "parts" else ("account_id", "user_id")
    return rows.select(
        *(pl.col(each).cast(pl.String) for each in texts),
        *(pl.col(each).cast(pl.Int64) for each in ("day", *numbers)),
        pl.col("features").cast(pl.String).fill_null(""),
    )


def _ours(lake: Lake, name: str) -> pl.LazyFrame:
    day, features = pl.col("date").cast(pl.Int32), pl.col("features").list.join("|")
    if name == "days":
        rows = lake.open(USER_DAY_TABLE).scan()
        return rows.select(
            "account_id", "user_id", "clicks", day=day, qualifying="qualifying_clicks", features=features
        )
    us = {"started": pl.col("started_at").dt.epoch("us"), "ended": pl.col("ended_at").dt.epoch("us")}
    return lake.open(SESSION_PART).scan().select(
        "account_id", "user_id", "session_id", "clicks", **us, day=day, active="active_us", features=features
    )  # fmt: skip


def _print(title: str, shape: Shape, taken: dict[str, list[Taken]], answers: dict[str, object]) -> None:
    print(f"\n{title}: {shape.clicks:,} clicks, medians of {len(taken['floor'])} runs in turn")  # noqa: T201
    print(f"{'engine':<14} {'wall s':>8} {'cpu s':>8} {'cpu/floor':>10} {'MiB':>7}  answer")  # noqa: T201
    floor = statistics.median(each.cpu for each in taken["floor"])
    for engine, every in taken.items():
        wall, cpu, mib = (statistics.median(each) for each in _columns(every))
        same = "" if engine == "floor" else "equal" if answers[engine] == answers[next(iter(answers))] else "DIFFERENT"
        print(f"{engine:<14} {wall:>8.2f} {cpu:>8.2f} {cpu / floor:>10.1f} {mib:>7.0f}  {same}")  # noqa: T201


def _columns(every: list[Taken]) -> Iterator[list[float]]:
    yield [each.wall for each in every]
    yield [each.cpu for each in every]
    yield [each.peak_mib for each in every]


if __name__ == "__main__":
    asked = ArgumentParser(description=__doc__)
    asked.add_argument("clicks", nargs="*", type=int, default=[1_000_000, 10_000_000])
    asked.add_argument("--rounds", type=int, default=3)
    main(**vars(asked.parse_args()))
