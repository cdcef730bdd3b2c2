"""Notices: which events of an incident are news to people, and who has not been told of the latest yet.

A notice is owed until the log says that it was delivered: at least once, never lost.
Source: `operations.md` I-1, I-4, I-6; D.3, "severity 4 for the digest only".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal

from compute.due import IncidentClass
from compute.incidents import WATCH, Event, Incident, fold

What = Literal["opened", "reopened", "changed", "resolved", "merged"]
DIGEST_ONLY = 4
TELLS_OF_THE_PAST = timedelta(days=7)  # what is over for longer is in a digest that was read


@dataclass(frozen=True, slots=True)
class News:
    """What people are to hear of an incident.

    Attributes:
        sequence: of the event.
        kind_of: the class then.
    """

    incident_id: str
    sequence: int
    at: datetime
    what: What
    kind_of: IncidentClass


@dataclass(frozen=True, slots=True)
class Notice:
    """News that a channel has not been told of."""

    channel: str
    news: News
    incident: Incident


@dataclass(slots=True)
class _Heard:
    """What the log says of an incident: its latest news, and the newest that each channel was told of."""

    latest: News | None = None
    by_channel: dict[str, int] = field(default_factory=dict)


def news_of(event: Event, last: News | None) -> News | None:
    """Return what an event is to people; None when it is nothing to tell.

    Args:
        event: of an incident.
        last: the news before it; an incident without any is nobody's alert, so neither is its end (I-6).
    """
    what: What | None = None
    kind_of = event.kind_of or (last.kind_of if last else None)
    if event.problem is not None:
        what = _alert(event, event.problem.severity, last)
    elif last is not None and event.kind in ("resolved", "merged"):
        what = "resolved" if event.kind == "resolved" else "merged"
    if what is None or kind_of is None:
        return None
    return News(event.incident_id, event.sequence, event.at, what, kind_of)


def _alert(event: Event, severity: int, last: News | None) -> What | None:
    if event.upstream or severity >= DIGEST_ONLY:
        return None
    if last is None:
        return "opened"
    if event.kind == "reopened":
        return "reopened"
    return "changed" if event.kind_of != last.kind_of else None


def news_in(events: Iterable[Event]) -> list[News]:
    """Return all news of a log, in order of time."""
    found: list[News] = []
    for _, ours in _by_incident(events):
        last: News | None = None
        for event in ours:
            news = news_of(event, last)
            if news:
                found.append(news)
                last = news
    return sorted(found, key=lambda each: (each.at, each.incident_id, each.sequence))


def _by_incident(events: Iterable[Event]) -> Iterable[tuple[str, Iterable[Event]]]:
    ordered = sorted(events, key=lambda each: (each.incident_id, each.sequence))
    return groupby(ordered, key=lambda each: each.incident_id)


def owed(events: Sequence[Event], channels: Sequence[str], now: datetime) -> list[Notice]:
    """Return what each channel has not been told of, the oldest news first; of an incident only its latest news.

    Args:
        events: the log.
        channels: who is told.
        now: the wall clock. An incident that waits is owed for ever; one that is over is owed to those who heard of
            it, and to the others for a week.
    """
    known, found = fold(events), list[Notice]()
    for name, ours in _by_incident(events):
        heard = _heard(ours)
        if heard.latest:
            found += [
                Notice(channel, heard.latest, known[name])
                for channel in channels
                if _is_owed(heard.latest, heard.by_channel.get(channel), known[name], now)
            ]
    return sorted(found, key=lambda each: (each.news.at, each.news.incident_id, each.channel))


def _heard(events: Iterable[Event]) -> _Heard:
    heard = _Heard()
    for event in events:
        heard.latest = news_of(event, heard.latest) or heard.latest
        if event.kind == "notified":
            sequence, channel = _told(event)
            heard.by_channel[channel] = max(sequence, heard.by_channel.get(channel, 0))
    return heard


def _is_owed(news: News, told: int | None, incident: Incident, now: datetime) -> bool:
    if told is None:
        return incident.is_unresolved or now - news.at <= TELLS_OF_THE_PAST
    return told < news.sequence


def notified(incident: Incident, sequence: int, channel: str, now: datetime) -> Event:
    """Return the event that a channel was told of an earlier event of the incident.

    Args:
        incident: as it stands now; a person may have acted on it while it was told.
        sequence: of the event that was told.
        channel: who was told.
        now: the wall clock.
    """
    at = max(now, incident.last_at)
    return Event(incident.incident_id, incident.sequence + 1, at, "notified", WATCH, f"{sequence} {channel}")


def _told(event: Event) -> tuple[int, str]:
    sequence, _, channel = event.note.partition(" ")
    return int(sequence), channel
