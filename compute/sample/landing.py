"""The landed files of the sample: a drop a file, faults in place, and where each of them then stands."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from compute.sample.desk import Desk, Line
from compute.sample.lines import money

MOST_LINES = 50_000  # of one file


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A file of a feed: its name in the landing area, and its lines."""

    feed: str
    name: str
    lines: list[bytes]


def landed_files(desk: Desk) -> Iterator[LandedFile]:
    """Return the files of all feeds, drop by drop; each fault is told where its lines stand."""
    for feed, rows in desk.company.feeds.items():
        added = {arrival: lines for (name, arrival), lines in desk.added.items() if name == feed}
        begin = 0
        for (arrival,), drop in rows.group_by("arrival", maintain_order=True):
            assert isinstance(arrival, datetime)
            texts = drop.get_column("line").to_list()
            edits = desk.edits
            lines = [
                line
                for number, text in enumerate(texts, begin)
                for line in (edits[feed, number] if (feed, number) in edits else (Line(text.encode()),))
            ]
            begin += len(texts)
            yield from _parts(feed, arrival, [*lines, *added.pop(arrival, [])])
        for arrival, lines in sorted(added.items(), key=lambda each: each[0]):
            yield from _parts(feed, arrival, lines)


def _parts(feed: str, arrival: datetime, lines: list[Line]) -> Iterator[LandedFile]:
    for part, begin in enumerate(range(0, len(lines), MOST_LINES)):
        name = f"{feed}/{feed}-{arrival:%Y%m%dT%H%M%SZ}-{part:02d}.ndjson"
        some = lines[begin : begin + MOST_LINES]
        for number, line in enumerate(some, 1):
            if line.entry is not None:
                line.entry.where.append({"file": f"landing/{name}", "line": number})
        yield LandedFile(feed, name, [line.text for line in some])


def posted_rows(desk: Desk) -> pl.DataFrame:
    """Return the rows of the ledger: what accounting has posted, faults in place."""
    other = [(account, period, cents) for (account, period), cents in desk.ledger.items()]
    schema = {"account_id": pl.String, "period": pl.String, "cents": pl.Int64}
    changed = pl.DataFrame(other, schema, orient="row")
    plain = desk.company.ledger.join(changed, on=["account_id", "period"], how="anti")
    posted = (pl.col("period") + "-01").str.to_date().dt.offset_by("1mo").dt.strftime("%Y-%m-03T17:00:00Z")
    odd = changed.drop_nulls("cents").select(
        "account_id", "period", amount=money("cents"), ledger_version=pl.lit(1), posted_at=posted
    )
    return pl.concat([plain, odd.cast(plain.schema)]).sort("period", "account_id")
