"""What the lake tells of the service levels, and the log of incidents as it is kept. Source: `operations.md` D."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from compute.company import Company
from compute.evaluation import evaluate
from compute.facts import Facts
from compute.incidents import IncidentMove, move
from compute.watch import advance
from storage.catalog import COMPLETENESS_ROW, DISPOSITIONS, RECONCILIATION_GATE, SILVER, SNAPSHOT
from storage.dataset import Dataset
from storage.errors import LakeBusy
from storage.facts import gather_facts
from storage.incidents import append_events, current_incidents, require_incident
from storage.lake import Lake
from storage.watched import INCIDENT_EVENT, RUNS
from storage.work import Work

NOW = datetime(2024, 3, 12, 12, tzinfo=UTC)  # a Tuesday
CLICKS = SILVER["click_events"]
DAY = timedelta(days=1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def put(lake: Lake, dataset: Dataset, *rows: Mapping[str, Any]) -> None:
    """Append rows; columns that are not named are null."""
    frame = pl.DataFrame(list(rows), schema=dict(dataset.schema))
    lake.open(dataset).append(frame, Work(flow="test", dataset=dataset.name))


def put_run(lake: Lake, started: datetime, flow: str = "aggregated") -> None:
    put(lake, RUNS, {
        "flow": flow, "deployment": "", "first_month": "2023-01", "last_month": "2024-12", "as_of": started,
        "watermark": started, "started_at": started, "finished_at": started + DAY / 24, "unknown_statuses": 0,
    })  # fmt: skip


def put_clicks(lake: Lake, *instants: datetime) -> None:
    put(lake, CLICKS, *({"month": f"{at:%Y-%m}", "account_id": "ACC_1", "timestamp": at} for at in instants))


def facts(lake: Lake, now: datetime = NOW) -> Facts:
    return gather_facts(lake, Company(), now)


def test_an_empty_lake_tells_nothing(lake: Lake) -> None:
    assert Facts(NOW, Company(), runs=[], incidents=[], ray_jobs=[], validations=[], queries=[]) == facts(lake)
    assert [] == [problem for outcome in evaluate(facts(lake)) for problem in outcome.problems]


def test_the_latest_click_is_not_one_from_the_future(lake: Lake) -> None:
    assert facts(lake).latest_event is None

    put_clicks(lake, NOW - 3 * DAY, NOW + timedelta(minutes=6), datetime(2030, 1, 1, tzinfo=UTC))

    assert NOW - 3 * DAY == facts(lake).latest_event
    assert ["L-6"] == [problem.check_id for outcome in evaluate(facts(lake)) for problem in outcome.problems]


def test_a_silent_weekday_since_the_first_run_is_zero_and_what_was_before_is_not_judged(lake: Lake) -> None:
    put_clicks(lake, datetime(2024, 3, 7, 12, tzinfo=UTC), datetime(2024, 3, 11, 12, tzinfo=UTC))
    for day in (7, 8, 9, 12):
        put_run(lake, datetime(2024, 3, day, 1, tzinfo=UTC))

    judged = {each.day: each.verdict for each in facts(lake).volumes["click_events"]}

    # Friday the 8th is silent; Saturday and Sunday may be; the 12th is not over.
    assert {date(2024, 3, 7): "learning", date(2024, 3, 8): "zero", date(2024, 3, 9): "learning",
            date(2024, 3, 10): "learning", date(2024, 3, 11): "learning"} == judged  # fmt: skip
    assert ["2024-03-08"] == [
        problem.scope for outcome in evaluate(facts(lake)) if outcome.check_id == "L-21-zero"
        and outcome.dataset == "click_events" for problem in outcome.problems
    ]  # fmt: skip


def test_a_day_that_no_run_has_read_to_its_end_is_not_judged(lake: Lake) -> None:
    put_clicks(lake, datetime(2024, 3, 7, 12, tzinfo=UTC))
    put_run(lake, datetime(2024, 3, 8, 23, tzinfo=UTC))

    assert [] == facts(lake).volumes["click_events"]


def test_a_date_inside_an_open_incident_is_judged_as_long_as_that_lasts(lake: Lake) -> None:
    put_clicks(lake, datetime(2024, 3, 7, 12, tzinfo=UTC))
    for day in (7, 9):
        put_run(lake, datetime(2024, 3, day, 1, tzinfo=UTC))
    log, then = lake.open(INCIDENT_EVENT), datetime(2024, 3, 9, 3, tzinfo=UTC)
    append_events(log, advance({}, evaluate(facts(lake, then)), then, Company()), Work(flow="test", dataset=""))
    put_run(lake, datetime(2024, 4, 25, 1, tzinfo=UTC))

    judged = {each.day for each in facts(lake, datetime(2024, 4, 25, 3, tzinfo=UTC)).volumes["click_events"]}

    assert date(2024, 3, 8) in judged
    assert date(2024, 3, 11) not in judged


def test_drafts_gates_completeness_and_refused_batches(lake: Lake) -> None:
    made = datetime(2024, 3, 3, 6, tzinfo=UTC)
    put(lake, SNAPSHOT, *({"snapshot_id": f"2024-02-d{number}", "month": "2024-02", "draft": number,
                           "created_at": made + number * DAY} for number in (1, 2)))  # fmt: skip
    put(lake, RECONCILIATION_GATE, {"month": "2024-02", "gate": "RC-2", "verdict": "FAIL"},
        {"month": "2024-03", "gate": "RC-2", "verdict": "FAIL"})  # fmt: skip
    put(lake, COMPLETENESS_ROW, *({"month": "2024-02", "dataset": name, "accepted": 5, "quarantined": 1, "missing": 2}
                                  for name in ("revenue", "expenses")))  # fmt: skip
    put(lake, DISPOSITIONS,
        {"dataset": "revenue", "month": "2024-02", "disposition": "quarantined", "code": "REV-Q99", "rows": 7},
        {"dataset": "revenue", "month": "2024-01", "disposition": "quarantined", "code": "REV-Q99", "rows": 0})  # fmt: skip

    found = facts(lake)

    assert {"2024-02": made + DAY} == found.drafts
    assert {"2024-02": {"RC-2": "FAIL"}, "2024-03": {"RC-2": "FAIL"}} == found.gates
    assert {"2024-02": {"revenue": 3, "expenses": 3}} == found.open_rows
    # March's draft is not due yet: its difference is work in progress.
    assert {
        ("RC-2", "reconciliation", "2024-02"),
        ("refused-batch", "revenue", "2024-02"),
        ("L-14", "revenue", "2024-02"),
        ("L-14", "expenses", "2024-02"),
    } == {
        (problem.check_id, problem.dataset, problem.scope)
        for outcome in evaluate(found)
        for problem in outcome.problems
    }


def test_events_come_back_from_the_log_as_they_were(lake: Lake) -> None:
    put_clicks(lake, NOW - 3 * DAY)
    opened = advance({}, evaluate(facts(lake)), NOW, Company())
    append_events(lake.open(INCIDENT_EVENT), opened, Work(flow="test", dataset=""))
    log = lake.open(INCIDENT_EVENT)
    known = current_incidents(log)
    (one,) = known.values()
    acts = [move(one, "acknowledged", at=NOW + DAY, by=name) for name in ("p1", "p2")]

    stale = lake.open(INCIDENT_EVENT)
    append_events(log, acts[:1], Work(flow="test", dataset=""))
    with pytest.raises(LakeBusy):  # read before the first act: what it follows from is no more
        append_events(stale, acts[1:], Work(flow="test", dataset=""))

    after = require_incident(current_incidents(lake.open(INCIDENT_EVENT)), one.incident_id[:6])
    assert (opened[0].problem, "p1", NOW + DAY) == (after.problem, after.acknowledged_by, after.acknowledged_at)
    with pytest.raises(IncidentMove, match="There is no incident 'INC-x'"):
        require_incident(known, "INC-x")


def test_two_intervals_without_an_evaluation_are_allowed_and_no_microsecond_more() -> None:
    limit = NOW + timedelta(minutes=10)
    told = [evaluate(Facts(now, Company(), heartbeat=NOW)) for now in (limit, limit + timedelta(microseconds=1))]

    assert [0, 1] == [sum(len(outcome.problems) for outcome in outcomes) for outcomes in told]
