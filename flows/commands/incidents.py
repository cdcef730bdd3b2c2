"""`techflow incidents`: the register of what went wrong, and what people do about it; without Prefect and Ray.

Source: `operations.md` D.3, F.2.
"""

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import mean, median
from typing import Annotated, Literal

import polars as pl
import typer

from compute.errors import BadSetting
from compute.incidents import Incident, Kind, move, time_to
from compute.notice_words import blocks_words, left, runbook_url
from flows.commands.export import write
from flows.commands.screen import screen, show_table
from flows.settings import load_settings, parse_instant
from storage.incidents import append_events, current_incidents, require_incident
from storage.lake import Lake
from storage.table import Table
from storage.watched import INCIDENT_EVENT
from storage.work import Work

app = typer.Typer(no_args_is_help=True, help="What went wrong: the register, its clocks, and what people do about it.")

Name = Annotated[str, typer.Argument(metavar="INCIDENT")]
By = Annotated[str, typer.Option(help="Who does it; the user by default.")]
_COUNTS = ("severity", "seen")


def _log() -> Table:
    return Lake(load_settings().lake_place).open(INCIDENT_EVENT)


def _at(instant: datetime | None) -> str:
    return "" if instant is None else f"{instant:%Y-%m-%dT%H:%M:%SZ}"


_FIELDS: dict[str, Callable[[Incident, datetime], object]] = {
    "incident": lambda each, _: each.incident_id,
    "class": lambda each, _: each.kind_of,
    "severity": lambda each, _: each.problem.severity,
    "status": lambda each, _: each.status,
    "title": lambda each, _: each.problem.title,
    "owner": lambda each, _: each.owner_role,
    "detected": lambda each, _: _at(each.detected_at),
    "due": lambda each, _: _at(each.due_at),
    "left": left,
    "blocks": lambda each, _: " ".join(each.blocks),
    "caused_by": lambda each, _: each.upstream,
    "seen": lambda each, _: each.occurrences,
}


@app.command("list")
def list_incidents(
    every: Annotated[bool, typer.Option("--all", help="Resolved and closed ones too.")] = False,  # noqa: FBT002 - a flag is a word on the command line
    form: Annotated[Literal["table", "json"], typer.Option("--format", help="table or json.")] = "table",
    at: Annotated[str | None, typer.Option(help="Clocks as of 2024-02-02T12:00:00Z; now without it.")] = None,
) -> None:
    """List the incidents that wait for a resolution, the most urgent first.

    Example: techflow incidents list --all
    """
    now = parse_instant(at) if at else datetime.now(UTC)
    known = list(current_incidents(_log()).values())
    shown = sorted((each for each in known if every or each.is_unresolved), key=lambda each: each.due_at)
    schema = {name: pl.Int64 if name in _COUNTS else pl.String for name in _FIELDS}
    rows = pl.DataFrame([{name: show(each, now) for name, show in _FIELDS.items()} for each in shown], schema=schema)
    if form == "json":
        write(rows, "json", None)
        return
    console = screen()
    show_table(console, rows.columns, rows.rows(), least=("seen", "caused_by", "detected", "owner", "severity"))
    console.print(f"\n{sum(each.is_unresolved for each in known)} unresolved of {len(known)}.", style="dim")
    for what, spans in time_to(known).items():
        if spans:
            hours = [span.total_seconds() / 3600 for span in spans]
            told = f"time to {what}: median {median(hours):.1f} h, mean {mean(hours):.1f} h of {len(hours)}"
            console.print(told, style="dim")


