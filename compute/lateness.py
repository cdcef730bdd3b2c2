"""Late data: which class an event belongs to, how far a topic is known, which dates are mature.

Source: `operations.md` C.1, L-3.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import polars as pl

from compute.company import Company
from compute.contracts.contract import INSTANT, Contract
from compute.money import quotient
from compute.months import Month
from compute.schema import Schema, typed

LATE_EVENT: Schema = {
    "month": pl.String,
    "dataset": pl.String,
    "topic": pl.String,
    "partition": pl.Int64,
    "offset": pl.Int64,
    "account_id": pl.String,
    "event_time": INSTANT,
    "arrival": INSTANT,
    "lateness_hours": pl.Float64,
    "class": pl.String,
    "batch": pl.String,
}


def late_events(judged: pl.DataFrame, current: pl.DataFrame, contract: Contract, company: Company) -> pl.DataFrame:
    """Return the LATE_EVENT rows of a topic: late ones that are current, and clicks too old or too new to be usable.

    Args:
        judged: judged rows of the topic.
        current: places of its current rows, `_partition, _offset`: a second delivery makes no event late.
        contract: its contract, with an event time.
        company: for `late_hours`.
    """
    assert contract.event_time is not None  # every topic has one
    lateness = pl.col("_arrival") - contract.event_time
    is_unusable = pl.col("_codes").list.set_intersection(["CLK-Q01", "CLK-Q02"]).list.len() > 0
    place = ["_partition", "_offset"]
    late = judged.join(current, on=place, how="semi").filter(lateness > timedelta(hours=company.limits.late_hours))
    # One that somebody accepted is used all the same, so it is late.
    unusable = judged.filter(is_unusable).join(current, on=place, how="anti")
    classes = [("late", late), ("unusable", unusable)]
    return typed(
        pl.concat(rows.with_columns(_class=pl.lit(name)) for name, rows in classes).select(
            "month",
            "account_id",
            dataset=pl.lit(contract.dataset),
            topic="_topic",
            partition="_partition",
            offset="_offset",
            event_time=contract.event_time,
            arrival="_arrival",
            # Divided as decimals: polars divides a float column by a number through its reciprocal, unless the column
            # has one row, so the last bit would depend on how many other events were late.
            lateness_hours=quotient(lateness.dt.total_microseconds(), pl.lit(3_600_000_000)),
            batch="_batch_id",
            **{"class": "_class"},
        ),
        LATE_EVENT,
    ).sort("month", "partition", "offset")


TO_CERTIFIED = "late_to_certified"


def late_to_certified(events: pl.DataFrame, months: Sequence[str], certified: pl.DataFrame) -> pl.DataFrame:
    """Return LATE_EVENT rows, those that came after their month was first certified as late to it (C.1).

    Args:
        events: LATE_EVENT rows.
        months: the months that were certified.
        certified: LATE_EVENT rows that were known when they were.
    """
    place = ["month", "dataset", "partition", "offset"]
    known = events.join(certified.select(place), on=place, how="semi").select(*place, _known=pl.lit(value=True))
    marked = events.join(known, on=place, how="left", maintain_order="left")
    is_new = pl.col("month").is_in(months) & pl.col("_known").is_null() & (pl.col("class") != "unusable")
    told = pl.when(is_new).then(pl.lit(TO_CERTIFIED)).otherwise("class")
    return typed(marked.with_columns(told.alias("class")), LATE_EVENT)


def late_columns(contract: Contract) -> list[str]:
    """Return what `late_events` reads of the judged rows."""
    assert contract.event_time is not None  # every topic has one
    place = ("month", "account_id", "_topic", "_partition", "_offset", "_arrival", "_batch_id", "_codes")
    return sorted({*place, *contract.event_time.meta.root_names()})


def watermark(greatest_event: dict[tuple[str, int], datetime | None], as_of: datetime) -> datetime:
    """Return how far the topics are known (L-3): the minimum over their partitions.

    Args:
        greatest_event: by topic and partition, None when it is drained to its end; else the greatest event time that
            lies not beyond the clock skew of its arrival.
        as_of: the run's as-of, the mark of a drained partition.
    """
    return min((mark or as_of for mark in greatest_event.values()), default=as_of)


def matures_at(month: Month, day: int, company: Company) -> datetime:
    """Return when a date of a month is mature: its end plus `late_hours`."""
    begin = datetime.combine(month.first + timedelta(days=day - 1), time(), UTC)
    return begin + timedelta(days=1, hours=company.limits.late_hours)


def immature_dates(month: Month, mark: datetime, company: Company) -> int:
    """Return how many dates of a month may still change by clicks that are on time.

    >>> immature_dates(Month(2024, 1), datetime(2024, 2, 2, 12, tzinfo=UTC), Company())
    1
    """
    return sum(mark < matures_at(month, day, company) for day in range(1, month.days + 1))
