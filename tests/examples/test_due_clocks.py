"""Class and due clock of an incident, by hand: the whole table. Source: `operations.md` D.3 (AT-75)."""

from datetime import UTC, datetime

import pytest

from compute.company import Company
from compute.company_promises import Sla
from compute.due import blocks, class_of, due_at, severity_in

MONTH_END = "2024-02-29T23:59:59.999999"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "severity", "detected", "periods", "due"),
    [
        ("critical", 1, "2024-02-28T12:00", (), "2024-03-01T12:00"),  # leap day: 28th, 29th, 1st
        ("critical", 1, "2023-02-28T12:00", (), "2023-03-02T12:00"),
        ("critical", 1, "2024-03-30T12:00", (), "2024-04-01T12:00"),  # summer time begins in Europe; UTC knows none
        ("standard", 3, "2024-02-26T09:00", (), "2024-03-04T09:00"),
        ("standard", 3, "2023-02-26T09:00", (), "2023-03-05T09:00"),
        ("investor_report", 2, "2024-02-05T00:00", ("2024-01",), MONTH_END),
        ("investor_report", 2, "2024-02-29T23:30", ("2024-01",), MONTH_END),
        ("investor_report", 2, "2024-05-02T00:00", ("2024-01",), "2024-05-31T23:59:59.999999"),
        ("investor_report", 2, "2024-02-05T00:00", ("2024-03", "2024-01"), MONTH_END),  # the earliest of several
        ("investor_report", 1, "2024-02-05T08:00", ("2024-01",), "2024-02-07T08:00"),
        ("investor_report", 1, "2024-02-28T12:00", ("2024-01",), MONTH_END),
    ],
)
def test_the_due_clocks(kind: str, severity: int, detected: str, periods: tuple[str, ...], due: str) -> None:
    assert at(due) == due_at(kind, severity, at(detected), periods, Sla())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("severity", "periods", "now", "expected"),
    [
        (1, (), "2024-02-05T16:00", "critical"),
        (2, (), "2024-02-05T16:00", "standard"),
        (3, ("2024-01",), "2024-02-05T15:59:59", "standard"),  # business day 3 of February is Mon 5, 16:00Z
        (3, ("2024-01",), "2024-02-05T16:00", "investor_report"),
        (1, ("2024-01",), "2024-02-05T15:59:59", "critical"),
        (1, ("2024-01",), "2024-02-05T16:00", "investor_report"),
        (3, ("2024-02", "2024-01"), "2024-02-05T16:00", "investor_report"),
        (3, ("2024-02",), "2024-02-05T16:00", "standard"),
    ],
)
def test_the_class(severity: int, periods: tuple[str, ...], now: str, expected: str) -> None:
    assert expected == class_of(severity, periods, at(now), Company())


def test_an_investor_reports_incident_has_severity_2_unless_1() -> None:
    assert [1, 2, 2, 2] == [severity_in("investor_report", severity) for severity in (1, 2, 3, 4)]
    assert [1, 3] == [severity_in("critical", 1), severity_in("standard", 3)]


def test_critical_and_investor_report_block_their_months_and_standard_none() -> None:
    assert ("2024-01", "2024-02") == blocks("critical", ("2024-02", "2024-01"))
    assert ("2024-01",) == blocks("investor_report", ("2024-01",))
    assert () == blocks("standard", ("2024-01",))
