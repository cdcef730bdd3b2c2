"""How long things take and wait: validation, lag, queries, sign-offs. Source: `operations.md` L-15, L-19 to L-27."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compute.accuracy import SIGNING, SignOff
from compute.company import Company
from compute.evaluation import evaluate
from compute.facts import Facts
from compute.incidents import Problem
from compute.lag import Lag, PartitionLag
from compute.publication import Run
from compute.sla import scoreboard
from compute.timings import Timing
from compute.validation import Commit, validations

NOW = datetime(2024, 1, 12, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2024, 1, day, hour, minute, tzinfo=UTC)


def facts(**given: Any) -> Facts:
    return Facts(**{"now": NOW, "company": Company(), **given})


def score(sla_id: str, given: Facts) -> tuple[str, str]:
    row = next(row for row in scoreboard(given) if row["sla"] == sla_id)
    return str(row["verdict"]), str(row["measured"])


def problems(given: Facts) -> list[Problem]:
    return [problem for outcome in evaluate(given) for problem in outcome.problems]


def judged(given: Facts, check_id: str) -> set[str]:
    return {outcome.dataset for outcome in evaluate(given) if outcome.check_id == check_id}


def test_a_batch_waits_until_the_first_verdicts_made_from_it_and_else_until_now() -> None:
    landed = [Commit(1, at(1)), Commit(2, at(2)), Commit(4, at(3))]
    # The run of the 2nd had opened the table before its batch landed: it judged version 1 alone.
    verdicts = [Commit(1, at(1, 0, 1)), Commit(1, at(2, 0, 1)), Commit(3, at(2, 0, 5))]

    found = validations("license_changes", landed, verdicts, at(3, 0, 7))

    assert [60, 300, 420] == [each.seconds for each in found]
    assert at(3, 0, 7) == found[-1].at


def timings(*seconds: float, name: str = "license_changes") -> list[Timing]:
    return [Timing(name, at(1) + HOUR * index, each) for index, each in enumerate(seconds)]


@pytest.mark.parametrize(("most", "verdict"), [(300.0, "met"), (300.1, "breached")])
def test_validation_takes_at_most_5_minutes_of_95_in_100_batches(most: float, verdict: str) -> None:
    given = facts(validations=timings(*[10.0] * 18, most, 9_999.0))

    assert (verdict, "p50 10.0 s, p95") == (score("L-23", given)[0], score("L-23", given)[1][:15])
    assert (["L-23"] if verdict == "breached" else []) == [each.check_id for each in problems(given)]


def test_a_slow_query_is_named_and_its_incident_ends_when_queries_are_quick_again() -> None:
    slow = timings(31.0, name="export metrics")
    given = facts(queries=[*timings(1.0, 2.0, name="report"), *slow])

    assert ("breached", "p50 2.0 s, p95 31.0 s, max 31.0 s of 3; too long: export metrics") == score("L-27", given)
    assert [("L-27", "export metrics", "")] == [(each.check_id, each.dataset, each.scope) for each in problems(given)]
    mended = facts(queries=[*slow, *[replace(slow[0], at=at(5) + HOUR * index, seconds=1.0) for index in range(20)]])
    assert ([], {"export metrics"}) == (problems(mended), judged(mended, "L-27"))
    assert "no_data" == score("L-27", facts())[0]


@pytest.mark.parametrize(("seconds", "count"), [(3599.9, 0), (3600.0, 1)])
def test_the_last_ray_job_counts(seconds: float, count: int) -> None:
    given = facts(ray_jobs=timings(9_999.0, seconds, name="gold/user_day"))

    assert count == len(problems(given))


def run(day: int, flow: str = "profit", took: timedelta = HOUR) -> Run:
    return Run(flow, f"{flow}-daily", "2023-12", "2024-01", *[at(day, 4)] * 3, at(day, 4) + took, 0)


def test_the_last_run_of_a_flow_that_took_2_hours_is_an_incident_until_the_next() -> None:
    slow = [run(10), run(11, took=2 * HOUR), run(11, flow="growth")]

    assert [("L-20", "profit")] == [(each.check_id, each.dataset) for each in problems(facts(runs=slow, now=at(11, 7)))]
    assert [] == [each for each in problems(facts(runs=[*slow, run(12)])) if each.check_id == "L-20"]


def test_a_missed_schedule_is_one_incident_until_the_next_good_run() -> None:
    missed = [run(day) for day in (8, 9)]

    assert [("L-19", "profit", "2024-01-10T04:00:00+00:00")] == [
        (each.check_id, each.dataset, each.scope) for each in problems(facts(runs=missed)) if each.check_id == "L-19"
    ]
    again = facts(runs=[*missed, run(12)])
    assert ([], {"profit"}) == ([each for each in problems(again) if each.check_id == "L-19"], judged(again, "L-19"))
    assert "breached" == score("L-19", again)[0]  # the two that failed still count


FINE = PartitionLag("click_events", 0, 3, 12.0, "in_time")


@pytest.mark.parametrize(
    ("partition", "verdict", "found"),
    [
        (FINE, "met", []),
        (replace(FINE, state="late", seconds=301.0), "breached", [("L-25", 3, "click_events/0")]),
        (replace(FINE, state="lost", seconds=None), "breached", [("L-25-lost", 1, "click_events/0")]),
        (replace(FINE, state="past_end", seconds=None), "breached", [("L-25-lost", 1, "click_events/0")]),
        (replace(FINE, state="recreated", seconds=None), "breached", [("L-25-lost", 1, "click_events/0")]),
    ],
)
def test_lag_is_told_by_partition_and_what_is_lost_apart(
    partition: PartitionLag, verdict: str, found: list[tuple[str, int, str]]
) -> None:
    given = facts(lag=Lag(NOW, (partition, replace(FINE, topic="usage_sessions"))))

    assert verdict == score("L-25", given)[0]
    assert found == [(each.check_id, each.severity, each.scope) for each in problems(given)]
    assert {"click_events", "usage_sessions"} == judged(given, "L-25")


def test_a_broker_that_does_not_answer_is_a_finding_of_its_own_and_no_lag_reads_as_met() -> None:
    away = facts(lag=Lag(NOW, (), "No broker lets us in"))

    assert ("no_data", "No broker lets us in") == score("L-25", away)
    assert [("L-25-broker", "kafka", "No broker lets us in")] == [
        (each.check_id, each.dataset, each.evidence) for each in problems(away)
    ]
    assert set() == judged(away, "L-25")
    old = facts(lag=Lag(NOW - 11 * timedelta(minutes=1), (FINE,)))
    assert "no_data" == score("L-25", old)[0]
    assert set() == judged(old, "L-25") | judged(old, "L-25-broker")
    assert "no_data" == score("L-25", facts())[0]
    assert "no_data" == score("L-25", facts(lag=Lag(NOW)))[0]


def signed(*roles: str, content_hash: str = "a1") -> dict[str, list[SignOff]]:
    return {"2023-12": [SignOff(role, content_hash) for role in roles]}


def test_accuracy_is_validated_by_five_sign_offs_on_the_current_hash() -> None:
    hashes = {"2023-11": "z9", "2023-12": "a1"}

    # December is to be certified on business day 5: Fri 5 January 18:00Z.
    early, late = facts(hashes=hashes, now=at(5, 18)), facts(hashes=hashes, now=at(5, 19))
    assert ("open", "2023-12: finance, accounts, product, analytics, cfo missing") == score("L-15", early)
    assert ("no_data", "no month has been drafted yet") == score("L-15", facts())
    assert ("met", "2023-12: all five have signed") == score("L-15", replace(late, sign_offs=signed(*SIGNING)))
    assert ("open", "2023-12: product, cfo missing") == score(
        "L-15", replace(early, sign_offs=signed("finance", "accounts", "analytics"))
    )
    voided = replace(late, sign_offs=signed(*SIGNING, content_hash="old"))
    assert ("breached", "2023-12: finance, accounts, product, analytics, cfo missing") == score("L-15", voided)


def test_completeness_of_a_month_that_is_due_is_an_incident_per_dataset() -> None:
    rows = {"2023-11": {"revenue": 9}, "2023-12": {"revenue": 2, "expenses": 0}, "2024-01": {"revenue": 5}}
    given = facts(open_rows=rows, runs=[replace(run(2, flow="aggregated"), deployment="")], drafts={"2023-12": at(3)})

    # November's draft was due before the first run, January's is not due yet.
    assert [("L-14", "revenue", "2023-12", ("2023-12",))] == [
        (each.check_id, each.dataset, each.scope, each.periods) for each in problems(given) if each.check_id == "L-14"
    ]
    assert {"expenses", "revenue"} == judged(given, "L-14")


def test_the_variance_stands_beside_the_verdict_on_the_ledger() -> None:
    gates = {"2023-12": {"RC-2": "pass", "RC-3": "pass"}}

    told = "2023-12: RC-2 pass, RC-3 pass; net 0.10%, gross 0.90%"
    assert ("met", told) == score("L-22", facts(gates=gates, variances={"2023-12": (0.001, 0.009)}))
