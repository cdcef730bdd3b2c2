"""Service levels of runs and waiting times: success, processing, Ray jobs, validation, lag, queries, volume.

Source: `operations.md` D.1, L-19 to L-21, L-23, L-25 to L-27.
"""

from collections.abc import Sequence
from datetime import timedelta

from compute.facts import WINDOW, Facts
from compute.lag import BROKEN, LATE
from compute.publication import PROMISES, periods
from compute.score import Measure, Score
from compute.sla_fresh import decided
from compute.success import success
from compute.timing_limits import TimingLimit, is_broken
from compute.timings import Timing, share_of


def succeeded(window: timedelta) -> Measure:
    """Return the measure of scheduled runs over a window (L-19)."""

    def measure(facts: Facts) -> Score:
        found = success(facts.runs, facts.now, window, facts.company.sla)
        if found is None:
            return Score("no scheduled run yet", "no_data")
        share = (found.slots - len(found.failed)) / found.slots
        told = (
            f"{share:.1%} of {found.slots} in {window.days} days; {len(found.failed)} failed, {found.allowed} allowed"
        )
        is_over = len(found.failed) > found.allowed
        since = found.failed[found.allowed] if is_over else None
        return Score(f"{told}; {_on_time(facts)}", "breached" if is_over else "met", since)

    return measure


def _on_time(facts: Facts) -> str:
    """Return how many days and weeks of all promises were out in time: partitions on time of those expected."""
    found = [
        each
        for promise in PROMISES
        for each in decided(periods(promise, facts.runs, facts.now, facts.company), facts.now)
    ]
    late = sum(each.is_late(facts.now) for each in found)
    return f"{len(found) - late} of {len(found)} days and weeks in time"


def timed(limit: TimingLimit) -> Measure:
    """Return the measure of how long something took over 28 days."""

    def measure(facts: Facts) -> Score:
        done = [each for each in limit.timings(facts) if facts.now - WINDOW <= each.at <= facts.now]
        if not done:
            return Score(limit.nothing, "no_data")
        seconds = limit.seconds(facts.company.sla)
        told = f"{lengths(done)}{_offenders(limit, done, seconds)}"
        if not is_broken(limit, done, seconds):
            return Score(told, "met")
        return Score(told, "breached", min(each.at for each in done if limit.is_over(each.seconds, seconds)))

    return measure


def lengths(done: Sequence[Timing]) -> str:
    """Return the lengths of timings as people read them."""
    p50, p95, most = (share_of(done, share) for share in (50, 95, 100))
    return f"p50 {p50:.1f} s, p95 {p95:.1f} s, max {most:.1f} s of {len(done)}"


def _offenders(limit: TimingLimit, done: Sequence[Timing], seconds: float) -> str:
    names = sorted({each.name for each in done if limit.is_over(each.seconds, seconds)})
    return f"; too long: {', '.join(names)}" if names else ""


def lagging(facts: Facts) -> Score:
    """Return the worst partition of the topics when the watch last looked (L-25)."""
    lag = facts.lag
    if lag is None:
        return Score("no broker is set, or the watch has not looked yet", "no_data")
    if facts.now - lag.at > facts.silence:
        return Score(f"not looked at since {lag.at:%Y-%m-%dT%H:%M:%SZ}", "no_data")
    if lag.problem or not lag.partitions:
        return Score(lag.problem or "no partition answered", "no_data")
    told = f"max {max(each.seconds or 0.0 for each in lag.partitions):.0f} s of {len(lag.partitions)} partitions"
    bad = [each for each in lag.partitions if each.state == LATE or each.state in BROKEN]
    named = ", ".join(f"{each.topic}/{each.partition} {each.state}" for each in bad)
    return Score(f"{told}; {named}", "breached", lag.at) if bad else Score(told, "met")


def volumes(facts: Facts) -> Score:
    """Return the verdict on the newest date of each dataset, and the least change that it could have seen (L-21)."""
    newest = {name: judged[-1] for name, judged in sorted(facts.volumes.items()) if judged}
    if not newest:
        return Score("no date is judged yet", "no_data")
    told = ", ".join(
        f"{name} {each.verdict}"
        + (f" (sees {each.least_drop:+.0%}, {each.least_rise:+.0%})" if each.least_drop else "")
        for name, each in newest.items()
    )
    bad = [each for each in newest.values() if each.verdict in ("alert", "zero")]
    known = [each for each in newest.values() if each.verdict != "learning"]
    return Score(told, "breached" if bad else "met" if known else "no_data")
