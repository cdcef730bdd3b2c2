"""`techflow demo --kafka`: the company's topics in a broker, from which the demo drains them."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from compute.contracts.feeds import ENGAGEMENT_FEEDS
from compute.errors import BadSetting
from flows.settings import load_settings

if TYPE_CHECKING:  # the client of a broker would slow every command's start
    from storage.kafka.broker import Broker

SCRIPT = Path(__file__).parents[2] / "deployments" / "kafka" / "kafka.sh"
_HOST = "127.0.0.1"


@contextmanager
def filled_broker(console: Console, home: Path) -> Iterator[str]:
    """Fill the broker of KAFKA_BOOTSTRAP_SERVERS, or one that runs until the end, and yield where it is.

    Raises:
        BadSetting: when there is none and none can be started, or its topics hold other records.
    """
    from storage.kafka.broker import Broker

    settings = load_settings()
    if settings.kafka:
        _fill(console, Broker(settings.kafka, settings.kafka_security), home)
        yield settings.kafka
        return
    with _own(console, home / "kafka") as servers:
        _fill(console, Broker(servers), home)
        yield servers


def _fill(console: Console, broker: "Broker", home: Path) -> None:
    from storage.kafka.fill import fill

    console.print(f"sending the topics to {broker.servers} …", style="dim")
    for feed in ENGAGEMENT_FEEDS:
        made = fill(broker, str(home / "landing"), feed.dataset)
        there = "" if made.sent == made.records else f", {made.records - made.sent:,} were there already"
        console.print(f"{made.topic}: {made.sent:,} records sent to {made.partitions} partitions{there}")


@contextmanager
def _own(console: Console, folder: Path) -> Iterator[str]:
    """Run the broker of `deployments/kafka` on loopback, its data in a folder of the demo's."""
    if absent := [name for name in ("java", "mvn") if not shutil.which(name)]:
        raise BadSetting(
            f"There is no {' and no '.join(absent)} to start Kafka with: install default-jre-headless and maven, "
            "or set KAFKA_BOOTSTRAP_SERVERS to a broker that you have."
        )
    console.print("starting Apache Kafka (some seconds; the first time its jars are fetched) …", style="dim")
    env = os.environ | {"KAFKA_PORT": _port(), "KAFKA_CONTROLLER_PORT": _port()}
    _script("stop", folder, env)  # one that a killed demo has left, at a port that nobody knows
    _script("start", folder, env)
    try:
        yield f"{_HOST}:{env['KAFKA_PORT']}"
    finally:
        _script("stop", folder, env)
        console.print(f"[bold]broker[/]   stopped; its topics are kept in {folder}", soft_wrap=True)


def _script(act: str, folder: Path, env: dict[str, str]) -> None:
    words = [str(SCRIPT), act, str(folder)]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, start_new_session=True)
    if done.returncode:
        raise BadSetting(f"Kafka did not {act}: {' '.join(done.stderr.split())}")


def _port() -> str:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return str(probe.getsockname()[1])
