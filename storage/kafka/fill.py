"""A file event log sent to a broker, as the senders of its records would have: for demonstrations."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka.admin import NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from compute.errors import BadSetting
from storage.envelopes import read_envelope
from storage.kafka.broker import Broker, answered
from storage.kafka.errors import BrokerSilent
from storage.kafka.plan import Bounds
from storage.topics import logs_of

# The records are as old as the company: by their times a broker would throw them away.
_CONFIGS = {"retention.ms": "-1"}


@dataclass(frozen=True, slots=True)
class Filled:
    """What a topic holds now, and how many of its records were sent just now."""

    topic: str
    partitions: int
    records: int
    sent: int


def fill(broker: Broker, landing: str, topic: str) -> Filled:
    """Make a topic of a landing area's file event log, or go on where that was cut off.

    A record keeps partition, time, key and value, and gets the next offset. A place that the log names twice is one
    record; a line that is no envelope is none.

    Raises:
        BadSetting: when the topic holds more than the log.
        BrokerAway, BrokerSilent: when the broker does not answer.
    """
    records = _records(landing, topic)
    partitions = 1 + max(records, default=0)
    _create(broker, topic, partitions)
    there = Bounds.of(broker, topic).end
    if any(there.get(each, 0) > len(records.get(each, ())) for each in {*there, *records}):
        raise BadSetting(
            f"{topic} at {broker.servers} holds other records than the demonstration's: name another broker, "
            "or delete the topic."
        )
    if missing := set(records) - set(there):
        raise BadSetting(f"{topic} at {broker.servers} has no partitions {sorted(missing)}: delete it, or add them.")
    rest = {each: list(of_partition.values())[there[each] :] for each, of_partition in records.items()}
    _send(broker, topic, rest)
    sent = sum(map(len, rest.values()))
    return Filled(topic, len(there), sum(map(len, records.values())), sent)


def _records(landing: str, topic: str) -> dict[int, dict[int, dict[str, Any]]]:
    """Return what is to be sent, by partition and the offset in the log, ascending."""
    found: dict[int, dict[int, dict[str, Any]]] = defaultdict(dict)
    for log in logs_of(landing, topic):
        for _, line in log.lines():
            record = read_envelope(line)
            if record is None or record.source != "topic":
                continue
            envelope = json.loads(line.decode("utf-8", "surrogateescape"))
            key, time = envelope.get("key"), envelope.get("ts")
            found[record.partition].setdefault(
                record.offset,
                {
                    "value": record.payload,
                    "key": key.encode("utf-8", "surrogateescape") if isinstance(key, str) else None,
                    "timestamp_ms": time or None,
                },
            )
    return {partition: dict(sorted(records.items())) for partition, records in sorted(found.items())}


def _create(broker: Broker, topic: str, partitions: int) -> None:
    with broker.admin() as admin:
        try:
            admin.create_topics([NewTopic(topic, partitions, -1, topic_configs=_CONFIGS)])
            admin.wait_for_topics([topic])
        except TopicAlreadyExistsError:
            return
        except KafkaError as error:
            raise BrokerSilent(topic=topic, reason=type(error).__name__) from error


def _send(broker: Broker, topic: str, records: Mapping[int, list[dict[str, Any]]]) -> None:
    if not any(records.values()):
        return
    # One after the other, so that what was cut off is a beginning of each partition.
    with broker.producer(linger_ms=20, compression_type="zstd") as producer, answered(topic):
        promised = [
            producer.send(topic, partition=partition, **record)
            for partition, of_partition in records.items()
            for record in of_partition
        ]
        producer.flush()
        for each in promised:
            each.get(timeout=0)
