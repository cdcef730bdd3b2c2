"""Who is told of what, and how it reads. Source: `operations.md` I-1, I-4, I-5, I-6; D.4, CloudEvents."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from compute.company import Company
from compute.incidents import Event, Incident, Kind, Problem, fold, move
from compute.notice_words import body, cloud_event, left, subject
from compute.notices import Notice, news_in, notified, owed
from compute.watch import Outcome, advance

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
MINUTES = timedelta(minutes=5)
LATE = Problem("L-10", "profit", "2024-01-08", "Profit is late.", 3, ("2024-01",), NOON, "none since")
FAILS, PASSES = Outcome("L-10", "profit", (LATE,)), Outcome("L-10", "profit")
CHAT, MAIL = "slack-webhook/oncall", "slack-webhook/mail"


class Log:
    """A log that grows by evaluations, acts of people, and deliveries."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    @property
    def one(self) -> Incident:
        (incident,) = fold(self.events).values()
        return incident

    def evaluate(self, at: datetime, *outcomes: Outcome) -> None:
        self.events += advance(fold(self.events), outcomes, at, Company())

    def act(self, kind: Kind, at: datetime, note: str = "") -> None:
        self.events.append(move(self.one, kind, at=at, by="p1", note=note))

    def owed(self, at: datetime, *channels: str) -> list[tuple[str, str]]:
        return [(each.channel, each.news.what) for each in owed(self.events, channels or (CHAT,), at)]

    def told(self, at: datetime, channel: str = CHAT) -> None:
        for notice in owed(self.events, (channel,), at):
            self.deliver(notice, at)

    def deliver(self, notice: Notice, at: datetime) -> None:
        incident = fold(self.events)[notice.incident.incident_id]
        self.events.append(notified(incident, notice.news.sequence, notice.channel, at))


@pytest.fixture
def log() -> Log:
    log = Log()
    log.evaluate(NOON, FAILS)
    return log


def test_a_new_incident_is_owed_until_it_is_delivered_and_to_each_channel(log: Log) -> None:
    assert [(MAIL, "opened"), (CHAT, "opened")] == log.owed(NOON, CHAT, MAIL)

    log.told(NOON)

    assert [(MAIL, "opened")] == log.owed(NOON + MINUTES, CHAT, MAIL)
    assert NOON == log.one.notified_at


def test_an_occurrence_is_no_news(log: Log) -> None:
    log.told(NOON)
    log.evaluate(NOON + MINUTES, FAILS)

    assert [] == log.owed(NOON + MINUTES)
    assert (2, NOON) == (log.one.occurrences, log.one.notified_at)


def test_a_delivery_counts_no_occurrence_and_breaks_no_row_of_passes(log: Log) -> None:
    log.evaluate(NOON + MINUTES, PASSES)
    log.told(NOON + MINUTES)
    log.evaluate(NOON + 2 * MINUTES, PASSES)

    assert ("resolved", 1) == (log.one.status, log.one.occurrences)


def test_the_recovery_of_what_was_told_is_owed_however_late(log: Log) -> None:
    log.told(NOON)
    log.act("resolved", NOON + MINUTES, "done")

    assert [(CHAT, "resolved")] == log.owed(NOON + timedelta(days=90))
    log.told(NOON + timedelta(days=90))
    assert [] == log.owed(NOON + timedelta(days=90))


def test_who_was_never_told_hears_of_what_is_over_for_a_week_and_of_what_waits_for_ever(log: Log) -> None:
    assert [(CHAT, "opened")] == log.owed(NOON + timedelta(days=90))
    log.act("resolved", NOON + MINUTES, "done")
    week = NOON + MINUTES + timedelta(days=7)

    # Opened and over while nobody could be told: one notice says both.
    assert [(CHAT, "resolved")] == log.owed(week)
    assert [] == log.owed(week + timedelta(microseconds=1))


def test_one_that_opens_again_is_news_again(log: Log) -> None:
    log.told(NOON)
    log.act("resolved", NOON + MINUTES, "done")
    log.told(NOON + MINUTES)
    log.evaluate(NOON + 2 * MINUTES, FAILS)

    assert [(CHAT, "reopened")] == log.owed(NOON + 2 * MINUTES)


def test_a_class_that_changes_is_news_once(log: Log) -> None:
    log.told(NOON)
    due = datetime(2024, 2, 5, 16, tzinfo=UTC)  # the draft of January is due: business day 3, 16:00Z
    log.evaluate(due, FAILS)
    log.evaluate(due + MINUTES, FAILS)

    assert [("opened", "standard"), ("changed", "investor_report")] == [
        (each.what, each.kind_of) for each in news_in(log.events)
    ]
    assert [(CHAT, "changed")] == log.owed(due + MINUTES)


