"""The topics of the sample as a stream: a day's records at a time, in order of arrival, with their offsets.

No more than a day or two is held, whatever the size; a record that comes late waits until its time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from compute.months import Month
from compute.sample.company import SampleCompany
from compute.sample.records import click_records, session_records, team_records
from compute.sample.seated import Seated, seated
from compute.sample.use import MINUTE_MS, DayOfUse, day_of_use, day_start

PARTITIONS = {"click_events": 8, "usage_sessions": 4, "team_activity": 4}
# After a local day is made, nothing new can arrive before this time of the same date, UTC: the next day begins
# at six in the morning in the easternmost zone.
_SETTLED = 20 * 60 * MINUTE_MS
_FOREVER = 1 << 62
_PLAIN = pl.lit(None, dtype=pl.Int64)  # the tag of a record without a fault
_SENT = ("account", "at", "payload", "tag")


@dataclass(frozen=True, slots=True)
class Made:
    """What a day has brought: use as it was, and the records that it makes, by topic."""

    day: date
    month: Month
    room: Seated
    use: DayOfUse
    records: dict[str, pl.DataFrame]


@dataclass(slots=True)
class Offsets:
    """The next offset of each partition of each topic."""

    next_of: dict[tuple[str, int], int] = field(default_factory=dict)

    def placed(self, topic: str, records: pl.DataFrame) -> pl.DataFrame:
        """Add `partition` and `offset` to records in order of arrival, and take the offsets."""
        partition = pl.col("account").str.extract(r"(\d+)").cast(pl.Int64) % PARTITIONS[topic]
        rows = records.sort("at", maintain_order=True).with_columns(partition=partition.fill_null(0))
        begin = {number: self.next_of.get((topic, number), 0) for number in range(PARTITIONS[topic])}
        counted = rows.with_columns(
            offset=pl.int_range(pl.len()).over("partition")
            + pl.col("partition").replace_strict(begin, return_dtype=pl.Int64)
        )
        for number, count in counted.group_by("partition").len().rows():
            self.next_of[topic, number] = begin[number] + count
        return counted


def days_made(company: SampleCompany) -> Iterator[Made]:
    """Return the days of use, oldest first."""
    request, people = company.request, company.people
    open_dates: list[pl.DataFrame] = []
    for month in request.months:
        room = seated(company.lives, people, month)
        for number in range(month.days):
            day = month.first + timedelta(days=number)
            use = day_of_use(day, month, room, people, request)
            # The date before this one is whole now; its teams can be told.
            open_dates.append(use.sessions)
            everything = pl.concat(open_dates)
            is_open = pl.col("begin") >= day_start(day) if day != request.last.last else pl.lit(value=False)
            open_dates = [everything.filter(is_open)]
            records = {
                "click_events": click_records(use.clicks, people),
                "usage_sessions": session_records(use.sessions, people),
                "team_activity": team_records(everything.filter(~is_open), people),
            }
            records = {topic: frame.with_columns(tag=_PLAIN) for topic, frame in records.items()}
            yield Made(day, month, room, use, records)


def arriving(made: Iterator[Made], last: date) -> Iterator[tuple[str, pl.DataFrame]]:
    """Return topics' records as they arrive: `account, at, payload, partition, offset` and what marks them."""
    offsets = Offsets()
    waiting: dict[str, list[pl.DataFrame]] = {topic: [] for topic in PARTITIONS}
    for each in made:
        until = _FOREVER if each.day == last else day_start(each.day) + _SETTLED
        for topic, records in each.records.items():
            everything = pl.concat([*waiting[topic], records.select(_SENT)])
            waiting[topic] = [everything.filter(pl.col("at") >= until)]
            yield topic, offsets.placed(topic, everything.filter(pl.col("at") < until))


def envelopes(topic: str, records: pl.DataFrame) -> pl.Series:
    """Return the lines of a topic's file, as `kcat -C -J` prints them."""
    parts = [
        pl.lit(f'{{"topic":"{topic}","partition":'), pl.col("partition").cast(pl.String), pl.lit(',"offset":'),
        pl.col("offset").cast(pl.String), pl.lit(',"tstype":"create","ts":'), pl.col("at").cast(pl.String),
        pl.lit(',"key":"'), pl.col("account"), pl.lit('","payload":"'), pl.col("payload"), pl.lit('"}'),
    ]  # fmt: skip
    return records.select(line=pl.concat_str(parts)).to_series()
