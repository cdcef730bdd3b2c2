"""What a drain will read: from the offsets in Delta to the ends at its start.

The positions are app transactions of the bronze table: the topic's identity, its life, how many partitions it has, by
identity and partition the next offset, and by partition how much was left unread (L-3). Source: `data.md` A.0a, AT-33.
"""

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kafka import TopicPartition

from storage.catalog import BRONZE
from storage.contents import key_number
from storage.errors import AnotherLog
from storage.kafka.broker import Broker, answered
from storage.kafka.errors import OffsetPastEnd, RecordsLost, TopicRecreated
from storage.lake import Lake
from storage.table import Table
from storage.topics import PARTITIONS, TOPIC_ID, unread_name

LIFE = "life"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Range:
    """Offsets of a partition, first inclusive, last exclusive."""

    partition: int
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Plan:
    """A drain, planned.

    Attributes:
        table: bronze, at the version whose positions the plan begins at.
        topic_id: the topic's identity.
        life: how often its offsets began anew.
        ranges: what to read, disjoint; partitions without anything new are among them, empty.
        ends: the end of each partition when the plan was made; reading may stop before it.
    """

    table: Table
    topic: str
    topic_id: str
    life: int
    ranges: tuple[Range, ...]
    ends: Mapping[int, int]

    @property
    def is_news(self) -> bool:
        """Whether something is to be committed: rows, a partition seen first, or that others are left unread."""
        return any(self.table.position(name) != number for name, number in self.positions().items())

    @property
    def batch(self) -> str:
        """The name of what is read: the same for the same records."""
        spans = " ".join(f"{each.partition}:{each.start}-{each.end}" for each in self.ranges)
        return hashlib.sha256(f"{self.topic} {self.topic_id} {self.life} {spans}".encode()).hexdigest()

    def positions(self) -> dict[str, int]:
        """Return what is known once the ranges are read, by name."""
        known = {TOPIC_ID: key_number(self.topic_id), LIFE: self.life, PARTITIONS: len(self.ends)}
        return known | positions_of(self.topic_id, {each.partition: each.end for each in self.ranges}, self.ends)

    def until(self, stops: Mapping[int, int]) -> "Plan":
        """Return the plan of reading partitions no further than to their stops."""
        ends = ((each, min(each.end, stops.get(each.partition, each.end))) for each in self.ranges)
        return replace(self, ranges=tuple(replace(each, end=max(each.start, end)) for each, end in ends))

    def shares(self, records: int) -> Iterator[tuple[Range, ...]]:
        """Yield disjoint ranges of at most so many records in all, a task's share each."""
        share: list[Range] = []
        room = records
        for each in self.ranges:
            start = each.start
            while start < each.end:
                part = Range(each.partition, start, min(each.end, start + room))
                share.append(part)
                start, room = part.end, room - len(part)
                if not room:
                    yield tuple(share)
                    share, room = [], records
        if share:
            yield tuple(share)


def position_name(topic_id: str, partition: int) -> str:
    """Return the name of a partition's next offset."""
    return f"{topic_id}/{partition}"


def positions_of(topic_id: str, offsets: Mapping[int, int], ends: Mapping[int, int]) -> dict[str, int]:
    """Return next offsets by partition, and how much lies unread behind each, as they are kept."""
    return {position_name(topic_id, each): offset for each, offset in offsets.items()} | {
        unread_name(each): ends[each] - offset for each, offset in offsets.items()
    }


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the broker holds of a topic: the oldest offset of each partition, and the one after the newest."""

    topic_id: str
    beginning: Mapping[int, int]
    end: Mapping[int, int]

    @classmethod
    def of(cls, broker: Broker, topic: str) -> "Bounds":
        """Ask the broker.

        Raises:
            BrokerAway, BrokerSilent: when it does not answer.
            NoTopic: when there is no such topic.
        """
        topic_id, partitions = broker.topic_id(topic)
        places = [TopicPartition(topic, partition) for partition in partitions]
        with broker.consumer(group_id=None) as consumer, answered(topic):
            ends = consumer.end_offsets(places)
            beginnings = consumer.beginning_offsets(places)
        # A topic that is cut meanwhile begins behind the end that it had.
        return cls(
            topic_id,
            {place.partition: beginnings[place] for place in places},
            {place.partition: max(ends[place], beginnings[place]) for place in places},
        )


def plan_drain(lake: Lake, broker: Broker, topic: str) -> Plan:
    """Plan to read a topic from the offsets in Delta to its end.

    Raises:
        BrokerAway, BrokerSilent: when the broker does not answer.
        NoTopic, TopicRecreated, RecordsLost, OffsetPastEnd: when the topic is not what the offsets speak of.
        AnotherLog: when the lake's records of the topic came from a file.
    """
    table, bounds = lake.open(BRONZE[topic]), Bounds.of(broker, topic)
    known = table.position(TOPIC_ID)
    if known is None and table.count():
        raise AnotherLog(topic=topic, came_from="the file event log", comes_from="a broker")
    if known not in (None, key_number(bounds.topic_id)):
        raise TopicRecreated(topic=topic)
    stored = {each: table.position(position_name(bounds.topic_id, each)) for each in bounds.end}
    if known is not None:
        added = [partition for partition, offset in stored.items() if offset is None]
        if added:
            _LOG.warning("%s has new partitions, read from their beginning: %s", topic, added)
        # Of a partition that was added nothing may have gone before it was first read.
        _require_whole(topic, {each: offset or 0 for each, offset in stored.items()}, bounds)
    starts = {each: bounds.beginning[each] if offset is None else offset for each, offset in stored.items()}
    ranges = tuple(Range(each, starts[each], bounds.end[each]) for each in sorted(starts))
    return Plan(table, topic, bounds.topic_id, table.position(LIFE) or 0, ranges, bounds.end)


def _require_whole(topic: str, stored: Mapping[int, int], bounds: Bounds) -> None:
    lost = {
        each: (offset, bounds.beginning[each]) for each, offset in stored.items() if offset < bounds.beginning[each]
    }
    if lost:
        raise RecordsLost(topic=topic, lost=_worded(lost, "partition {}: offsets {} to {}", shift=-1))
    past = {each: (offset, bounds.end[each]) for each, offset in stored.items() if offset > bounds.end[each]}
    if past:
        raise OffsetPastEnd(topic=topic, past=_worded(past, "partition {}: read up to {}, ends at {}"))


def _worded(places: Mapping[int, Sequence[int]], words: str, shift: int = 0) -> str:
    return "; ".join(words.format(each, first, second + shift) for each, (first, second) in sorted(places.items()))
