"""`techflow reconcile MONTH`: where bills and ledger differ, and what was said of it; without Prefect and Ray.

Source: `operations.md` C.3, F.2.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import polars as pl
import typer
from rich.console import Console
from typer.core import TyperGroup

from compute.company import Company
from compute.months import Month, parse_months
from compute.reconciliation import variance
from flows.commands.export import Format, write
from flows.commands.screen import screen, show_table
from flows.settings import load_company, load_settings
from storage.catalog import RECONCILIATION_ROW
from storage.lake import Lake
from storage.reconciliations import gates_of, of_month, workbench_of


class MonthFirst(TyperGroup):
    """A group whose name a month may follow at once: `techflow reconcile 2024-01` is `reconcile show 2024-01`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where a month or an option of it stands."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=MonthFirst, no_args_is_help=True, help="Bills against the accounting ledger, and what is open.")
_INSTANTS = ("since", "expires_at")


@app.command("show")
def show(
    month: Annotated[str, typer.Argument(help="2024-01, or a range 2023-10..2024-03.", metavar="MONTH")],
    form: Annotated[
        Format, typer.Option("--format", help="table, csv, json or parquet (the open rows alone).")
    ] = "table",
) -> None:
    """Show the open rows with their age and explanation, both sums, and the gates.

    Example: techflow reconcile 2024-01
    """
    settings, now = load_settings(), datetime.now(UTC)
    lake, company, months = Lake(settings.lake_place), load_company(settings), parse_months(month)
    rows = workbench_of(lake, months, company, now)
    if form != "table":
        write(rows.with_columns(pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in _INSTANTS), form, None)
        return
    console = screen()
    for each in months:
        _show_month(console, lake, each, rows.filter(pl.col("month") == str(each)), company, now)


def _show_month(
    console: Console, lake: Lake, month: Month, rows: pl.DataFrame, company: Company, now: datetime
) -> None:
    heads = ("account", "class", "pipeline", "ledger", "Δ", "Δ / ledger", "RC-4", "days", "explanation")
    show_table(console, heads, [_line(row) for row in rows.iter_rows(named=True)],
               title=f"{month}: {rows.height} open", least=("days", "Δ / ledger"))  # fmt: skip
    sums = variance(of_month(lake, RECONCILIATION_ROW, month))
    console.print()
    sides = [(name, amount, "" if name in ("pipeline", "ledger") else _percent(amount, sums.ledger))
             for name, amount in asdict(sums).items()]  # fmt: skip
    show_table(console, ("all accounts", "amount", "of the ledger"), sides)
    console.print()
    found = gates_of(lake, month, company, now)
    show_table(console, found.columns, found.rows(), least=("evidence",))
    for account in rows.filter(pl.col("rc4") == "blocks").get_column("account_id").head(1):
        said = f"techflow reconcile explain {account} {month} --code CODE --because TEXT --by PERSON --expires DATE"
        console.print(f"\nNext: {said}", style="dim", soft_wrap=True)


def _line(row: dict[str, Any]) -> Sequence[Any]:
    return (
        row["account_id"], row["class"], row["pipeline"], row["ledger"], row["delta"],
        "" if row["ratio"] is None else f"{row['ratio'] * 100:.4f} %", row["rc4"], row["days"], _said(row),
    )  # fmt: skip


def _said(row: dict[str, Any]) -> str:
    """Return the explanation of a row in words; whether it holds comes first when it does not."""
    if row["code"] is None:
        return ""
    last_day = row["expires_at"].date() - timedelta(days=1)
    lapsed = {"stands": "", "changed": "lapsed, the difference is another now: ", "expired": "expired: "}
    return f"{lapsed[row['standing']]}{row['code']} by {row['by']} until {last_day}: {row['because']}"


def _percent(part: Decimal, whole: Decimal) -> str:
    return f"{part / abs(whole) * 100:.4f} %" if whole else ""
