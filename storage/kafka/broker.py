"""The door to a broker: connections, and what the client's errors mean."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

from storage.kafka.errors import BrokerAway, BrokerSilent, NoTopic
from storage.kafka.security import Security

GROUP = "techflow"  # where monitors look for our offsets; ours to read are in Delta
TIMEOUT_MS = 10_000
_LOG = logging.getLogger(__name__)
_CLIENT_LOGS = ("kafka.net.connection", "kafka.net.manager")
# What tells most of why nobody lets us in: the client retries a bad password as if it were a bad line.
_TELLING = ("Sasl", "CERTIFICATE", "ALERT", "EOF_WHILE_READING", "REFUSED", "DNS", "disconnected")


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the topics are, and how to get in.

    Attributes:
        servers: host:port, several with commas between them.
    """

    servers: str
    security: Security = field(default_factory=Security)

    @contextlib.contextmanager
    def consumer(self, **options: Any) -> Iterator[Any]:
        """Yield a consumer that begins nowhere by itself, makes no topic and commits nothing unasked.

        Raises:
            BrokerAway: when no broker lets us in.
        """
        consumer = self._connected(
            KafkaConsumer,
            auto_offset_reset="none",
            enable_auto_commit=False,
            allow_auto_create_topics=False,
            isolation_level="read_committed",
            **options,
        )
        try:
            yield consumer
        finally:
            consumer.close(autocommit=False, timeout_ms=TIMEOUT_MS)

    @contextlib.contextmanager
    def admin(self) -> Iterator[Any]:
        """Yield a client that asks about topics, and makes them.

        Raises:
            BrokerAway: when no broker lets us in.
        """
        admin = self._connected(KafkaAdminClient)
        try:
            yield admin
        finally:
            admin.close()

    @contextlib.contextmanager
    def producer(self, **options: Any) -> Iterator[Any]:
        """Yield a producer; what is sent with it is there when it is flushed.

        Raises:
            BrokerAway: when no broker lets us in.
        """
        producer = self._connected(KafkaProducer, **options)
        try:
            yield producer
        finally:
            producer.close(timeout=TIMEOUT_MS / 1000)

    def topic_id(self, topic: str) -> tuple[str, tuple[int, ...]]:
        """Return a topic's identity, which a topic made anew under its name does not share, and its partitions.

        Raises:
            BrokerAway: when no broker lets us in.
            NoTopic: when there is none, or none for us.
        """
        with self.admin() as admin, answered(topic):
            described = admin.describe_topics([topic])[0]
        if described["error_code"] or not described["topic_id"]:
            raise NoTopic(topic=topic, servers=self.servers)
        return described["topic_id"], tuple(sorted(each["partition_index"] for each in described["partitions"]))

    def note_positions(self, topic: str, positions: Mapping[int, int]) -> None:
        """Commit to the group what Delta holds already; only monitors read it, so a failure is a warning."""
        offsets = {TopicPartition(topic, each): OffsetAndMetadata(to, "", -1) for each, to in positions.items()}
        try:
            with self.consumer(group_id=GROUP) as consumer:
                consumer.assign(list(offsets))
                consumer.commit(offsets, timeout_ms=TIMEOUT_MS)
        except (KafkaError, BrokerAway) as error:
            _LOG.warning("the group %s was not told how far %s was read: %s", GROUP, topic, error)

    def _connected(self, client: Any, **options: Any) -> Any:
        with _heard() as said:
            try:
                return client(
                    bootstrap_servers=self.servers.split(","),
                    bootstrap_timeout_ms=TIMEOUT_MS,
                    request_timeout_ms=TIMEOUT_MS,
                    **self.security.options(),
                    **options,
                )
            except (KafkaError, ValueError, OSError) as error:
                reason = _most_telling(said) or str(error)
                likely = self.security.likely(reason)
                words = f"{reason}; most likely {likely}" if likely else reason
                # The client's own error holds the line that it was called with.
                raise BrokerAway(servers=self.servers, reason=words) from None


@contextlib.contextmanager
def answered(topic: str) -> Iterator[None]:
    """Say of a client's error what it means for the topic that was asked about."""
    try:
        yield
    except KafkaError as error:
        reason = "no answer in time" if isinstance(error, KafkaTimeoutError) else type(error).__name__
        raise BrokerSilent(topic=topic, reason=reason) from error


@contextlib.contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what the client says while it connects: the error that it raises at last tells no reason."""
    said: list[str] = []
    ear = logging.Handler(logging.WARNING)
    ear.emit = lambda record: said.append(record.getMessage().rpartition(">: ")[2])  # type: ignore[method-assign]
    for name in _CLIENT_LOGS:
        logging.getLogger(name).addHandler(ear)
    try:
        yield said
    finally:
        for name in _CLIENT_LOGS:
            logging.getLogger(name).removeHandler(ear)


def _most_telling(said: list[str]) -> str:
    for word in _TELLING:
        for line in said:
            if word in line:
                return line
    return said[-1] if said else ""
