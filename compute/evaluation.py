"""The evaluation: what each check of the watch says of the facts. No outcome where nothing is known.

Source: `operations.md` D.1, D.2, D.3.
"""

from collections.abc import Iterable
from datetime import timedelta

from compute.checks import problem
from compute.evaluation_rows import of_alerts, of_outages, of_volumes
from compute.evaluation_runs import of_lag, of_schedules, of_timings
from compute.facts import Facts
from compute.judging import UNDATED
from compute.publication import PROMISES, overdue, periods, stale_since
from compute.watch import Outcome

CLICKS = "click_events"
RECONCILIATION = "reconciliation"
REFUSABLE = ("RC-2", "RC-3")


def evaluate(facts: Facts) -> tuple[Outcome, ...]:
    """Return the outcome of every check that could be evaluated."""
    return (
        *_watch(facts), *_refused(facts), *of_volumes(facts), *of_outages(facts), *_stale(facts),
        *_publications(facts), *_drafts(facts), *_completeness(facts), *_reconciliation(facts),
        *of_schedules(facts), *of_timings(facts), *of_lag(facts), *of_alerts(facts),
    )  # fmt: skip


def _watch(facts: Facts) -> Iterable[Outcome]:
    """The watch that runs now tells of the silence before it; whoever asks from outside sees it on the scoreboard."""
    if facts.heartbeat is not None:
        limit = facts.heartbeat + facts.silence
        silent = problem(
            "watch", "watch", "", "The watch was silent for two intervals.", since=limit,
            evidence=f"last evaluation {facts.heartbeat.isoformat()}",
        )  # fmt: skip
        yield Outcome("watch", "watch", (silent,) if facts.now > limit else ())


def _refused(facts: Facts) -> Iterable[Outcome]:
    datasets = {dataset for dataset, _ in facts.refused}
    known = {each.problem.dataset for each in facts.incidents if each.problem.check_id == "refused-batch"}
    for dataset in sorted(datasets | known):
        refused = tuple(
            problem(
                "refused-batch", dataset, month, f"A batch of {dataset} is refused.", since=facts.now,
                evidence=f"{rows} rows are held under Q99", periods=() if month == UNDATED else (month,),
            )
            for (name, month), rows in sorted(facts.refused.items()) if name == dataset
        )  # fmt: skip
        yield Outcome("refused-batch", dataset, refused)


def _stale(facts: Facts) -> Iterable[Outcome]:
    if facts.latest_event is not None:
        since = stale_since(facts.latest_event, facts.now, timedelta(hours=facts.company.sla.engagement_hours))
        stale = problem(
            "L-6", CLICKS, "", "Engagement is stale: no click for too long.", since=since or facts.now,
            evidence=f"latest accepted click {facts.latest_event.isoformat()}",
        )  # fmt: skip
        yield Outcome("L-6", CLICKS, (stale,) if since else ())


def _publications(facts: Facts) -> Iterable[Outcome]:
    for promise in PROMISES:
        found = periods(promise, facts.runs, facts.now, facts.company)
        late = overdue(found, facts.now)
        if found:
            problems = () if late is None else (problem(
                promise.sla_id, promise.pipeline, late.name, f"Overdue: {promise.name}, {late.name}.", since=late.due,
                evidence=f"due {late.due.isoformat()}, no run has published it", periods=(str(late.month),),
            ),)  # fmt: skip
            yield Outcome(promise.sla_id, promise.pipeline, problems)


def _drafts(facts: Facts) -> Iterable[Outcome]:
    found = facts.closing()
    if found:
        problems = tuple(
            problem(
                "L-13", "aggregated", str(month), f"{month} has no draft though it is due.", since=due,
                evidence=f"due {due.isoformat()}", periods=(str(month),),
            )
            for month, due, made in found if made is None and due < facts.now
        )  # fmt: skip
        yield Outcome("L-13", "aggregated", problems)


def _completeness(facts: Facts) -> Iterable[Outcome]:
    """L-14 of the months whose draft was due since the first run: older ones were promised to nobody."""
    due = [str(month) for month, due, _ in facts.closing() if due <= facts.now and str(month) in facts.open_rows]
    for dataset in sorted({dataset for month in due for dataset in facts.open_rows[month]}):
        counts = {month: facts.open_rows[month].get(dataset, 0) for month in due}
        problems = tuple(
            problem(
                "L-14", dataset, month, f"{dataset} of {month} is not complete.", since=facts.due(month),
                evidence=f"{count} rows quarantined or missing", periods=(month,),
            )
            for month, count in counts.items() if count
        )  # fmt: skip
        yield Outcome("L-14", dataset, problems, frozenset(due))


def _reconciliation(facts: Facts) -> Iterable[Outcome]:
    """RC-2 and RC-3 of the months whose draft is due; before that a difference is work in progress."""
    due = [month for month in sorted(facts.gates) if facts.due(month) <= facts.now]
    for gate in REFUSABLE:
        verdicts = {month: facts.gates[month].get(gate) for month in due}
        problems = tuple(
            problem(
                gate, RECONCILIATION, month, f"{gate} fails for {month}.", since=facts.due(month), periods=(month,),
                evidence="billed revenue and ledger differ by more than the tolerance",
            )
            for month, verdict in verdicts.items() if verdict == "FAIL"
        )  # fmt: skip
        judged = frozenset(month for month, verdict in verdicts.items() if verdict in ("pass", "FAIL"))
        yield Outcome(gate, RECONCILIATION, problems, judged)