def test_what_is_for_the_digest_only_is_told_to_nobody_until_it_is_worse() -> None:
    log = Log()
    log.evaluate(NOON, Outcome("L-10", "profit", (replace(LATE, severity=4),)))
    assert [] == log.owed(NOON)

    log.evaluate(NOON + MINUTES, FAILS)
    assert [(CHAT, "opened")] == log.owed(NOON + MINUTES)


def test_a_consequence_and_its_end_are_told_to_nobody() -> None:
    zero = Problem("L-21-zero", "click_events", "2024-01-09", "No clicks.", 1, (), NOON, "0 rows")
    stale = Problem("L-6", "click_events", "", "No clicks for 48 h.", 3, (), NOON, "latest")
    fails = Outcome("L-6", "click_events", (stale,)), Outcome("L-21-zero", "click_events", (zero,))
    log = Log()
    log.evaluate(NOON, *fails)
    log.told(NOON)
    for index in (1, 2):
        log.evaluate(NOON + index * MINUTES, Outcome("L-6", "click_events"), Outcome("L-21-zero", "click_events"))

    (notice,) = owed(log.events, (CHAT,), NOON + 2 * MINUTES)
    assert ("L-21-zero", "resolved") == (notice.incident.problem.check_id, notice.news.what)


def test_a_person_may_act_while_others_are_told(log: Log) -> None:
    (notice,) = owed(log.events, (CHAT,), NOON)
    log.act("acknowledged", NOON + timedelta(seconds=3))
    log.act("resolved", NOON + timedelta(seconds=4), "done")
    log.deliver(notice, NOON)

    assert ("resolved", NOON + timedelta(seconds=4)) == (log.one.status, log.one.notified_at)
    assert [(CHAT, "resolved")] == log.owed(NOON + MINUTES)


def test_a_message_says_how_bad_it_is_by_when_what_it_blocks_and_what_to_do() -> None:
    gross = Problem(
        "RC-3", "reconciliation", "2024-01", "RC-3 fails for 2024-01.", 1, ("2024-01",), NOON, "net 0, gross 600"
    )
    at = datetime(2024, 2, 5, 16, tzinfo=UTC)
    log = Log()
    log.evaluate(at, Outcome("RC-3", "reconciliation", (gross,)))
    (notice,) = owed(log.events, (CHAT,), at)
    name = notice.incident.incident_id

    assert "New incident [investor report]: RC-3 fails for 2024-01." == subject(notice.incident, notice.news)
    assert [
        "RC-3 fails for 2024-01.",
        "",
        f"Incident: {name}, open",
        "Class: investor report, severity 1",
        "Detected: 2024-02-05 16:00Z",
        "Due: 2024-02-07 16:00Z, in 1 d 23 h",
        "Blocks: certification of 2024-01",
        "Owner: finance, on call: ada",
        "Evidence: net 0, gross 600",
        "What to do: https://wiki/runbook#reconciliation-fails",
        f"I am on it: techflow incidents ack {name}",
        f"More: techflow incidents show {name}",
    ] == body(
        notice.incident, notice.news, at + MINUTES, on_call="ada", runbook="https://wiki/runbook"
    ).splitlines()  # fmt: skip


def test_the_message_of_a_recovery_says_what_was_done_and_whether_in_time(log: Log) -> None:
    log.act("resolved", NOON + timedelta(hours=26), "the run was started again")
    (notice,) = owed(log.events, (CHAT,), NOON + timedelta(hours=27))
    lines = body(notice.incident, notice.news, NOON + timedelta(hours=27), on_call="", runbook="r").splitlines()

    assert "Resolved [standard]: Profit is late." == subject(notice.incident, notice.news)
    assert "Resolved: 2024-01-11 14:00Z by p1 after 1 d 2 h, in time: the run was started again" in lines
    assert [] == [line for line in lines if line.startswith(("Due", "Blocks", "I am on it", "What to do"))]


def test_a_cloud_event_has_the_attributes_that_are_required_and_one_id_however_often_it_is_sent(log: Log) -> None:
    (first,) = owed(log.events, (CHAT,), NOON)
    log.evaluate(NOON + MINUTES, FAILS)
    (again,) = owed(log.events, (CHAT,), NOON + MINUTES)
    told = cloud_event(first.incident, first.news, "r")

    assert told == cloud_event(again.incident, again.news, "r")
    assert ("1.0", f"{log.one.incident_id}-1", "/techflow/watch", "techflow.incident.opened", "2024-01-10T12:00:00Z") == tuple(
        told[name] for name in ("specversion", "id", "source", "type", "time")
    )  # fmt: skip
    assert ("standard", [], "r#late-publication") == tuple(
        told["data"][name] for name in ("class", "blocks_certification_of", "runbook_url")
    )


def test_time_left_reads_as_people_say_it(log: Log) -> None:
    assert "6 d 23 h" == left(log.one, NOON + MINUTES)
    assert "overdue by 0 h 5 min" == left(log.one, log.one.due_at + MINUTES)
    log.act("resolved", NOON + MINUTES, "done")
    assert "met" == left(log.one, NOON)
