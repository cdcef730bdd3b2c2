"""The hand-over digest: when it is due, what is in it, how it reads. Source: `operations.md` I-8."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from compute.company import Company, parse_company
from compute.digest import DAY, WEEK, Digest, DigestFacts, digest, digest_due
from compute.digest_text import as_data, cloud_event, markdown, subject
from compute.incidents import Event, Incident, Problem, fold, move

NOW = datetime(2024, 2, 5, 7, tzinfo=UTC)  # a Monday
COMPANY = parse_company(
    '[roles]\noperations = ["ada", "ben", "cy"]\n[calendar]\nholidays = [2024-02-12]', source="company.toml"
)


def incident(name: str, found: datetime, due: datetime, *, resolved: datetime | None = None) -> Incident:
    problem = Problem("L-10", "profit", name, f"{name} is late.", 3, ("2024-01",), found, "")
    opened = Event(f"INC-{name}", 1, found, "opened", "watch", "", problem, "standard", "finance", due)
    (one,) = fold([opened]).values()
    events = [opened, move(one, "resolved", at=resolved, by="p1", note="run again")] if resolved else [opened]
    return fold(events)[f"INC-{name}"]


def at(day: int, hour: int = 0, month: int = 2) -> datetime:
    return datetime(2024, month, day, hour, tzinfo=UTC)


WAITS = incident("new", at(4), at(11))
OVERDUE = incident("old", at(20, month=1), at(27, month=1))
DONE = incident("done", at(31, month=1), at(7), resolved=at(1))
LONG_DONE = incident("past", at(10, month=1), at(17, month=1), resolved=at(20, month=1))
FACTS = DigestFacts(
    now=NOW, span=WEEK, company=COMPANY, incidents=(LONG_DONE, OVERDUE, DONE, WAITS),
    held={("revenue", "2024-02"): 2, ("revenue", "2024-01"): 3, ("expenses", "undated"): 1}, drafts={"2024-01": at(3, 6)},
    broken=[("L-10", "profit within a day", "1 of 3 in time")],
)  # fmt: skip


@pytest.mark.parametrize(
    ("day", "span"),
    [
        (date(2024, 1, 15), WEEK),  # a Monday
        (date(2024, 1, 16), None),
        (date(2024, 2, 22), None),
        (date(2024, 2, 23), DAY),  # the last week of February in a leap year
        (date(2023, 2, 22), DAY),
        (date(2024, 2, 26), WEEK),  # the Monday of that week
        (date(2024, 12, 31), DAY),
    ],
)
def test_it_is_due_on_mondays_and_daily_in_the_last_week_of_a_month(day: date, span: timedelta | None) -> None:
    assert span == digest_due(day)


def test_what_waits_is_ordered_by_its_clock_and_what_happened_is_that_of_the_span() -> None:
    made = digest(FACTS)

    assert [OVERDUE, WAITS] == list(made.waiting)
    assert ([DONE, WAITS], [DONE]) == (list(made.opened), list(made.resolved))
    assert (1, "cy") == (made.overdue, made.on_call)
    assert [] == list(digest(replace(FACTS, span=DAY)).opened)


def test_what_happened_at_the_begin_of_the_span_belongs_to_the_digest_before() -> None:
    edge = incident("edge", NOW - WEEK, at(9))

    assert () == digest(replace(FACTS, incidents=(edge,))).opened
    assert (edge,) == digest(replace(FACTS, incidents=(edge,), span=WEEK + timedelta(microseconds=1))).opened


def test_the_closes_are_those_of_the_month_before_and_of_the_running_one() -> None:
    assert [
        ("2024-01", "draft", at(5, 16), at(3, 6)), ("2024-01", "certification", at(7, 18), None),
        ("2024-02", "draft", at(5, 16, 3), None), ("2024-02", "certification", at(7, 18, 3), None),
    ] == [(each.month, each.step, each.due_at, each.done_at) for each in digest(FACTS).closes]  # fmt: skip


def test_it_reads_well() -> None:
    text = markdown(digest(FACTS), "docs/runbook.md")

    assert (
        """# Operations digest, 2024-W06, Monday 5 February 2024

**2 incidents wait, 1 overdue; 2 opened and 1 resolved in 7 days.**
On call: cy.

## Due clocks

* **overdue by 9 d 7 h** (2024-01-27 00:00Z): old is late.
  INC-old, standard, finance; blocks nothing
* **due in 5 d 17 h** (2024-02-11 00:00Z): new is late.
  INC-new, standard, finance; blocks nothing

## Opened

* done is late (standard, INC-done)
* new is late (standard, INC-new)

## Resolved

* done is late (standard, INC-done); met, run again

## Quarantines

* expenses: 1 row in undated, `techflow quarantine list --feed expenses`
* revenue: 5 rows in 2024-01 and 1 more month, `techflow quarantine list --feed revenue`

## Pending restatements

* none

## Close dates

* 2024-01 draft due 2024-02-05 16:00Z: made 2024-02-03 06:00Z
* 2024-01 certification due 2024-02-07 18:00Z: to come
* 2024-02 draft due 2024-03-05 16:00Z: to come
* 2024-02 certification due 2024-03-07 18:00Z: to come

## Service levels that are broken

* L-10 profit within a day: 1 of 3 in time

## On call

* 2024-W06, from Monday 2024-02-05: cy
* 2024-W07, from Monday 2024-02-12: ada; holidays: 2024-02-12
* 2024-W08, from Monday 2024-02-19: ben
* 2024-W09, from Monday 2024-02-26: cy
* 2024-W10, from Monday 2024-03-04: ada

What to do: docs/runbook.md; `techflow incidents show INCIDENT` for more.
"""
        == text
    )
    assert max(map(len, text.splitlines())) <= 90


def quiet(**more: object) -> Digest:
    return digest(DigestFacts(**{"now": NOW, "span": DAY, "company": Company(), **more}))  # type: ignore[arg-type]


def test_a_quiet_day_says_so() -> None:
    made = quiet()
    text = markdown(made, "r")

    assert "**No incident waits; 0 opened and 0 resolved in a day.**\nOn call: nobody." in text
    assert "* nothing waits" in text.splitlines()
    assert "Operations digest, 2024-W06, Monday 5 February 2024: No incident waits" == subject(made)
    assert "**1 incident waits;" in markdown(quiet(incidents=(WAITS,)), "r")


def test_pending_restatements_are_named_by_month() -> None:
    assert "* 2023-12: 4 changes" in markdown(quiet(pending={"2023-12": 4}), "r").splitlines()


def test_machines_get_the_same_as_a_cloud_event() -> None:
    event = json.loads(json.dumps(cloud_event(digest(FACTS))))

    assert ("1.0", "digest-2024-02-05T07:00:00Z", "techflow.digest") == (
        event["specversion"],
        event["id"],
        event["type"],
    )
    assert as_data(digest(FACTS)) == event["data"]
    assert [("INC-old", "overdue by 9 d 7 h", []), ("INC-new", "5 d 17 h", [])] == [
        (each["incident"], each["left"], each["blocks"]) for each in event["data"]["waiting"]
    ]
    assert {"dataset": "revenue", "month": "2024-01", "rows": 3} in event["data"]["quarantines"]
