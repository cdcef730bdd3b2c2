"""Topics of a real broker: what is drained, once, whatever is killed when (AT-31, AT-33)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from compute.cluster import run_on_ray
from compute.contracts.contract import NO_ENVELOPE
from storage.catalog import BRONZE
from storage.errors import LakeBusy
from storage.kafka import drain as module
from storage.kafka.broker import Broker
from storage.kafka.errors import BrokerAway, BrokerSilent, RecordUnreadable, TopicChanged
from storage.kafka.offsets import move
from storage.kafka.plan import LIFE, plan_drain
from storage.lake import Lake
from storage.topics import land_topic
from storage.work import Work
from tests.conftest import start
from tests.integration.broker import CLICKS, Kafka, Sent
from tests.integration.drains import AS_OF, NOW, carry_out, cut_short, drain_once

pytestmark = pytest.mark.integration
DAY = 1_705_314_601_000  # 2024-01-15T10:30:01Z


@pytest.fixture
def store(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def numbered(first: int, last: int, partitions: int = 2) -> list[Sent]:
    return [Sent(b'{"number":%d}' % number, number % partitions, DAY + number) for number in range(first, last)]


def numbers(lake: Lake) -> list[int]:
    """Return the numbers of the records in bronze, sorted: each is there as often as it was received."""
    payloads = lake.read(BRONZE[CLICKS]).get_column("payload")
    return sorted(int(payload[10:-1]) for payload in payloads)


def places(lake: Lake) -> list[tuple[int, int]]:
    return sorted(lake.read(BRONZE[CLICKS], columns=["_partition", "_offset"]).rows())


def test_a_drain_reads_to_the_end_and_the_next_one_what_came_since(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, numbered(0, 50))
    assert 50 == drain_once(store, topics.servers, CLICKS)
    version = store.open(BRONZE[CLICKS]).version
    assert 0 == drain_once(store, topics.servers, CLICKS)
    assert version == store.open(BRONZE[CLICKS]).version
    topics.send(CLICKS, numbered(50, 70))

    assert 20 == drain_once(store, topics.servers, CLICKS)
    assert list(range(70)) == numbers(store)
    assert places(store) == [(partition, offset) for partition in (0, 1) for offset in range(35)]


def test_records_that_come_after_the_plan_wait_for_the_next_drain(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, numbered(0, 10))
    plan = plan_drain(store, Broker(topics.servers), CLICKS)
    topics.send(CLICKS, numbered(10, 30))

    assert 10 == carry_out(plan, store, Broker(topics.servers))
    assert 20 == drain_once(store, topics.servers, CLICKS)
    assert list(range(30)) == numbers(store)


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_bronze_is_that_of_the_file_event_log(topics: Kafka, store: Lake, tmp_path: Path, codec: str | None) -> None:
    values = [b'{"a": 1}', b"", None, "é".encode(), b"\xff{", b'{"b":' + b"x" * 3000 + b"}", b'"\\ud800"', b"no json"]
    sent = [Sent(value, number % 2, DAY + 7 * number) for number, value in enumerate(values)]
    sent += [Sent(None, 0, DAY, "ключ".encode()), Sent(b"{}", 1, 0), Sent(b"{}", 0, DAY, None, [("trace", b"1")])]
    topics.send(CLICKS, sent, compression_type=codec)
    (tmp_path / "topics").mkdir()
    lines = topics.envelopes(CLICKS)
    (tmp_path / "topics" / f"{CLICKS}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    other = Lake(str(tmp_path / "other"))
    work = Work("test", BRONZE[CLICKS].name)

    assert len(sent) == drain_once(store, topics.servers, CLICKS)
    assert len(sent) == land_topic(other, str(tmp_path), CLICKS, as_of=AS_OF, now=NOW, work=work).rows

    drained, landed = (
        lake.read(BRONZE[CLICKS]).drop("_batch_id").sort("_partition", "_offset") for lake in (store, other)
    )
    assert landed.equals(drained)
    assert 2 == drained.filter(pl.col("_source") == NO_ENVELOPE).height


def test_transactions_that_were_aborted_are_not_received(topics: Kafka, store: Lake) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=topics.servers, transactional_id="t")
    producer.init_transactions()
    for value, end in ((b"kept", producer.commit_transaction), (b"gone", producer.abort_transaction)):
        producer.begin_transaction()
        producer.send(CLICKS, value, partition=0).get(timeout=30)
        end()
    producer.close()
    topics.send(CLICKS, [Sent(b"last", 0)])
    while not drain_once(store, topics.servers, CLICKS):  # the marks of a transaction come a moment after its end
        time.sleep(0.1)

    drain_once(store, topics.servers, CLICKS)

    assert [(b"kept", 0), (b"last", 4)] == store.read(BRONZE[CLICKS]).sort("_offset").select(
        "payload", "_offset"
    ).rows()
    assert 5 == store.open(BRONZE[CLICKS]).position(f"{Broker(topics.servers).topic_id(CLICKS)[0]}/0")


@pytest.mark.parametrize("when", ["in the middle", "before the commit", "after the commit"])
def test_a_kill_loses_and_doubles_nothing(topics: Kafka, store: Lake, when: str) -> None:
    topics.send(CLICKS, numbered(0, 200))
    script = [sys.executable, "-m", "tests.integration.drains", when, store.root, topics.servers, CLICKS]

    killed = subprocess.run(script, check=False, timeout=60, cwd=Path(__file__).parents[2])

    assert -signal.SIGKILL == killed.returncode
    folder = Path(store.root) / BRONZE[CLICKS].name
    assert 1 <= len(list(folder.glob("*.parquet")))
    assert (200 if when == "after the commit" else 0) == store.open(BRONZE[CLICKS]).count()
    assert (0 if when == "after the commit" else 200) == drain_once(store, topics.servers, CLICKS)
    assert list(range(200)) == numbers(store)


def test_a_broker_that_restarts_in_the_middle_costs_a_wait_at_most(
    topics: Kafka, store: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics.send(CLICKS, numbered(0, 20_000), batch_size=500)
    monkeypatch.setattr(module, "_FETCH_BYTES_OF_PARTITION", 20_000)  # so that most is unread when the broker goes
    read, restarts = module._poll, []

    def interrupted(consumer, unread):  # type: ignore[no-untyped-def]
        polled = read(consumer, unread)
        if polled and not restarts:
            restarts.append(sum(consumer.position(place) for place in unread))
            topics.stop()
            topics.start()
        return polled

    monkeypatch.setattr(module, "_poll", interrupted)

    assert 20_000 == drain_once(store, topics.servers, CLICKS)
    assert restarts[0] < 10_000
    assert list(range(20_000)) == numbers(store)


def test_a_broker_that_is_gone_is_said_and_the_next_drain_does_it_all(
    topics: Kafka, store: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics.send(CLICKS, numbered(0, 100))
    monkeypatch.setattr(module, "SILENCE_SECONDS", 1)
    plan, broker = plan_drain(store, Broker(topics.servers), CLICKS), Broker(topics.servers)
    monkeypatch.setattr(module, "_poll", lambda *_: {})  # a broker that went: the client says nothing, for ever

    with pytest.raises(BrokerSilent, match="run again, nothing is lost"):
        carry_out(plan, store, broker)

    monkeypatch.undo()
    topics.stop()
    try:
        with pytest.raises(BrokerAway, match=r"ECONNREFUSED.*start it, or correct KAFKA_BOOTSTRAP_SERVERS"):
            drain_once(store, topics.servers, CLICKS)
    finally:
        topics.start()
    assert 100 == drain_once(store, topics.servers, CLICKS)


def test_of_two_drains_at_once_one_commits_and_the_other_reads_again(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, numbered(0, 30))
    drain_once(store, topics.servers, CLICKS)
    topics.send(CLICKS, numbered(30, 60))
    slow = plan_drain(store, Broker(topics.servers), CLICKS)
    topics.send(CLICKS, numbered(60, 80))
    assert 50 == drain_once(store, topics.servers, CLICKS)

    with pytest.raises(LakeBusy):
        carry_out(slow, store, Broker(topics.servers))

    assert 0 == drain_once(store, topics.servers, CLICKS)
    assert list(range(80)) == numbers(store)


def test_two_first_drains_at_once_double_nothing(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, numbered(0, 100))
    script = [sys.executable, "-m", "tests.integration.drains", "never", store.root, topics.servers, CLICKS]
    running = [start(script, dict(os.environ) | {"PYTHONPATH": str(Path(__file__).parents[2])}) for _ in range(3)]

    codes = [each.wait(timeout=60) for each in running]

    assert 0 in codes
    assert list(range(100)) == numbers(store)


def test_the_group_is_told_how_far_was_read(topics: Kafka, store: Lake) -> None:
    topics.send(CLICKS, numbered(0, 7))
    drain_once(store, topics.servers, CLICKS)

    with topics.admin() as admin:
        told = admin.list_group_offsets(["techflow"])["techflow"]

    assert {0: 4, 1: 3} == {place.partition: each.offset for place, each in told.items() if place.topic == CLICKS}


def test_a_poisoned_record_is_named_and_nothing_beside_it_is_lost(topics: Kafka, store: Lake) -> None:
    for record in (*numbered(0, 6), Sent(b'{"number":666}', 0, DAY), *numbered(6, 10)):
        topics.send(CLICKS, [record])
    log = topics.folder / "data" / f"{CLICKS}-0" / f"{0:020}.log" if topics.folder else pytest.skip("not our broker")
    log.write_bytes(log.read_bytes().replace(b":666}", b":667}"))  # a bit that flipped on a disk: the checksum tells

    with pytest.raises(RecordUnreadable, match=r"partition 0 from offset 3 on.*techflow offsets set click_events"):
        drain_once(store, topics.servers, CLICKS)
    assert set(range(6)) <= set(numbers(store)) <= set(range(10))
    with pytest.raises(RecordUnreadable):
        drain_once(store, topics.servers, CLICKS)
    assert 3 == move(store, Broker(topics.servers), CLICKS, 0, 4, Work("test", BRONZE[CLICKS].name))

    drain_once(store, topics.servers, CLICKS)

    assert list(range(10)) == numbers(store)
    assert 0 == store.open(BRONZE[CLICKS]).position(LIFE)


def test_tasks_on_ray_read_what_tasks_here_read(
    topics: Kafka, store: Lake, tmp_path: Path, ray_session: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics.send(CLICKS, numbered(0, 2_000))
    monkeypatch.setattr(module, "RECORDS_PER_TASK", 300)
    broker, other = Broker(topics.servers), Lake(str(tmp_path / "other"))

    def on_ray(function, shares):  # type: ignore[no-untyped-def]
        assert len(shares) == 7
        return run_on_ray(function, shares)

    carry_out(plan_drain(other, broker, CLICKS), other, broker, on_ray)
    drain_once(store, topics.servers, CLICKS)

    here, there = (lake.read(BRONZE[CLICKS]).sort("_partition", "_offset") for lake in (store, other))
    assert here.equals(there)


def test_a_worker_that_is_killed_in_the_middle_costs_its_task_a_second_try(
    topics: Kafka, store: Lake, tmp_path: Path, ray_session: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics.send(CLICKS, numbered(0, 2_000))
    monkeypatch.setattr(module, "RECORDS_PER_TASK", 300)
    plan, mark = plan_drain(store, Broker(topics.servers), CLICKS), tmp_path / "killed"

    def killed_once(share):  # type: ignore[no-untyped-def]
        if share.ranges[0].partition == 1 and not mark.exists():
            mark.touch()
            groups = module._groups

            def cut(share):  # type: ignore[no-untyped-def]
                yield cut_short(next(groups(share)))
                os.kill(os.getpid(), signal.SIGKILL)

            module._groups = cut
        return module.drain(share)

    rows = carry_out(plan, store, Broker(topics.servers), lambda _, shares: run_on_ray(killed_once, shares))

    assert (True, 2_000) == (mark.exists(), rows)
    assert list(range(2_000)) == numbers(store)
    # Seven tasks, and what the killed one had written, which belongs to nothing.
    assert 7 + 1 == len(list((Path(store.root) / BRONZE[CLICKS].name).glob("*.parquet")))


def test_an_error_on_ray_is_the_one_that_it_is_here(
    topics: Kafka, store: Lake, ray_session: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics.send(CLICKS, numbered(0, 100))
    plan, broker = plan_drain(store, Broker(topics.servers), CLICKS), Broker(topics.servers)
    topics.cut(CLICKS, 0, 10)

    with pytest.raises(TopicChanged, match="run again"):
        carry_out(plan, store, broker, run_on_ray)
