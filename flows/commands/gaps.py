"""`techflow gaps`: the open status gaps, what stands in for them, what they touch, and what closes them.

Source: `data.md` C.2; `operations.md` C.4 gate "gaps".
"""

from typing import Annotated

import polars as pl
import typer

from compute.gap_view import gap_view
from compute.months import Month
from flows.commands.export import Format, write
from flows.commands.screen import screen, show_table
from flows.settings import load_company, load_settings
from storage.catalog import ACCOUNT_MONTH_TABLE, GAP_CASE
from storage.lake import Lake

_HEADS = {
    "account_id": "account", "kind": "kind", "jump": "jump", "stands_in": "stands in for it", "mrr": "MRR",
    "months": "months", "metrics": "metrics", "confidence": "confidence", "next": "next",
}  # fmt: skip


def gaps(
    month: Annotated[str | None, typer.Argument(help="2024-01: what touches it.", metavar="[MONTH]")] = None,
    form: Annotated[Format, typer.Option("--format", help="table, csv, json or parquet.")] = "table",
) -> None:
    """Show the open status gaps: what stands in for the missing row, the months and metrics touched, what closes them.

    Example: techflow gaps 2024-01
    """
    settings = load_settings()
    lake, owner = Lake(settings.lake_place), load_company(settings).owners.of("gaps")
    cases, of = lake.read(GAP_CASE), None if month is None else Month.parse(month)
    accounts = pl.col("account_id").is_in(cases.get_column("account_id").unique().implode())
    rows = lake.read(ACCOUNT_MONTH_TABLE, accounts, ["account_id", "month", "mrr", "mrr_quality"])
    found = gap_view(cases, rows, owner, of)
    if form != "table":
        write(found, form, None)
        return
    console = screen()
    lines = found.select(list(_HEADS)).rows()
    title = f"{f'{month}: ' if month else ''}{found.height} open status gaps; {owner} moves them on"
    if found.is_empty():
        console.print(title, style="bold")
        return
    show_table(console, tuple(_HEADS.values()), lines, title=title, least=("confidence", "jump", "kind"))
    if month:
        waiver = f"techflow waive {month} --gate gaps --role accounts --because …"
        console.print(f"\nNext: the missing rows, then techflow run {month}; or {waiver}", style="dim", soft_wrap=True)
