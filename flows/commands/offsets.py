"""`techflow lag` and `techflow offsets`: how far topics are read, and what an operator decides of it."""

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import polars as pl
import typer

from compute.contracts.feeds import ENGAGEMENT_FEEDS
from compute.errors import BadSetting
from compute.lag import CAUGHT_UP, IN_TIME
from flows.commands.export import write
from flows.commands.screen import screen
from flows.settings import load_settings
from storage.catalog import BRONZE
from storage.lake import Lake
from storage.work import Work

if TYPE_CHECKING:  # the client of the broker would slow every command's start
    from storage.kafka.broker import Broker

app = typer.Typer(no_args_is_help=True, help="Where the reading of a topic goes on: for when records were lost.")
TOPICS = tuple(contract.dataset for contract in ENGAGEMENT_FEEDS)
Topic = Annotated[str, typer.Argument(help=f"One of {', '.join(TOPICS)}.", metavar="TOPIC")]


def lag(
    exact: Annotated[bool, typer.Option("--exact", help="Read the oldest unread records for their age.")] = False,  # noqa: FBT002
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="table, csv or json.")] = "table",
) -> None:
    """Tell whether Delta is less than 5 minutes behind the topics; exit code 1 when it is not.

    Example: techflow lag --exact
    """
    from storage.kafka.lag import lag_of

    lake, broker, now = *_places(), datetime.now(UTC)
    rows = pl.concat([lag_of(lake, broker, topic, now, is_exact=exact) for topic in TOPICS])
    write(rows, form, None)
    if not rows.get_column("state").is_in([CAUGHT_UP, IN_TIME]).all():
        raise typer.Exit(1)


@app.command("accept")
def accept_loss(topic: Topic) -> None:
    """Go on with what the broker holds: what is gone unread is lost, a topic made anew is read from its beginning.

    Example: techflow offsets accept click_events
    """
    from storage.kafka.offsets import accept

    lake, broker = _places()
    moved = accept(lake, broker, _known(topic), _work(topic))
    for partition, (before, now) in sorted(moved.items()):
        screen().print(f"{topic} partition {partition} goes on at {now}" + (f", was {before}" if before else ""))
    if not moved:
        screen().print(f"{topic}: nothing to accept")


@app.command("set")
def set_offset(topic: Topic, partition: int, offset: int) -> None:
    """Go on at an offset: further on, what lies between is not read; further back, it is received once more.

    Example: techflow offsets set click_events 3 1200
    """
    from storage.kafka.offsets import move

    lake, broker = _places()
    before = move(lake, broker, _known(topic), partition, offset, _work(topic))
    screen().print(f"{topic} partition {partition} goes on at {offset}, was {before}")


def _known(topic: str) -> str:
    if topic not in TOPICS:
        raise BadSetting(f"There is no topic '{topic}': the topics are {', '.join(TOPICS)}.")
    return topic


def _places() -> "tuple[Lake, Broker]":
    from storage.kafka.broker import Broker

    settings = load_settings()
    if not settings.kafka:
        raise BadSetting("KAFKA_BOOTSTRAP_SERVERS is not set: give it the broker as host:port.")
    return Lake(settings.lake_place), Broker(settings.kafka, settings.kafka_security)


def _work(topic: str) -> Work:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Work(f"offsets by {getpass.getuser()}", BRONZE[topic].name, finished_at=now)
