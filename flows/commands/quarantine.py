"""`techflow quarantine list`, `show`, `export`: what is held, and why. They import neither Prefect nor Ray."""

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from compute.contracts.contract import disposition_letter
from compute.contracts.feeds import BY_NAME
from compute.contracts.meanings import meanings
from compute.correction import MASK, as_text, shown_record, token
from compute.errors import BadSetting
from compute.months import parse_months
from compute.releases import refused_accepts
from flows.commands.export import Format, write
from flows.commands.screen import screen, show_table
from flows.settings import load_company, load_settings
from storage.lake import Lake
from storage.quarantine import (
    all_cases,
    cases_in,
    decisions_of,
    find_cases,
    payloads_of,
    place_in_words,
    require_case,
)

app = typer.Typer(no_args_is_help=True, help="What is held back, why, and its release.")


def _lake() -> Lake:
    return Lake(load_settings().lake_place)


def _meanings() -> dict[str, str]:
    company = load_company(load_settings())
    return {code: words for contract in BY_NAME.values() for code, words in meanings(contract, company).items()}


@app.command("list")
def list_cases(
    month: Annotated[
        str | None,
        typer.Argument(help="2024-01, or a range 2023-10..2024-03; all months without it.", metavar="[MONTH]"),
    ] = None,
    feed: Annotated[str | None, typer.Option(help=f"One of {', '.join(BY_NAME)}.")] = None,
    form: Annotated[Format, typer.Option("--format", help="table, csv, json or parquet.")] = "table",
) -> None:
    """List the open cases.

    Example: techflow quarantine list 2024-01
    """
    months = [str(each) for each in parse_months(month)] if month else []
    if feed and feed not in BY_NAME:
        raise BadSetting(f"There is no feed '{feed}': the feeds are {', '.join(BY_NAME)}.")
    found = cases_in(all_cases(_lake()), months, feed)
    cases, waiting = found.filter("is_open"), found.get_column("is_waiting").sum()
    known, now = _meanings(), datetime.now(UTC)
    rows = pl.DataFrame(
        [
            {
                "case": case["case_id"],
                "feed": case["dataset"],
                "month": case["month"],
                "codes": " ".join(case["codes"]),
                "reason": case["reason"] or "; ".join(known.get(code, code) for code in case["codes"]),
                "where": place_in_words(case),
                "days": (now - case["arrival"]).days,
            }
            for case in cases.iter_rows(named=True)
        ],
        schema={**dict.fromkeys(("case", "feed", "month", "codes", "reason", "where"), pl.String), "days": pl.Int64},
    )
    if form != "table":
        write(rows, form, None)
        return
    console = screen()
    show_table(console, rows.columns, rows.rows())
    console.print(f"\n{rows.height} open. Next: techflow quarantine show CASE", style="dim")
    if waiting:
        console.print(f"{waiting} more are decided and count from the next run on: techflow run MONTH", style="dim")


@app.command("show")
def show(case_id: Annotated[str, typer.Argument(metavar="CASE")]) -> None:
    """Show a case: its record, personal values masked, its codes, and what can be done.

    Example: techflow quarantine show REV-1a2b3c4d
    """
    lake, console = _lake(), screen()
    case = require_case(find_cases(lake, [case_id]), case_id)
    name, contract, known = case["case_id"], BY_NAME[case["dataset"]], _meanings()

    def say(line: str = "", style: str = "") -> None:
        console.print(line, style=style, markup=False, soft_wrap=True)

    state = "open" if case["is_open"] else "decided, counts from the next run on" if case["is_waiting"] else "closed"
    say(f"{name}  {state}", "bold")
    say(f"{case['dataset']}, {case['month']}, {place_in_words(case)}, arrived {case['arrival']:%Y-%m-%dT%H:%M:%SZ}\n")
    for code in case["codes"]:
        held = "" if disposition_letter(code) == "Q" else " (does not hold it)"
        say(f"  {code}  {known.get(code, '')}{held}")
    if case["reason"]:
        say(f"  {case['reason']}")
    payload = payloads_of(lake, [case]).get(name)
    shown = shown_record(payload, contract) if payload else {"(no record)": "the fix that made it has been replaced"}
    say()
    for member, value in shown.items():
        say(f"  {member}: {as_text(value)}")
    for row in decisions_of(lake, case).iter_rows(named=True):
        say(f"\n  {row['verdict']} by {row['by']}, {row['at']:%Y-%m-%dT%H:%M:%SZ}: {row['why']}")
    say(f"\nWhat to do ({MASK} keeps a personal value):", "dim")
    say(f"  techflow quarantine release {name} --why TEXT --fix {shlex.quote(token(shown))}", "dim")
    if not (untyped := refused_accepts(case["codes"], contract)):
        say(f"  techflow quarantine release {name} --why TEXT --accept", "dim")
    say(f"  techflow quarantine release {name} --why TEXT --discard", "dim")
    if untyped:
        say(f"  It cannot be accepted as it is: {', '.join(untyped)} leaves no value.", "dim")


@app.command("export")
def export(path: Annotated[Path, typer.Argument(metavar="FILE.xlsx")]) -> None:
    """Write the open cases to a spreadsheet that people fill in.

    Example: techflow quarantine export held.xlsx
    """
    from storage.workbook import write_workbook  # Excel's libraries would slow every command's start

    count = write_workbook(_lake(), path, _meanings())
    screen().print(f"{count} open cases → {path}. Filled in, it goes back with: techflow quarantine apply {path}")
