"""How far the topics are known is told by what a drain left unread. Source: `operations.md` L-3."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from compute.company import Company
from flows import drain
from flows.aggregated import aggregated
from flows.profit import profit
from storage.catalog import BRONZE, COMPLETENESS_ROW
from storage.kafka.broker import Broker
from storage.kafka.offsets import accept, move
from storage.kafka.plan import plan_drain
from storage.lake import Lake
from storage.watched import RUNS
from storage.watermark import NOTHING, engagement_watermark
from storage.work import Work
from tests.integration.broker import CLICKS, Kafka, Sent
from tests.integration.drains import carry_out, drain_once

pytestmark = pytest.mark.integration
AS_OF = datetime(2024, 2, 10, tzinfo=UTC)
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


def click(partition: int, at: datetime, arrival: datetime | None = None) -> Sent:
    record = {
        "user_id": "USER_1", "account_id": "ACC_001", "event_type": "login", "timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "session_id": f"S{at:%d%H%M}", "page_url": "/", "user_agent": "x", "ip_address": "8.8.8.8",
    }  # fmt: skip
    ms = ((arrival or at) - _1970) // timedelta(milliseconds=1)
    return Sent(json.dumps(record).encode(), partition, ms)


def clicks_missing(lake: Lake) -> int:
    rows = lake.read(COMPLETENESS_ROW, (pl.col("month") == "2024-01") & (pl.col("dataset") == CLICKS))
    return int(rows["missing"].item())


def test_a_drain_that_stops_before_the_end_holds_back_the_dates_that_it_has_not_read(
    topics: Kafka, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime(2024, 1, 20, 12, tzinfo=UTC)
    early = [click(0, noon), click(0, datetime(2024, 1, 28, tzinfo=UTC), arrival=noon)]  # the second is ahead of time
    topics.send(CLICKS, [*early, click(0, noon + timedelta(days=5)), click(1, noon + timedelta(days=9))])
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", topics.servers)
    with monkeypatch.context() as capped:
        capped.setattr(
            drain,
            "plan_drain",
            lambda store, broker, topic: plan_drain(store, broker, topic).until({0: 2} if topic == CLICKS else {}),
        )
        aggregated("2024-01", as_of=AS_OF.isoformat())

    # Partition 0 is known to the 20th noon, so the 17th is mature (20th 00:00Z) and the 18th is not: 14 dates wait.
    assert noon == engagement_watermark(lake, Company(), AS_OF)
    assert (noon, 14) == (lake.read(RUNS)["watermark"].item(), clicks_missing(lake))

    profit("2024-01", as_of=AS_OF.isoformat())
    aggregated("2024-01", as_of=AS_OF.isoformat())

    assert 0 == clicks_missing(lake)
    assert [noon, None, AS_OF] == lake.read(RUNS).sort("started_at")["watermark"].to_list(), "profit reads no topic"


def test_what_is_unread_is_told_by_every_drain_and_by_who_moves_the_offsets(topics: Kafka, tmp_path: Path) -> None:
    store, broker = Lake(str(tmp_path / "lake")), Broker(topics.servers)
    work = Work("test", BRONZE[CLICKS].name)
    mark = lambda: engagement_watermark(store, Company(), AS_OF)  # noqa: E731
    assert AS_OF == mark()  # nothing was ever read of a broker

    topics.send(CLICKS, [click(0, AS_OF), click(0, AS_OF)])
    carry_out(plan_drain(store, broker, CLICKS).until({0: 0}), store, broker)
    assert NOTHING == mark(), "nothing of the partition is known, and something is there"

    drain_once(store, topics.servers, CLICKS)
    version = store.open(BRONZE[CLICKS]).version
    assert (AS_OF, 0, version) == (
        mark(), drain_once(store, topics.servers, CLICKS), store.open(BRONZE[CLICKS]).version
    )  # fmt: skip

    move(store, broker, CLICKS, 0, 1, work)
    assert NOTHING == mark(), "sent back by hand"
    topics.send(CLICKS, [click(0, AS_OF)])
    topics.cut(CLICKS, 0, 2)
    accept(store, broker, CLICKS, work)
    assert NOTHING == mark(), "the rest of it is still unread"
    drain_once(store, topics.servers, CLICKS)
    assert AS_OF == mark()
