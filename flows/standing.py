"""What an evaluation of the watch leaves for others to see: a sign of life, the metrics, the scoreboard's page.

Source: `operations.md` D.1, D.4.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from prefect.artifacts import create_table_artifact
from prefect.events import emit_event

from compute.incidents import Event
from compute.sla import scoreboard
from flows.job import Job
from flows.settings import load_settings
from storage.facts import gather_facts
from storage.gauges import gauges, write_gauges

_UNCHANGED = frozenset({"seen", "passed"})
_COLUMNS = ("verdict", "sla", "name", "measured", "target", "since", "next_due")
_ORDER = ("breached", "open", "no_data", "met")


def leave(job: Job, events: Sequence[Event], now: datetime) -> None:
    """Write the metrics, give the sign of life that the automation of a silent watch waits for, show the scoreboard.

    Args:
        job: of the watch.
        events: what the evaluation added to the log.
        now: when it evaluated.
    """
    write_gauges(gauges(job.lake, job.company, now), load_settings().metrics_place)
    emit_event("techflow.watch.evaluated", {"prefect.resource.id": "techflow.watch"})
    if is_shown(events, now, timedelta(minutes=job.company.sla.watch_minutes)):
        create_table_artifact(
            key="service-levels",
            table=board_rows(job, now),
            description=(
                f"Service levels as of {now:%Y-%m-%d %H:%M}Z; no_data means that nobody knows. "
                "Of N scheduled runs the rate allows ⌊N × (1 − rate)⌋ failures, so few runs allow none (L-19)."
            ),
        )


def is_shown(events: Sequence[Event], now: datetime, interval: timedelta) -> bool:
    """Tell whether the scoreboard is worth a page: something happened, or it is the first evaluation of an hour.

    >>> from datetime import UTC
    >>> [is_shown((), datetime(2024, 1, 1, 9, minute, tzinfo=UTC), timedelta(minutes=5)) for minute in (59, 4, 5)]
    [False, True, False]
    """
    return any(event.kind not in _UNCHANGED for event in events) or now.minute < interval.total_seconds() / 60


def board_rows(job: Job, now: datetime) -> list[dict[str, str]]:
    """Return a row per service level, as people read it: what is broken first."""
    board = scoreboard(gather_facts(job.lake, job.company, now))
    return [
        {name: _shown(row[name]) for name in _COLUMNS}
        for row in sorted(board, key=lambda row: _ORDER.index(str(row["verdict"])))
    ]


def _shown(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M}Z" if isinstance(value, datetime) else str(value or "")
