"""A real broker for tests: started once from deployments/kafka, or the one of KAFKA_BOOTSTRAP_SERVERS."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewPartitions, NewTopic

from tests.conftest import a_port

SCRIPT = Path(__file__).parents[2] / "deployments" / "kafka" / "kafka.sh"
CLICKS = "click_events"


@dataclass
class Sent:
    """A record to produce."""

    value: bytes | None
    partition: int = 0
    ms: int | None = None
    key: bytes | None = b"ACC_001"
    headers: list[tuple[str, bytes]] = field(default_factory=list)


class Kafka:
    """A broker, and what tests do to it beside the program."""

    def __init__(self, servers: str, folder: Path | None, env: dict[str, str]) -> None:
        self.servers, self.folder, self._env = servers, folder, env

    def _script(self, act: str) -> None:
        if self.folder is None:
            pytest.skip("the broker of KAFKA_BOOTSTRAP_SERVERS is not the tests' own to stop")
        done = subprocess.run(
            [str(SCRIPT), act, str(self.folder)],
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        self._script("start")

    def stop(self) -> None:
        self._script("stop")

    @contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        client = KafkaAdminClient(bootstrap_servers=self.servers)
        try:
            yield client
        finally:
            client.close()

    def create(self, *topics: str, partitions: int = 1, **configs: str) -> None:
        with self.admin() as admin:
            admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=configs) for topic in topics])
            admin.wait_for_topics(list(topics))

    def delete(self, *topics: str) -> None:
        with self.admin() as admin:
            admin.delete_topics(list(topics))

    def existing(self) -> set[str]:
        with self.admin() as admin:
            return {name for name in admin.list_topics() if not name.startswith("__")}

    def grow(self, topic: str, partitions: int) -> None:
        with self.admin() as admin:
            admin.create_partitions({topic: NewPartitions(partitions)})
            for _ in range(100):
                if len(admin.describe_topics([topic])[0]["partitions"]) == partitions:
                    return
        raise AssertionError("the partitions did not come")

    def cut(self, topic: str, partition: int, before: int) -> None:
        with self.admin() as admin:
            admin.delete_records({TopicPartition(topic, partition): before})

    def send(self, topic: str, records: Iterable[Sent], **options: Any) -> None:
        producer = KafkaProducer(bootstrap_servers=self.servers, **({"linger_ms": 20} | options))
        futures = [
            producer.send(
                topic, value=each.value, key=each.key, partition=each.partition, timestamp_ms=each.ms,
                headers=each.headers,
            )
            for each in records
        ]  # fmt: skip
        producer.flush()
        for future in futures:
            future.get(timeout=30)
        producer.close()

    def envelopes(self, topic: str) -> list[bytes]:
        """Return the whole topic as lines of `kcat -J`, read by the client's own decoder."""
        consumer = KafkaConsumer(bootstrap_servers=self.servers, group_id=None, auto_offset_reset="none")
        places = [TopicPartition(topic, each) for each in sorted(consumer.partitions_for_topic(topic) or ())]
        ends = consumer.end_offsets(places)
        consumer.assign(places)
        for place in places:
            consumer.seek(place, 0)
        lines = []
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(timeout_ms=500).values():
                lines += [_envelope(record) for record in records]
        consumer.close(autocommit=False)
        return lines


def _envelope(record: Any) -> bytes:
    members = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "tstype": "create" if record.timestamp_type == 0 else "logappend",
        "ts": record.timestamp,
        "key": None if record.key is None else record.key.decode("utf-8", "surrogateescape"),
        "payload": None if record.value is None else record.value.decode("utf-8", "surrogateescape"),
    }
    text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogateescape")


def running_broker(folder: Path, **more: str) -> Iterator[Kafka]:
    """Yield a broker; without one to be had the tests are skipped, in CI they fail."""
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if servers and not more:
        yield Kafka(servers, None, {})
        return
    if absent := [name for name in ("java", "mvn") if not shutil.which(name)]:
        reason = f"no broker: {' and '.join(absent)} not found (install default-jre-headless and maven)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    port = a_port()
    env = os.environ | {"KAFKA_PORT": port, "KAFKA_CONTROLLER_PORT": a_port(), "KAFKA_HEAP": "384m"} | more
    broker = Kafka(f"127.0.0.1:{port}", folder, env)
    broker.start()
    yield broker
    broker._script("wipe")
