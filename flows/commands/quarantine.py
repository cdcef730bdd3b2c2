"""`techflow quarantine`: what is held, why, and its release. Listing imports neither Prefect nor Ray."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.table import Table

from compute.company import Company
from compute.contracts.contract import Contract
from compute.contracts.feeds import BY_NAME
from compute.contracts.meanings import meanings
from compute.errors import BadSetting
from compute.months import Month
from compute.releases import refused_accepts
from flows.commands.export import Format, write
from flows.commands.screen import screen
from flows.settings import load_company, load_settings
from storage.lake import Lake
from storage.quarantine import Decision, find_case, open_cases, payload_of, place_in_words, shown_record
from storage.workbook import read_workbook, write_workbook

app = typer.Typer(no_args_is_help=True, help="What is held back, why, and its release.")


def _lake() -> Lake:
    return Lake(load_settings().lake_place)


def _meanings() -> dict[str, str]:
    company = load_company(load_settings())
    return {code: words for contract in BY_NAME.values() for code, words in _of(contract, company).items()}


def _of(contract: Contract, company: Company) -> dict[str, str]:
    return dict(meanings(contract, company))


@app.command("list")
def list_cases(
    month: Annotated[str | None, typer.Argument(help="2024-01; without it all months.", metavar="[MONTH]")] = None,
    feed: Annotated[str | None, typer.Option(help=f"One of {', '.join(BY_NAME)}.")] = None,
    form: Annotated[Format, typer.Option("--format", help="table, csv, json or parquet.")] = "table",
) -> None:
    """List the open cases.

    Example: techflow quarantine list 2024-01
    """
    if month:
        Month.parse(month)
    if feed and feed not in BY_NAME:
        raise BadSetting(f"There is no feed '{feed}': the feeds are {', '.join(BY_NAME)}.")
    cases = open_cases(_lake(), month, feed)
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
    table = Table(*rows.columns, box=None, pad_edge=False)
    for row in rows.rows():
        table.add_row(*map(str, row))
    console.print(table)
    console.print(f"\n{rows.height} open cases. Next: techflow quarantine show CASE", style="dim")


@app.command("show")
def show(case_id: Annotated[str, typer.Argument(metavar="CASE")]) -> None:
    """Show a case: its record, personal values masked, its codes, and what can be done.

    Example: techflow quarantine show REV-1a2b3c4d
    """
    lake, console = _lake(), screen()
    case = find_case(lake, case_id)
    contract, known = BY_NAME[case["dataset"]], _meanings()
    console.print(f"[bold]{case_id}[/]  {case['dataset']}, {case['month']}, {place_in_words(case)}")
    console.print(f"arrived {case['arrival']:%Y-%m-%dT%H:%M:%SZ}\n")
    for code in case["codes"]:
        console.print(f"  {code}  {known.get(code, '')}")
    if case["reason"]:
        console.print(f"  {case['reason']}")
    console.print()
    for name, value in shown_record(payload_of(lake, case), contract):
        console.print(f"  {name}: {value}", markup=False, soft_wrap=True)
    accept = "" if refused_accepts(case["codes"], contract) else " | --accept"
    console.print(f"\ntechflow quarantine release {case_id} --why TEXT --fix RECORD{accept} | --discard", style="dim")


@app.command("release")
def release(
    cases: Annotated[list[str], typer.Argument(metavar="CASE…")],
    why: Annotated[str, typer.Option(help="The reason; it is kept.")],
    fix: Annotated[str | None, typer.Option(help="The whole new record as JSON, or @file.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Take the row as it is.")] = False,  # noqa: FBT002
    discard: Annotated[bool, typer.Option("--discard", help="Close the case without the row.")] = False,  # noqa: FBT002
    by: Annotated[str, typer.Option(help="Who decides; the user by default.")] = "",
) -> None:
    """Fix, accept or discard held rows.

    Example: techflow quarantine release REV-1a2b3c4d --accept --why "agreed with the customer"
    """
    verdicts = [name for name, given in (("fix", fix), ("accept", accept), ("discard", discard)) if given]
    if len(verdicts) != 1:
        raise typer.BadParameter("give one of --fix, --accept, --discard")
    if fix and len(cases) > 1:
        raise typer.BadParameter("a fix is one record: release one case at a time")
    payload = Path(fix[1:]).read_bytes() if fix and fix.startswith("@") else fix.encode() if fix else None
    _release([Decision(case, verdicts[0], why, payload) for case in cases], by)


@app.command("export")
def export(path: Annotated[Path, typer.Argument(metavar="FILE.xlsx")]) -> None:
    """Write the open cases to a spreadsheet that people fill in.

    Example: techflow quarantine export held.xlsx
    """
    count = write_workbook(_lake(), path, _meanings())
    screen().print(f"{count} open cases → {path}. Filled in, it goes back with: techflow quarantine apply {path}")


@app.command("apply")
def apply(
    path: Annotated[Path, typer.Argument(metavar="FILE.xlsx", exists=True)],
    by: Annotated[str, typer.Option(help="Who decides; the user by default.")] = "",
) -> None:
    """Release what a filled-in spreadsheet decides, all of it or nothing.

    Example: techflow quarantine apply held.xlsx --by finance
    """
    decisions = read_workbook(_lake(), path)
    if not decisions:
        screen().print(f"{path} decides nothing: every verdict is empty.")
        return
    _release(decisions, by)


def _release(decisions: list[Decision], by: str) -> None:
    from flows.commands.run import quiet_prefect

    quiet_prefect()
    from flows.release import release_cases

    count = release_cases(
        [
            {"case_id": each.case_id, "verdict": each.verdict, "why": each.why}
            | ({"payload": each.payload.decode()} if each.payload is not None else {})
            for each in decisions
        ],
        by or getpass.getuser(),
    )
    screen().print(f"{count} rows released. The figures follow with the next run: techflow run MONTH")
