"""Freshness, by hand: found while nothing runs, fooled by nothing. Source: `operations.md` D.1 (AT-70, AT-71, AT-72)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from compute.company import Company
from compute.publication import PROMISES, Period, Promise, Run, clock, overdue, periods, stale_since

PROFIT, GROWTH, PRELIMINARY, MATURE, WEEKLY = PROMISES
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def run(flow: str, started: str, months: str = "2024-01..2024-03", **more: object) -> Run:
    start = at(started)
    first, _, last = months.partition("..")
    made = Run(flow, "", first, last or first, start, start, start, start + HOUR, 0)
    return replace(made, **more)  # type: ignore[arg-type]


def shown(promise: Promise, runs: Sequence[Run], now: str) -> dict[str, str | None]:
    found = periods(promise, runs, at(now), Company())
    return {each.name: f"{each.published_at:%m-%dT%H:%M}" if each.published_at else None for each in found}


def one(promise: Promise, name: str) -> Period:
    runs = [run("aggregated", "2024-01-01T00:00")]
    return next(each for each in periods(promise, runs, at("2024-03-04T00:00"), Company()) if each.name == name)


@pytest.mark.parametrize(
    ("promise", "name", "due"),
    [
        (PROFIT, "2024-02-29", "2024-03-02T00:00"),
        (PRELIMINARY, "2024-01-31", "2024-02-03T00:00"),
        (MATURE, "2024-01-31", "2024-02-03T02:00"),
        (GROWTH, "2024-W05", "2024-02-04T23:59:59.999999"),  # before Monday 00:00Z
        (WEEKLY, "2024-W05", "2024-02-05T10:00"),
    ],
)
def test_when_it_is_due(promise: Promise, name: str, due: str) -> None:
    assert at(due) == one(promise, name).due


def test_a_breach_is_found_while_nothing_runs() -> None:
    runs = [run("profit", "2024-01-08T04:00")]  # has read until the 8th 04:00: the 7th ended before the first run
    found = {
        now: overdue(periods(PROFIT, runs, at(now), Company()), at(now))
        for now in ("2024-01-10T00:00", "2024-01-10T00:00:01", "2024-01-25T00:00")
    }

    assert found["2024-01-10T00:00"] is None  # the 8th ends on the 9th 00:00Z and may take 24 h
    assert ["2024-01-08", "2024-01-08"] == [each.name for each in found.values() if each]


def test_the_clock_runs_from_the_end_of_the_oldest_day_that_is_not_out() -> None:
    found = periods(PROFIT, [run("profit", "2024-01-08T04:00")], at("2024-01-10T06:00"), Company())

    assert timedelta(hours=30) == clock(found, at("2024-01-10T06:00"))
    out = [run("profit", "2024-01-08T04:00"), run("profit", "2024-01-10T04:00")]
    assert timedelta() == clock(
        periods(PROFIT, out, at("2024-01-10T06:00"), Company()), at("2024-01-10T06:00")
    )  # fmt: skip


def test_the_first_run_that_had_read_the_whole_day_publishes_it() -> None:
    runs = [
        run("profit", "2024-01-08T04:00"),
        run("profit", "2024-01-08T23:59"),  # the day is not over
        run("growth", "2024-01-09T03:00"),  # another pipeline
        run("profit", "2024-01-09T04:00"),
        run("aggregated", "2024-01-09T06:00"),
    ]

    assert {"2024-01-08": "01-09T05:00", "2024-01-09": None} == shown(PROFIT, runs, "2024-01-09T12:00")


def test_a_late_day_stays_late_when_it_is_filled_in_afterwards() -> None:
    runs = [run("profit", "2024-01-08T04:00"), run("profit", "2024-01-11T04:00")]
    found = periods(PROFIT, runs, at("2024-01-11T06:00"), Company())

    assert [("2024-01-08", True), ("2024-01-09", True), ("2024-01-10", False)] == [
        (each.name, each.is_late(at("2024-01-11T06:00"))) for each in found[:3]
    ]
    assert overdue(found, at("2024-01-11T06:00")) is None


@pytest.mark.parametrize(
    "fake",
    [
        run(
            "profit", "2024-01-08T06:00", as_of=at("2030-01-01T00:00"), watermark=at("2030-01-01T00:00")
        ),  # an as-of in the future
        run("profit", "2024-01-09T04:00", as_of=at("2024-01-08T12:00")),  # a backfill as of an earlier instant
        run("profit", "2024-01-09T04:00", "2023-10..2023-12"),  # of other months
        run("profit", "2024-01-12T04:00"),  # not yet finished
    ],
)
def test_what_does_not_satisfy_it(fake: Run) -> None:
    runs = [run("profit", "2024-01-08T04:00"), fake]

    assert {"2024-01-08": None, "2024-01-09": None} == shown(PROFIT, runs, "2024-01-09T12:00")


def test_one_fresh_event_does_not_make_a_day_known() -> None:
    """The watermark is the slowest partition's: one that lags behind holds the date back."""
    lagging = run("engagement", "2024-01-09T04:00", watermark=at("2024-01-08T20:00"))
    runs = [run("engagement", "2024-01-08T04:00"), lagging]

    assert {"2024-01-08": None, "2024-01-09": None} == shown(PRELIMINARY, runs, "2024-01-09T12:00")


def test_a_date_is_preliminary_first_and_mature_48_hours_after_its_end() -> None:
    runs = [run("engagement", f"2024-01-{day:02d}T00:15") for day in range(8, 13)]

    assert "01-09T01:15" == shown(PRELIMINARY, runs, "2024-01-12T12:00")["2024-01-08"]
    assert {"2024-01-08": "01-11T01:15", "2024-01-09": "01-12T01:15", "2024-01-10": None} == {
        name: out for name, out in shown(MATURE, runs, "2024-01-12T12:00").items() if name < "2024-01-11"
    }


def test_growth_of_a_week_takes_a_run_after_the_cutoff_that_knows_every_status() -> None:
    early = run("growth", "2024-01-14T17:59")
    unsure = run("growth", "2024-01-14T18:00", unknown_statuses=1)
    good = run("growth", "2024-01-14T19:00")

    assert {"2024-W02": None} == shown(GROWTH, [early, unsure], "2024-01-14T23:00")
    assert {"2024-W02": "01-14T20:00"} == shown(GROWTH, [early, unsure, good], "2024-01-14T23:00")


def test_the_week_of_a_month_end_comes_out_with_the_run_of_the_new_month() -> None:
    runs = [run("engagement", "2024-01-29T00:15"), run("engagement", "2024-02-05T00:15", "2024-02")]

    assert {"2024-W05": "02-05T01:15", "2024-W06": None} == shown(WEEKLY, runs, "2024-02-05T12:00")


def test_without_a_run_nothing_was_promised() -> None:
    assert [] == periods(PROFIT, [run("growth", "2024-01-08T04:00")], at("2024-01-10T00:00"), Company())


def test_stale_means_that_now_less_the_latest_event_is_more_than_48_hours() -> None:
    latest, limit = at("2024-01-08T12:00"), timedelta(hours=48)

    assert stale_since(latest, at("2024-01-08T13:00"), limit) is None  # fresh: the reverse would alert here
    assert stale_since(latest, at("2024-01-10T12:00"), limit) is None
    assert at("2024-01-10T12:00") == stale_since(latest, at("2024-01-10T12:00:01"), limit)
    assert stale_since(None, at("2024-01-10T12:00"), limit) is None
