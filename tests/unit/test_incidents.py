"""Incidents: one problem is one incident, whose clock never starts again. Source: `operations.md` D.3 (AT-76)."""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from compute.checks import CHECKS, SAME
from compute.company import Company
from compute.incidents import Event, Incident, IncidentMove, Kind, Problem, fold, move, time_to
from compute.notices import news_in
from compute.watch import Outcome, advance

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
MINUTES = timedelta(minutes=5)
LATE = Problem("L-10", "profit", "2024-01-08", "Profit is late.", 3, ("2024-01",), NOON, "none since")
FAILS, PASSES = Outcome("L-10", "profit", (LATE,)), Outcome("L-10", "profit")


class Log:
    """A log that grows by evaluations and acts, and tells what is news of them to people."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    @property
    def view(self) -> dict[str, Incident]:
        return fold(self.events)

    @property
    def pages(self) -> list[tuple[str, str]]:
        return [(self.view[each.incident_id].problem.check_id, each.what) for each in news_in(self.events)]

    @property
    def one(self) -> Incident:
        (incident,) = self.view.values()
        return incident

    def evaluate(self, at: datetime, *outcomes: Outcome) -> None:
        self.events += advance(self.view, outcomes, at, Company())

    def act(self, kind: Kind, at: datetime, note: str = "", incident: Incident | None = None) -> None:
        self.events.append(move(incident or self.one, kind, at=at, by="p1", note=note))


def evaluated(*outcomes: Outcome) -> Log:
    log = Log()
    for index, outcome in enumerate(outcomes):
        log.evaluate(NOON + index * MINUTES, outcome)
    return log


def test_the_fingerprint_is_the_digest_of_check_dataset_and_scope() -> None:
    text = '["L-10", "profit", "2024-01-08"]'

    assert hashlib.sha256(text.encode()).hexdigest() == LATE.fingerprint
    assert LATE.fingerprint == replace(LATE, title="other", severity=1, evidence="other").fingerprint


def test_a_failure_opens_an_incident_with_owner_class_and_clock() -> None:
    one = evaluated(FAILS).one

    assert ("open", "standard", "finance", 1) == (one.status, one.kind_of, one.owner_role, one.occurrences)
    assert (NOON, NOON + timedelta(hours=168)) == (one.detected_at, one.due_at)


def test_the_same_problem_counts_up_and_is_told_once() -> None:
    log = evaluated(FAILS, FAILS, FAILS)

    assert (3, "open") == (log.one.occurrences, log.one.status)
    assert [("L-10", "opened")] == log.pages


def test_two_passes_in_a_row_resolve_and_their_recovery_is_told() -> None:
    log = evaluated(FAILS, PASSES)

    assert ("open", 1) == (log.one.status, log.one.passes)
    log.evaluate(NOON + 2 * MINUTES, PASSES)
    assert ("resolved", "watch", NOON + 2 * MINUTES) == (log.one.status, log.one.resolved_by, log.one.resolved_at)
    assert [("L-10", "opened"), ("L-10", "resolved")] == log.pages


def test_a_pass_between_failures_resolves_nothing() -> None:
    log = evaluated(FAILS, PASSES, FAILS, PASSES)

    assert ("open", 1, 2) == (log.one.status, log.one.passes, log.one.occurrences)


def test_what_was_not_judged_neither_passes_nor_fails() -> None:
    others = (
        Outcome("L-11", "profit"),
        Outcome("L-10", "growth"),
        Outcome("L-10", "profit", scopes=frozenset({"2024-01-09"})),
    )
    log = evaluated(FAILS, *others, *others)

    assert ("open", 0) == (log.one.status, log.one.passes)


def test_a_resolved_incident_is_left_alone_by_passes() -> None:
    log = evaluated(FAILS, PASSES, PASSES, PASSES, PASSES)

    assert 3 == len(log.events)


@pytest.mark.parametrize("closed", [False, True])
def test_the_same_within_7_days_reopens_it_with_its_first_clock(closed: bool) -> None:
    log = evaluated(FAILS, PASSES, PASSES)
    resolved_at, due = log.one.resolved_at, log.one.due_at
    assert resolved_at is not None
    if closed:
        log.act("closed", resolved_at, "a worker slept")

    log.evaluate(resolved_at + timedelta(days=7), FAILS)

    one = log.one
    assert ("open", 1, 2) == (one.status, one.reopened_count, one.occurrences)
    assert (NOON, due) == (one.detected_at, one.due_at)
    assert (None, None, "") == (one.resolved_at, one.closed_at, one.root_cause)
    assert ("L-10", "reopened") == log.pages[-1]


def test_the_same_later_than_7_days_is_a_new_incident() -> None:
    log = evaluated(FAILS, PASSES, PASSES)
    later = NOON + 2 * MINUTES + timedelta(days=7, microseconds=1)

    log.evaluate(later, FAILS)

    first, second = log.view.values()
    assert ("resolved", "open", later) == (first.status, second.status, second.detected_at)


def test_a_consequence_is_linked_to_its_cause_and_not_told_until_the_cause_is_gone() -> None:
    zero = Problem("L-21-zero", "click_events", "2024-01-09", "No clicks.", 1, (), NOON, "0 rows")
    stale = Problem("L-6", "click_events", "", "No clicks for 48 h.", 3, (), NOON, "latest")
    log = Log()
    log.evaluate(NOON, Outcome("L-6", "click_events", (stale,)), Outcome("L-21-zero", "click_events", (zero,)))
    cause, effect = (each for each in sorted(log.view.values(), key=lambda each: each.problem.severity))

    assert ("", cause.incident_id) == (cause.upstream, effect.upstream)
    assert [("L-21-zero", "opened")] == log.pages

    for index in (1, 2, 3):
        log.evaluate(
            NOON + index * MINUTES, Outcome("L-6", "click_events", (stale,)), Outcome("L-21-zero", "click_events")
        )
    assert [("L-21-zero", "opened"), ("L-21-zero", "resolved"), ("L-6", "opened")] == log.pages


def test_a_cause_of_another_month_explains_nothing() -> None:
    refused = Problem("refused-batch", "revenue", "2024-01", "Refused.", 1, ("2024-01",), NOON, "")
    net = Problem("RC-2", "reconciliation", "2023-12", "Net.", 1, ("2023-12",), NOON, "")
    same = replace(net, scope="2024-01", periods=("2024-01",))
    log = Log()
    log.evaluate(NOON, Outcome("refused-batch", "revenue", (refused,)), Outcome("RC-2", "reconciliation", (net, same)))

    assert {"2023-12": "", "2024-01": incident_of(log, "refused-batch").incident_id} == {
        each.problem.scope: each.upstream for each in log.view.values() if each.problem.check_id == "RC-2"
    }


def incident_of(log: Log, check_id: str) -> Incident:
    (found,) = (each for each in log.view.values() if each.problem.check_id == check_id)
    return found


def test_a_merged_incident_counts_where_it_was_merged_into() -> None:
    other = replace(LATE, scope="2024-01-07")
    log = Log()
    log.evaluate(NOON, Outcome("L-10", "profit", (LATE, other)))
    kept, merged = (next(i for i in log.view.values() if i.problem == each) for each in (LATE, other))
    log.act("merged", NOON + MINUTES, kept.incident_id, merged)

    log.evaluate(NOON + 2 * MINUTES, Outcome("L-10", "profit", (other,)))

    view = log.view
    assert ("closed", kept.incident_id) == (
        view[merged.incident_id].status, view[merged.incident_id].merged_into,
    )  # fmt: skip
    assert (2, "2024-01-08") == (view[kept.incident_id].occurrences, view[kept.incident_id].problem.scope)
    assert 2 == len(view)
    assert view[merged.incident_id].sla_met(NOON + timedelta(days=30)) is None


def test_a_class_that_changes_is_reckoned_from_the_first_detection() -> None:
    log = evaluated(FAILS)
    log.evaluate(datetime(2024, 2, 5, 16, tzinfo=UTC), FAILS)  # the draft of January is due: business day 3, 16:00Z

    one = log.one
    # Detected in January, its report is due in February.
    assert ("investor_report", 2) == (one.kind_of, one.problem.severity)
    assert datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC) == one.due_at
    assert ("2024-01",) == one.blocks


@pytest.mark.parametrize(
    ("acts", "status"),
    [
        (["acknowledged"], "acknowledged"),
        (["mitigated"], "mitigated"),
        (["acknowledged", "mitigated", "resolved", "closed"], "closed"),
        (["resolved"], "resolved"),
        (["acknowledged", "merged"], "closed"),
    ],
)
def test_the_moves_that_are_allowed(acts: list[Kind], status: str) -> None:
    log = evaluated(FAILS)
    for index, kind in enumerate(acts, 1):
        log.act(kind, NOON + index * MINUTES, "why")

    assert status == log.one.status


@pytest.mark.parametrize(
    ("acts", "refused"),
    [
        ([], "closed"),
        ([], "reopened"),
        (["mitigated"], "acknowledged"),
        (["acknowledged"], "acknowledged"),
        (["resolved"], "resolved"),
        (["resolved"], "merged"),
        (["resolved", "closed"], "closed"),
        (["resolved", "closed"], "acknowledged"),
    ],
)
def test_the_moves_that_are_refused(acts: list[Kind], refused: Kind) -> None:
    log = evaluated(FAILS)
    for index, kind in enumerate(acts, 1):
        log.act(kind, NOON + index * MINUTES, "why")

    with pytest.raises(IncidentMove, match=f"cannot be {refused}: that takes one that is "):
        log.act(refused, NOON + 9 * MINUTES)


def test_a_clock_that_was_set_back_is_refused() -> None:
    log = evaluated(FAILS, FAILS)

    with pytest.raises(IncidentMove, match="the clock was set back"):
        log.evaluate(NOON, FAILS)
    with pytest.raises(IncidentMove, match="the clock was set back"):
        log.act("acknowledged", NOON)


def test_resolved_exactly_at_due_is_met_and_a_microsecond_later_is_not() -> None:
    due = NOON + timedelta(hours=168)
    on_time, late = evaluated(FAILS), evaluated(FAILS)
    on_time.act("resolved", due, "done")
    late.act("resolved", due + timedelta(microseconds=1), "done")

    assert (True, False) == (on_time.one.sla_met(due), late.one.sla_met(due))
    assert (None, False) == (
        evaluated(FAILS).one.sla_met(due), evaluated(FAILS).one.sla_met(due + timedelta(microseconds=1)),
    )  # fmt: skip


def test_times_to_detect_acknowledge_and_resolve() -> None:
    log = Log()
    log.evaluate(NOON, Outcome("L-10", "profit", (replace(LATE, first_bad_at=NOON - timedelta(hours=12)),)))
    log.act("acknowledged", NOON + timedelta(hours=1))

    assert {
        "detect": [timedelta(hours=12)], "acknowledge": [timedelta(hours=1)], "resolve": [],
    } == time_to(log.view.values())  # fmt: skip


def test_a_log_that_lost_its_beginning_is_no_incident() -> None:
    with pytest.raises(IncidentMove, match="lost its first event"):
        fold([Event("INC-1", 2, NOON, "acknowledged", "p1")])


def test_the_fold_does_not_depend_on_the_order_of_reading() -> None:
    def statuses(events: Iterable[Event]) -> list[str]:
        return [each.status for each in fold(events).values()]

    log = evaluated(FAILS, PASSES, PASSES)
    assert ["resolved"] == statuses(log.events) == statuses(reversed(log.events))


def test_every_cause_of_the_table_is_a_check_that_stands_before_its_effect() -> None:
    order = list(CHECKS)

    for check in CHECKS.values():
        causes = [cause for cause, dataset in check.causes if (cause, dataset) != (check.check_id, SAME)]
        assert all(order.index(cause) < order.index(check.check_id) for cause in causes)


def test_a_silence_of_several_days_is_told_once() -> None:
    days = [
        Problem("L-21-zero", name, day, "Nothing.", 1, (), NOON, "0 rows")
        for name in ("click_events", "license_changes")
        for day in ("2024-01-08", "2024-01-09")
    ]
    log = Log()
    for index in (0, 1):
        outcomes = [
            Outcome("L-21-zero", name, tuple(each for each in days if each.dataset == name))
            for name in ("click_events", "license_changes")
        ]
        log.evaluate(NOON + index * MINUTES, *outcomes)

    linked = {(each.problem.dataset, each.problem.scope): bool(each.upstream) for each in log.view.values()}
    assert {(each.dataset, each.scope): each.scope > "2024-01-08" for each in days} == linked
    assert [("L-21-zero", "opened")] * 2 == log.pages


@pytest.mark.parametrize(
    ("outage", "silent_since", "is_told_again"),
    [
        ("2024-01-09T08:00Z", "2024-01-09T00:00", False),  # since the morning of the silent day
        ("2024-01-09T00:00Z", "2024-01-09T00:00", False),
        ("2024-01-08T20:00Z", "2024-01-08T20:00", False),  # since the evening before, and on
        ("2024-01-08T20:00Z", "2024-01-09T00:00", True),  # it ended the evening before; nobody replayed it
        ("2024-01-10T08:00Z", "2024-01-09T00:00", True),
    ],
)
def test_a_silent_day_that_an_outage_told_of_while_it_lasted_is_one_page_i4(
    outage: str, silent_since: str, *, is_told_again: bool
) -> None:
    begin, since = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (outage[:16], silent_since))
    gap = Problem("L-5", "click_events", outage, "No click.", 1, ("2024-01",), begin, "3 hours")
    zero = Problem("L-21-zero", "click_events", "2024-01-09", "No rows.", 1, ("2024-01",), since, "0 rows")
    log, still = Log(), Outcome("L-5", "click_events", (), frozenset({"2024-01-07T00:00Z"}))
    log.evaluate(NOON, Outcome("L-5", "click_events", (gap,)))
    log.evaluate(NOON + MINUTES, still, Outcome("L-21-zero", "click_events", (zero,)))

    assert [("L-5", "opened"), *([("L-21-zero", "opened")] if is_told_again else [])] == log.pages
    linked = [each.upstream for each in log.view.values() if each.problem.check_id == "L-21-zero"]
    assert [not is_told_again] == [bool(each) for each in linked]

    # The clicks of that day come at last: both are well again, and the one that was told is told of once more.
    mended = Outcome("L-5", "click_events"), Outcome("L-21-zero", "click_events")
    for index in (2, 3):
        log.evaluate(NOON + index * MINUTES, *mended)
    assert ("L-5", "resolved") in log.pages
    assert is_told_again == (("L-21-zero", "resolved") in log.pages)
