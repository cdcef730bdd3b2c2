"""A day's records with faults put in: rows that go, rows that come, and which fault each belongs to."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from compute.sample.company import SampleCompany
from compute.sample.desk import Entry, Record
from compute.sample.topics import Made

_TRIES = 60


@dataclass
class Day:
    """The records of a day while faults are put in.

    Attributes:
        taken: accounts that have a fault, the whole sample long.
        tags: the faults that marked records belong to, the month, and the codes of what names them by place.
    """

    company: SampleCompany
    made: Made
    taken: set[str]
    tags: list[tuple[Entry, str, tuple[str, ...]]]
    _gone: dict[str, set[int]] = field(default_factory=dict)
    _come: dict[str, list[tuple[str, int, str, int]]] = field(default_factory=dict)

    def frame(self, topic: str) -> pl.DataFrame:
        """Return a topic's records with `row`, their number; of users with one session on the day."""
        frame = self.made.records[topic].with_row_index("row")
        if topic == "team_activity":
            return frame
        alone = self.made.use.sessions.group_by("user").len().filter(pl.col("len") == 1)
        return frame.filter(pl.col("user").is_in(alone.get_column("user").implode()))

    def pick(
        self, random: np.random.Generator, topic: str, fits: pl.Expr, accepts: object = None
    ) -> tuple[Record, Record] | None:
        """Return a record that fits, and its row; the account is free of faults and has none on this row."""
        frame = self.frame(topic).filter(fits)
        gone = self._gone.get(topic, set())
        for index in random.integers(frame.height, size=_TRIES) if frame.height else ():
            row = frame.row(int(index), named=True)
            if row["account"] in self.taken or row["row"] in gone:
                continue
            record: Record = json.loads(json.loads(f'"{row["payload"]}"'))
            if not callable(accepts) or accepts(record):
                return record, row
        return None

    def drop(self, topic: str, row: int) -> None:
        """Leave a record out."""
        self._gone.setdefault(topic, set()).add(row)

    def add(
        self, topic: str, account: str, at: int, record: Record | str, entry: Entry, finds: tuple[str, ...]
    ) -> None:
        """Send a record, or what is none."""
        self.tags.append((entry, str(self.made.month), finds))
        payload = json.dumps(record if isinstance(record, str) else json.dumps(record))[1:-1]
        self._come.setdefault(topic, []).append((account, at, payload, len(self.tags) - 1))

    def done(self) -> Made:
        """Return the day with its faults."""
        records = {}
        for topic, frame in self.made.records.items():
            gone = sorted(self._gone.get(topic, ()))
            kept = frame.with_row_index("row").filter(~pl.col("row").is_in(gone))
            schema = {"account": pl.String, "at": pl.Int64, "payload": pl.String, "tag": pl.Int64}
            come = pl.DataFrame(self._come.get(topic, []), schema, orient="row")
            own = kept.select("account", "at", "payload", tag=pl.lit(None, dtype=pl.Int64))
            records[topic] = pl.concat([own, come])
        return Made(self.made.day, self.made.month, self.made.room, self.made.use, records)

    def room_row(self, account: str) -> int:
        """Return where an account stands in the month's room."""
        number = self.company.people.account_ids.index(account)
        return int(np.flatnonzero(self.made.room.account == number)[0])

    def most_seats(self, account: str) -> int:
        """Return the most seats that an account ever has."""
        return max(self._seats(account))

    def least_seats(self, account: str) -> int:
        """Return the fewest seats that an account ever has."""
        return min(self._seats(account))

    def _seats(self, account: str) -> list[int]:
        life = self.company.lives[self.company.people.account_ids.index(account)]
        return [bill.seats for bill in life.bills]


def shifted(text: str, milliseconds: int) -> str:
    """Return an instant so many ms later.

    >>> shifted("2024-01-15T10:00:00.000Z", -1000)
    '2024-01-15T09:59:59.000Z'
    """
    at = datetime.fromisoformat(text) + timedelta(milliseconds=milliseconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
