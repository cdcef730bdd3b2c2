"""A score: what a service level measures now, and the verdict. Source: `operations.md` D.1."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from compute.facts import Facts

Verdict = Literal["met", "open", "breached", "no_data"]


@dataclass(frozen=True, slots=True)
class Score:
    """One service level now."""

    measured: str
    verdict: Verdict
    since: datetime | None = None
    next_due: datetime | None = None


Measure = Callable[[Facts], Score]


def hours(length: timedelta) -> str:
    """Return a length as people read it.

    >>> hours(timedelta(minutes=90))
    '1.5 h'
    """
    return f"{length.total_seconds() / 3600:.1f} h"
