"""The same records from a broker and from the file event log give the same tables."""

import json
import signal
import sys
import tarfile
from itertools import islice
from pathlib import Path

import polars as pl
import pytest
from prefect.settings import PREFECT_API_URL

from compute.contracts.feeds import ENGAGEMENT_FEEDS
from compute.months import Month
from flows.aggregated import aggregated
from flows.commands.export import BY_MONTH
from flows.engagement import engagement
from storage.catalog import BRONZE, DATASETS, DEAD_LETTER, DISPOSITIONS, LATE_EVENTS, SILVER
from storage.lake import Lake
from tests.conftest import EXAMPLES, environment, start
from tests.integration.broker import CLICKS, Kafka, Sent
from tests.integration.mixture import click, counted, mixture

pytestmark = pytest.mark.integration
MONTHS, AS_OF = "2023-12..2024-02", "2024-04-10T00:00:00Z"
INGEST = ("_batch_id", "batch_id", "batch", "_ingested_at", "landed_at")


@pytest.fixture
def company(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The company with faults, in the settings."""
    with tarfile.open(EXAMPLES / "faulty.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    home = tmp_path / "faulty"
    for place in ("landing", "ledger.sqlite", "company.toml"):
        monkeypatch.setenv(f"TECHFLOW_{place.partition('.')[0].upper()}", str(home / place))
    monkeypatch.setenv("TECHFLOW_PSEUDONYM_KEY", "one key")
    return home


def envelopes(company: Path, topic: str) -> list[Sent]:
    lines = (company / "landing" / "topics" / f"{topic}.jsonl").read_bytes().splitlines()
    found = [json.loads(line.decode("utf-8", "surrogateescape")) for line in lines]
    return [
        Sent(each["payload"].encode("utf-8", "surrogateescape"), each["partition"], each["ts"], each["key"].encode())
        for each in found
    ]


def tables(lake: Lake) -> dict[str, pl.DataFrame]:
    """Return silver, gold and dead letters, ingest columns apart."""
    chosen = [each for each in DATASETS if each.name.startswith(("silver/", "gold/")) or each is DEAD_LETTER]
    rows = {each.name: lake.read(each).drop(*INGEST, strict=False) for each in chosen}
    return {each.name: rows[each.name].sort([name for name in each.key if name not in INGEST]) for each in chosen}


def test_broker_and_file_event_log_give_the_same_gold(
    company: Path, topics: Kafka, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", topics.servers)
    sent = {feed.dataset: envelopes(company, feed.dataset) for feed in ENGAGEMENT_FEEDS}
    # What a log of files has not: no value at all, bytes that are no text, no JSON, the same click once more.
    sent[CLICKS] += [Sent(None, 1, 1_706_000_000_000), Sent(b"\xff{", 2, 1_706_000_000_000)]
    sent[CLICKS] += [Sent(b"no json", 0, 1_706_000_000_000), sent[CLICKS][100]]
    for topic, records in sent.items():
        topics.grow(topic, 6)
        topics.send(topic, records[: len(records) // 2])
    aggregated(MONTHS, as_of=AS_OF)
    for topic, records in sent.items():
        topics.send(topic, records[len(records) // 2 :])

    aggregated(MONTHS, as_of=AS_OF)

    drained = tables(lake)
    assert {topic: len(records) for topic, records in sent.items()} == {
        topic: lake.open(BRONZE[topic]).count() for topic in sent
    }
    assert 3 + 3 == lake.read(DEAD_LETTER, pl.col("dataset") == CLICKS).filter(pl.col("codes") == "CLK-R00").height
    for topic in sent:
        lines = b"".join(line + b"\n" for line in topics.envelopes(topic))
        (company / "landing" / "topics" / f"{topic}.jsonl").write_bytes(lines)
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS")
    monkeypatch.setenv("TECHFLOW_LAKE", str(tmp_path / "other"))
    aggregated(MONTHS, as_of=AS_OF)
    other = Lake(str(tmp_path / "other"))
    for name, rows in tables(other).items():
        assert rows.equals(drained[name]), name
    for month in ("2023-12", "2024-01", "2024-02"):
        for table in ("metrics", "reconciliation", "completeness"):
            one, two = (BY_MONTH[table](each, Month.parse(month)) for each in (lake, other))
            assert one.equals(two), (month, table)
    assert lake.read(SILVER[CLICKS]).height
    assert lake.read(DISPOSITIONS).height


def test_every_duplicate_late_and_malformed_record_is_counted(
    topics: Kafka, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A million of them: tests/benchmarks/kafka_faults.py.
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", topics.servers)
    clicks, first = 100_000, 60_000
    sent = mixture(clicks, milliseconds=3_000)
    topics.send(CLICKS, islice(sent, first))
    engagement("2024-01", as_of="2024-01-07T00:00:00Z")
    topics.send(CLICKS, sent)

    made = engagement("2024-01", as_of="2024-01-07T00:00:00Z")

    assert sum(counted(clicks).values()) - first == made["rows"][CLICKS]  # type: ignore[index]
    counts = lake.read(DISPOSITIONS, (pl.col("dataset") == CLICKS) & (pl.col("code") == ""))
    totals = counts.group_by("disposition").agg(pl.col("rows").sum())
    assert counted(clicks) == dict(totals.rows())
    assert clicks == lake.read(SILVER[CLICKS]).height
    assert 1_000 == lake.read(LATE_EVENTS).height
    assert 100 == lake.read(DEAD_LETTER).height


KILLED = """
from tests.integration.drains import die_in_the_middle
die_in_the_middle()
from flows.engagement import engagement
engagement("2024-01", as_of="2024-01-07T00:00:00Z")
"""
QUIET = KILLED.replace("die_in_the_middle()", "")


def test_a_flow_that_was_killed_and_two_at_once_after_it_land_every_record_once(
    topics: Kafka, tmp_path: Path, golden: Path, prefect_home: Path, prefect_api: None
) -> None:
    times = [1_704_067_200_000 + number * 60_000 for number in range(300)]
    topics.send(CLICKS, [Sent(click(number, at), number % 2, at) for number, at in enumerate(times)])
    env = environment(
        tmp_path / "home", golden / "landing", prefect_home, TECHFLOW_EXECUTOR="inline",
        PREFECT_API_URL=str(PREFECT_API_URL.value()), KAFKA_BOOTSTRAP_SERVERS=topics.servers,
        PYTHONPATH=str(Path(__file__).parents[2]),
    )  # fmt: skip
    lake = Lake(str(tmp_path / "home" / "lake"))

    killed = start([sys.executable, "-c", KILLED], env).wait(timeout=120)
    landed = lake.open(BRONZE[CLICKS]).count()
    codes = [run.wait(timeout=120) for run in [start([sys.executable, "-c", QUIET], env) for _ in range(2)]]

    assert (-signal.SIGKILL, 0, [0, 0]) == (killed, landed, codes)
    places = lake.read(BRONZE[CLICKS]).select("_partition", "_offset")
    assert (300, 300) == (places.height, places.n_unique())
    assert 300 == lake.read(SILVER[CLICKS]).height
