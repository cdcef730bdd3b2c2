"""What the checks say of rows: how many came, in which hours, of what quality. Source: `operations.md` D.2, L-5."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from itertools import groupby

from compute.alerts import ALERTING
from compute.checks import OUTAGE, problem
from compute.facts import Facts
from compute.incidents import Problem
from compute.outages import outages
from compute.volume import Judgement
from compute.watch import Outcome

CLICKS = "click_events"


def of_volumes(facts: Facts) -> Iterable[Outcome]:
    """Return L-21 per dataset and partition, a day without rows apart."""
    for dataset, judged in facts.volumes.items():
        scopes = frozenset(each.day.isoformat() for each in judged)
        for check_id, verdict in (("L-21-zero", "zero"), ("L-21", "alert")):
            odd = tuple(_odd(check_id, dataset, each, facts) for each in judged if each.verdict == verdict)
            yield Outcome(check_id, dataset, odd, scopes)


def _odd(check_id: str, dataset: str, judged: Judgement, facts: Facts) -> Problem:
    usual = f", {judged.expected:.0f} expected, z {judged.z:.1f}" if judged.expected is not None and judged.z else ""
    return problem(
        check_id, dataset, judged.day.isoformat(), f"{dataset}: {judged.rows:,} rows on {judged.day}{usual}.",
        since=_silent_since(judged.day, facts) if judged.verdict == "zero" else facts.now,
        evidence=f"rows {judged.rows}{usual}", periods=(judged.day.strftime("%Y-%m"),),
    )  # fmt: skip


def _silent_since(day: date, facts: Facts) -> datetime:
    """Return when a date without rows began to be silent: with an outage that lasted into it, or with itself."""
    begin = datetime.combine(day, time(), UTC)
    return min((each.first for each in outages(facts.silences) if each.until == begin), default=begin)


def hour_name(hour: datetime) -> str:
    """Return an hour as the scope of an incident."""
    return f"{hour:%Y-%m-%dT%H}:00Z"


def of_outages(facts: Facts) -> Iterable[Outcome]:
    """Return L-5: hours in a row without clicks that were to have some are one outage."""
    if facts.judged_hours:
        found = tuple(
            problem(
                OUTAGE, CLICKS, hour_name(each.first), f"No click from {each.first:%Y-%m-%d %H:%M}Z on.",
                since=each.first, periods=(f"{each.first:%Y-%m}",),
                evidence=f"{each.gaps} hours without a click until {each.until.isoformat()}, usually {each.usual:.0f}",
            )
            for each in outages(facts.silences)
        )  # fmt: skip
        yield Outcome(OUTAGE, CLICKS, found, frozenset(map(hour_name, facts.judged_hours)))


def of_alerts(facts: Facts) -> Iterable[Outcome]:
    """Return the alerts on data quality; standard incidents, which block no month."""
    alerting = {alert.check_id for alert in ALERTING}
    judged = sorted(
        (each for each in facts.alerts if each.alert.check_id in alerting and each.verdict != "learning"),
        key=lambda each: (each.alert.check_id, each.reading.dataset),
    )
    for (check_id, dataset), group in groupby(judged, key=lambda each: (each.alert.check_id, each.reading.dataset)):
        ours = list(group)
        found = tuple(
            problem(
                check_id, dataset, each.reading.scope, since=facts.now, evidence=each.reading.told,
                title=each.alert.title.format(dataset=dataset, scope=each.reading.scope),
            )
            for each in ours if each.verdict == "alert"
        )  # fmt: skip
        yield Outcome(check_id, dataset, found, frozenset(each.reading.scope for each in ours))
