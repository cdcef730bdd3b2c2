"""What the checks say of runs and waiting: schedules, durations, lag.

Source: `operations.md` D.1, L-19, L-20, L-23, L-25 to L-27.
"""

from collections.abc import Iterable
from itertools import groupby

from compute.checks import problem
from compute.facts import WINDOW, Facts
from compute.incidents import Problem
from compute.lag import BROKEN, LATE, PartitionLag
from compute.success import SCHEDULES, success
from compute.timing_limits import TIMING_LIMITS, TimingLimit, is_broken
from compute.timings import Timing, share_of
from compute.watch import Outcome

BROKER = "kafka"  # the dataset of what concerns no single topic


def of_schedules(facts: Facts) -> Iterable[Outcome]:
    """Return L-19: a deployment whose last slots failed, once more have than the rate allows."""
    found = success(facts.runs, facts.now, WINDOW, facts.company.sla)
    if found is None:
        return
    is_over = len(found.failed) > found.allowed
    for deployment in sorted({run.deployment for run in facts.runs} & SCHEDULES.keys()):
        first = found.failing.get(deployment)
        flow = next(run.flow for run in facts.runs if run.deployment == deployment)
        missed = () if first is None or not is_over else (problem(
            "L-19", flow, first.isoformat(), f"{deployment} has not ended well since {first:%Y-%m-%d %H:%M}Z.",
            since=first, evidence=f"{len(found.failed)} of {found.slots} slots failed, {found.allowed} allowed",
        ),)  # fmt: skip
        yield Outcome("L-19", flow, missed)


def of_timings(facts: Facts) -> Iterable[Outcome]:
    """Return L-20, L-23, L-26 and L-27 by name: judged by the newest timings, so that a breach ends when it is over."""
    for limit in TIMING_LIMITS:
        done = sorted((each for each in limit.timings(facts) if each.at <= facts.now), key=lambda each: each.at)
        for name, group in groupby(sorted(done, key=lambda each: each.name), key=lambda each: each.name):
            recent = list(group)[-limit.recent :]
            yield Outcome(limit.sla_id, name, _too_long(limit, name, recent, facts))


def _too_long(limit: TimingLimit, name: str, recent: list[Timing], facts: Facts) -> tuple[Problem, ...]:
    seconds = limit.seconds(facts.company.sla)
    if not is_broken(limit, recent, seconds):
        return ()
    since = min(each.at for each in recent if limit.is_over(each.seconds, seconds))
    p95, most = (share_of(recent, share) for share in (95, 100))
    told = f"p95 {p95:.1f} s, max {most:.1f} s of the last {len(recent)}, limit {seconds:.0f} s"
    return (problem(limit.sla_id, name, "", limit.title.format(name=name), since=since, evidence=told),)


def of_lag(facts: Facts) -> Iterable[Outcome]:
    """Return L-25 per partition, what is lost apart; a broker that does not answer is a finding of its own."""
    lag = facts.lag
    if lag is None or facts.now - lag.at > facts.silence:
        return
    silent = problem(
        "L-25-broker", BROKER, "", "The broker does not answer the watch.", since=lag.at, evidence=lag.problem
    )
    yield Outcome("L-25-broker", BROKER, (silent,) if lag.problem else ())
    for topic, group in groupby(sorted(lag.partitions, key=_place), key=lambda each: each.topic):
        ours = list(group)
        late = tuple(_of_partition("L-25", each, facts, "is read too late") for each in ours if each.state == LATE)
        lost = tuple(
            _of_partition("L-25-lost", each, facts, f"is not what was read: {BROKEN[each.state]}")
            for each in ours if each.state in BROKEN
        )  # fmt: skip
        yield Outcome("L-25", topic, late)
        yield Outcome("L-25-lost", topic, lost)


def _place(lag: PartitionLag) -> tuple[str, int]:
    return lag.topic, lag.partition


def _of_partition(check_id: str, lag: PartitionLag, facts: Facts, what: str) -> Problem:
    age = "of unknown age" if lag.seconds is None else f"the oldest {lag.seconds:.0f} s old"
    return problem(
        check_id, lag.topic, f"{lag.topic}/{lag.partition}", f"Partition {lag.partition} of {lag.topic} {what}.",
        since=facts.now, evidence=f"{lag.state}: {lag.unread} records unread, {age}",
    )  # fmt: skip
