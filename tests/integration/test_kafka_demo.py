"""The demo from a broker: its topics are sent once, drained, and the broker that it started is gone."""

import json
import re
import shutil
from pathlib import Path

import pytest

from compute.errors import BadSetting
from flows.commands import demo as module
from storage.catalog import BRONZE, SILVER
from storage.kafka.broker import Broker
from storage.kafka.fill import Filled, fill
from storage.lake import Lake
from tests.integration.broker import CLICKS, Kafka, Sent

pytestmark = pytest.mark.integration
START = 1_705_314_601_000  # 2024-01-15T10:30:01Z


def line(partition: int, offset: int, page: str = "") -> dict[str, object]:
    record = {"user_id": "USER_1", "account_id": "ACC_001", "event_type": "page_view", "session_id": "S",
              "timestamp": f"2024-01-15T10:{offset:02}:00Z", "page_url": f"/{partition}/{offset}{page}"}  # fmt: skip
    return {"topic": CLICKS, "partition": partition, "offset": offset, "tstype": "create", "ts": START + offset,
            "key": "ACC_001", "payload": json.dumps(record)}  # fmt: skip


def log(landing: Path, *lines: dict[str, object]) -> list[bytes]:
    (landing / "topics").mkdir(parents=True, exist_ok=True)
    rows = [json.dumps(each, separators=(",", ":")).encode() for each in lines]
    (landing / "topics" / f"{CLICKS}.jsonl").write_bytes(b"\n".join(rows))
    return rows


def test_a_log_is_sent_once_with_its_places_and_times_and_what_was_cut_off_is_completed(
    topics: Kafka, tmp_path: Path
) -> None:
    topics.delete(CLICKS)
    rows = log(tmp_path, *(line(partition, offset) for offset in range(20) for partition in (0, 2)))
    broker = Broker(topics.servers)

    assert Filled(CLICKS, 3, 40, 40) == fill(broker, str(tmp_path), CLICKS)
    assert sorted(rows) == sorted(topics.envelopes(CLICKS))
    assert Filled(CLICKS, 3, 40, 0) == fill(broker, str(tmp_path), CLICKS)
    # Three more, one place twice, and a line that is no envelope.
    more = log(tmp_path, *(line(0, each) for each in range(23)), line(0, 22, "again"), {"no": "envelope"},
               *(line(2, each) for each in range(20)))  # fmt: skip
    assert Filled(CLICKS, 3, 43, 3) == fill(broker, str(tmp_path), CLICKS)
    assert sorted(more[:23] + more[25:]) == sorted(topics.envelopes(CLICKS))


def test_a_topic_with_other_records_is_left_alone(topics: Kafka, tmp_path: Path) -> None:
    topics.send(CLICKS, [Sent(b"{}", 1), Sent(b"{}", 1)])
    log(tmp_path, line(0, 0), line(1, 0))

    with pytest.raises(BadSetting, match="holds other records than the demonstration's"):
        fill(Broker(topics.servers), str(tmp_path), CLICKS)

    assert 2 == len(topics.envelopes(CLICKS))


def test_the_demo_sends_drains_and_stops_what_it_started(
    lake: Lake, golden: Path, tmp_path: Path, ray_session: None, broker: Kafka, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    shutil.copytree(golden, tmp_path / "examples" / "golden")
    log(
        tmp_path / "examples" / "golden" / "landing",
        *(line(partition, each) for each in range(9) for partition in (0, 1)),
    )
    monkeypatch.setattr(module, "EXAMPLES", tmp_path / "examples")
    for name in ("TECHFLOW_LAKE", "TECHFLOW_COMPANY", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.setenv(name, "")  # so that what the demo sets ends with the test
    home = tmp_path / "golden-kafka"

    for sent, there in ((18, ""), (0, ", 18 were there already")):
        monkeypatch.setenv("TECHFLOW_HOME", str(tmp_path))
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "")
        module.demo("golden", kafka=True)
        told = capsys.readouterr().out
        assert f"{CLICKS}: {sent} records sent to 2 partitions{there}" in told
        assert re.search(rf"drained +18 {CLICKS}, 0 usage_sessions, 0 team_activity from 127\.0\.0\.1:\d+", told)
        assert f"stopped; its topics are kept in {home / 'kafka'}" in told
        assert not (home / "kafka" / "pid").exists()

    made = Lake(str(home / "lake"))
    assert (18, 18) == (made.open(BRONZE[CLICKS]).count(), made.open(SILVER[CLICKS]).count())
    assert not (tmp_path / "golden").exists()
