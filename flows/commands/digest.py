"""`techflow digest` and `techflow on-call`: the hand-over, and whose week it is; without Prefect and Ray.

Source: `operations.md` I-8, F.2; "Configuration", `[roles]`.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import typer

from compute.digest import digest as hand_over
from compute.digest_text import as_data, markdown, week_of
from compute.rotation import duties
from flows.commands.export import Format, write
from flows.settings import load_company, load_settings, parse_instant
from storage.digest import digest_facts
from storage.lake import Lake

At = Annotated[str | None, typer.Option(help="As of 2024-02-05T07:00:00Z; now without it.")]
Out = Annotated[Path | None, typer.Option(help="A file; standard output without it.")]


def digest(
    days: Annotated[int, typer.Option(help="How many days to look back.", min=1, max=31)] = 7,
    form: Annotated[Literal["markdown", "json"], typer.Option("--format", help="markdown or json.")] = "markdown",
    at: At = None,
    out: Out = None,
) -> None:
    """Print what is handed over to whoever is on call next: incidents with their clocks, quarantines, close dates.

    The deployment `digest` sends it on Mondays, and daily in the last week of a month.

    Example: techflow digest --days 1
    """
    settings = load_settings()
    now = parse_instant(at) if at else datetime.now(UTC)
    facts = digest_facts(Lake(settings.lake_place), load_company(settings), now, timedelta(days=days))
    made = hand_over(facts)
    text = markdown(made, settings.runbook) if form == "markdown" else json.dumps(as_data(made), indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def on_call(
    weeks: Annotated[int, typer.Option(help="How many weeks, this one included.", min=1, max=520)] = 12,
    form: Annotated[Format, typer.Option("--format", help="table, csv, json or parquet.")] = "table",
    at: At = None,
    out: Out = None,
) -> None:
    """Print who is on call in the coming ISO weeks: the persons of [roles] operations, in fair shares.

    Example: techflow on-call --weeks 26 --format csv --out on-call.csv
    """
    company = load_company(load_settings())
    now = parse_instant(at) if at else datetime.now(UTC)
    found = duties(now.date(), weeks, company.roles.operations, company.calendar.holidays)
    columns = ("week", "from", "to", "person", "holidays")
    rows = [
        (week_of(each), str(each.monday), str(each.monday + timedelta(days=6)), each.person,
         " ".join(map(str, each.holidays)))
        for each in found
    ]  # fmt: skip
    write(pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row"), form, out)
