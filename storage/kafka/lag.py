"""How far Delta is behind the topics, in time. Source: `operations.md` L-25."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from kafka import TopicPartition

from compute.lag import CAUGHT_UP, IN_TIME, LATE, LOST, PAST_END, RECREATED
from storage.catalog import BRONZE
from storage.contents import key_number
from storage.kafka.broker import Broker, answered
from storage.kafka.plan import Bounds, position_name
from storage.lake import Lake
from storage.topics import TOPIC_ID

LIMIT = timedelta(seconds=300)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POLL_MS = 2_000
LAG = {
    "topic": pl.String,
    "partition": pl.Int64,
    "next": pl.Int64,
    "end": pl.Int64,
    "unread": pl.Int64,
    "lag_seconds": pl.Float64,
    "state": pl.String,
}


def lag_of(
    lake: Lake, broker: Broker, topic: str, now: datetime, *, is_exact: bool, limit: timedelta = LIMIT
) -> pl.DataFrame:
    """Return a row per partition of a topic: what is unread in Delta, for how long, and whether that is too long.

    Args:
        lake: where the offsets are.
        broker: where the topic is.
        topic: the topic.
        now: the wall clock.
        is_exact: read the oldest unread record of each partition, and tell its age; null without it, when there is one.
        limit: how long a record may wait.
    """
    bounds, table = Bounds.of(broker, topic), lake.open(BRONZE[topic])
    is_another = table.position(TOPIC_ID) not in (None, key_number(bounds.topic_id))
    stored = {each: table.position(position_name(bounds.topic_id, each)) for each in bounds.end}
    at = {each: bounds.beginning[each] if offset is None else offset for each, offset in stored.items()}
    unread = {each: offset for each, offset in at.items() if bounds.beginning[each] <= offset < bounds.end[each]}
    places = {each: TopicPartition(topic, each) for each in unread}
    with broker.consumer(group_id=None, max_poll_records=1) as consumer, answered(topic):
        since = consumer.offsets_for_times(dict.fromkeys(places.values(), _ms(now - limit))) if places else {}
        times = _oldest(consumer, {places[each]: offset for each, offset in unread.items()}) if is_exact else {}
    rows = []
    for each, offset in sorted(at.items()):
        state = RECREATED if is_another else _state(offset, each, bounds, since.get(places.get(each)))
        age = 0.0 if state == CAUGHT_UP else None
        if (ms := times.get(places.get(each))) is not None and not is_another:
            # The broker's times need not rise when producers give them: the record itself knows better.
            age = max(0.0, (_ms(now) - ms) / 1000)
            state = LATE if age > limit.total_seconds() else IN_TIME
        rows.append((topic, each, offset, bounds.end[each], max(0, bounds.end[each] - offset), age, state))
    return pl.DataFrame(rows, schema=LAG, orient="row")


def _state(offset: int, partition: int, bounds: Bounds, since: Any) -> str:
    if offset < bounds.beginning[partition]:
        return LOST
    if offset > bounds.end[partition]:
        return PAST_END
    if offset == bounds.end[partition]:
        return CAUGHT_UP
    # The first record that came within the limit: what lies before it came earlier.
    return IN_TIME if since is not None and offset >= since.offset else LATE


def _oldest(consumer: Any, unread: Mapping[TopicPartition, int]) -> dict[TopicPartition | None, int]:
    """Return the broker's time of the first record at or behind each offset."""
    found: dict[TopicPartition | None, int] = {}
    for place, offset in unread.items():
        consumer.assign([place])
        consumer.seek(place, offset)
        for records in consumer.poll(timeout_ms=_POLL_MS).values():
            found[place] = records[0].timestamp
    return found


def _ms(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(milliseconds=1)
