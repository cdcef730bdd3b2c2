"""Validation in real time: how long rows of growth waited from their landing until a verdict on them was kept.

Source: `operations.md` L-23.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from compute.timings import Timing


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of a table: of received rows its version, of verdicts the version of the received rows behind it."""

    version: int
    at: datetime


def validations(dataset: str, landed: Iterable[Commit], judged: Sequence[Commit], now: datetime) -> list[Timing]:
    """Return how long each batch waited for its verdict; one that still waits, how long it does by now.

    Args:
        dataset: whose rows they are.
        landed: commits that brought rows.
        judged: commits of verdicts, oldest first.
        now: the wall clock.
    """
    found = []
    for batch in landed:
        verdict = next((each for each in judged if each.version >= batch.version), None)
        end = verdict.at if verdict else now
        found.append(Timing(dataset, end, (end - batch.at).total_seconds()))
    return found
