"""When an incident must be resolved, of which class it is, what it blocks: wall clock, no pauses.

Source: `operations.md` D.3.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Literal

from compute.calendar import close_due
from compute.company import Company
from compute.company_promises import Sla
from compute.months import Month

IncidentClass = Literal["critical", "standard", "investor_report"]
MOST_SEVERE, SEVERE = 1, 2


def class_of(severity: int, periods: Iterable[str], now: datetime, company: Company) -> IncidentClass:
    """Return the class: a month whose draft is due comes before severity 1, which comes before all else."""
    dues = (close_due(Month.parse(each), company.close.draft_due, company.calendar.holidays) for each in periods)
    if any(due <= now for due in dues):
        return "investor_report"
    return "critical" if severity == MOST_SEVERE else "standard"


def severity_in(kind: IncidentClass, severity: int) -> int:
    """Return the severity within a class: an investor report's incident has 2, unless 1."""
    return min(severity, SEVERE) if kind == "investor_report" else severity


def due_at(kind: IncidentClass, severity: int, detected_at: datetime, periods: Collection[str], sla: Sla) -> datetime:
    """Return the instant by which an incident must be resolved; resolved exactly then is met.

    Args:
        kind: its class.
        severity: 1 to 4; an investor report's incident of severity 1 has the critical clock too.
        detected_at: first detection, which a reopened incident keeps.
        periods: months affected; of several the earliest report counts.
        sla: for the hours of the two other classes.

    >>> from datetime import UTC
    >>> due_at("critical", 1, datetime(2024, 2, 28, 12, tzinfo=UTC), (), Sla()).isoformat()
    '2024-03-01T12:00:00+00:00'
    """
    critical = detected_at + timedelta(hours=sla.critical_hours)
    if kind == "critical":
        return critical
    if kind == "standard":
        return detected_at + timedelta(hours=sla.standard_hours)
    found_in = Month.of(detected_at.date())
    report = min((max(Month.parse(each).plus(1), found_in) for each in periods), default=found_in).ends_at
    return min(critical, report) if severity == MOST_SEVERE else report


def blocks(kind: IncidentClass, periods: Iterable[str]) -> tuple[str, ...]:
    """Return the months whose certification an unresolved incident of a class blocks (I-5)."""
    return () if kind == "standard" else tuple(sorted(periods))
