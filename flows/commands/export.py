"""`techflow export`: a table as text, without Prefect and without Ray.

Source: `interface.md`, "Exports".
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import typer

from compute.errors import BadSetting
from compute.exchange import metrics_table, plain, to_csv
from compute.judging import UNDATED
from compute.money import RATIO
from compute.months import Month, parse_months
from flows.commands.screen import screen, show_table
from flows.settings import load_settings
from storage.catalog import (
    ALLOCATION_LEDGER,
    COMPLETENESS_ROW,
    DISPOSITIONS,
    ENGAGEMENT_WEEK,
    FINDINGS,
    GAP_CASE,
    RECONCILIATION_GATE,
    RECONCILIATION_ROW,
)
from storage.dataset import Dataset
from storage.lake import Lake
from storage.queries import timed_query
from storage.runs import runs
from storage.snapshots import details_of, drafts_of, figures_of

Format = Literal["csv", "json", "table", "parquet"]


def _metrics(lake: Lake, month: Month) -> pl.DataFrame:
    return metrics_table(pl.concat([figures_of(lake, month), details_of(lake, month)]))


def _monthly(dataset: Dataset, *columns: str) -> Callable[[Lake, Month], pl.DataFrame]:
    def read(lake: Lake, month: Month) -> pl.DataFrame:
        drafts_of(lake, month)  # a month that nobody asked for has no table to show
        return lake.read(dataset, pl.col("month") == str(month), columns)

    return read


def _dispositions(lake: Lake) -> pl.DataFrame:
    counts = lake.read(DISPOSITIONS).group_by("dataset", "disposition", "code").agg(pl.col("rows").sum())
    return counts.select("dataset", "disposition", "code", "rows")


def _gaps(lake: Lake) -> pl.DataFrame:
    return lake.read(GAP_CASE)


def _weeks(lake: Lake) -> pl.DataFrame:
    # Ten places, as figures are stored; what says nothing at their end is left out.
    ratios = [name for name, dtype in ENGAGEMENT_WEEK.schema.items() if dtype == RATIO]
    return lake.read(ENGAGEMENT_WEEK).with_columns(plain(pl.col(name), pl.lit("ratio")).alias(name) for name in ratios)


def _findings(lake: Lake, months: tuple[Month, ...]) -> pl.DataFrame:
    """Return the findings of months and those of no month, which stand beside every month; all without months."""
    if not months:
        return lake.read(FINDINGS)
    of_months = [_monthly(FINDINGS, *FINDINGS.schema)(lake, month) for month in months]
    return pl.concat([*of_months, lake.read(FINDINGS, pl.col("month") == UNDATED)])


BY_MONTH: dict[str, Callable[[Lake, Month], pl.DataFrame]] = {
    "metrics": _metrics,
    "reconciliation": _monthly(RECONCILIATION_ROW, "account_id", "pipeline", "ledger", "delta", "class"),
    "reconciliation_gates": _monthly(RECONCILIATION_GATE, "gate", "verdict"),
    "completeness": _monthly(COMPLETENESS_ROW, "dataset", "accepted", "quarantined", "missing"),
    "allocation": _monthly(ALLOCATION_LEDGER, "source", "cost_class", "account_id", "amount"),
}
WHOLE: dict[str, Callable[[Lake], pl.DataFrame]] = {
    "dispositions": _dispositions,
    "gaps": _gaps,
    "runs": runs,
    "engagement_week": _weeks,
}
EITHER: dict[str, Callable[[Lake, tuple[Month, ...]], pl.DataFrame]] = {"findings": _findings}
TABLES = ", ".join((*BY_MONTH, *WHOLE, *EITHER))


def export(
    table: Annotated[str, typer.Argument(help=f"One of {TABLES}.", metavar="TABLE")],
    month: Annotated[
        str | None, typer.Argument(help="2024-01, or a range 2023-10..2024-03.", metavar="[MONTH]")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="csv, json, table or parquet.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="A file; standard output without it.")] = None,
) -> None:
    """Write one of the tables of a month's draft, or of all that has arrived.

    Example: techflow export metrics 2024-01 --out metrics.csv
    """
    lake = Lake(load_settings().lake_place)
    with timed_query(lake, f"export {table}"):
        rows = _rows(lake, table, month)
    # Sorted by all columns, as text sorts: the same rows are the same bytes.
    rows = rows.sort([pl.col(name).cast(pl.String) for name in rows.columns], nulls_last=False)
    write(rows, form, out)


def _rows(lake: Lake, table: str, month: str | None) -> pl.DataFrame:
    if table in BY_MONTH and month is not None:
        return pl.concat([BY_MONTH[table](lake, each) for each in parse_months(month)])
    if table in EITHER:
        return EITHER[table](lake, parse_months(month) if month else ())
    if table not in BY_MONTH and table not in WHOLE:
        raise BadSetting(f"There is no table '{table}': the tables are {TABLES}.")
    if table not in WHOLE:
        raise BadSetting(f"'{table}' is exported by month: techflow export {table} 2024-01.")
    if month is not None:
        raise BadSetting(f"'{table}' holds all that has arrived: techflow export {table}, without a month.")
    return WHOLE[table](lake)


def write(rows: pl.DataFrame, form: Format, out: Path | None) -> None:
    """Write rows in a format to a file, or to standard output."""
    if form == "parquet":
        target = out or sys.stdout.buffer
        rows.write_parquet(target)
        return
    text = to_csv(rows) if form == "csv" else _json(rows) if form == "json" else _table(rows)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def _json(rows: pl.DataFrame) -> str:
    """Return rows as JSON; decimals are text, so that no reader makes floats of them."""
    exact = rows.with_columns(pl.col(pl.Decimal).cast(pl.String), pl.col(pl.Date).cast(pl.String))
    return exact.write_json() + "\n"


def _table(rows: pl.DataFrame) -> str:
    console = screen()
    with console.capture() as captured:
        show_table(console, rows.columns, rows.iter_rows())
    return captured.get()
