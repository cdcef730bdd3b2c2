"""A quarter of a company with the faults of `watched_quarter.json` in it: what the watch would read at an instant."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl

from compute.alert_measures import Measures
from compute.alerts import judge_alerts
from compute.calendar import day_end
from compute.company import parse_company
from compute.dispositions import DISPOSITION
from compute.facts import Facts
from compute.incidents import Incident
from compute.lag import Lag, PartitionLag
from compute.outages import Clicks, hours_of, silences
from compute.publication import Run
from compute.success import SCHEDULES, slots
from compute.timings import Timing
from compute.volume import Judgement, Series, judge_volume

HOUR, DAY, STEP = timedelta(hours=1), timedelta(days=1), timedelta(hours=3)
COMPANY = parse_company('[sla]\nwatch_minutes = 180\n[calendar]\nholidays = ["2024-01-01"]', source="company.toml")
KNOWN_SINCE = datetime(2023, 10, 30, tzinfo=UTC)
BEGIN, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 4, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_between(now: datetime, first: str, last: str) -> bool:
    return at(first) <= now < at(last)


def runs() -> list[Run]:
    """Every scheduled run, but those of profit that stayed away; growth of a week ends unsure; one takes long."""
    made = [Run("aggregated", "", "2023-12", "2024-04", *[BEGIN] * 3, BEGIN + HOUR / 2, 0)]
    for name, cron in SCHEDULES.items():
        for slot in slots(cron, BEGIN, END):
            if name == "profit-daily" and is_between(slot, "2024-01-10", "2024-01-13"):
                continue
            unsure = 1 if name == "growth-weekly" and slot.date() == date(2024, 2, 18) else 0
            took = 3 * HOUR if name == "profit-daily" and slot.date() == date(2024, 3, 5) else HOUR / 2
            made.append(
                Run(name.partition("-")[0], name, "2023-12", "2024-04", slot, slot, slot, slot + took, unsure)
            )  # fmt: skip
    return made


RUNS = runs()


def _usual(hour: datetime) -> int:
    """Return the clicks of an hour: 100 from 8 to 18, three at night; at weekends 30, and none at night."""
    if hour.date() == date(2024, 1, 1):
        return 0
    is_day, is_weekend = 8 <= hour.hour < 18, hour.weekday() >= 5
    return (30 if is_day else 0) if is_weekend else (100 if is_day else 3)


HOURS = {hour: _usual(hour) for hour in hours_of(KNOWN_SINCE, END) if _usual(hour)}
OUTAGE, REPLAYED = at("2024-02-06T10:00"), at("2024-02-08T12:00")
SILENT, BACK = date(2024, 2, 21), at("2024-02-23T03:00")


def clicks(now: datetime) -> dict[datetime, int]:
    """Return the clicks that have come by now, by hour of their event time."""
    lost = {OUTAGE} if now < REPLAYED else set()
    lost |= {hour for hour in HOURS if hour.date() == SILENT} if now < BACK else set()
    return {hour: count for hour, count in HOURS.items() if hour < now and hour not in lost}


def judged_days(mark: datetime) -> list[date]:
    days = [mark.date() - DAY * back for back in range(14, 0, -1)]
    return [day for day in days if day >= BEGIN.date()]


def volumes(by_hour: dict[datetime, int], mark: datetime) -> list[Judgement]:
    by_date: dict[date, int] = {}
    for hour, count in by_hour.items():
        by_date[hour.date()] = by_date.get(hour.date(), 0) + count
    series = Series(by_date, is_expected_daily=True)
    return [
        replace(
            judge_volume(day, series, COMPANY.volume, COMPANY.calendar.holidays),
            is_mature=day_end(day) + 2 * DAY <= mark,
        )
        for day in judged_days(mark)
    ]


def lag(now: datetime) -> Lag:
    if is_between(now, "2024-03-19T06:00", "2024-03-19T09:00"):
        return Lag(now, (), "No Kafka broker lets us in at kafka:9092 (REFUSED)")
    is_late = is_between(now, "2024-03-12T09:00", "2024-03-12T15:00")
    is_lost = is_between(now, "2024-02-28T12:00", "2024-02-29T00:00")
    first = PartitionLag("click_events", 0, 70, 420.0, "late") if is_late else None
    second = PartitionLag("click_events", 1, 5, None, "lost") if is_lost else None
    return Lag(now, (
        first or PartitionLag("click_events", 0, 1, 2.0, "in_time"),
        second or PartitionLag("click_events", 1, 0, 0.0, "caught_up"),
    ))  # fmt: skip


def timings(known: list[Run], flow: str, name: str, seconds: float) -> list[Timing]:
    return [Timing(name, run.finished_at, seconds) for run in known if run.flow == flow]


def counts(now: datetime) -> pl.DataFrame:
    twice = 10 if is_between(now, "2024-03-14T09:00", "2024-03-15T09:00") else 0
    rows = [("revenue", "2024-03", "accepted", "", 100, 0), ("revenue", "2024-03", "duplicate", "", twice, 0)]
    return pl.DataFrame(rows, schema=DISPOSITION, orient="row")


def facts(now: datetime, register: dict[str, Incident], heartbeat: datetime | None) -> Facts:
    """Return what the watch reads at an instant."""
    known = [run for run in RUNS if run.finished_at <= now]
    mark = max((run.topic_mark for run in known if run.flow in ("engagement", "aggregated")), default=BEGIN)
    by_hour = clicks(now)
    judged = volumes(by_hour, mark)
    zero = {each.day for each in judged if each.verdict == "zero"}
    first = datetime.combine((judged_days(mark) or [BEGIN.date()])[0], datetime.min.time(), UTC)
    hours = [hour for hour in hours_of(first, mark) if hour.date() not in zero]
    drafts = {"2023-12": at("2024-01-03T06:30"), "2024-01": at("2024-02-03T06:30"), "2024-02": at("2024-03-03T06:30")}
    drafts = {month: made for month, made in drafts.items() if made <= now}
    held = 2 if is_between(now, "2024-03-06T09:00", "2024-03-07T09:00") else 0
    is_refused = is_between(now, "2024-02-28T12:00", "2024-02-29T12:00")
    return Facts(
        now=now, company=COMPANY, runs=known, drafts=drafts, hashes=dict.fromkeys(drafts, "a1"),
        gates={month: {"RC-2": "pass", "RC-3": "pass"} for month in drafts} or {"2023-11": {"RC-2": "pass", "RC-3": "pass"}},
        open_rows={month: {"expenses": held if month == "2024-02" else 0} for month in drafts} or {"2023-11": {"expenses": 0}},
        refused={("revenue", "2024-01"): 7} if is_refused else {}, incidents=list(register.values()),
        latest_event=max(by_hour), volumes={"click_events": judged},
        silences=silences(hours, Clicks(by_hour, KNOWN_SINCE), COMPANY.volume, COMPANY.calendar.holidays),
        judged_hours=frozenset(hours), alerts=judge_alerts(Measures(counts=counts(now)), COMPANY), lag=lag(now),
        ray_jobs=timings(known, "engagement", "gold/user_day", 120.0),
        validations=timings(known, "growth", "license_changes", 40.0),
        queries=timings(known, "profit", "report", 2.0), heartbeat=heartbeat,
    )  # fmt: skip


def evaluations() -> Iterator[datetime]:
    """Yield the instants at which the watch is awake."""
    for index in range((END - BEGIN) // STEP):
        now = BEGIN + index * STEP
        if not is_between(now, "2024-03-08T00:00", "2024-03-08T06:00"):
            yield now
