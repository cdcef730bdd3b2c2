"""Does the scheduled micro-batch keep lag under 5 minutes while clicks keep coming? Draws a chart; run by hand.

    .venv/bin/python -m tests.benchmarks.kafka_load [CLICKS_PER_SECOND] [MINUTES]

A Prefect server, a worker and a broker of deployments/kafka; the deployments are those of `prefect.yaml`, the
micro-batch's schedule is switched on. A click a record, broker time, one in a hundred sent twice. Every 5 seconds the
exact lag is measured, as `techflow lag --exact` does. The chart goes to docs/images/kafka-lag.svg.
"""

import json
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from kafka import KafkaProducer

from compute.contracts.feeds import ENGAGEMENT_FEEDS
from storage.catalog import BRONZE, SILVER
from storage.kafka.broker import Broker
from storage.kafka.lag import LIMIT, lag_of
from storage.kafka.plan import Bounds, position_name
from storage.lake import Lake
from storage.runs import runs
from tests.conftest import a_port, ending, environment, start, techflow
from tests.integration.broker import CLICKS, running_broker
from tests.integration.served import is_healthy, wait_until

SECONDS_BETWEEN = 5
CHART = Path(__file__).parents[2] / "docs" / "images" / "kafka-lag.svg"
Sample = tuple[float, float, int]


def clicks(first: int) -> Iterator[bytes]:
    """Yield clicks of a hundred users, without end; one in a hundred comes twice."""
    number = first
    while True:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        click = {"user_id": f"USER_{number % 100}", "account_id": f"ACC_{number % 20:03}", "event_type": "page_view",
                 "session_id": f"S{number // 50}", "timestamp": at, "page_url": f"/page/{number}"}  # fmt: skip
        for _ in range(2 if number % 100 == 0 else 1):
            yield json.dumps(click).encode()
        number += 1


def produce(servers: str, per_second: int, until: float) -> int:
    """Send clicks at a steady rate; returns how many."""
    producer, source, sent = KafkaProducer(bootstrap_servers=servers, linger_ms=50), clicks(0), 0
    begin = time.monotonic()
    while (now := time.monotonic()) < until:
        while sent < (now - begin) * per_second:
            producer.send(CLICKS, next(source), partition=sent % 4)
            sent += 1
        time.sleep(0.02)
    producer.flush()
    producer.close()
    return sent


