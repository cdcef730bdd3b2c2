"""What the lake tells of the service levels, and the log of incidents as it is kept. Source: `operations.md` D."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from compute.company import Company
from compute.contracts.click_events import CLICK_EVENTS
from compute.evaluation import evaluate
from compute.facts import Facts
from compute.incidents import IncidentMove, move
from compute.lag import Lag, PartitionLag
from compute.timings import Timing
from compute.verdicts import Verdict
from compute.watch import advance
from storage import queries
from storage.catalog import (
    ACCOUNT_MONTH_TABLE,
    BRONZE,
    COMPLETENESS_ROW,
    DISPOSITIONS,
    FIGURES,
    GAP_CASE,
    JUDGED,
    LATE_EVENTS,
    RECONCILIATION_GATE,
    RECONCILIATION_ROW,
    SILVER,
    SNAPSHOT,
    SNAPSHOT_FIGURE,
)
from storage.dataset import Dataset
from storage.errors import LakeBusy, LakeUnwritable
from storage.facts import gather_facts
from storage.facts_quality import gather_measures, with_alerts
from storage.facts_volume import with_silences
from storage.incidents import append_events, current_incidents, require_incident
from storage.lag import keep_lag
from storage.lake import Lake
from storage.queries import keep_query, timed_query
from storage.verdicts import keep_verdicts
from storage.watched import HEARTBEAT, INCIDENT_EVENT, LAG, QUERIES, RUNS, VERDICTS
from storage.work import Work

NOW = datetime(2024, 3, 12, 12, tzinfo=UTC)  # a Tuesday
CLICKS = SILVER["click_events"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


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

    put_run(lake, datetime(2024, 3, 1, tzinfo=UTC), flow="watch")

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


def test_a_partition_that_falls_silent_is_seen_though_the_topic_goes_on(lake: Lake) -> None:
    begin = datetime(2024, 1, 8, 9, tzinfo=UTC)  # a Monday
    days = [begin + DAY * index for index in range(63) if (begin + DAY * index).weekday() < 5]
    rows = [
        {"month": f"{day:%Y-%m}", "account_id": "ACC_1", "timestamp": day, "_partition": partition}
        for day in days for partition in (0, 1) for _ in range(60 if partition else 600)
        if (day.date(), partition) != (date(2024, 3, 7), 1)
    ]  # fmt: skip
    put(lake, CLICKS, *rows)
    for day in (6, 9):
        put_run(lake, datetime(2024, 3, day, 1, tzinfo=UTC))

    found = facts(lake, datetime(2024, 3, 9, 3, tzinfo=UTC))

    # 600 of 660 clicks came: -9 % of the topic, all of the partition.
    assert {"click_events": "ok", "click_events/0": "ok", "click_events/1": "zero"} == {
        name: next(each.verdict for each in judged if each.day == date(2024, 3, 7))
        for name, judged in found.volumes.items() if name.startswith("click") and judged
    }  # fmt: skip
    assert [("L-21-zero", "click_events/1", "2024-03-07")] == [
        (problem.check_id, problem.dataset, problem.scope) for outcome in evaluate(found)
        for problem in outcome.problems if problem.check_id == "L-21-zero" and "click" in problem.dataset
    ]  # fmt: skip
    assert {True, False} == {each.is_mature for each in found.volumes["click_events"]}


def test_hours_are_judged_as_far_as_the_topics_are_known_and_an_open_outage_teaches_nothing(lake: Lake) -> None:
    ten = datetime(2024, 3, 12, 10, tzinfo=UTC)  # a Tuesday
    put_clicks(lake, *(ten - timedelta(weeks=back) for back in range(1, 9) for _ in range(20)))
    put_clicks(lake, ten - 2 * HOUR, ten - HOUR)
    put_run(lake, ten - 10 * HOUR)
    put_run(lake, ten + HOUR / 2)
    assert frozenset({ten - HOUR * back for back in range(1, 11)}) == with_silences(lake, facts(lake)).judged_hours

    put_run(lake, ten + HOUR)
    given = with_silences(lake, facts(lake, ten + 3 * HOUR))
    (problem,) = (each for outcome in evaluate(given) for each in outcome.problems if each.check_id == "L-5")
    assert ("click_events", "2024-03-12T10:00Z", ten) == (problem.dataset, problem.scope, problem.first_bad_at)
    assert "1 hours without a click until 2024-03-12T11:00:00+00:00, usually 20" == problem.evidence

    opened = advance({}, evaluate(given), given.now, Company())
    append_events(lake.open(INCIDENT_EVENT), opened, Work(flow="test", dataset=""))
    put_clicks(lake, ten + timedelta(weeks=1, days=1))
    put_run(lake, ten + timedelta(weeks=1, hours=1))
    later = with_silences(lake, facts(lake, ten + timedelta(weeks=1, hours=3)))
    week_after = next(each for each in later.silences if each.hour == ten + timedelta(weeks=1))
    # Seven weeks are known, all with clicks: the outage itself is left out. It is judged itself as long as it is open.
    assert ("gap", 20) == (week_after.verdict, week_after.usual)
    assert ten in later.judged_hours


def test_without_runs_or_clicks_no_hour_is_judged(lake: Lake) -> None:
    assert facts(lake) == with_silences(lake, facts(lake))
    put_run(lake, NOW - DAY)
    put_run(lake, NOW)
    assert frozenset() == with_silences(lake, facts(lake)).judged_hours


def test_a_batch_is_timed_from_its_landing_to_the_verdicts_made_from_it(lake: Lake) -> None:
    bronze, judged = BRONZE["license_changes"], JUDGED["license_changes"]
    row = {"_source": "file", "_batch_id": "b1"}
    lake.open(bronze).append(
        pl.DataFrame([row], schema=dict(bronze.schema)), Work(flow="growth", dataset=bronze.name, rows=1)
    )
    now = datetime.now(UTC)
    (waiting,) = gather_facts(lake, Company(), now).validations

    empty = pl.DataFrame(schema=dict(judged.schema))
    behind = {bronze.name: lake.open(bronze).version}
    lake.open(judged).append(empty, Work(flow="growth", dataset=judged.name, inputs=behind))
    (done,) = gather_facts(lake, Company(), datetime.now(UTC)).validations

    assert ("license_changes", now) == (waiting.name, waiting.at)
    assert 0 <= done.seconds < 60
    assert datetime.now(UTC) > done.at


def test_what_the_watch_saw_of_the_broker_is_kept_until_it_looks_again(lake: Lake) -> None:
    seen = Lag(
        NOW, (PartitionLag("click_events", 0, 3, 12.5, "in_time"), PartitionLag("click_events", 1, 9, None, "lost"))
    )
    away = Lag(NOW + DAY, seen.partitions[:1], "the broker stopped answering")

    assert facts(lake).lag is None
    for lag in (seen, away, Lag(NOW + 2 * DAY)):
        keep_lag(lake, lag, Work(flow="watch", dataset=LAG.name))
        assert lag == facts(lake).lag


def test_queries_are_kept_for_four_weeks_and_do_not_pile_up(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.recent._REWRITTEN_EVERY", 5)
    for day in range(40):
        keep_query(lake, Timing("report", NOW - DAY * (39 - day), float(day)))
    kept = lake.read(QUERIES).sort("at")
    assert [float(day) for day in range(12, 40)] == [
        each.seconds for each in facts(lake).queries if each.name == "report"
    ][-28:]
    assert kept.height < 40
    with timed_query(lake, "ledger"):
        pass
    assert "ledger" in lake.read(QUERIES)["name"].to_list()


def test_a_query_that_fails_took_no_time_and_one_beside_another_is_tried_again(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ValueError, match="no such month"), timed_query(lake, "report"):
        raise ValueError("no such month")
    assert lake.read(QUERIES).is_empty()

    asked = iter([LakeBusy(dataset="watch/query"), None])
    keep = queries._keep
    monkeypatch.setattr(queries, "_keep", lambda *given: raise_or(next(asked, None), keep, *given))
    keep_query(lake, Timing("report", NOW, 1.0))
    assert 1 == lake.read(QUERIES).height

    monkeypatch.setattr(queries, "_keep", lambda *_: raise_or(LakeUnwritable(root="lake", reason="read-only"), keep))
    keep_query(lake, Timing("report", NOW, 1.0))
    monkeypatch.setattr(queries, "_keep", lambda *_: raise_or(LakeBusy(dataset="watch/query"), keep))
    keep_query(lake, Timing("report", NOW, 1.0))
    assert ["read-only" in line or "too many" in line for line in caplog.messages] == [True, True]


def raise_or(error: Exception | None, act: Callable[..., None], *given: Any) -> None:
    if error:
        raise error
    act(*given)


def test_verdicts_are_kept_when_they_change_and_their_numbers_once_a_day(lake: Lake) -> None:
    def kept(verdict: str, evidence: str, at: datetime) -> int:
        one = Verdict("L-21", "click_events", "2024-03-08", "closed", verdict, evidence, "-30.0%, +30.0%", at)
        keep_verdicts(lake, [one], Work(flow="watch", dataset=VERDICTS.name))
        return lake.read(VERDICTS).height

    assert [1, 1, 1, 2, 3] == [
        kept("ok", "rows 10", NOW), kept("ok", "rows 10", NOW + DAY), kept("ok", "rows 11", NOW + HOUR),
        kept("warn", "rows 12", NOW + 2 * HOUR), kept("warn", "rows 13", NOW + DAY),
    ]  # fmt: skip


def test_the_measures_of_data_quality_are_read_from_the_lake(lake: Lake) -> None:
    put(lake, SNAPSHOT, *({"snapshot_id": f"2024-02-d{number}", "month": "2024-02", "draft": number, "created_at": NOW,
                           "content_hash": f"h{number}"} for number in (1, 2)))  # fmt: skip

    def figure(
        metric: str, value: str, month: str = "2024-02", grain: str = "company_month", key: str = "company"
    ) -> dict[str, Any]:
        return {"month": month, "metric_id": metric, "grain": grain, "grain_key": key, "value": Decimal(value)}

    put(lake, SNAPSHOT_FIGURE, *({**figure("M-05", value), "snapshot_id": f"2024-02-d{number}"}
                                 for number, value in ((1, "1"), (2, "3"))))  # fmt: skip
    put(lake, FIGURES["growth"], figure("M-05", "3"), figure("M-05", "2", "2024-01"), figure("M-05", "9", "2022-01"),
        figure("M-48.logo", "0.5", key="company|2023-01"), figure("M-48.logo", "0.4", "2024-01", key="company|2023-01"))  # fmt: skip
    put(lake, FIGURES["profit"], figure("M-27", "-0.6", grain="account_month", key="ACC_1"), figure("M-27", "0.4"))
    put(lake, ACCOUNT_MONTH_TABLE,
        *({"month": month, "account_id": account, "is_existing": True, "mrr": Decimal(5), "movement": movement}
          for account, month, movement in (("ACC_1", "2023-01", "new"), ("ACC_2", "2023-01", "new"),
                                           ("ACC_1", "2024-02", "reactivation"))))  # fmt: skip
    put(lake, RECONCILIATION_ROW, *({"month": "2024-02", "account_id": account, "delta": Decimal(delta), "ledger": Decimal(10)}
                                    for account, delta in (("ACC_1", 3), ("ACC_2", -1))))  # fmt: skip
    put(lake, GAP_CASE, {"event_date": date(2024, 2, 9)})
    put(
        lake,
        SILVER["account_status_changes"],
        *({"month": "2024-02", "account_id": name} for name in ("ACC_1", "ACC_1")),
    )
    put_clicks(lake, NOW - 5 * DAY, NOW - 5 * DAY, NOW - 6 * DAY)
    put(lake, LATE_EVENTS, *({"dataset": "click_events", "class": kind, "event_time": NOW - back * DAY, "arrival": NOW - when * DAY}
                             for kind, back, when in (("late", 5, 1), ("unusable", 6, 1), ("late", 60, 40))))  # fmt: skip

    found = gather_measures(lake, facts(lake))

    month = "2024-02"
    assert {(month, "M-05"): 3} == found.drafted
    assert {(month, "M-05"): 3, ("2024-01", "M-05"): 2, (month, "M-27"): Decimal("0.4")} == found.upstream
    assert {month: [Decimal("-0.6")]} == found.margins
    assert [(month, "2023-01", Decimal("0.5"), Decimal("0.4"), 2, 1)] == found.cohorts.rows()
    assert {month: (2, 20)} == found.variances
    assert {month: (Fraction(1, 10), Fraction(1, 5))} == facts(lake).variances
    assert {month: "h2"} == facts(lake).hashes
    assert {month: (1, 2)} == found.transitions
    # The date of the late click has two clicks; one that came 40 days ago is judged no more.
    assert {(NOW - 5 * DAY).date(): (1, 2)} == found.late
    # Of the three clicks the four optional fields are empty, and one account is named.
    optional = [each.name for each in CLICK_EVENTS.fields if each.need == "may" and each.name in CLICKS.schema]
    assert (3 * len(optional), 3 * len(optional)) == found.nulls["click_events", "2024-03"]
    assert 1 == found.accounts["click_events", "2024-03"]
    put(lake, HEARTBEAT, {"at": NOW - HOUR, "failing": 0})
    assert {} == gather_measures(lake, facts(lake)).nulls  # counted once a day
    assert ["account_margin", "margin_range"] == [
        each.alert.check_id for each in with_alerts(lake, facts(lake)).alerts if each.reading.dataset == "profit"
    ]


def test_what_a_whole_topic_lacks_is_said_once_not_of_its_hours_and_partitions_too(lake: Lake) -> None:
    silent = datetime(2024, 3, 12, 10, tzinfo=UTC)  # a Tuesday
    put(lake, CLICKS, *(
        {"month": f"{day:%Y-%m}", "account_id": "ACC_1", "timestamp": day, "_partition": partition}
        for day in (silent - DAY * back for back in range(1, 60)) for partition in (0, 1) for _ in range(60)
    ))  # fmt: skip
    for day in (11, 13):
        put_run(lake, datetime(2024, 3, day, tzinfo=UTC))

    given = with_silences(lake, facts(lake, datetime(2024, 3, 13, 3, tzinfo=UTC)))
    told = [problem for outcome in evaluate(given) for problem in outcome.problems if "click" in problem.dataset]

    assert [("L-21-zero", "click_events", "2024-03-12")] == [
        (each.check_id, each.dataset, each.scope) for each in told if each.check_id != "L-6"
    ]
    assert {date(2024, 3, 11)} == {hour.date() for hour in given.judged_hours}


@pytest.mark.parametrize("hour", [10, 22])
def test_a_silent_day_is_silent_since_the_outage_that_lasted_into_it(lake: Lake, hour: int) -> None:
    last = datetime(2024, 3, 11, hour, tzinfo=UTC)  # a Monday; the Tuesday is silent
    hours = [last - HOUR * back for back in range(24 * 70)]
    put(lake, CLICKS, *(
        {"month": f"{at:%Y-%m}", "account_id": "ACC_1", "timestamp": at} for at in hours for _ in range(20)
    ))  # fmt: skip
    put_clicks(lake, *([datetime(2024, 3, 11, 23, tzinfo=UTC)] if hour == 10 else []))
    for day in (11, 13):
        put_run(lake, datetime(2024, 3, day, tzinfo=UTC))

    given = with_silences(lake, facts(lake, datetime(2024, 3, 13, 3, tzinfo=UTC)))
    (zero,) = (
        problem for outcome in evaluate(given) for problem in outcome.problems
        if (problem.check_id, problem.dataset) == ("L-21-zero", "click_events")
    )  # fmt: skip

    assert (datetime(2024, 3, 12, tzinfo=UTC) if hour == 10 else last + HOUR) == zero.first_bad_at
