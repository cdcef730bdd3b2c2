"""Processes that work on one table of a lake at once, each by the commit protocol; also run by itself.

A month of the table belongs to a replacer, who puts generation after generation into it, or to an appender, who adds a
row at a time. What was committed is asked of the handle that commits, never remembered.
"""

import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from compute.errors import TransientError
from storage.dataset import Dataset
from storage.errors import LakeBusy
from storage.files import write_files
from storage.lake import Lake
from storage.work import Work

TABLE = Dataset(
    name="test/contended",
    schema={"month": pl.String, "generation": pl.Int64, "number": pl.Int64},
    key=("month", "number"),
    partition_by="month",
    description="What many processes write at once.",
)
WORK = Work("test", TABLE.name)
FILES, ROWS_A_FILE = 5, 3


def rows(month: str, generation: int, numbers: range) -> pl.DataFrame:
    return pl.DataFrame([(month, generation, number) for number in numbers], schema=dict(TABLE.schema), orient="row")


def until_done(act: Callable[[], None]) -> None:
    """Do something that reads anew whenever somebody else came first, or no answer came."""
    for attempt in range(1_000):
        try:
            return act()
        except TransientError:
            time.sleep(random.random() * min(0.02 * (attempt + 1), 0.3))
    raise AssertionError("lost a thousand races")


def append(lake: Lake, name: str, count: int) -> None:
    """Add rows 0 to count, each in a commit that says so."""
    for number in range(count):

        def one(number: int = number) -> None:
            table = lake.open(TABLE)
            if (table.position(name) or 0) <= number:
                table.append(rows(name, 0, range(number, number + 1)), WORK, positions={name: number + 1})

        until_done(one)


def replace(lake: Lake, month: str, generations: int) -> None:
    """Replace a month by generation after generation, of several files each."""
    for generation in range(1, generations + 1):
        # Written once; what is tried again is the commit.
        files = [
            file
            for part in range(FILES)
            for file in write_files(
                lake, TABLE, rows(month, generation, range(part * ROWS_A_FILE, (part + 1) * ROWS_A_FILE))
            )
        ]

        def one(generation: int = generation, files: list = files) -> None:  # type: ignore[type-arg]
            table = lake.open(TABLE)
            if (table.position(month) or 0) < generation:
                table.replace_files(files, {month: f"generation {generation}"}, WORK, {month: generation})

        until_done(one)


def compact(lake: Lake, stop: Path) -> None:
    """Compact whatever can be, until there is the file `stop`; says how many compactions were committed."""
    done = 0
    while not stop.exists():
        for month, files in lake.open(TABLE).file_counts().items():
            try:
                done += files > 1 and lake.open(TABLE).compact(month) >= 0
                lake.open(TABLE).checkpoint()
            except LakeBusy:
                continue
    print(done)  # noqa: T201


def read(lake: Lake, stop: Path) -> None:
    """See that every version holds whole generations and no row twice, until there is the file `stop`."""
    seen = 0
    while not stop.exists():
        found = lake.open(TABLE).read()
        require_whole(found)
        seen += 1
    print(seen)  # noqa: T201


def require_whole(found: pl.DataFrame) -> None:
    """Raise when a month mixes generations, lacks rows of one, or holds a row twice."""
    assert not found.select(TABLE.key).is_duplicated().any(), found
    replaced = found.filter(pl.col("generation") > 0).group_by("month").agg(pl.col("generation").unique(), pl.len())
    assert all(len(one) == 1 and size == FILES * ROWS_A_FILE for _, one, size in replaced.rows()), replaced
    added = found.filter(pl.col("generation") == 0).group_by("month").agg(pl.col("number").max() + 1, pl.len())
    assert all(last == size for _, last, size in added.rows()), added


if __name__ == "__main__":
    role, root, given, *more = sys.argv[1:]
    if role in ("append", "replace"):
        {"append": append, "replace": replace}[role](Lake(root), given, int(more[0]))
    else:
        {"compact": compact, "read": read}[role](Lake(root), Path(given))
