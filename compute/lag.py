"""Kafka lag, as the watch last saw it: how long the oldest unread record of each partition has waited.

Source: `operations.md` L-25.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# The states of a partition: the first two are good, LATE is a breach, the others an alarm of their own.
CAUGHT_UP, IN_TIME, LATE = "caught_up", "in_time", "late"
LOST, PAST_END, RECREATED = "lost", "past_end", "recreated"
BROKEN = {
    LOST: "records that nobody read are gone",
    PAST_END: "it is shorter than what was read of it",
    RECREATED: "it was deleted and made anew",
}


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """A partition of a topic.

    Attributes:
        unread: records behind the next offset in Delta.
        seconds: age of the oldest of them; 0 when there is none, None when it could not be told.
    """

    topic: str
    partition: int
    unread: int
    seconds: float | None
    state: str


@dataclass(frozen=True, slots=True)
class Lag:
    """What one look at the broker showed.

    Attributes:
        at: when the watch looked.
        partitions: those that answered.
        problem: why there is no answer; empty when there is one.
    """

    at: datetime
    partitions: Sequence[PartitionLag] = ()
    problem: str = ""
