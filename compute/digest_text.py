"""How a digest reads: Markdown in short lines, for a terminal, a chat, a mail and a Prefect page; JSON for machines.

Source: `operations.md` I-8.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from compute.calendar import week_name, week_start
from compute.digest import CloseDate, Digest
from compute.incidents import Incident
from compute.notice_words import SOURCE, blocks_words, kind_words, left
from compute.rotation import Duty


def title(digest: Digest) -> str:
    """Return what the digest is of: an ISO week, or a day in the last week of a month."""
    now = digest.facts.now
    return f"Operations digest, {week_name(week_start(now))}, {now:%A} {now.day} {now:%B %Y}"


def subject(digest: Digest) -> str:
    """Return one line for the head of a mail."""
    return f"{title(digest)}: {summary(digest).partition(';')[0].rstrip('.')}"


def summary(digest: Digest) -> str:
    """Return the one sentence that a busy reader needs."""
    waiting, overdue = len(digest.waiting), digest.overdue
    late = f", {overdue} overdue" if overdue else ""
    waits = f"{waiting} incident{_s(waiting)} wait{'s' * (waiting == 1)}{late}" if waiting else "No incident waits"
    days = digest.facts.span.days
    span = f"{days} days" if days > 1 else "a day"
    return f"{waits}; {len(digest.opened)} opened and {len(digest.resolved)} resolved in {span}."


def _s(count: int) -> str:
    return "s" * (count != 1)


def markdown(digest: Digest, runbook: str) -> str:
    """Return the digest as Markdown.

    Args:
        digest: what is handed over.
        runbook: the address of the runbook.
    """
    facts = digest.facts
    parts = (
        ("Due clocks", [_waiting(each, facts.now) for each in digest.waiting], "nothing waits"),
        ("Opened", [_line(each) for each in digest.opened], "nothing"),
        ("Resolved", [f"{_line(each)}; {_end(each, facts.now)}" for each in digest.resolved], "nothing"),
        ("Quarantines", _held(digest), "nothing is held"),
        ("Pending restatements", [f"{month}: {count} changes" for month, count in facts.pending.items()], "none"),
        ("Close dates", [_close(each, facts.now) for each in digest.closes], ""),
        ("Service levels that are broken", [f"{sla} {name}: {told}" for sla, name, told in facts.broken], "none"),
        ("On call", [_duty(each) for each in digest.duties], "nobody: name people in `[roles] operations`"),
    )
    head = [f"# {title(digest)}", "", f"**{summary(digest)}**", f"On call: {digest.on_call or 'nobody'}."]
    tail = ["", f"What to do: {runbook}; `techflow incidents show INCIDENT` for more."]
    return "\n".join([*head, *(line for part in parts for line in _section(*part)), *tail]) + "\n"


def _section(head: str, lines: Iterable[str], nothing: str) -> list[str]:
    return ["", f"## {head}", "", *([f"* {line}" for line in lines] or [f"* {nothing}"])]


def _line(incident: Incident) -> str:
    return f"{incident.problem.title.rstrip('.')} ({kind_words(incident)}, {incident.incident_id})"


def _waiting(incident: Incident, now: datetime) -> str:
    """Return the clock first: it is what the reader looks for."""
    by = f", {incident.acknowledged_by} is on it" if incident.acknowledged_by else ""
    cause = f"; caused by {incident.upstream}" if incident.upstream else ""
    words = left(incident, now)
    clock = words if words.startswith("overdue") else f"due in {words}"
    return (
        f"**{clock}** ({_at(incident.due_at)}): {incident.problem.title}\n"
        f"  {incident.incident_id}, {kind_words(incident)}, {incident.owner_role}{by};"
        f" blocks {blocks_words(incident)}{cause}"
    )


def _end(incident: Incident, now: datetime) -> str:
    return f"{left(incident, now)}, {incident.resolution}"


def _held(digest: Digest) -> list[str]:
    """Return a line a dataset: how many rows, of which months the first, and the command that lists them."""
    lines = []
    for dataset in sorted({dataset for dataset, _ in digest.facts.held}):
        counts = {month: count for (name, month), count in digest.facts.held.items() if name == dataset}
        months = sorted(counts)
        also = f" and {len(months) - 1} more month{_s(len(months) - 1)}" if len(months) > 1 else ""
        total = sum(counts.values())
        lines.append(
            f"{dataset}: {total} row{_s(total)} in {months[0]}{also}, `techflow quarantine list --feed {dataset}`"
        )
    return lines


def _close(close: CloseDate, now: datetime) -> str:
    done = f"made {_at(close.done_at)}" if close.done_at else "overdue" if close.due_at < now else "to come"
    return f"{close.month} {close.step} due {_at(close.due_at)}: {done}"


def _duty(duty: Duty) -> str:
    free = f"; holidays: {', '.join(map(str, duty.holidays))}" if duty.holidays else ""
    return f"{week_of(duty)}, from Monday {duty.monday}: {duty.person}{free}"


def week_of(duty: Duty) -> str:
    """Return the ISO week of a duty as people write it."""
    year, week, _ = duty.monday.isocalendar()
    return f"{year}-W{week:02d}"


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}Z"


def as_data(digest: Digest) -> dict[str, Any]:
    """Return the digest as what JSON can hold."""
    now = digest.facts.now
    return {
        "at": now.isoformat(timespec="seconds"),
        "days": digest.facts.span.days,
        "summary": summary(digest),
        "on_call": digest.on_call,
        "waiting": [_data(each, now) for each in digest.waiting],
        "opened": [_data(each, now) for each in digest.opened],
        "resolved": [_data(each, now) for each in digest.resolved],
        "quarantines": [
            {"dataset": dataset, "month": month, "rows": count}
            for (dataset, month), count in sorted(digest.facts.held.items())
        ],
        "pending_restatements": dict(digest.facts.pending),
        "close_dates": [
            {"month": each.month, "step": each.step, "due_at": each.due_at.isoformat(),
             "done_at": each.done_at.isoformat() if each.done_at else None}
            for each in digest.closes
        ],
        "broken": [{"sla": sla, "name": name, "measured": told} for sla, name, told in digest.facts.broken],
        "duties": [{"monday": str(each.monday), "person": each.person} for each in digest.duties],
    }  # fmt: skip


def cloud_event(digest: Digest) -> dict[str, Any]:
    """Return the digest as a CloudEvent; that of an instant has one id."""
    at = digest.facts.now.isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "specversion": "1.0",
        "id": f"digest-{at}",
        "source": SOURCE,
        "type": "techflow.digest",
        "time": at,
        "datacontenttype": "application/json",
        "data": as_data(digest),
    }


def _data(incident: Incident, now: datetime) -> dict[str, Any]:
    return {
        "incident": incident.incident_id,
        "title": incident.problem.title,
        "class": incident.kind_of,
        "status": incident.status,
        "owner": incident.owner_role,
        "due_at": incident.due_at.isoformat(),
        "left": left(incident, now),
        "blocks": list(incident.blocks),
    }
