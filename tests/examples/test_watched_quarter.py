"""A quarter under the watch, three hours at a step: every fault that is put in is one incident, and there is no other.

Source: `operations.md` D; the faults and what must be told of them stand in `watched_quarter.json`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from compute.evaluation import evaluate
from compute.incidents import Event, Incident, fold
from compute.notices import News, news_in
from compute.sla import scoreboard
from compute.verdicts import Verdict, news, verdicts
from compute.watch import advance
from tests.examples.quarter import COMPANY, at, evaluations, facts

TRUTH: dict[str, Any] = json.loads(Path(__file__).with_name("watched_quarter.json").read_text())
A_YEAR = "L-19 a year"


@dataclass(frozen=True)
class Quarter:
    register: Mapping[str, Incident]
    pages: list[News]
    boards: Mapping[str, list[dict[str, Any]]]
    kept: list[Verdict]


@pytest.fixture(scope="module")
def quarter() -> Quarter:
    events, kept, heartbeat = list[Event](), list[Verdict](), None
    boards, last = {}, dict[Any, Verdict]()
    for now in evaluations():
        register = fold(events)
        given = facts(now, register, heartbeat)
        added = advance(register, evaluate(given), now, COMPANY)
        events += added
        fresh = news(verdicts(given), last)
        last |= {each.key: each for each in fresh}
        kept += fresh
        heartbeat = now
        name = f"{now:%Y-%m-%dT%H:%M}"
        if name in TRUTH["scoreboards"]:
            boards[name] = scoreboard(replace(given, incidents=list(fold(events).values()), heartbeat=now))
    return Quarter(fold(events), news_in(events), boards, kept)


def told(incident: Incident) -> tuple[str, str, str, str, datetime, datetime]:
    problem = incident.problem
    return problem.check_id, problem.dataset, problem.scope, incident.kind_of, incident.detected_at, incident.due_at


def test_every_fault_is_one_incident_with_its_class_and_clock_and_there_is_no_other(quarter: Quarter) -> None:
    truth = [(*each["incident"][:4], *map(at, each["incident"][4:])) for each in TRUTH["faults"]]
    found = quarter.register.values()

    assert sorted(truth) == sorted(told(each) for each in found if not each.upstream)


def test_what_follows_from_a_fault_is_linked_to_its_incident_and_told_to_nobody(quarter: Quarter) -> None:
    truth = {
        tuple(effect): tuple(fault["incident"][:3])
        for fault in TRUTH["faults"]
        for effect in fault.get("consequences", ())
    }
    found = {each for each in quarter.register.values() if each.upstream}

    assert truth == {told(each)[:3]: told(quarter.register[each.upstream])[:3] for each in found}
    assert not {each.incident_id for each in found} & {page.incident_id for page in quarter.pages}


def test_each_problem_is_told_once_and_its_end_once(quarter: Quarter) -> None:
    kinds = [page.what for page in quarter.pages]

    assert dict.fromkeys(("opened", "resolved"), len(TRUTH["faults"])) == {
        kind: kinds.count(kind) for kind in set(kinds)
    }
    assert {"resolved"} == {each.status for each in quarter.register.values()}
    assert {True} == {each.sla_met(each.last_at) for each in quarter.register.values()}


def line_name(row: Mapping[str, Any]) -> str:
    return A_YEAR if row["name"].endswith("a year") else str(row["sla"])


@pytest.mark.parametrize("instant", TRUTH["scoreboards"])
def test_the_scoreboard_is_that_of_the_truth_file(quarter: Quarter, instant: str) -> None:
    truth, board = TRUTH["scoreboards"][instant], quarter.boards[instant]

    for verdict in ("open", "no_data"):
        assert truth[verdict] == [line_name(row) for row in board if row["verdict"] == verdict], verdict
    breached = {line_name(row): row["since"] for row in board if row["verdict"] == "breached"}
    assert {name: since and at(since) for name, since in truth["breached"].items()} == breached
    assert {"met", "open", "no_data", "breached"} >= {row["verdict"] for row in board}


def test_three_lost_days_are_counted_as_what_they_are(quarter: Quarter) -> None:
    row = next(row for row in quarter.boards["2024-02-07T12:00"] if row["sla"] == "L-10")

    # The 9th, 10th and 11th were due on the 11th, 12th and 13th, 00:00Z, and came out on the 13th 04:30.
    # The worst is the 9th, which ended on the 10th 00:00Z: three days and 4.5 h.
    assert "26 of 29 in time; worst 76.5 h after its end; clock 0.0 h" == row["measured"]


def test_a_date_is_judged_when_it_is_over_and_when_it_is_mature_and_both_verdicts_are_kept(quarter: Quarter) -> None:
    of_silent_day = [
        (each.stage, each.verdict, f"{each.at:%d %H:%M}")
        for each in quarter.kept
        if (each.check_id, each.scope) == ("L-21", "2024-02-21")
    ]

    # Zero when the run of the 22nd had read it, as usual when it was replayed on the 23rd; mature from the 24th on.
    assert [("closed", "zero", "22 03:00"), ("closed", "ok", "23 03:00"), ("mature", "ok", "24 03:00")] == of_silent_day


def test_an_hour_of_which_nobody_can_tell_is_kept_as_such(quarter: Quarter) -> None:
    hours = {each.scope: each.verdict for each in quarter.kept if each.check_id == "L-5"}

    assert ["2024-02-06T10:00Z"] == [hour for hour, verdict in hours.items() if verdict == "gap"]
    assert "no_power" == hours["2024-01-01T10:00Z"]  # a holiday
    assert "no_power" == hours["2024-01-06T03:00Z"]  # a night of Saturday