def ask(url: str, path: str, body: object, method: str) -> Any:
    """Return the answer of the Prefect server."""
    request = urllib.request.Request(
        f"{url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read() or b"null")


def switch_on(url: str, name: str) -> None:
    """Switch a deployment's schedule on."""
    for each in ask(url, "deployments/filter", {}, "POST"):
        for schedule in each["schedules"] if each["name"] == name else ():
            ask(url, f"deployments/{each['id']}/schedules/{schedule['id']}", {"active": True}, "PATCH")


def watched(lake: Lake, broker: Broker, until: float) -> list[Sample]:
    """Return seconds since the start, the largest lag in seconds, and the records unread, again and again."""
    samples, begin = [], time.monotonic()
    while time.monotonic() < until:
        rows = lag_of(lake, broker, CLICKS, datetime.now(UTC), is_exact=True)
        largest, unread = rows.select(pl.col("lag_seconds").max(), pl.col("unread").sum()).row(0)
        samples.append((time.monotonic() - begin, largest or 0.0, unread))
        time.sleep(SECONDS_BETWEEN)
    return samples


def chart(samples: list[Sample], title: str) -> str:
    """Return the lag over time as a picture."""
    width, height, left, top = 860, 320, 60, 40
    span, most = samples[-1][0], LIMIT.total_seconds() * 1.1

    def x(seconds: float) -> float:
        return left + seconds / span * (width - left - 20)

    def y(lag: float) -> float:
        return top + (1 - lag / most) * (height - top - 40)

    line = " ".join(f"{x(at):.1f},{y(lag):.1f}" for at, lag, _ in samples)
    limit = y(LIMIT.total_seconds())
    grid = "".join(
        f'<line x1="{left}" x2="{width - 20}" y1="{y(lag):.1f}" y2="{y(lag):.1f}" stroke="#e3e3e3"/>'
        f'<text x="{left - 8}" y="{y(lag) + 4:.1f}" text-anchor="end">{lag}</text>'
        for lag in range(0, int(most), 60)
    )
    minutes = "".join(
        f'<text x="{x(minute * 60):.1f}" y="{height - 18}" text-anchor="middle">{minute}</text>'
        for minute in range(int(span // 60) + 1)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="12" fill="#333">'
        f'<rect width="{width}" height="{height}" fill="#fff"/><text x="{left}" y="22" font-size="14">{title}</text>'
        f"{grid}{minutes}"
        f'<line x1="{left}" x2="{width - 20}" y1="{limit:.1f}" y2="{limit:.1f}" stroke="#c0392b" stroke-dasharray="6 4"/>'
        f'<text x="{width - 20}" y="{limit - 6:.1f}" text-anchor="end" fill="#c0392b">L-25: 300 s</text>'
        f'<polyline points="{line}" fill="none" stroke="#1f6fb2" stroke-width="2"/>'
        f'<text x="{width / 2}" y="{height - 2}" text-anchor="middle">minutes</text></svg>\n'
    )


def main(per_second: int, minutes: int) -> None:
    """Load, watch, draw, and tell."""
    with tempfile.TemporaryDirectory() as folder, ending() as started:
        place = Path(folder)
        (place / "landing").mkdir()
        port, lake = a_port(), Lake(str(place / "home" / "lake"))
        url = f"http://127.0.0.1:{port}/api"
        for kafka in running_broker(place / "kafka"):
            kafka.create(CLICKS, partitions=4, **{"message.timestamp.type": "LogAppendTime"})
            kafka.create(*(each.dataset for each in ENGAGEMENT_FEEDS if each.dataset != CLICKS))
            env = environment(
                place / "home", place / "landing", place / "prefect", PREFECT_API_URL=url,
                KAFKA_BOOTSTRAP_SERVERS=kafka.servers, PREFECT_WORKER_QUERY_SECONDS="2",
            )  # fmt: skip
            prefect = [sys.executable, "-m", "prefect"]
            started.append(start([*prefect, "server", "start", "--host", "127.0.0.1", "--port", port], env))
            wait_until(lambda: is_healthy(url), "a healthy server")
            techflow("deploy", env=env)
            switch_on(url, "engagement-micro-batch")
            started.append(start([*prefect, "worker", "start", "--pool", "techflow-process"], env))
            until = time.monotonic() + minutes * 60
            with ThreadPoolExecutor(1) as beside:
                load = beside.submit(produce, kafka.servers, per_second, until)
                samples = watched(lake, Broker(kafka.servers), until)
            sent, bounds = load.result(), Bounds.of(Broker(kafka.servers), CLICKS)
            table = lake.open(BRONZE[CLICKS])
            read = sum(table.position(position_name(bounds.topic_id, each)) or 0 for each in bounds.end)
            assert (sent, read) == (sum(bounds.end.values()), table.count())
            ended = [each for each in ask(url, "flow_runs/filter", {}, "POST") if each["total_run_time"]]
        done = runs(lake).filter(pl.col("dataset") == f"bronze/{CLICKS}")
        largest = max(lag for _, lag, _ in samples)
        title = f"Lag of click_events: {per_second:,} clicks a second, a micro-batch every 2 minutes"
        CHART.write_text(chart(samples, title), encoding="utf-8")
        ordered = sorted(lag for _, lag, _ in samples)
        print(f"{sent:,} records in {minutes} minutes, {done.height} batches committed rows")  # noqa: T201
        print(f"lag: largest {largest:.0f} s, median {ordered[len(ordered) // 2]:.0f} s")  # noqa: T201
        print(f"most unread: {max(unread for *_, unread in samples):,}")  # noqa: T201
        longest = max(each["total_run_time"] for each in ended)
        print(f"{len(ended)} runs, the longest {longest:.0f} s beside the start of its process")  # noqa: T201
        print(f"in bronze: {table.count():,}, each once; in silver: {lake.open(SILVER[CLICKS]).count():,}")  # noqa: T201


if __name__ == "__main__":
    main(*[int(word) for word in sys.argv[1:]][:2] or (1_000, 10))
