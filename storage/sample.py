"""A sample company as files: landing area, topics, ledger, company file, truth.

Files are written in order and one at a time; what is written does not depend on clock or place.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BufferedWriter
from pathlib import Path

import polars as pl

from compute.errors import BadSetting
from compute.sample.company import SampleCompany, company_file
from compute.sample.desk import Desk
from compute.sample.faults import FaultyDays, put_in
from compute.sample.landing import landed_files, posted_rows
from compute.sample.topics import PARTITIONS, arriving, days_made, envelopes
from compute.sample.truth import truth

NONE: frozenset[str] = frozenset()
_LEDGER = (
    "CREATE TABLE accounting_revenue (account_id TEXT NOT NULL, period TEXT NOT NULL, amount TEXT NOT NULL, "
    "ledger_version INTEGER NOT NULL, posted_at TEXT NOT NULL)"
)
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Written:
    """What was written: lines by feed, how many files, how many faults; and those that nothing fitted."""

    lines: dict[str, int] = field(default_factory=dict)
    files: int = 0
    faults: int = 0
    skipped: int = 0

    def add(self, feed: str, lines: int) -> None:
        """Count lines of a feed."""
        self.lines[feed] = self.lines.get(feed, 0) + lines


def require_empty(folder: Path) -> None:
    """Refuse a place that holds something: a sample never mixes with other records.

    Raises:
        BadSetting: when the folder is no empty folder, or cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise BadSetting(f"{folder} cannot be used ({error.strerror}): name another folder with --out.") from error
    if not is_empty:
        raise BadSetting(f"{folder} is not empty: name another folder with --out, or empty it first.")


def write_sample(company: SampleCompany, folder: Path, progress: Progress, kinds: frozenset[str] = NONE) -> Written:
    """Write a company to an empty folder, with faults of the given kinds and the truth about them.

    Args:
        company: the company.
        folder: where to.
        progress: told of each step, how far it is and of how many.
        kinds: which faults.
    """
    written = Written()
    (folder / "company.toml").write_text(company_file(), encoding="utf-8")
    desk = put_in(company, kinds)
    for file in landed_files(desk):
        path = folder / "landing" / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(line + b"\n" for line in file.lines))
        written.add(file.feed, len(file.lines))
        written.files += 1
    posted = posted_rows(desk)
    _write_ledger(folder / "ledger.sqlite", posted)
    written.add("ledger", posted.height)
    days = FaultyDays(desk, kinds)
    _write_topics(desk, days, folder / "landing" / "topics", written, progress)
    rows = {feed: frame.height for feed, frame in company.feeds.items()} | dict(days.plain_rows)
    told = truth(company.request, kinds, desk.entries, rows, desk.skipped)
    (folder / "truth.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    written.faults, written.skipped = len(desk.entries), len(desk.skipped)
    return written


def _write_ledger(path: Path, rows: pl.DataFrame) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(_LEDGER)
        connection.executemany("INSERT INTO accounting_revenue VALUES (?, ?, ?, ?, ?)", rows.iter_rows())
    connection.close()


def _write_topics(desk: Desk, faulty: FaultyDays, folder: Path, written: Written, progress: Progress) -> None:
    folder.mkdir(parents=True)
    logs: Mapping[str, BufferedWriter] = {topic: (folder / f"{topic}.jsonl").open("wb") for topic in PARTITIONS}
    request = desk.company.request
    days = sum(month.days for month in request.months)
    done = 0
    try:
        for topic, records in arriving(faulty.of(days_made(desk.company)), request.last.last):
            faulty.placed(topic, records)
            envelopes(topic, records).to_frame().write_csv(logs[topic], include_header=False, quote_style="never")
            written.add(topic, records.height)
            if topic == "click_events":
                done += 1
                progress("topics", done, days)
    finally:
        for log in logs.values():
            log.close()
    written.files += len(logs)
