"""`techflow demo`: two example companies, from raw records to their investor snapshots, the heavy work on Ray."""

import os
import shutil
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from compute.errors import BadSetting
from compute.metrics import BY_ID
from compute.months import Month, parse_months
from flows.commands.run import quiet_prefect, show_progress
from flows.commands.screen import screen
from flows.settings import PREFIX, load_settings
from flows.shown import HEADLINE, shown
from storage.catalog import DISPOSITIONS
from storage.lake import Lake
from storage.runs import runs
from storage.snapshots import figures_of

EXAMPLES = Path(__file__).parents[2] / "tests" / "examples"


@dataclass(frozen=True, slots=True)
class Example:
    """An example company: its records, the months to make, and those to show."""

    name: str
    what: str
    months: str
    shown: str


COMPANIES = (
    Example("golden", "7 accounts, figures to add up by hand", "2023-12..2024-02", "2023-12..2024-02"),
    Example("clean", "34 accounts, 14 months, 8,799 clicks", "2023-01..2024-02", "2023-12..2024-02"),
)


def demo() -> None:
    """Take two example companies from raw records to draft snapshots, the join and the session rollup on Ray.

    Example: techflow --home techflow-home demo
    """
    console, begin, root = screen(), time.perf_counter(), load_settings().home.absolute()
    for company in COMPANIES:
        _lay_out(company, root / company.name)
    quiet_prefect()
    console.print("starting Prefect (about 15 s the first time) …", style="dim")
    show_progress(console)
    from flows.aggregated import aggregated

    for company in COMPANIES:
        home = root / company.name
        console.print(f"\n[bold]{company.name}[/]: {company.what} → {home}", soft_wrap=True)
        _use(home)
        aggregated(month=company.months)
    for company in COMPANIES:
        _tell(console, company, root / company.name)
    console.print(f"\n[bold]took[/]     {time.perf_counter() - begin:.0f} s\n\nTry next:")
    for words in (
        "golden export metrics 2024-01 --format table",
        "clean export engagement_week --format table",
        "clean status",
    ):
        name, _, rest = words.partition(" ")
        console.print(f"  .venv/bin/techflow --home {_short(root / name)} {rest}", soft_wrap=True)


def _lay_out(company: Example, home: Path) -> None:
    """Copy the records into the company's home, so that what is tried next finds them there."""
    folder, archive = EXAMPLES / company.name, EXAMPLES / f"{company.name}.tar.xz"
    home.mkdir(parents=True, exist_ok=True)
    if archive.is_file():
        with tarfile.open(archive) as packed:
            packed.extractall(home.parent, filter="data")
    elif folder.is_dir():
        shutil.copytree(folder / "landing", home / "landing", dirs_exist_ok=True)
        shutil.copy2(folder / "ledger.sqlite", home / "ledger.sqlite")
    else:
        raise BadSetting(f"The records are not at {folder}: run the demo from a checkout of the project.")


def _use(home: Path) -> None:
    """Make the company's home the one in force, whatever places were set."""
    places = {"HOME": home, "LANDING": home / "landing", "LAKE": home / "lake", "LEDGER": home / "ledger.sqlite"}
    os.environ |= {f"{PREFIX}{name}": str(place) for name, place in places.items()}
    os.environ |= {f"{PREFIX}EXECUTOR": "ray", f"{PREFIX}COMPANY": ""}


def _tell(console: Console, company: Example, home: Path) -> None:
    """Say what was made, what ran on Ray, and where things are."""
    lake = Lake(str(home / "lake"))
    console.print("", _headline(lake, company))
    counts = lake.read(DISPOSITIONS, pl.col("code") == "").group_by("disposition").agg(pl.col("rows").sum())
    records = ", ".join(f"{rows:,} {name}" for name, rows in sorted(counts.rows()))
    done = runs(lake)
    console.print(f"[bold]records[/]  {records}")
    on_ray = done.filter(pl.col("executor") == "ray").unique("dataset", keep="last", maintain_order=True)
    for name, tasks, rows, seconds in on_ray.select("dataset", "tasks", "rows", "seconds").rows():
        console.print(f"[bold]on Ray[/]   {name}: {tasks} tasks, {rows:,} rows, {seconds} s")
    console.print(
        f"[bold]tables[/]   {_short(Path(lake.root))} ({done.get_column('dataset').n_unique()} Delta tables)",
        soft_wrap=True,
    )
    console.print(f"[bold]drafts[/]   {len(parse_months(company.months))} months: {company.months}")


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _headline(lake: Lake, company: Example) -> Table:
    months = parse_months(company.shown)
    table = Table("figure", *map(str, months), title=f"{company.name}: investor snapshot (DRAFT)")
    for column in table.columns[1:]:
        column.justify = "right"
    by_month = [_figures(lake, month) for month in months]
    for metric_id in HEADLINE:
        table.add_row(BY_ID[metric_id].name, *(figures[metric_id] for figures in by_month))
    return table


def _figures(lake: Lake, month: Month) -> dict[str, str]:
    rows = figures_of(lake, month).filter((pl.col("grain_key") == "company") & pl.col("metric_id").is_in(HEADLINE))
    return {row["metric_id"]: shown(row["value"], row["unit"], row["null_reason"]) for row in rows.to_dicts()}
