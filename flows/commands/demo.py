"""`techflow demo`: the golden company's records to its investor snapshots, on Ray."""

import os
import shutil
import time
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from compute.errors import BadSetting
from compute.metrics import BY_ID
from compute.months import Month, parse_months
from flows.commands.run import quiet_prefect, show_progress
from flows.commands.screen import screen
from flows.settings import Settings, load_settings
from flows.shown import HEADLINE, shown
from storage.catalog import DISPOSITIONS
from storage.lake import Lake
from storage.runs import runs
from storage.snapshots import figures_of

RECORDS = Path(__file__).parents[2] / "tests" / "examples" / "golden"
MONTHS = "2023-12..2024-02"


def demo() -> None:
    """Take the golden company (7 accounts, 3 months) from raw records to draft snapshots, the heavy join on Ray.

    Example: techflow --home techflow-home demo
    """
    console = screen()
    begin = time.perf_counter()
    home = load_settings().home
    _lay_out(home)
    console.print(f"records of the golden company → [bold]{home}[/]")
    os.environ["TECHFLOW_EXECUTOR"] = "ray"
    quiet_prefect()
    console.print("starting Prefect (about 15 s the first time) …", style="dim")
    show_progress(console)
    from flows.aggregated import aggregated

    aggregated(month=MONTHS)
    settings = load_settings()
    _tell(console, settings, time.perf_counter() - begin)


def _lay_out(home: Path) -> None:
    """Copy the records into the home folder, so that what is tried next finds them there."""
    if not RECORDS.is_dir():
        raise BadSetting(f"The golden records are not at {RECORDS}: run the demo from a checkout of the project.")
    for feed in sorted((RECORDS / "landing").iterdir()):
        shutil.copytree(feed, home / "landing" / feed.name, dirs_exist_ok=True)
    shutil.copy2(RECORDS / "ledger.sqlite", home / "ledger.sqlite")


def _tell(console: Console, settings: Settings, seconds: float) -> None:
    """Say what was made, what ran on Ray, where things are, and what to try next."""
    lake = Lake(settings.lake_place)
    console.print(_headline(lake))
    counts = lake.read(DISPOSITIONS, pl.col("code") == "").group_by("disposition").agg(pl.col("rows").sum())
    records = ", ".join(f"{rows} {name}" for name, rows in sorted(counts.rows()))
    done = runs(lake)
    heavy = done.filter(pl.col("executor") == "ray").tail(1).row(0, named=True)
    console.print(f"\n[bold]records[/]  {records}")
    console.print(
        f"[bold]on Ray[/]   {heavy['dataset']}: {heavy['tasks']} tasks, {heavy['rows']} rows, {heavy['seconds']} s"
    )
    console.print(f"[bold]tables[/]   {lake.root} ({done.get_column('dataset').n_unique()} Delta tables)")
    console.print(f"[bold]drafts[/]   {', '.join(str(month) for month in parse_months(MONTHS))}")
    console.print(f"[bold]took[/]     {seconds:.0f} s\n\nTry next:")
    prefix = f".venv/bin/techflow --home {settings.home}"
    for words in ("export metrics 2024-01 --format table", "export allocation 2024-01", "status"):
        console.print(f"  {prefix} {words}", soft_wrap=True)


def _headline(lake: Lake) -> Table:
    table = Table("figure", *(str(month) for month in parse_months(MONTHS)), title="Investor snapshot (DRAFT)")
    for column in table.columns[1:]:
        column.justify = "right"
    by_month = {month: _figures(lake, month) for month in parse_months(MONTHS)}
    for metric_id in HEADLINE:
        table.add_row(BY_ID[metric_id].name, *(figures[metric_id] for figures in by_month.values()))
    return table


def _figures(lake: Lake, month: Month) -> dict[str, str]:
    rows = figures_of(lake, month).filter((pl.col("grain_key") == "company") & pl.col("metric_id").is_in(HEADLINE))
    return {row["metric_id"]: shown(row["value"], row["unit"], row["null_reason"]) for row in rows.to_dicts()}
