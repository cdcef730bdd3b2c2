"""`techflow sla`: the scoreboard of the service levels; it imports neither Prefect nor Ray.

Source: `operations.md` D.1.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

import polars as pl
import typer

from compute.sla import scoreboard
from flows.commands.export import write
from flows.commands.screen import screen, show_table
from flows.settings import load_company, load_settings, parse_instant
from storage.facts import gather_facts
from storage.lake import Lake

_INSTANTS = ("since", "next_due")


def sla(
    form: Annotated[Literal["table", "json"], typer.Option("--format", help="table or json.")] = "table",
    at: Annotated[str | None, typer.Option(help="Judged at 2024-02-02T12:00:00Z; now without it.")] = None,
) -> None:
    """Print each service level: target, what is measured, verdict, since when, what is due next.

    Example: techflow sla --format json
    """
    settings = load_settings()
    now = parse_instant(at) if at else datetime.now(UTC)
    board = scoreboard(gather_facts(Lake(settings.lake_place), load_company(settings), now))
    schema = {name: pl.Datetime("us", "UTC") if name in _INSTANTS else pl.String for name in board[0]}
    rows = pl.DataFrame(board, schema=schema).with_columns(pl.col(_INSTANTS).dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    if form == "json":
        write(rows, "json", None)
        return
    console = screen()
    show_table(console, rows.columns, rows.rows(), least=("target", "next_due"))
    counts = rows.group_by("verdict").len().sort("verdict").rows()
    console.print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in counts) + ".", style="dim")
