"""The watch looks at the broker: lag, loss, and nobody who answers are incidents. Source: `operations.md` L-25."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.watch import watch
from storage.incidents import current_incidents
from storage.lag import last_lag
from storage.lake import Lake
from storage.watched import INCIDENT_EVENT
from tests.conftest import environment, techflow
from tests.integration.broker import CLICKS, Kafka, Sent
from tests.integration.drains import drain_once

pytestmark = pytest.mark.integration
_1970 = datetime(1970, 1, 1, tzinfo=UTC)


def sent(age_seconds: float) -> Sent:
    return Sent(b"{}", 0, (datetime.now(UTC) - timedelta(seconds=age_seconds) - _1970) // timedelta(milliseconds=1))


def register(lake: Lake) -> set[tuple[str, str, str, str]]:
    known = current_incidents(lake.open(INCIDENT_EVENT)).values()
    return {(each.problem.check_id, each.problem.scope, each.kind_of, each.status) for each in known}


def test_lag_and_loss_and_a_broker_that_is_away_are_incidents_of_their_own(
    topics: Kafka, lake: Lake, tmp_path: Path, prefect_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", topics.servers)
    topics.send(CLICKS, [sent(400)])
    watch()
    assert {("L-25", f"{CLICKS}/0", "standard", "open")} == register(lake)

    drain_once(lake, topics.servers, CLICKS)
    watch()
    watch()
    assert {("L-25", f"{CLICKS}/0", "standard", "resolved")} == register(lake)
    env = environment(tmp_path, tmp_path, prefect_home, KAFKA_BOOTSTRAP_SERVERS=topics.servers)
    board = json.loads(techflow("sla", "--format", "json", env=env).stdout)
    assert ("met", "max 0 s of 4 partitions") == next(
        (row["verdict"], row["measured"]) for row in board if row["sla"] == "L-25"
    )

    topics.send(CLICKS, [sent(30), sent(20), sent(10)])
    topics.cut(CLICKS, 0, 3)
    watch()
    assert ("L-25-lost", f"{CLICKS}/0", "critical", "open") in register(lake)

    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setattr("storage.kafka.broker.TIMEOUT_MS", 500)
    watch()
    assert ("L-25-broker", "", "standard", "open") in register(lake)
    lag = last_lag(lake)
    assert lag
    assert ((), True) == (lag.partitions, lag.problem.startswith("No Kafka broker lets us in at 127.0.0.1:1"))
