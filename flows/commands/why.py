"""`techflow why`: what changed a figure since the month before, without Prefect and without Ray.

Internal: it names accounts. Source: `operations.md` F.2.
"""

import json
from typing import Annotated, Any

import polars as pl
import typer
from rich.markup import escape

from compute.exchange import plain, to_csv
from compute.metrics import BY_ID
from flows.commands.explain import Format, number, question
from flows.commands.screen import screen, show_table
from flows.settings import load_settings
from storage.changes import Change, change_of
from storage.lake import Lake


def why(
    figure: Annotated[
        str, typer.Argument(help="A metric (M-01), or an anchor of the report.", metavar="METRIC|ANCHOR")
    ],
    month: Annotated[str | None, typer.Argument(help="2024-01; an anchor says it itself.", metavar="[MONTH]")] = None,
    account: Annotated[str | None, typer.Option(help="Of the account's own figure.")] = None,
    form: Annotated[Format, typer.Option("--format", help="table, json or csv.")] = "table",
) -> None:
    """Show why a figure is another than the month before: by account and cause, or by numerator and denominator.

    Example: techflow why M-01 2024-01
    """
    change = change_of(Lake(load_settings().lake_place), question(figure, month, account))
    if form == "json":
        typer.echo(json.dumps(as_json(change), ensure_ascii=False, indent=1))
    elif form == "csv":
        typer.echo(to_csv(_texts(change)), nl=False)
    else:
        _print(change)


def as_json(change: Change) -> dict[str, Any]:
    """Return a change as JSON values; numbers are text, so that no reader makes floats of them."""
    row = change.figure
    return {
        "metric_id": row["metric_id"],
        "period": row["month"],
        "grain": row["grain"],
        "grain_key": row["grain_key"],
        "unit": row["unit"],
        "before": number(change.before),
        "after": number(change.after),
        "change": number(change.after - change.before),
        "rows": [{name: value or None if name in _NUMBERS else value for name, value in each.items()}
                 for each in _texts(change).iter_rows(named=True)],
    }  # fmt: skip


_NUMBERS = ("before", "after", "change")


def _texts(change: Change) -> pl.DataFrame:
    return change.rows.with_columns(plain(pl.col(name), pl.lit(change.figure["unit"])).alias(name) for name in _NUMBERS)


def _print(change: Change) -> None:
    row, console = change.figure, screen()
    moved = change.after - change.before
    console.print(
        f"[bold]{row['metric_id']} {BY_ID[row['metric_id']].name}[/] {escape(row['grain_key'])}, {row['month']}: "
        f"{number(change.after)} after {number(change.before)}, a change of [bold]{number(moved)}[/] {row['unit']}",
        "",
        soft_wrap=True,
    )
    totals = change.rows.group_by("cause").agg(rows=pl.len(), change=pl.col("change").sum()).sort("cause")
    for title, rows in (("by cause", totals), ("by row", change.rows)):
        unit = pl.lit(row["unit"])
        shown = rows.with_columns(plain(pl.col(name), unit).alias(name) for name in _NUMBERS if name in rows.columns)
        show_table(console, shown.columns, shown.rows(), title=title)
        console.print()
