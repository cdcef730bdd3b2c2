"""`techflow export`: a table as text, without Prefect and without Ray."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import typer

from compute.errors import BadSetting
from compute.exchange import metrics_table, to_csv
from compute.months import Month, parse_months
from flows.settings import load_settings
from storage.lake import Lake
from storage.snapshots import figures_of

Format = Literal["csv", "json", "table", "parquet"]


def _metrics(lake: Lake, month: Month) -> pl.DataFrame:
    return metrics_table(figures_of(lake, month))


BY_MONTH: dict[str, Callable[[Lake, Month], pl.DataFrame]] = {"metrics": _metrics}


def export(
    table: Annotated[str, typer.Argument(help="The table.", metavar="TABLE")],
    month: Annotated[str | None, typer.Argument(help="2024-01, or a range.", metavar="MONTH")] = None,
    format: Annotated[Format, typer.Option(help="csv, json, table or parquet.")] = "csv",  # noqa: A002
    out: Annotated[Path | None, typer.Option(help="A file; standard output without it.")] = None,
) -> None:
    """Write a table.

    Example: techflow export metrics 2024-01 --out metrics.csv
    """
    lake = Lake(load_settings().lake_place)
    if month is None:
        raise BadSetting(f"{table} is exported by month: techflow export {table} 2024-01.")
    rows = pl.concat([BY_MONTH[table](lake, each) for each in parse_months(month)])
    text = to_csv(rows)
    if out:
        out.write_text(text, encoding="utf-8")
    else:
        typer.echo(text, nl=False)
