"""The session rollup of clicks beside other engines, on the same files of silver."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from compute.company import Company
from flows.user_days import ROWS_PER_SHARD
from storage.catalog import SESSION_PART, USER_DAY_TABLE
from storage.lake import Lake
from tests.benchmarks.clicks_lake import CLICKS, Shape, fill
from tests.benchmarks.race import FLOOR, Answer, Outcome, Race, hashed, run, spec_file
from tests.benchmarks.results import PLACE, peers

RAY, INLINE, BARE = "ours, ray", "ours, inline", "ours, bare"
QUICK = (FLOOR, RAY, INLINE, BARE, "polars", "duckdb")
SLOW = ("pyspark", "daft", "ray-data")  # once: they take minutes
WARM = Shape(5_000)


def measured(clicks: int, rounds: int, *, named: float = 0.95, slow: bool = False) -> Outcome:
    """Race over a month of so many clicks; prints a table.

    Args:
        clicks: about how many there are.
        rounds: how often each engine runs.
        named: the share of visits with a session_id; 0 has sessions found by gaps alone.
        slow: the slow engines too, once.
    """
    return run(_race(Shape(clicks, named=named)), [*QUICK, *(SLOW if slow else ())], rounds, once=SLOW)


def _race(shape: Shape) -> Race:
    lake, warm = _lake(shape), _lake(WARM)
    title = "session rollup" if shape.named else "gap sessionisation"
    return Race(
        title, shape.clicks, "clicks",
        lambda engine, out: _command(engine, lake, warm, out), lambda engine, out: _answer(engine, lake, out),
    )  # fmt: skip


def _lake(shape: Shape) -> Path:
    """Return a lake of that shape, made once."""
    place = PLACE / f"clicks-{shape.clicks}-{shape.named}"
    if not (place / "made").exists():
        print(f"  making {shape.clicks:,} clicks in {place} …", file=sys.stderr, flush=True)  # noqa: T201
        shutil.rmtree(place, ignore_errors=True)
        fill(Lake(str(place.resolve())), shape)
        (place / "made").touch()
    return place


def _command(engine: str, lake: Path, warm: Path, out: Path) -> list[str]:
    if engine.startswith("ours"):
        for each in (lake, warm):
            shutil.rmtree(each / "gold", ignore_errors=True)
        places = [str(lake.resolve()), str(warm.resolve())]
        if engine == BARE:
            return [sys.executable, "-m", "tests.benchmarks.bare", *places, str(ROWS_PER_SHARD)]
        return [sys.executable, "-m", "tests.benchmarks.ours", "rollup", engine.rpartition(" ")[2], *places]
    company = Company()
    spec = {
        "files": _files(lake), "warm": _files(warm), "out": str(out), "aliases": company.features.aliases,
        "deny": list(company.vocabulary.non_qualifying_event_types),
    }  # fmt: skip
    return [peers(), "-m", "tests.benchmarks.peers.run", "rollup", engine, spec_file(out, spec)]


def _files(lake: Path) -> list[str]:
    return sorted(map(str, (lake / CLICKS.name).resolve().rglob("*.parquet")))


def _answer(engine: str, lake: Path, out: Path) -> Answer:
    """Return rows and hash of session parts and of user-days."""
    found = {}
    for name in ("parts", "days"):
        if engine.startswith("ours"):
            rows = _ours(Lake(str(lake)), name)
        else:
            file = out / f"{name}.parquet"
            rows = pl.scan_parquet(sorted(file.rglob("*.parquet")) if file.is_dir() else file)
        found[name] = hashed(_typed(rows, name))
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


def curve(outcomes: Mapping[int, Outcome], of: str, unit: str, digits: int) -> list[str]:
    """Return the lines of a table of one figure by engine and size."""
    sizes = sorted(outcomes)
    engines = [each for each in QUICK if each != FLOOR]
    lines = [f"\nsession rollup, {unit} by clicks", f"{'':<14}" + "".join(f"{size:>13,}" for size in sizes)]
    for engine in engines:
        numbers = [outcomes[size].median(engine, of) for size in sizes]
        shown = "".join(f"{'' if each is None else f'{each:,.{digits}f}':>13}" for each in numbers)
        lines.append(f"{engine:<14}{shown}")
    return lines


def fastest(outcomes: Mapping[int, Outcome]) -> dict[int, str]:
    """Return the engine that is the fastest of one process at each size, start-up left out."""
    found = {}
    for size, outcome in sorted(outcomes.items()):
        walls = {engine: outcome.median(engine, "wall") for engine in QUICK if engine not in {FLOOR, RAY}}
        known = {engine: wall for engine, wall in walls.items() if wall is not None}
        found[size] = min(known, key=lambda engine: known[engine], default="none")
    return found
