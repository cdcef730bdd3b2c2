"""The evaluation: what each check of the watch says of the facts. No outcome where nothing is known.

Source: `operations.md` D.1, D.2, D.3.
"""

from collections.abc import Iterable
from datetime import timedelta

from compute.checks import CHECKS
from compute.incidents import Problem
from compute.judging import UNDATED
from compute.publication import PROMISES, overdue, periods, stale_since
from compute.sla import Facts, closing, closing_due, silence
from compute.volume import Judgement
from compute.watch import Outcome

CLICKS = "click_events"
RECONCILIATION = "reconciliation"
REFUSABLE = ("RC-2", "RC-3")


def evaluate(facts: Facts) -> tuple[Outcome, ...]:
    """Return the outcome of every check that could be evaluated."""
    return (
        *_watch(facts), *_refused(facts), *_volumes(facts), *_stale(facts), *_publications(facts), *_drafts(facts),
        *_reconciliation(facts),
    )  # fmt: skip


def _watch(facts: Facts) -> Iterable[Outcome]:
    """The watch that runs now tells of the silence before it; whoever asks from outside sees it on the scoreboard."""
    if facts.heartbeat is not None:
        limit = facts.heartbeat + silence(facts.company)
        problem = Problem(
            "watch", "watch", "", "The watch was silent for two intervals.", CHECKS["watch"].severity, (), limit,
            f"last evaluation {facts.heartbeat.isoformat()}",
        )  # fmt: skip
        yield Outcome("watch", "watch", (problem,) if facts.now > limit else ())


def _refused(facts: Facts) -> Iterable[Outcome]:
    datasets = {dataset for dataset, _ in facts.refused}
    known = {each.problem.dataset for each in facts.incidents if each.problem.check_id == "refused-batch"}
    for dataset in sorted(datasets | known):
        problems = tuple(
            Problem(
                "refused-batch", dataset, month, f"A batch of {dataset} is refused.", CHECKS["refused-batch"].severity,
                () if month == UNDATED else (month,), facts.now, f"{rows} rows are held under Q99",
            )
            for (name, month), rows in sorted(facts.refused.items()) if name == dataset
        )  # fmt: skip
        yield Outcome("refused-batch", dataset, problems)


def _volumes(facts: Facts) -> Iterable[Outcome]:
    for dataset, judged in facts.volumes.items():
        scopes = frozenset(each.day.isoformat() for each in judged)
        for check_id, verdict in (("L-21-zero", "zero"), ("L-21", "alert")):
            odd = tuple(_odd(check_id, dataset, each, facts) for each in judged if each.verdict == verdict)
            yield Outcome(check_id, dataset, odd, scopes)


def _odd(check_id: str, dataset: str, judged: Judgement, facts: Facts) -> Problem:
    usual = f", {judged.expected:.0f} expected, z {judged.z:.1f}" if judged.expected is not None and judged.z else ""
    return Problem(
        check_id, dataset, judged.day.isoformat(), f"{dataset}: {judged.rows:,} rows on {judged.day}{usual}.",
        CHECKS[check_id].severity, (judged.day.strftime("%Y-%m"),), facts.now,
        f"rows {judged.rows}{usual}",
    )  # fmt: skip


def _stale(facts: Facts) -> Iterable[Outcome]:
    if facts.latest_event is not None:
        since = stale_since(facts.latest_event, facts.now, timedelta(hours=facts.company.sla.engagement_hours))
        problem = Problem(
            "L-6", CLICKS, "", "Engagement is stale: no click for too long.", CHECKS["L-6"].severity, (),
            since or facts.now, f"latest accepted click {facts.latest_event.isoformat()}",
        )  # fmt: skip
        yield Outcome("L-6", CLICKS, (problem,) if since else ())


def _publications(facts: Facts) -> Iterable[Outcome]:
    for promise in PROMISES:
        found = periods(promise, facts.runs, facts.now, facts.company)
        late = overdue(found, facts.now)
        if found:
            problems = () if late is None else (Problem(
                promise.sla_id, promise.pipeline, late.name, f"Overdue: {promise.name}, {late.name}.",
                CHECKS[promise.sla_id].severity, (str(late.month),), late.due,
                f"due {late.due.isoformat()}, no run has published it",
            ),)  # fmt: skip
            yield Outcome(promise.sla_id, promise.pipeline, problems)


def _drafts(facts: Facts) -> Iterable[Outcome]:
    found = closing(facts)
    if found:
        problems = tuple(
            Problem(
                "L-13", "aggregated", str(month), f"{month} has no draft though it is due.", CHECKS["L-13"].severity,
                (str(month),), due, f"due {due.isoformat()}",
            )
            for month, due, made in found if made is None and due < facts.now
        )  # fmt: skip
        yield Outcome("L-13", "aggregated", problems)


def _reconciliation(facts: Facts) -> Iterable[Outcome]:
    """RC-2 and RC-3 of the months whose draft is due; before that a difference is work in progress."""
    due = [month for month in sorted(facts.gates) if closing_due(facts, month) <= facts.now]
    for gate in REFUSABLE:
        verdicts = {month: facts.gates[month].get(gate) for month in due}
        problems = tuple(
            Problem(
                gate, RECONCILIATION, month, f"{gate} fails for {month}.", CHECKS[gate].severity, (month,),
                closing_due(facts, month), "billed revenue and ledger differ by more than the tolerance",
            )
            for month, verdict in verdicts.items() if verdict == "FAIL"
        )  # fmt: skip
        judged = frozenset(month for month, verdict in verdicts.items() if verdict in ("pass", "FAIL"))
        yield Outcome(gate, RECONCILIATION, problems, judged)
