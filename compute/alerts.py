"""The alerts on data quality: one table of checks, each a small measure and a limit of `[alerts]`.

A reading above its alert opens a standard incident; a warning opens none. What is only tracked has no limit.
Source: `operations.md`, "Configuration", `[alerts]`; D.2, "Tracked beside it".
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from compute import alert_measures as measures
from compute.alert_measures import Measures, Reading
from compute.company import Company
from compute.company_promises import Alerts, Level

Verdict = Literal["ok", "warn", "alert", "learning", "tracked"]
Value = Fraction | float


@dataclass(frozen=True, slots=True)
class Alert:
    """A check on data quality.

    Attributes:
        check_id: the key of `[alerts]`; of what is only tracked, its name.
        title: what an alert says; `{dataset}` and `{scope}` are those of the reading.
        read: returns a reading for each dataset, month or date that can be judged.
        judge: returns the verdict on a value.
    """

    check_id: str
    title: str
    read: Callable[[Measures, Company], Iterable[Reading]]
    judge: Callable[[Alerts, Value], Verdict]


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading and what is thought of it."""

    alert: Alert
    reading: Reading
    verdict: Verdict


def _level(limit: Callable[[Alerts], Level]) -> Callable[[Alerts, Value], Verdict]:
    def judge(alerts: Alerts, value: Value) -> Verdict:
        level = limit(alerts)
        return "alert" if value > level.alert else "warn" if value > level.target else "ok"

    return judge


def _above(limit: Callable[[Alerts], object], found: Verdict = "alert") -> Callable[[Alerts, Value], Verdict]:
    return lambda alerts, value: found if value > limit(alerts) else "ok"  # type: ignore[operator]


def _margin(alerts: Alerts, value: Value) -> Verdict:
    least, most = alerts.margin_range
    return "ok" if least <= value <= most else "alert"


def _tracked(_alerts: Alerts, _value: Value) -> Verdict:
    return "tracked"


ALERTS: tuple[Alert, ...] = (
    Alert("duplicate_proportion", "{dataset}, {scope}: too many rows came twice.",
          measures.duplicates, _level(lambda alerts: alerts.duplicate_proportion)),
    Alert("late_arrival_ratio", "Too many clicks of {scope} came late.",
          measures.late_arrivals, _level(lambda alerts: alerts.late_arrival_ratio)),
    Alert("missing_transition_proportion", "{scope}: too many status changes are missing.",
          measures.missing_transitions, _above(lambda alerts: alerts.missing_transition_proportion)),
    Alert("parse_failures", "{dataset}: too many lines are no record.",
          measures.parse_failures, _above(lambda alerts: alerts.parse_failures)),
    # 1 is the smallest difference that counts can have: it alerts itself.
    Alert("net_new_accounts", "{scope}: net new accounts are not the change in paying accounts.",
          measures.net_new_accounts, lambda alerts, value: "alert" if value >= alerts.net_new_accounts else "ok"),
    Alert("finance_variance", "{scope}: billed revenue and ledger differ by little.",
          measures.finance_variance, _above(lambda alerts: alerts.finance_variance, "warn")),
    Alert("aggregate_vs_upstream", "{scope}: the draft is not what its pipelines say.",
          measures.aggregate_vs_upstream, _above(lambda alerts: alerts.aggregate_vs_upstream)),
    Alert("kpi_drift_z", "{dataset} moved in {scope} as it never did in the year before.",
          measures.kpi_drift, _above(lambda alerts: alerts.kpi_drift_z)),
    Alert("account_margin", "{scope}: too many accounts lose too much.",
          measures.account_margins, _above(lambda alerts: alerts.account_margin.accounts)),
    Alert("margin_range", "The gross margin of {scope} is hard to believe.", measures.gross_margin, _margin),
    Alert("retention_rise", "{scope}: more of a cohort pay than before, and nobody returned.",
          measures.retention_rise, _above(lambda alerts: alerts.retention_rise)),
    Alert("null_share", "", measures.null_shares, _tracked),
    Alert("quarantine_share", "", measures.quarantine_shares, _tracked),
    Alert("distinct_accounts", "", measures.distinct_accounts, _tracked),
)  # fmt: skip
ALERTING = tuple(alert for alert in ALERTS if alert.title and alert.check_id != "finance_variance")


def judge_alerts(given: Measures, company: Company) -> tuple[Judged, ...]:
    """Return every reading of every check with its verdict; `learning` where history is too short for a value."""
    return tuple(
        Judged(alert, reading, "learning" if reading.value is None else alert.judge(company.alerts, reading.value))
        for alert in ALERTS
        for reading in alert.read(given, company)
    )