@app.command("show")
def show_incident(name: Name) -> None:
    """Show an incident: what failed, its clock, what it blocks, what was done, and what can be done.

    Example: techflow incidents show INC-1a2b3c4d
    """
    known, console, now = current_incidents(_log()), screen(), datetime.now(UTC)
    one = require_incident(known, name)
    told = {
        "check": f"{one.problem.check_id} {one.problem.dataset} {one.problem.scope}".rstrip(),
        "evidence": one.problem.evidence,
        "class": f"{one.kind_of}, severity {one.problem.severity}",
        "owner": one.owner_role,
        "began": _at(one.problem.first_bad_at),
        "detected": _at(one.detected_at) + _times("seen", one.occurrences) + _times("reopened", one.reopened_count),
        "due": f"{_at(one.due_at)}  {left(one, now)}".rstrip(),
        "blocks": blocks_words(one),
        "caused by": one.upstream,
        "told": _at(one.notified_at),
        "acknowledged": f"{_at(one.acknowledged_at)} by {one.acknowledged_by}" if one.acknowledged_at else "",
        "mitigated": _at(one.mitigated_at),
        "resolved": f"{_at(one.resolved_at)} by {one.resolved_by}: {one.resolution}" if one.resolved_at else "",
        "closed": f"{_at(one.closed_at)} by {one.closed_by}: {one.root_cause}" if one.closed_at else "",
        "merged into": one.merged_into,
        "runbook": runbook_url(one, load_settings().runbook),
    }
    console.print(f"{one.incident_id}  {one.status}: {one.problem.title}\n", style="bold", markup=False)
    for key, value in told.items():
        if value:
            console.print(f"  {key:13} {value}", markup=False, soft_wrap=True)


def _times(what: str, count: int) -> str:
    return "" if not count else f", {what} once" if count == 1 else f", {what} {count} times"


def _act(name: str, kind: Kind, by: str, note: str = "") -> None:
    log, now = _log(), datetime.now(UTC)
    one = require_incident(current_incidents(log), name)
    event = move(one, kind, at=now, by=by or getpass.getuser(), note=note)
    work = Work(flow="incidents", dataset=INCIDENT_EVENT.name, rows=1, finished_at=now.isoformat(timespec="seconds"))
    append_events(log, [event], work)
    screen().print(f"{one.incident_id} is {'merged into ' + note if kind == 'merged' else kind}.", soft_wrap=True)


def _said(text: str, what: str) -> str:
    if not text.strip():
        raise BadSetting(f"{what} is empty: say it in a sentence.")
    return text.strip()


@app.command("ack")
def acknowledge(name: Name, by: By = "") -> None:
    """Acknowledge an incident: somebody is on it.

    Example: techflow incidents ack INC-1a2b3c4d
    """
    _act(name, "acknowledged", by)


@app.command("mitigate")
def mitigate(name: Name, by: By = "") -> None:
    """Say that the harm is contained and the cause is not gone yet.

    Example: techflow incidents mitigate INC-1a2b3c4d
    """
    _act(name, "mitigated", by)


@app.command("resolve")
def resolve(
    name: Name, resolution: Annotated[str, typer.Option(help="What was done; it is kept.")], by: By = ""
) -> None:
    """Resolve an incident; a check that still fails opens it again.

    Example: techflow incidents resolve INC-1a2b3c4d --resolution "the sender sent the file again"
    """
    _act(name, "resolved", by, _said(resolution, "The resolution"))


@app.command("close")
def close(name: Name, cause: Annotated[str, typer.Option(help="The root cause; it is kept.")], by: By = "") -> None:
    """Close a resolved incident with its root cause.

    Example: techflow incidents close INC-1a2b3c4d --cause "a full disk at the sender"
    """
    _act(name, "closed", by, _said(cause, "The root cause"))


@app.command("merge")
def merge(name: Name, into: Annotated[str, typer.Option(help="The incident that it belongs to.")], by: By = "") -> None:
    """Close an incident that is part of another one; its failures count there.

    Example: techflow incidents merge INC-1a2b3c4d --into INC-5e6f7a8b
    """
    known = current_incidents(_log())
    target, one = require_incident(known, into), require_incident(known, name)
    if not target.is_unresolved or target == one:
        raise BadSetting(f"{target.incident_id} cannot take another one in: name a different one that is unresolved.")
    _act(one.incident_id, "merged", by, target.incident_id)
