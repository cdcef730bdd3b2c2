"""A drain of one topic without Prefect, as `flows.drain` does it; also run by itself, to be killed."""

import os
import signal
import sys
from datetime import UTC, datetime

from compute.cluster import run_here
from storage.catalog import BRONZE
from storage.kafka import drain as module
from storage.kafka.broker import Broker
from storage.kafka.drain import Runner, land_topic_of
from storage.kafka.plan import Plan, plan_drain
from storage.kafka.rows import Piece
from storage.lake import Lake
from storage.table import Table
from storage.work import Work

AS_OF, NOW = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC)


def drain_once(lake: Lake, servers: str, topic: str) -> int:
    """Drain a topic to its end; returns how many rows it brought."""
    broker = Broker(servers)
    return carry_out(plan_drain(lake, broker, topic), lake, broker)


def carry_out(plan: Plan, lake: Lake, broker: Broker, run: Runner = run_here) -> int:
    """Drain as planned; returns how many rows it brought."""
    work = Work("test", BRONZE[plan.topic].name)
    return land_topic_of(broker, plan, run, lake=lake, as_of=AS_OF, now=NOW, work=lambda *_: work).rows


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def cut_short(group: list[Piece]) -> list[Piece]:
    """Return the first ten records of a group."""
    (partition, columns), *_ = group
    return [(partition, columns.between(columns.offsets[0], columns.offsets[0] + 10))]


def die_in_the_middle() -> None:
    """End in the middle of the second share, when some of its rows are written."""
    module.RECORDS_PER_TASK = 60
    groups, calls = module._groups, iter(range(2))

    def cut(share):  # type: ignore[no-untyped-def]
        if next(calls):
            yield cut_short(next(groups(share)))
            die()
        yield from groups(share)

    module._groups = cut


def die_after_the_commit() -> None:
    append = Table.append_files

    def committed(self, *given):  # type: ignore[no-untyped-def]
        append(self, *given)
        die()

    Table.append_files = committed  # type: ignore[method-assign]


if __name__ == "__main__":
    when, root, servers, topic = sys.argv[1:]
    if when == "in the middle":
        die_in_the_middle()
    elif when == "before the commit":
        Table.append_files = die  # type: ignore[method-assign,assignment]
    elif when == "after the commit":
        die_after_the_commit()
    drain_once(Lake(root), servers, topic)
