"""`techflow demo`: a company from raw records to its investor snapshots, the heavy work on Ray."""

import os
import shutil
import tarfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from compute.contracts.feeds import ENGAGEMENT_FEEDS
from compute.errors import BadSetting
from compute.metrics import BY_ID
from compute.months import Month, parse_months
from compute.sample.faults import parse_kinds
from compute.sample.request import Request
from compute.sample.truth import compare, missed
from flows.commands.demo_broker import filled_broker
from flows.commands.demo_pages import show_pages
from flows.commands.report import write_report
from flows.commands.run import quiet_prefect, show_progress
from flows.commands.sample import ACCOUNTS, MONTHS, SEED, USERS, make_sample
from flows.commands.screen import screen
from flows.settings import PREFIX, load_company, load_settings
from flows.shown import HEADLINE, shown
from storage.catalog import BRONZE, DISPOSITIONS
from storage.editions import edition
from storage.lake import Lake
from storage.runs import runs
from storage.snapshots import figures_of
from storage.truth import read_found, read_truth

EXAMPLES = Path(__file__).parents[2] / "tests" / "examples"
Name = Literal["sample", "golden", "clean"]


@dataclass(frozen=True, slots=True)
class Company:
    """A company to show: what it is, the months to make, those to show, and what to try next."""

    what: str
    months: str
    shown: str
    next: tuple[str, ...]


COMPANIES: dict[Name, Company] = {
    "sample": Company(
        f"{ACCOUNTS} accounts from seed {SEED}, with faults of every kind",
        MONTHS,
        "2023-12..2024-02",
        ("explain M-10 2024-02", "why M-01 2024-02", "quarantine list"),
    ),
    "golden": Company(
        "7 accounts, figures to add up by hand",
        "2023-12..2024-02",
        "2023-12..2024-02",
        ("explain M-08 2024-01", "why M-01 2024-01", "status"),
    ),
    "clean": Company(
        "34 accounts, 14 months, 8,799 clicks, no fault",
        "2023-01..2024-02",
        "2023-12..2024-02",
        ("export engagement_week --format csv", "explain M-42 2024-02", "status"),
    ),
}


def demo(
    name: Annotated[Name, typer.Argument(help="Which company.", metavar="[COMPANY]")] = "sample",
    ui: Annotated[bool, typer.Option("--ui", help="Then show a run of the last month in the Prefect pages.")] = False,  # noqa: FBT002 - a flag is a word on the command line
    kafka: Annotated[bool, typer.Option("--kafka", help="Send its topics to a broker first, and drain them.")] = False,  # noqa: FBT002
) -> None:
    """Take a company from raw records to draft snapshots, the join and the session rollup on Ray.

    sample is made anew from its seed, with faults, and ends with which of them were found; golden is small enough to
    add up by hand; clean has 14 months without a fault. With --ui a Prefect server and a worker stay until Ctrl-C.
    With --kafka the topics come from the broker of KAFKA_BOOTSTRAP_SERVERS, or from one that runs until the end.

    Example: techflow --home techflow-home demo
    """
    console, company = screen(), COMPANIES[name]
    # A lake keeps to one of the two, the file event log or a broker.
    home = load_settings().home.absolute() / (f"{name}-kafka" if kafka else name)
    console.print(f"[bold]{name}[/]: {company.what} → {home}", soft_wrap=True)
    _lay_out(name, home, console)
    with filled_broker(console, home) if kafka else nullcontext("") as servers:
        _show(console, name, home, servers)
        if ui:
            show_pages(console, home, str(parse_months(company.months)[-1]))


def _show(console: Console, name: Name, home: Path, servers: str) -> None:
    """Run the company's months, and tell what they gave and where it is."""
    begin, company = time.perf_counter(), COMPANIES[name]
    quiet_prefect()
    console.print("starting Prefect (about 15 s the first time) …", style="dim")
    show_progress(console)
    from flows.aggregated import aggregated

    _use(home, servers)
    aggregated(month=company.months)
    lake = Lake(load_settings().lake_place)
    console.print("", _headline(lake, name, company))
    if (home / "truth.json").is_file():
        _tell_faults(console, lake, home)
    _tell(console, lake, company, home)
    console.print(f"[bold]took[/]     {time.perf_counter() - begin:.0f} s\n\nTry next:")
    where = f"--home {_short(home)}" + (f" --lake {lake.root}" if "://" in lake.root else "")
    for words in company.next:
        console.print(f"  .venv/bin/techflow {where} {words}", soft_wrap=True)


def _lay_out(name: Name, home: Path, console: Console) -> None:
    """Put the records into the company's home, so that what is tried next finds them there."""
    folder, archive = EXAMPLES / name, EXAMPLES / f"{name}.tar.xz"
    if name == "sample":
        _lay_out_sample(home, console)
    elif archive.is_file():
        with tarfile.open(archive) as packed, TemporaryDirectory() as unpacked:
            packed.extractall(unpacked, filter="data")
            shutil.copytree(Path(unpacked) / name, home, dirs_exist_ok=True)
    elif folder.is_dir():
        shutil.copytree(folder / "landing", home / "landing", dirs_exist_ok=True)
        shutil.copy2(folder / "ledger.sqlite", home / "ledger.sqlite")
    else:
        raise BadSetting(f"The records are not at {folder}: run the demo from a checkout of the project.")


