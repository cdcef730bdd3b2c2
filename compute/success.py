"""Success: of the runs that should have started, how many ended well. One that never started is a failure.

Source: `operations.md` D.1, L-19.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import takewhile

from compute.company_promises import Sla
from compute.publication import Run

# The schedules of `prefect.yaml`; a test holds the two together. The watch has a line of its own: its heartbeat.
SCHEDULES = {
    "profit-daily": "0 4 * * *",
    "growth-weekly": "0 19 * * 0",
    "engagement-daily": "15 0 * * *",
    "aggregated-monthly": "0 6 3 * *",
}


@dataclass(frozen=True, slots=True)
class Success:
    """Slots that are decided, those that failed, and how many failures the rate allows at this number.

    Attributes:
        failing: deployment → the first of the slots in a row that failed, the last decided one among them.
    """

    slots: int
    failed: tuple[datetime, ...]
    allowed: int
    failing: Mapping[str, datetime] = field(default_factory=dict)


def slots(cron: str, since: datetime, until: datetime) -> list[datetime]:
    """Return the instants of a schedule, both ends inclusive: minute, hour, day of the month and of the week.

    >>> [f"{each:%d %H:%M}" for each in slots("0 19 * * 0", *(datetime(2024, 1, day, tzinfo=UTC) for day in (1, 15)))]
    ['07 19:00', '14 19:00']
    """
    minute, hour, of_month, _, of_week = cron.split()
    days = (since.date() + timedelta(days=index) for index in range((until.date() - since.date()).days + 1))
    found = (
        datetime.combine(day, time(int(hour), int(minute)), UTC)
        for day in days
        if of_month in ("*", str(day.day)) and of_week in ("*", str(day.isoweekday() % 7))
    )
    return [each for each in found if since <= each <= until]


def success(runs: Sequence[Run], now: datetime, window: timedelta, sla: Sla) -> Success | None:
    """Count the scheduled instants of the window and those without a run that ended well.

    Args:
        runs: those that ended in success.
        now: the wall clock; what may still start or still run is not counted.
        window: how far back.
        sla: for the grace of a start, the time that a run may take, and the rate.

    Returns:
        None before the first run of any deployment: its schedule may never have been turned on.
    """
    grace = timedelta(minutes=sla.start_grace_minutes)
    until = now - grace - timedelta(seconds=sla.processing_seconds)
    counted, failed, failing = 0, list[datetime](), dict[str, datetime]()
    for deployment, cron in SCHEDULES.items():
        started = sorted(run.started_at for run in runs if run.deployment == deployment and run.finished_at <= now)
        if started:
            due = slots(cron, max(started[0], now - window), until)
            counted += len(due)
            missed = [slot for slot in due if not _has_start(started, slot, grace)]
            failed += missed
            last = list(takewhile(missed.__contains__, reversed(due)))
            failing |= {deployment: last[-1]} if last else {}
    if not counted:
        return None
    return Success(counted, tuple(sorted(failed)), allowed_failures(counted, sla.success_rate), failing)


def _has_start(started: Iterable[datetime], slot: datetime, grace: timedelta) -> bool:
    return any(slot <= each <= slot + grace for each in started)


def allowed_failures(count: int, rate: Decimal) -> int:
    """Return how many failures a rate allows of so many runs, rounded down: honest arithmetic.

    >>> allowed_failures(90, Decimal("0.999")), allowed_failures(1100, Decimal("0.999"))
    (0, 1)
    """
    return int(count * (1 - rate))
