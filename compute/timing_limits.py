"""The limits of how long things may take: which timings, which share of them, how long, and what is said of a breach.

Source: `operations.md` D.1, L-20, L-23, L-26, L-27.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from compute.company_promises import Sla
from compute.facts import Facts
from compute.timings import Timing, share_of

EVERY, MOST = 100, 95


@dataclass(frozen=True, slots=True)
class TimingLimit:
    """What must not take too long.

    Attributes:
        timings: those that are judged.
        seconds: the limit.
        is_over: whether a length breaks it.
        share: how many in a hundred must keep it.
        recent: how many of the newest of a name an incident is judged by: it ends when they are well again.
        nothing: what is said when there is none.
        title: of an incident, with the `{name}`.
    """

    sla_id: str
    timings: Callable[[Facts], Sequence[Timing]]
    seconds: Callable[[Sla], float]
    is_over: Callable[[float, float], bool]
    share: int
    recent: int
    nothing: str
    title: str


def _or_more(length: float, limit: float) -> bool:
    return length >= limit


def _more(length: float, limit: float) -> bool:
    return length > limit


PROCESSING = TimingLimit(
    "L-20", lambda facts: facts.processing, lambda sla: sla.processing_seconds, _or_more, EVERY, 1,
    "no run in 28 days", "The last run of {name} took too long.",
)  # fmt: skip
VALIDATION = TimingLimit(
    "L-23", lambda facts: facts.validations, lambda sla: sla.validation_seconds, _more, MOST, 20,
    "no rows of growth landed in 28 days", "Rows of {name} wait too long for a verdict.",
)  # fmt: skip
RAY = TimingLimit(
    "L-26", lambda facts: facts.ray_jobs, lambda sla: sla.compute_job_seconds, _or_more, EVERY, 1,
    "no Ray job in 28 days", "The last Ray job for {name} took too long.",
)  # fmt: skip
QUERY = TimingLimit(
    "L-27", lambda facts: facts.queries, lambda sla: sla.query_seconds, _or_more, MOST, 20,
    "nobody asked in 28 days", "Whoever reads {name} waits too long.",
)  # fmt: skip
TIMING_LIMITS = (PROCESSING, VALIDATION, RAY, QUERY)


def is_broken(limit: TimingLimit, done: Sequence[Timing], seconds: float) -> bool:
    """Tell whether a share of timings breaks a limit."""
    return limit.is_over(share_of(done, limit.share), seconds)
