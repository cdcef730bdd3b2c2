"""A quarter under the watch, three hours at a step: every fault that is put in is one incident, and there is no other.

Source: `operations.md` D; the faults and what must be told of them stand in FAULTS.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from compute.company import parse_company
from compute.evaluation import evaluate
from compute.incidents import Event, Incident, fold
from compute.notices import news_in
from compute.publication import Run
from compute.sla import Facts, scoreboard
from compute.success import SCHEDULES, slots
from compute.volume import Judgement
from compute.watch import advance

HOUR, STEP = timedelta(hours=1), timedelta(hours=3)
COMPANY = parse_company("[sla]\nwatch_minutes = 180", source="company.toml")
BEGIN, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)
MONTH_END = datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# check, scope → class, detected, due: detected by the first evaluation after the limit.
FAULTS = {
    # No profit from the 10th on: the run of the 10th would have published the 9th, due on the 11th 00:00Z.
    ("L-10", "2024-01-09"): ("standard", "2024-01-11T03:00", "2024-01-18T03:00"),
    # The run of Sunday 18 February stayed away.
    ("L-11", "2024-W07"): ("standard", "2024-02-19T00:00", "2024-02-26T00:00"),
    # No clicks on Wednesday 21 February: judged when the day is over.
    ("L-21-zero", "2024-02-21"): ("critical", "2024-02-22T03:00", "2024-02-24T03:00"),
    # A refused batch of January, after January's draft was due: the report of January is due in February.
    ("refused-batch", "2024-01"): ("investor_report", "2024-02-28T12:00", MONTH_END.isoformat()[:-6]),
    # The watch slept from 8 March 00:00 to 06:00.
    ("watch", ""): ("critical", "2024-03-08T06:00", "2024-03-10T06:00"),
}


def runs() -> Iterator[Run]:
    yield Run("aggregated", "", "2023-12", "2024-04", *[BEGIN] * 3, BEGIN + HOUR / 2, 0)
    lost = {("profit-daily", day) for day in (date(2024, 1, 10), date(2024, 1, 11), date(2024, 1, 12))}
    lost.add(("growth-weekly", date(2024, 2, 18)))
    for name, cron in SCHEDULES.items():
        for slot in slots(cron, BEGIN, END):
            if (name, slot.date()) not in lost:
                yield Run(name.partition("-")[0], name, "2023-12", "2024-04", slot, slot, slot, slot + HOUR / 2, 0)


def facts(now: datetime, register: dict[str, Incident], known: list[Run], heartbeat: datetime | None) -> Facts:
    yesterday = now.date() - timedelta(days=1)
    is_zero = at("2024-02-22T03:00") <= now < at("2024-02-23T03:00")  # the clicks are replayed a day later
    volumes = [Judgement(yesterday, 1000, "ok"), Judgement(date(2024, 2, 21), 0, "zero" if is_zero else "ok")]
    is_refused = at("2024-02-28T12:00") <= now < at("2024-02-29T12:00")
    drafts = {"2023-12": at("2024-01-03T07:00"), "2024-01": at("2024-02-03T07:00"), "2024-02": at("2024-03-03T07:00")}
    return Facts(
        now=now, company=COMPANY, runs=[run for run in known if run.finished_at <= now],
        drafts={month: made for month, made in drafts.items() if made <= now},
        gates={"2024-01": {"RC-2": "pass", "RC-3": "pass"}}, open_rows={"2024-01": 0},
        refused={("revenue", "2024-01"): 7} if is_refused else {}, incidents=list(register.values()),
        latest_event=now - HOUR, volumes={"click_events": volumes}, heartbeat=heartbeat,
    )  # fmt: skip


@pytest.fixture(scope="module")
def quarter() -> dict[str, Any]:
    known, events, heartbeat = list(runs()), list[Event](), None
    now = BEGIN
    boards = {}
    while now < END:
        if not at("2024-03-08T00:00") <= now < at("2024-03-08T06:00"):
            register = fold(events)
            given = facts(now, register, known, heartbeat)
            added = advance(register, evaluate(given), now, COMPANY)
            events += added
            heartbeat = now
            if now.hour == 12:
                boards[now.date()] = {
                    (row["sla"], row["name"]): row
                    for row in scoreboard(replace(given, incidents=list(register.values())))
                }
        now += STEP
    return {"register": fold(events), "pages": news_in(events), "boards": boards}


def test_every_fault_is_one_incident_with_its_class_and_clock_and_there_is_no_other(quarter: dict[str, Any]) -> None:
    register = quarter["register"].values()

    assert {key: (kind, at(detected), at(due)) for key, (kind, detected, due) in FAULTS.items()} == {
        (each.problem.check_id, each.problem.scope): (each.kind_of, each.detected_at, each.due_at) for each in register
    }
    assert len(FAULTS) == len(register)


def test_each_problem_is_told_once_and_its_end_once(quarter: dict[str, Any]) -> None:
    kinds = [news.what for news in quarter["pages"]]

    assert {"opened": len(FAULTS), "resolved": len(FAULTS)} == {kind: kinds.count(kind) for kind in set(kinds)}
    assert {"resolved"} == {each.status for each in quarter["register"].values()}


@pytest.mark.parametrize(
    ("day", "broken"),
    [
        (date(2024, 1, 9), set()),
        # The 9th and the 10th: due on the 11th and on the 12th, 00:00Z.
        (date(2024, 1, 12), {"L-10", "L-19"}),
        (date(2024, 3, 30), set()),  # 28 days after the last of it
    ],
)
def test_the_scoreboard_tells_what_was_put_in(quarter: dict[str, Any], day: date, broken: set[str]) -> None:
    found = {sla for (sla, _), row in quarter["boards"][day].items() if row["verdict"] == "breached"}

    assert broken == found


def test_three_lost_days_are_counted_as_what_they_are(quarter: dict[str, Any]) -> None:
    row = quarter["boards"][date(2024, 1, 14)]["L-10", "profit within a day"]

    # The 9th, 10th and 11th came out on the 13th 04:30 and were due on the 11th, 12th and 13th, 00:00Z.
    # The worst is the 9th, which ended on the 10th 00:00Z: three days and 4.5 h.
    assert "10 of 13 in time; worst 76.5 h after its end; clock 0.0 h" == row["measured"]
    assert ("breached", at("2024-01-11T00:00")) == (row["verdict"], row["since"])
