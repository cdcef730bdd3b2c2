"""The watch: what failing and passing checks make of the incidents that are known. One problem, one incident.

Source: `operations.md` D.3, I-1 to I-6.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from compute.checks import CHECKS, SAME, WITHIN
from compute.company import Company
from compute.due import class_of, due_at, severity_in
from compute.incidents import WATCH, Event, Incident, IncidentMove, Problem, after, incident_id, move

PASSES_TO_RESOLVE = 2  # I-2
REOPENS_WITHIN = timedelta(days=7)  # I-3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one evaluation of a check says of a dataset; without one nothing passes and nothing fails.

    Attributes:
        problems: what fails; all else that was judged passes.
        scopes: those that were judged; None for all that the check knows of the dataset.
    """

    check_id: str
    dataset: str
    problems: tuple[Problem, ...] = ()
    scopes: frozenset[str] | None = None

    def judged(self, problem: Problem) -> bool:
        """Tell whether the problem was looked at again here."""
        is_same = (self.check_id, self.dataset) == (problem.check_id, problem.dataset)
        return is_same and (self.scopes is None or problem.scope in self.scopes)


def advance(
    known: Mapping[str, Incident], outcomes: Sequence[Outcome], now: datetime, company: Company
) -> tuple[Event, ...]:
    """Return the events that an evaluation adds to the log.

    Args:
        known: the current view.
        outcomes: what the checks say now.
        now: the wall clock.
        company: for owners, clocks and due dates.

    Raises:
        IncidentMove: when the log is ahead of the clock.
    """
    ahead = max((each.last_at for each in known.values()), default=now)
    if now < ahead:
        raise IncidentMove(
            f"The log of incidents goes to {ahead:%Y-%m-%dT%H:%M:%SZ}, after now ({now:%Y-%m-%dT%H:%M:%SZ}): "
            "the clock was set back; correct it and run the watch again."
        )
    current, events = dict(known), list[Event]()
    problems = (problem for outcome in outcomes for problem in outcome.problems)
    # A cause comes before what it explains, in the order of the table: both may be new in one evaluation.
    order = list(CHECKS)
    for problem in sorted(problems, key=lambda each: (order.index(each.check_id), each.dataset, each.scope)):
        event = _failed(current, problem, now, company)
        current[event.incident_id] = after(current.get(event.incident_id), event)
        events.append(event)
    failing = {event.incident_id for event in events}
    for incident in known.values():
        if incident.is_unresolved and incident.incident_id not in failing:
            events += [_passed(incident, now) for outcome in outcomes if outcome.judged(incident.problem)]
    return tuple(events)


def _failed(known: Mapping[str, Incident], problem: Problem, now: datetime, company: Company) -> Event:
    same = _same(known, problem, now)
    name = same.incident_id if same else incident_id(problem.fingerprint, now)
    # One that was merged into another counts there; the other goes on speaking of itself.
    told = problem if same is None or same.problem.fingerprint == problem.fingerprint else same.problem
    kind = class_of(told.severity, told.periods, now, company)
    severity = severity_in(kind, told.severity)
    detected = same.detected_at if same else now
    return Event(
        name,
        same.sequence + 1 if same else 1,
        now,
        "opened" if same is None else "seen" if same.is_unresolved else "reopened",
        WATCH,
        problem=replace(told, severity=severity),
        kind_of=kind,
        owner_role=company.owners.of(told.dataset.partition("/")[0]),
        due_at=due_at(kind, severity, detected, told.periods, company.sla),
        upstream=_cause(known, told),
    )


def _same(known: Mapping[str, Incident], problem: Problem, now: datetime) -> Incident | None:
    """Return the incident that a failure belongs to: unresolved, or resolved within 7 days."""
    for incident in reversed(list(known.values())):
        if incident.problem.fingerprint == problem.fingerprint:
            one = known.get(incident.merged_into, incident)
            is_recent = one.resolved_at is not None and now - one.resolved_at <= REOPENS_WITHIN
            if one.is_unresolved or is_recent:
                return one
    return None


def _cause(known: Mapping[str, Incident], problem: Problem) -> str:
    """Return the open incident that explains a failure; of months, one of the same."""
    causes = {
        (check, problem.dataset if where in (SAME, WITHIN) else where): where
        for check, where in CHECKS[problem.check_id].causes
    }
    for incident in known.values():
        cause = incident.problem
        where = causes.get((cause.check_id, cause.dataset))
        shares = not problem.periods or not cause.periods or set(problem.periods) & set(cause.periods)
        is_before = cause.check_id != problem.check_id or cause.scope < problem.scope
        is_within = problem.first_bad_at <= cause.first_bad_at and cause.scope[:10] <= problem.scope
        if incident.is_unresolved and where and shares and (is_within if where == WITHIN else is_before):
            return incident.incident_id
    return ""


def _passed(incident: Incident, now: datetime) -> Event:
    if incident.passes + 1 < PASSES_TO_RESOLVE:
        return Event(incident.incident_id, incident.sequence + 1, now, "passed", WATCH)
    return move(incident, "resolved", at=now, by=WATCH, note=f"its check passed {PASSES_TO_RESOLVE} times in a row")
