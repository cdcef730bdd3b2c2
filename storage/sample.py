"""A sample company as files: landing area, topics, ledger, company file, truth.

Files are written in order and one at a time; what is written does not depend on clock or place.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BufferedWriter
from pathlib import Path
from typing import Any

import polars as pl

from compute.errors import BadSetting
from compute.sample.company import SampleCompany, company_file
from compute.sample.topics import PARTITIONS, arriving, days_made, envelopes

_MOST_LINES = 50_000  # of one landed file
_LEDGER = (
    "CREATE TABLE accounting_revenue (account_id TEXT NOT NULL, period TEXT NOT NULL, amount TEXT NOT NULL, "
    "ledger_version INTEGER NOT NULL, posted_at TEXT NOT NULL)"
)
Progress = Callable[[str, int, int], None]


@dataclass(slots=True)
class Written:
    """What was written: lines by feed, and how many files."""

    lines: dict[str, int] = field(default_factory=dict)
    files: int = 0

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


def write_sample(company: SampleCompany, folder: Path, progress: Progress) -> Written:
    """Write a company to an empty folder.

    Args:
        company: the company.
        folder: where to.
        progress: told of each step, how far it is and of how many.
    """
    written = Written()
    (folder / "company.toml").write_text(company_file(), encoding="utf-8")
    for feed, rows in company.feeds.items():
        _write_feed(folder / "landing" / feed, feed, rows, written)
    _write_ledger(folder / "ledger.sqlite", company.ledger)
    written.add("ledger", company.ledger.height)
    _write_topics(company, folder / "landing" / "topics", written, progress)
    return written


def _write_feed(folder: Path, feed: str, rows: pl.DataFrame, written: Written) -> None:
    folder.mkdir(parents=True)
    for (arrival,), drop in rows.group_by("arrival", maintain_order=True):
        assert isinstance(arrival, datetime)
        for part, begin in enumerate(range(0, drop.height, _MOST_LINES)):
            lines = drop.get_column("line").slice(begin, _MOST_LINES)
            path = folder / f"{feed}-{arrival:%Y%m%dT%H%M%SZ}-{part:02d}.ndjson"
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            written.add(feed, lines.len())
            written.files += 1


def _write_ledger(path: Path, rows: pl.DataFrame) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(_LEDGER)
        connection.executemany("INSERT INTO accounting_revenue VALUES (?, ?, ?, ?, ?)", rows.iter_rows())
    connection.close()


def _write_topics(company: SampleCompany, folder: Path, written: Written, progress: Progress) -> None:
    folder.mkdir(parents=True)
    logs: Mapping[str, BufferedWriter] = {topic: (folder / f"{topic}.jsonl").open("wb") for topic in PARTITIONS}
    days = sum(month.days for month in company.request.months)
    done = 0
    try:
        for topic, records in arriving(days_made(company), company.request.last.last):
            envelopes(topic, records).to_frame().write_csv(logs[topic], include_header=False, quote_style="never")
            written.add(topic, records.height)
            if topic == "click_events":
                done += 1
                progress("topics", done, days)
    finally:
        for log in logs.values():
            log.close()
    written.files += len(logs)


def write_truth(folder: Path, truth: Mapping[str, Any]) -> None:
    """Write the truth file: what was asked for, what is wrong, and what must find it."""
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
