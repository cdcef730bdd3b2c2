"""Topics that are not what the offsets speak of: named, with the command that goes on (L-25, X12)."""

from pathlib import Path

import pytest

from compute.errors import BadSetting
from storage.catalog import BRONZE
from storage.errors import AnotherLog
from storage.kafka.broker import Broker
from storage.kafka.errors import NoTopic, OffsetPastEnd, RecordsLost, TopicChanged, TopicRecreated
from storage.kafka.offsets import accept, move
from storage.kafka.plan import LIFE, plan_drain, position_name
from storage.lake import Lake
from storage.topics import TOPIC_ID, land_topic
from storage.work import Work
from tests.integration.broker import CLICKS, Kafka
from tests.integration.drains import AS_OF, NOW, carry_out, drain_once
from tests.integration.test_kafka import numbered, numbers, places

pytestmark = pytest.mark.integration
WORK = Work("test", BRONZE[CLICKS].name)


@pytest.fixture
def store(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_the_first_drain_begins_at_the_oldest_record_there_is(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, numbered(0, 40))
    topics.cut(CLICKS, 0, 5)

    assert 35 == drain_once(store, topics.servers, CLICKS)


def test_an_empty_topic_is_remembered_and_read_from_its_beginning_later(topics: Kafka, store: Lake) -> None:
    assert 0 == drain_once(store, topics.servers, CLICKS)
    topics.send(CLICKS, numbered(0, 4))
    topics.cut(CLICKS, 0, 1)

    with pytest.raises(RecordsLost, match="partition 0: offsets 0 to 0"):
        drain_once(store, topics.servers, CLICKS)


def test_a_range_that_nobody_read_is_named_until_its_loss_is_accepted(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, numbered(0, 20))
    drain_once(store, topics.servers, CLICKS)
    topics.send(CLICKS, numbered(20, 60))
    topics.cut(CLICKS, 1, 25)

    for _ in range(2):
        with pytest.raises(RecordsLost, match=r"partition 1: offsets 10 to 24\).*techflow offsets accept click_events"):
            drain_once(store, topics.servers, CLICKS)
    assert {1: (10, 25)} == accept(store, Broker(topics.servers), CLICKS, WORK)
    assert {} == accept(store, Broker(topics.servers), CLICKS, WORK)

    assert 25 == drain_once(store, topics.servers, CLICKS)
    assert sorted([*range(20), *range(20, 60, 2), *range(51, 60, 2)]) == numbers(store)
    assert 0 == store.open(BRONZE[CLICKS]).position(LIFE)


def test_a_topic_made_anew_is_not_taken_for_the_old_one(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, numbered(0, 10))
    drain_once(store, topics.servers, CLICKS)
    topics.delete(CLICKS)
    topics.create(CLICKS, partitions=2)
    topics.send(CLICKS, numbered(100, 140))  # longer than what was read: by its offsets alone nobody would notice

    with pytest.raises(TopicRecreated, match=r"deleted and made anew.*techflow offsets accept click_events"):
        drain_once(store, topics.servers, CLICKS)
    accept(store, Broker(topics.servers), CLICKS, WORK)

    assert 40 == drain_once(store, topics.servers, CLICKS)
    assert [*range(10), *range(100, 140)] == numbers(store)
    assert 50 == len(set(places(store))), "a place names one record, whatever life of the topic it is of"


def test_a_topic_made_anew_while_it_is_read_changes_nothing(
    topics: Kafka, store: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics.send(CLICKS, numbered(0, 10))
    broker = Broker(topics.servers)
    plan = plan_drain(store, broker, CLICKS)
    topics.delete(CLICKS)
    topics.create(CLICKS, partitions=2)
    topics.send(CLICKS, numbered(100, 140))

    with pytest.raises(TopicChanged, match="run again"):
        carry_out(plan, store, broker)

    assert 0 == store.open(BRONZE[CLICKS]).count()
    assert 40 == drain_once(store, topics.servers, CLICKS)


def test_a_topic_cut_while_it_is_read_changes_nothing(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, numbered(0, 10))
    drain_once(store, topics.servers, CLICKS)
    topics.send(CLICKS, numbered(10, 20))
    broker = Broker(topics.servers)
    plan = plan_drain(store, broker, CLICKS)
    topics.cut(CLICKS, 0, 8)

    with pytest.raises(TopicChanged):
        carry_out(plan, store, broker)
    with pytest.raises(RecordsLost, match="partition 0: offsets 5 to 7"):
        drain_once(store, topics.servers, CLICKS)


@pytest.mark.parametrize("way", ["accept", "set"])
def test_a_topic_that_is_shorter_than_what_was_read_is_named(topics: Kafka, store: Lake, way: str) -> None:
    topics.send(CLICKS, numbered(0, 10))
    drain_once(store, topics.servers, CLICKS)
    broker, table = Broker(topics.servers), store.open(BRONZE[CLICKS])
    name = position_name(broker.topic_id(CLICKS)[0], 0)
    table.append_files((), {name: 9}, WORK)  # as if the broker had lost its last four records

    with pytest.raises(OffsetPastEnd, match=r"partition 0: read up to 9, ends at 5\).*accept.*set click_events"):
        drain_once(store, topics.servers, CLICKS)
    if way == "accept":
        assert {0: (9, 5)} == accept(store, broker, CLICKS, WORK)
    else:
        assert 9 == move(store, broker, CLICKS, 0, 4, WORK)
    topics.send(CLICKS, numbered(20, 22))

    drain_once(store, topics.servers, CLICKS)
    assert [*range(8), *([8] if way == "accept" else [8, 8]), 9, 20, 21] == numbers(store)
    assert len(numbers(store)) == len(set(places(store)))


def test_partitions_that_were_added_are_read_whole_or_named(
    topics: Kafka, store: Lake, caplog: pytest.LogCaptureFixture
) -> None:
    topics.send(CLICKS, numbered(0, 10))
    drain_once(store, topics.servers, CLICKS)
    topics.grow(CLICKS, 4)
    topics.send(CLICKS, numbered(100, 120, partitions=4))

    assert 20 == drain_once(store, topics.servers, CLICKS)
    assert "new partitions, read from their beginning: [2, 3]" in caplog.text
    topics.grow(CLICKS, 5)
    topics.send(CLICKS, numbered(200, 210, partitions=5))
    topics.cut(CLICKS, 4, 1)
    with pytest.raises(RecordsLost, match="partition 4: offsets 0 to 0"):
        drain_once(store, topics.servers, CLICKS)


def test_asking_for_a_topic_that_is_not_there_makes_none(topics: Kafka, store: Lake) -> None:
    topics.delete(CLICKS)
    try:
        with pytest.raises(NoTopic, match="There is no topic click_events"):
            drain_once(store, topics.servers, CLICKS)
        assert CLICKS not in topics.existing()
    finally:
        topics.create(CLICKS, partitions=2)


def test_a_place_that_the_topic_does_not_have_is_refused(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, numbered(0, 10))
    broker = Broker(topics.servers)
    with pytest.raises(BadSetting, match="never read"):
        move(store, broker, CLICKS, 0, 1, WORK)
    drain_once(store, topics.servers, CLICKS)

    for partition, offset in ((0, 6), (0, -1), (2, 0)):
        with pytest.raises(BadSetting, match="goes on at one of 0: 0 to 5, 1: 0 to 5"):
            move(store, broker, CLICKS, partition, offset, WORK)


def test_file_event_log_and_broker_do_not_mix_in_one_lake(topics: Kafka, store: Lake, tmp_path: Path) -> None:
    topics.send(CLICKS, numbered(0, 3))
    (tmp_path / "topics").mkdir()
    lines = b"".join(line + b"\n" for line in topics.envelopes(CLICKS))
    (tmp_path / "topics" / f"{CLICKS}.jsonl").write_bytes(lines)
    other = Lake(str(tmp_path / "other"))
    land_topic(other, str(tmp_path), CLICKS, as_of=AS_OF, now=NOW, work=WORK)
    drain_once(store, topics.servers, CLICKS)

    with pytest.raises(AnotherLog, match="came from the file event log"):
        drain_once(other, topics.servers, CLICKS)
    with pytest.raises(AnotherLog, match="came from a broker"):
        land_topic(store, str(tmp_path), CLICKS, as_of=AS_OF, now=NOW, work=WORK)
    assert store.open(BRONZE[CLICKS]).position(TOPIC_ID) is not None
