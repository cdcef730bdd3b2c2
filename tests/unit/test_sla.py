"""The scoreboard: what is met, open, breached, and what nobody knows. Source: `operations.md` D.1 (AT-70, AT-73)."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from compute.company import Company, parse_company
from compute.company_promises import Sla
from compute.facts import Facts
from compute.incidents import Event, Incident, Problem, fold, move
from compute.publication import Run
from compute.sla import LEVELS, scoreboard
from compute.success import allowed_failures, success
from compute.timings import Timing
from compute.volume import Judgement

NOW = datetime(2024, 1, 12, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2024, 1, day, hour, minute, tzinfo=UTC)


def run(start: datetime, flow: str = "profit", deployment: str = "profit-daily", took: timedelta = HOUR) -> Run:
    return Run(flow, deployment, "2023-12", "2024-01", start, start, start, start + took, 0)


def score(sla_id: str, now: datetime = NOW, **facts: Any) -> dict[str, Any]:
    given = {"now": now, "company": Company(), **facts}
    return next(row for row in scoreboard(Facts(**given)) if row["sla"] == sla_id)


def test_nothing_known_is_never_met() -> None:
    rows = scoreboard(Facts(NOW, Company()))

    # No incident at all is a fact: there is a register, and it is empty.
    assert {"L-16", "L-17", "L-18"} == {row["sla"] for row in rows if row["verdict"] == "met"}
    assert {"no_data"} == {row["verdict"] for row in rows} - {"met"}


def test_every_level_of_the_specification_is_on_the_board_with_the_company_files_target() -> None:
    rows = scoreboard(Facts(NOW, parse_company("[sla]\nprofit_hours = 12", source="company.toml")))

    assert {"L-6", "watch", *(f"L-{number}" for number in range(10, 28))} == {level.sla_id for level in LEVELS}
    assert "each day ≤ 12 h after its end" == rows[0]["target"]
    assert "business day 3, 16:00Z" == next(row["target"] for row in rows if row["sla"] == "L-13")
    assert "≥ 99.9%" == next(row["target"] for row in rows if row["sla"] == "L-19")


def test_profit_that_comes_every_day_is_met_and_says_what_is_due_next() -> None:
    found = score("L-10", runs=[run(at(day, 4)) for day in range(8, 13)])

    # The 8th to the 11th are out 5 h after their end; the 12th runs and is due a day after it.
    assert ("met", "4 of 4 in time; worst 5.0 h after its end; clock 0.0 h") == (found["verdict"], found["measured"])
    assert (None, at(14)) == (found["since"], found["next_due"])


def test_profit_that_stops_is_breached_while_nothing_runs() -> None:
    found = score("L-10", runs=[run(at(8, 4)), run(at(9, 4))])

    # The 9th ended on the 10th 00:00Z and was due on the 11th 00:00Z; the 10th was due this morning.
    assert ("breached", at(11)) == (found["verdict"], found["since"])
    assert "1 of 3 in time; worst 60.0 h after its end; clock 60.0 h" == found["measured"]


def test_profit_of_the_first_day_is_open() -> None:
    found = score("L-10", now=at(8, 12), runs=[run(at(8, 4))])

    assert ("open", at(10)) == (found["verdict"], found["next_due"])


def test_a_scheduled_run_that_never_started_is_a_failure() -> None:
    days = [run(at(day, 4, 30)) for day in range(1, 13) if day != 5]
    found = success(days, NOW, 28 * DAY, Sla())

    assert found is not None
    # From the first run on: the 2nd to the 12th, of which the 5th has none.
    assert (11, (at(5, 4),), 0) == (found.slots, found.failed, found.allowed)
    shown = score("L-19", runs=days)
    assert ("breached", "90.9% of 11 in 28 days; 1 failed, 0 allowed; 10 of 11 days and weeks in time") == (
        shown["verdict"],
        shown["measured"],
    )


@pytest.mark.parametrize(("minute", "failed"), [(0, 0), (60, 0), (61, 1)])
def test_a_run_counts_when_it_starts_within_the_grace(minute: int, failed: int) -> None:
    runs = [run(at(1, 4)), run(at(2, 4) + timedelta(minutes=minute))]
    found = success(runs, at(2, 23), 28 * DAY, Sla())

    assert found is not None
    assert (2, failed) == (found.slots, len(found.failed))


def test_a_run_by_hand_fills_no_slot_and_a_slot_that_may_still_run_is_not_counted() -> None:
    by_hand = [run(at(1, 4)), run(at(2, 4), deployment="")]

    assert success([run(at(2, 4), deployment="")], NOW, 28 * DAY, Sla()) is None
    late, early = (success(by_hand, at(2, hour), 28 * DAY, Sla()) for hour in (7, 6))
    assert ((2, 1), (1, 0)) == tuple((each.slots, len(each.failed)) for each in (late, early) if each)


def test_the_arithmetic_of_999_in_1000_is_honest() -> None:
    rate = Sla().success_rate

    assert [0, 0, 1, 1, 2] == [allowed_failures(count, rate) for count in (90, 999, 1000, 1100, 2000)]


def test_a_draft_is_open_until_business_day_3_and_breached_after() -> None:
    runs = [run(datetime(2023, 12, 20, 4, tzinfo=UTC))]

    # December is due on Wed 3 January 16:00Z, November's day is long before the first run.
    assert ("open", at(3, 16)) == tuple(score("L-13", at(3, 16), runs=runs)[key] for key in ("verdict", "next_due"))
    assert ("breached", at(3, 16)) == tuple(score("L-13", at(4), runs=runs)[key] for key in ("verdict", "since"))
    # A company that begins on the 8th has missed nothing; its first draft, of January, is due on Mon 5 February.
    begun = score("L-13", runs=[run(at(8, 4))])
    assert ("open", datetime(2024, 2, 5, 16, tzinfo=UTC)) == (begun["verdict"], begun["next_due"])
    assert "met" == score("L-13", at(4), runs=runs, drafts={"2023-12": at(3, 16)})["verdict"]
    assert "breached" == score("L-13", at(4), runs=runs, drafts={"2023-12": at(3, 17)})["verdict"]


def test_completeness_and_the_ledger_are_judged_when_the_draft_is_due() -> None:
    gates = {"RC-2": "pass", "RC-3": "FAIL"}

    assert "open" == score("L-14", at(3, 16), open_rows={"2023-12": {"revenue": 2}})["verdict"]
    assert "breached" == score("L-14", at(3, 17), open_rows={"2023-12": {"revenue": 2}})["verdict"]
    assert "met" == score("L-14", open_rows={"2023-11": {"revenue": 2}, "2023-12": {"revenue": 0}})["verdict"]
    assert "breached" == score("L-22", gates={"2023-12": gates})["verdict"]
    assert "met" == score("L-22", gates={"2023-11": gates, "2023-12": dict.fromkeys(gates, "pass")})["verdict"]
    assert "no_data" == score("L-22", gates={"2023-12": dict.fromkeys(gates, "unverified")})["verdict"]


def incidents(*resolved: datetime | None) -> list[Incident]:
    made: list[Incident] = []
    for number, end in enumerate(resolved):
        problem = Problem("L-10", "profit", str(number), "Late.", 3, (), at(1), "")
        first = Event(f"INC-{number}", 1, at(1), "opened", "watch", "", problem, "standard", "finance", at(8))
        (one,) = fold([first]).values()
        events = [first, move(one, "resolved", at=end, by="p1", note="done")] if end else [first]
        made += fold(events).values()
    return made


@pytest.mark.parametrize(
    ("resolved", "now", "verdict"),
    [
        ((at(8),), at(9), "met"),
        ((at(8, 1),), at(9), "breached"),
        ((None,), at(8), "open"),
        ((None,), at(8, 1), "breached"),
        ((at(8), None), at(7), "open"),
    ],
)
def test_incidents_are_met_when_resolved_by_their_due_instant(
    resolved: Iterable[datetime | None], now: datetime, verdict: str
) -> None:
    given = incidents(*resolved)

    assert (verdict, "met") == (
        score("L-17", now, incidents=given)["verdict"], score("L-16", now, incidents=given)["verdict"],
    )  # fmt: skip


def test_processing_takes_less_than_2_hours() -> None:
    usual = [run(at(day, 4), took=timedelta(seconds=day)) for day in range(1, 11)]

    found = score("L-20", runs=usual)
    assert ("met", "p50 5.0 s, p95 10.0 s, max 10.0 s of 10") == (found["verdict"], found["measured"])
    assert "breached" == score("L-20", runs=[*usual, run(at(11, 4), took=2 * HOUR)])["verdict"]
    assert "met" == score("L-26", ray_jobs=[Timing("gold/user_day", at(1), 3599.9)])["verdict"]
    assert ("breached", at(2)) == tuple(
        score("L-26", ray_jobs=[Timing("gold/user_day", at(1), 1.0), Timing("gold/user_day", at(2), 3600.0)])[key]
        for key in ("verdict", "since")
    )


def test_volume_is_breached_by_an_alert_and_unknown_while_learning() -> None:
    day = date(2024, 1, 11)
    fine, odd, new = (Judgement(day, 1, verdict) for verdict in ("ok", "zero", "learning"))

    assert ["met", "breached", "no_data", "met"] == [
        score("L-21", volumes=volumes)["verdict"]
        for volumes in ({"a": [odd, fine]}, {"a": [fine], "b": [odd]}, {"a": [new]}, {"a": [fine], "b": [new]})
    ]


def test_a_watch_that_was_silent_for_two_intervals_is_breached() -> None:
    assert ("met", at(1, 0, 10)) == tuple(
        score("watch", at(1, 0, 10), heartbeat=at(1))[key] for key in ("verdict", "next_due")
    )
    assert ("breached", at(1, 0, 10)) == tuple(
        score("watch", at(1, 0, 11), heartbeat=at(1))[key] for key in ("verdict", "since")
    )


def test_stale_engagement_is_breached_from_48_hours_on() -> None:
    assert ("met", at(14, 12)) == tuple(score("L-6", latest_event=at(12, 12))[key] for key in ("verdict", "next_due"))
    assert ("breached", at(12, 11)) == tuple(score("L-6", latest_event=at(10, 11))[key] for key in ("verdict", "since"))
