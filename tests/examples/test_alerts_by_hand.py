"""The alerts on data quality, by hand: each key of `[alerts]` at its limit and just above. Source: `operations.md`."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from compute.alert_measures import CHANGES, COHORT, HEADLINE, Measures
from compute.alerts import ALERTING, ALERTS, judge_alerts
from compute.company import Company, parse_company
from compute.company_promises import Alerts
from compute.dispositions import DISPOSITION
from compute.evaluation_rows import of_alerts
from compute.facts import Facts
from compute.months import Month
from tests.examples.quarter import BEGIN

MONTH = "2024-03"


def judged(check_id: str, given: Measures, company: Company | None = None) -> dict[tuple[str, str], tuple[str, str]]:
    """Return verdict and numbers of a check, by dataset and scope."""
    return {
        (each.reading.dataset, each.reading.scope): (each.verdict, each.reading.told)
        for each in judge_alerts(given, company or Company())
        if each.alert.check_id == check_id
    }


def verdicts(check_id: str, given: Measures) -> list[str]:
    return [verdict for verdict, _ in judged(check_id, given).values()]


def counts(**rows: int) -> Measures:
    """Return a month of revenue: accepted and duplicate rows, and lines that are no record (R00)."""
    made = [
        ("revenue", MONTH, "accepted", "", rows.get("accepted", 0), 0),
        ("revenue", MONTH, "duplicate", "", rows.get("duplicate", 0), 0),
        ("revenue", MONTH, "quarantined", "", rows.get("quarantined", 0), 0),
        ("revenue", "undated", "rejected", "", rows.get("rejected", 0), 0),
        ("revenue", "undated", "rejected", "REV-R00", rows.get("rejected", 0), 0),
    ]
    return Measures(counts=pl.DataFrame(made, schema=DISPOSITION, orient="row"))


def test_every_key_of_the_company_file_is_a_check_and_only_tracked_shares_have_none() -> None:
    keys = set(Alerts.model_fields)

    assert keys == {alert.check_id for alert in ALERTS} - {"null_share", "quarantine_share", "distinct_accounts"}
    assert keys - {"finance_variance"} == {alert.check_id for alert in ALERTING}


@pytest.mark.parametrize(
    ("accepted", "duplicate", "verdict"),
    [(995, 5, "ok"), (994, 6, "warn"), (980, 20, "warn"), (979, 21, "alert")],  # 0.5 %, 0.6 %, 2.0 %, 2.1 %
)
def test_rows_that_came_twice(accepted: int, duplicate: int, verdict: str) -> None:
    told = f"{duplicate} of 1000 received rows, {duplicate / 1000:.2%}"

    assert {("revenue", MONTH): (verdict, told)} == judged(
        "duplicate_proportion", counts(accepted=accepted, duplicate=duplicate)
    )


def test_a_share_of_nothing_is_no_reading() -> None:
    assert {} == judged("duplicate_proportion", counts())


@pytest.mark.parametrize(("rejected", "verdict"), [(5, "ok"), (6, "alert")])  # of 1000: 0.5 %, 0.6 %
def test_lines_that_are_no_record(rejected: int, verdict: str) -> None:
    assert [verdict] == verdicts("parse_failures", counts(accepted=1000 - rejected, rejected=rejected))


def test_what_is_tracked_has_no_limit() -> None:
    given = counts(accepted=1, quarantined=999)

    assert {("revenue", MONTH): ("tracked", "999 of 1000 received rows, 99.90%")} == judged("quarantine_share", given)
    assert ["tracked"] == verdicts("null_share", Measures(nulls={("revenue", MONTH): (5, 10)}))
    assert ["tracked"] == verdicts("distinct_accounts", Measures(accounts={("revenue", MONTH): 7}))


@pytest.mark.parametrize(("late", "verdict"), [(20, "ok"), (21, "warn"), (50, "warn"), (51, "alert")])
def test_clicks_that_came_late(late: int, verdict: str) -> None:
    """L-4: alert above 5 %, target below 2 %."""
    found = judged("late_arrival_ratio", Measures(late={date(2024, 3, 5): (late, 1000)}))

    assert {
        ("click_events", "2024-03-05"): (verdict, f"{late} of 1000 clicks later than 48 h, {late / 1000:.2%}")
    } == found


@pytest.mark.parametrize(("cases", "verdict"), [(1, "ok"), (2, "alert")])  # of 200: 0.5 %, 1 %
def test_status_changes_that_are_missing(cases: int, verdict: str) -> None:
    assert [verdict] == verdicts("missing_transition_proportion", Measures(transitions={MONTH: (cases, 200)}))


@pytest.mark.parametrize(
    ("net", "ledger", "verdict"),
    [
        ("1.00", "1000.00", "ok"),
        ("1.01", "1000.00", "warn"),
        ("9.00", "1000.00", "warn"),
        ("0", "0", "ok"),
        ("1", "0", "warn"),
    ],
)
def test_a_small_variance_warns_and_never_alerts(net: str, ledger: str, verdict: str) -> None:
    given = Measures(variances={MONTH: (Decimal(net), Decimal(ledger))})

    assert [verdict] == verdicts("finance_variance", given)


@pytest.mark.parametrize(("net_new", "verdict"), [(2, "ok"), (3, "alert"), (1, "alert")])
def test_net_new_accounts_are_the_change_in_paying_accounts(net_new: int, verdict: str) -> None:
    # From 10 to 12 are two.
    figures = {
        (MONTH, "M-05"): Decimal(12),
        ("2024-02", "M-05"): Decimal(10),
        (MONTH, "M-52.net_new"): Decimal(net_new),
    }

    assert [verdict] == verdicts("net_new_accounts", Measures(drafted={(MONTH, "M-05"): Decimal(12)}, upstream=figures))


def test_without_the_month_before_nobody_can_tell() -> None:
    figures = {(MONTH, "M-05"): Decimal(12), (MONTH, "M-52.net_new"): Decimal(12)}

    assert [] == verdicts("net_new_accounts", Measures(drafted=figures, upstream=figures))


@pytest.mark.parametrize(
    ("drafted", "upstream", "verdict"),
    [
        ("2001.00", "2000.00", "ok"),  # 0.05 %
        ("2001.01", "2000.00", "alert"),
        ("0", "0", "ok"),
        ("0.01", "0", "alert"),
        (None, None, "ok"),
        (None, "1.00", "alert"),
        ("1.00", None, "alert"),
    ],
)
def test_a_draft_is_what_its_pipelines_say(drafted: str | None, upstream: str | None, verdict: str) -> None:
    first, second = (None if text is None else Decimal(text) for text in (drafted, upstream))
    given = Measures(
        drafted={(MONTH, "M-20"): first, (MONTH, "M-05"): Decimal(1)},
        upstream={(MONTH, "M-20"): second, (MONTH, "M-05"): Decimal(1)},
    )

    (found,) = judged("aggregate_vs_upstream", given).values()
    assert verdict == found[0]
    assert verdict == "ok" or found[1].startswith("M-20: ")


def history(metric: str, *levels: int) -> Mapping[tuple[str, str], Decimal]:
    """Return a figure of the months up to March."""
    last = Month.parse(MONTH)
    return {(str(last.plus(index + 1 - len(levels))), metric): Decimal(level) for index, level in enumerate(levels)}


# Thirteen months at 999: their changes are 0, so is the spread, and the floor 0.05 holds. |z| = 3 at a change of
# 3 × 0.05 / 0.6745 = 0.22239 in ln(1 + x): from 1000 to 1249.0, or to 800.6.
@pytest.mark.parametrize(
    ("last", "verdict"), [(1247, "ok"), (1249, "alert"), (800, "ok"), (799, "alert"), (-999, "alert")]
)
def test_a_headline_figure_that_moves_as_it_never_did(last: int, verdict: str) -> None:
    upstream = history("M-01", *[999] * 13, last)

    assert {("M-01", MONTH): verdict} == {
        place: found[0] for place, found in judged("kpi_drift_z", Measures(drafted=upstream, upstream=upstream)).items()
        if place[1] == MONTH
    }  # fmt: skip


def test_twelve_changes_before_the_judged_one_are_needed() -> None:
    known = history("M-29", *[-5] * (CHANGES + 1))
    found = judged("kpi_drift_z", Measures(drafted={(MONTH, "M-29"): Decimal(-5)}, upstream=known))

    assert {("M-29", MONTH): ("learning", "13 of 14 months known")} == found
    assert "M-29" in HEADLINE


@pytest.mark.parametrize(("count", "verdict"), [(5, "ok"), (6, "alert")])
def test_accounts_that_lose_too_much(count: int, verdict: str) -> None:
    margins = [Decimal("-0.51")] * count + [Decimal("-0.50"), Decimal("0.80")]

    assert {("profit", MONTH): (verdict, f"{count} of {count + 2} accounts below -50%")} == judged(
        "account_margin", Measures(margins={MONTH: margins})
    )


@pytest.mark.parametrize(
    ("margin", "verdict"),
    [("-0.11", "alert"), ("-0.10", "ok"), ("0.95", "ok"), ("0.96", "alert"), (None, None)],
)
def test_a_gross_margin_that_is_hard_to_believe(margin: str | None, verdict: str | None) -> None:
    figures = {(MONTH, "M-27"): None if margin is None else Decimal(margin)}

    assert ([verdict] if verdict else []) == verdicts("margin_range", Measures(drafted=figures, upstream=figures))


@pytest.mark.parametrize(
    ("share", "returned", "verdict"),
    [
        ("0.61", 0, "ok"),  # from 60 % up by 1 %
        ("0.62", 0, "alert"),
        ("0.65", 4, "ok"),  # 5 % more, of which 4 of 100 returned
        ("0.66", 4, "alert"),
        ("0.50", 0, "ok"),
    ],
)
def test_survival_without_return_does_not_rise(share: str, returned: int, verdict: str) -> None:
    rows = [
        (MONTH, "2023-01", Decimal(share), Decimal("0.60"), 100, returned),
        (MONTH, "2023-02", Decimal("0.10"), Decimal("0.90"), 100, 0),
    ]
    cohorts = pl.DataFrame(rows, schema=COHORT, orient="row")

    assert [verdict] == verdicts("retention_rise", Measures(cohorts=cohorts))


def test_an_alert_is_a_standard_incident_of_its_month_and_a_warning_is_none() -> None:
    company = parse_company("[alerts]\nfinance_variance = 0.001", source="company.toml")
    given = Measures(
        counts=counts(accepted=9, duplicate=1).counts, variances={MONTH: (Decimal(5), Decimal(10))},
        transitions={"2024-01": (1, 1000)},
    )  # fmt: skip
    outcomes = {each.check_id: each for each in of_alerts(Facts(BEGIN, company, alerts=judge_alerts(given, company)))}

    assert {"duplicate_proportion", "missing_transition_proportion", "parse_failures"} == set(outcomes)
    (problem,) = outcomes["duplicate_proportion"].problems
    assert (MONTH, 3, ()) == (problem.scope, problem.severity, problem.periods)
    assert ("revenue, 2024-03: too many rows came twice.", "1 of 10 received rows, 10.00%") == (
        problem.title,
        problem.evidence,
    )
    assert ((), {"2024-01"}) == (
        outcomes["missing_transition_proportion"].problems, outcomes["missing_transition_proportion"].scopes,
    )  # fmt: skip
