"""`techflow export`: a table as text, without Prefect and without Ray.

Source: `interface.md`, "Exports".
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import typer

from compute.errors import BadSetting
from compute.exchange import plain, to_csv
from compute.judging import UNDATED
from compute.money import RATIO
from compute.months import Month, parse_months
from flows.commands.report import AsOf, Stand
from flows.commands.screen import screen, show_table
from flows.settings import load_settings, parse_instant
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
from storage.editions import edition
from storage.exported import metric_pieces
from storage.lake import Lake
from storage.queries import timed_query
from storage.runs import runs
from storage.snapshots import drafts_of

Format = Literal["csv", "json", "table", "parquet"]


def _metrics(lake: Lake, month: Month) -> pl.DataFrame:
    return pl.concat(metric_pieces(lake, edition(lake, month), month))


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
    stand: Stand = None,
    as_of: AsOf = None,
) -> None:
    """Write one of the tables of a month, or of all that has arrived.

    The metrics are those of the revision in force, and of the newest draft where there is none.

    Example: techflow export metrics 2024-01 --out metrics.csv
    """
    lake = Lake(load_settings().lake_place)
    with timed_query(lake, f"export {table}"):
        if table == "metrics" and month is not None:
            write_pieces(_metric_pieces(lake, month, stand, parse_instant(as_of) if as_of else None), form, out)
            return
        if stand or as_of:
            raise BadSetting("Editions are those of a month's metrics: techflow export metrics 2024-01 --edition r1.")
        rows = _rows(lake, table, month)
        # Sorted by all columns, as text sorts: the same rows are the same bytes.
        write(rows.sort([pl.col(name).cast(pl.String) for name in rows.columns], nulls_last=False), form, out)


def _metric_pieces(lake: Lake, months: str, stand: str | None, at: datetime | None) -> Iterator[pl.DataFrame]:
    """Return the metrics of months in order; every edition is found before any is read."""
    found = [(edition(lake, month, stand, at), month) for month in parse_months(months)]
    return chain.from_iterable(metric_pieces(lake, each, month) for each, month in found)


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
    write_pieces(iter([rows]), form, out)


def write_pieces(pieces: Iterator[pl.DataFrame], form: Format, out: Path | None) -> None:
    """Write the rows of pieces, one after the other; CSV and JSON hold one piece in memory at a time."""
    if form == "parquet":
        pl.concat(pieces).write_parquet(out or sys.stdout.buffer)
        return
    texts = _csv(pieces) if form == "csv" else _json(pieces) if form == "json" else iter([_table(pl.concat(pieces))])
    begin = next(texts)  # what cannot be read is said before a file is made
    with nullcontext() if out is None else out.open("w", encoding="utf-8", newline="") as file:
        for text in chain([begin], texts):
            if file is None:
                typer.echo(text, nl=False)
            else:
                file.write(text)


def _csv(pieces: Iterator[pl.DataFrame]) -> Iterator[str]:
    for number, rows in enumerate(pieces):
        yield to_csv(rows, has_header=number == 0)


def _json(pieces: Iterator[pl.DataFrame]) -> Iterator[str]:
    """Return rows as one JSON array; decimals are text, so that no reader makes floats of them."""
    has_rows = False
    for number, rows in enumerate(pieces):
        exact = rows.with_columns(pl.col(pl.Decimal).cast(pl.String), pl.col(pl.Date).cast(pl.String))
        begin, comma = "[" if number == 0 else "", "," if has_rows and rows.height else ""
        yield begin + comma + exact.write_json()[1:-1]
        has_rows = has_rows or rows.height > 0
    yield "]\n"


def _table(rows: pl.DataFrame) -> str:
    console = screen()
    with console.capture() as captured:
        show_table(console, rows.columns, rows.iter_rows())
    return captured.get()
