"""Timings: how long something took, and what many of them say together. Seconds are wall clock.

Source: `operations.md` D.1, L-20, L-23, L-26, L-27.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from math import ceil


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one thing took.

    Attributes:
        name: what it was: a flow, a table, a named query.
        at: when it ended.
        seconds: from its begin to its end.
    """

    name: str
    at: datetime
    seconds: float


def share_of(timings: Iterable[Timing], share: int) -> float:
    """Return the length that so many in a hundred do not exceed: the nearest rank, a length that was measured.

    Args:
        timings: at least one.
        share: 1 to 100.

    >>> from datetime import UTC
    >>> share_of([Timing("report", datetime(2024, 1, 1, tzinfo=UTC), length) for length in (1.0, 9.0, 2.0)], 50)
    2.0
    """
    lengths = sorted(timing.seconds for timing in timings)
    return lengths[ceil(len(lengths) * share / 100) - 1]