def _lay_out_sample(home: Path, console: Console) -> None:
    """Make the sample beside its place and move it there whole: what is there was not cut off halfway."""
    if (home / "truth.json").is_file():
        console.print("the records are there already: the same seed makes the same ones", style="dim")
        return
    if home.exists():
        raise BadSetting(f"{home} holds something else than a sample: move it away, or give another --home.")
    making = home.with_name(f".{home.name}-in-the-making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    request = Request(SEED, parse_months(MONTHS), ACCOUNTS, USERS)
    make_sample(making, request, parse_kinds("all"), screen(stderr=True))
    making.rename(home)


def _use(home: Path, servers: str) -> None:
    """Make the company's home the one in force, whatever places were set; in an object store it has a prefix."""
    file, given = home / "company.toml", load_settings().lake_place
    lake = f"{given}/{home.name}" if "://" in given else home / "lake"
    places = {"HOME": home, "LANDING": home / "landing", "LAKE": lake, "LEDGER": home / "ledger.sqlite"}
    os.environ |= {f"{PREFIX}{name}": str(place) for name, place in places.items()}
    os.environ["KAFKA_BOOTSTRAP_SERVERS"] = servers
    os.environ |= {f"{PREFIX}EXECUTOR": "ray", f"{PREFIX}COMPANY": str(file) if file.is_file() else ""}


def _headline(lake: Lake, name: str, company: Company) -> Table:
    months = parse_months(company.shown)
    table = Table("figure", *map(str, months), title=f"{name}: investor snapshot (DRAFT)")
    for column in table.columns[1:]:
        column.justify = "right"
    by_month = [_figures(lake, month) for month in months]
    for metric_id in HEADLINE:
        table.add_row(BY_ID[metric_id].name, *(figures[metric_id] for figures in by_month))
    return table


def _figures(lake: Lake, month: Month) -> dict[str, str]:
    rows = figures_of(lake, month).filter((pl.col("grain_key") == "company") & pl.col("metric_id").is_in(HEADLINE))
    return {row["metric_id"]: shown(row["value"], row["unit"], row["null_reason"]) for row in rows.to_dicts()}


def _tell_faults(console: Console, lake: Lake, home: Path) -> None:
    """Hold what was found against the truth file, by kind of fault."""
    told = read_truth(home)
    verdicts = compare(told, read_found(lake))
    wrong = missed(verdicts).get_column("kind").unique()
    counts = pl.DataFrame({"kind": [fault["kind"] for fault in told["faults"]]}).group_by("kind").len().sort("kind")
    table = Table("fault", "injected", "verdict", title="Faults put in, and what became of them")
    table.columns[1].justify = "right"
    for kind, injected in counts.rows():
        table.add_row(kind, str(injected), "[red]not found[/]" if kind in wrong else "found")
    surplus = missed(verdicts).filter(~pl.col("kind").is_in(counts.get_column("kind").implode()))
    for kind, where, _, found in surplus.rows():
        table.add_row(f"{kind} in {where}", "0", f"[red]{found} found[/]")
    console.print("", table)


def _tell(console: Console, lake: Lake, company: Company, home: Path) -> None:
    """Say what was made, what ran on Ray, and where things are; the report of the last month is among them."""
    counts = lake.read(DISPOSITIONS, pl.col("code") == "").group_by("disposition").agg(pl.col("rows").sum())
    records = ", ".join(f"{rows:,} {name}" for name, rows in sorted(counts.rows()))
    done = runs(lake)
    console.print(f"[bold]records[/]  {records}")
    if servers := load_settings().kafka:
        drained = ", ".join(f"{lake.open(BRONZE[feed.dataset]).count():,} {feed.dataset}" for feed in ENGAGEMENT_FEEDS)
        console.print(f"[bold]drained[/]  {drained} from {servers}", soft_wrap=True)
    on_ray = done.filter(pl.col("executor") == "ray").unique("dataset", keep="last", maintain_order=True)
    for name, tasks, rows, seconds in on_ray.select("dataset", "tasks", "rows", "seconds").rows():
        console.print(f"[bold]on Ray[/]   {name}: {tasks} tasks, {rows:,} rows, {seconds} s")
    where, tables = lake.root if "://" in lake.root else _short(Path(lake.root)), done.get_column("dataset").n_unique()
    console.print(f"[bold]tables[/]   {where} ({tables} Delta tables)", soft_wrap=True)
    console.print(f"[bold]drafts[/]   {len(parse_months(company.months))} months: {company.months}")
    who = load_company(load_settings()).company
    last = edition(lake, parse_months(company.months)[-1])
    page = write_report(lake, last, home / "reports", who.name, who.reporting_currency)[0]
    console.print(
        f"[bold]report[/]   {_short(page)} (open it in a browser; beside it Markdown, CSV, JSON, XLSX)", soft_wrap=True
    )
    console.print("[bold]runs[/]     techflow export runs; their pages: make demo UI=1")


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
