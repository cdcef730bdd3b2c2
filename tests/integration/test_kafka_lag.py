"""How far Delta is behind a topic, in time (L-25), and the commands of an operator."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.catalog import BRONZE
from storage.kafka.broker import Broker
from storage.kafka.lag import lag_of
from storage.kafka.plan import position_name
from storage.lake import Lake
from storage.work import Work
from tests.conftest import environment, techflow
from tests.integration.broker import CLICKS, Kafka, Sent
from tests.integration.drains import drain_once

pytestmark = pytest.mark.integration
NOW = datetime(2024, 1, 15, 12, tzinfo=UTC)
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "home" / "lake"))


def sent(partition: int, *ages: int) -> list[Sent]:
    """Return records that the broker had so many seconds before now."""
    return [Sent(b"{}", partition, (NOW - timedelta(seconds=age) - _1970) // timedelta(milliseconds=1)) for age in ages]


def lags(store: Lake, kafka: Kafka, *, is_exact: bool = True) -> list[tuple[Any, ...]]:
    rows = lag_of(store, Broker(kafka.servers), CLICKS, NOW, is_exact=is_exact)
    return rows.select("next", "unread", "lag_seconds", "state").rows()


def test_lag_is_the_age_of_the_oldest_unread_record_and_nothing_else(topics: Kafka, store: Lake) -> None:
    assert [(0, 0, 0.0, "caught_up")] * 2 == lags(store, topics)
    topics.send(CLICKS, sent(0, 90_000))
    drain_once(store, topics.servers, CLICKS)
    assert [(1, 0, 0.0, "caught_up"), (0, 0, 0.0, "caught_up")] == lags(store, topics), "a day old, and read"

    topics.send(CLICKS, sent(0, 301, 10) + sent(1, 299, 10, -60))
    assert [(1, 2, 301.0, "late"), (0, 3, 299.0, "in_time")] == lags(store, topics)
    assert [(1, 2, None, "late"), (0, 3, None, "in_time")] == lags(store, topics, is_exact=False)
    drain_once(store, topics.servers, CLICKS)
    topics.send(CLICKS, sent(0, 86_400) + sent(1, -3_000))
    assert [(3, 1, 86_400.0, "late"), (3, 1, 0.0, "in_time")] == lags(store, topics), "the last one may be long unread"


def test_a_topic_that_nobody_read_counts_from_its_oldest_record(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, sent(0, 1_000, 900, 800))
    topics.cut(CLICKS, 0, 1)

    assert [(1, 2, 900.0, "late"), (0, 0, 0.0, "caught_up")] == lags(store, topics)


def test_lost_past_end_and_recreated_are_states_and_have_no_lag(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, sent(0, 50, 40) + sent(1, 50))
    drain_once(store, topics.servers, CLICKS)
    topics.send(CLICKS, sent(0, 30, 20, 10))
    topics.cut(CLICKS, 0, 4)
    name = position_name(Broker(topics.servers).topic_id(CLICKS)[0], 1)
    store.open(BRONZE[CLICKS]).append_files((), {name: 9}, Work("test", BRONZE[CLICKS].name))
    assert [(2, 3, None, "lost"), (9, 0, None, "past_end")] == lags(store, topics)

    topics.delete(CLICKS)
    topics.create(CLICKS, partitions=1)
    assert ["recreated"] == [row[-1] for row in lags(store, topics)]


def test_the_commands_tell_the_lag_and_accept_a_loss(topics: Kafka, store: Lake, tmp_path: Path) -> None:
    env = environment(tmp_path / "home", tmp_path, tmp_path, KAFKA_BOOTSTRAP_SERVERS=topics.servers)
    topics.send(CLICKS, sent(0, 10, 5))
    drain_once(store, topics.servers, CLICKS)
    assert "caught_up" in techflow("lag", "--format", "csv", env=env).stdout
    assert "2024-01-15T11:59Z" in techflow("status", "--format", "json", env=env).stdout
    topics.send(CLICKS, sent(0, 10, 5, 1))
    topics.cut(CLICKS, 0, 4)

    lost = techflow("lag", "--exact", "--format", "csv", env=env, check=False)

    assert (1, f"{CLICKS},0,2,5,3,,lost") == (lost.returncode, lost.stdout.splitlines()[1])
    accepted = techflow("offsets", "accept", CLICKS, env=env).stdout
    assert f"{CLICKS} partition 0 goes on at 4, was 2" in accepted
    assert "nothing to accept" in techflow("offsets", "accept", CLICKS, env=env).stdout
    assert "goes on at 5, was 4" in techflow("offsets", "set", CLICKS, "0", "5", env=env).stdout
    assert 0 == drain_once(store, topics.servers, CLICKS)
    refused = techflow("offsets", "set", "clicks", "0", "5", env=env, check=False)
    assert (1, True) == (refused.returncode, "There is no topic 'clicks'" in refused.stderr)
    unset = techflow("lag", env=env | {"KAFKA_BOOTSTRAP_SERVERS": ""}, check=False)
    assert (1, True) == (unset.returncode, "KAFKA_BOOTSTRAP_SERVERS is not set" in unset.stderr)
