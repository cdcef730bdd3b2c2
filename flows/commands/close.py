"""`techflow close` shows what keeps a month from being certified; `sign-off`, `waive`, `restate`, `revoke` act on it.

Source: `operations.md` C.4, F.2.
"""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import typer

from compute.closing import REASONS
from compute.company import Company
from compute.company_promises import Role
from compute.lifecycle import CloseRefused
from compute.months import Month, parse_months
from flows.commands.export import write
from flows.commands.run import quiet_prefect
from flows.commands.screen import screen, show_table
from flows.settings import load_company, load_settings
from storage.lake import Lake

OneMonth = Annotated[str, typer.Argument(help="The period, 2024-01.", metavar="MONTH")]
By = Annotated[str, typer.Option(help="Who does it, by the id in [roles]; the user by default.")]
_STYLES = {"pass": "green", "signed": "green", "given": "green", "FAIL": "red", "unverified": "red", "waived": "yellow"}


def close(
    month: Annotated[str, typer.Argument(help="2024-01, or a range 2023-10..2024-03.", metavar="MONTH")],
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="table, csv or json.")] = "table",
    workbook: Annotated[
        Path | None, typer.Option(help="Write the close workbook of a month to this .xlsx file; it names accounts.")
    ] = None,
    stand: Annotated[
        str, typer.Option("--edition", help="Of the workbook: r1 of revision 1, d3 of draft 3; else what is shown.")
    ] = "draft",
) -> None:
    """Show the close page of a month: each gate and sign-off, whose move it is, and the command that moves it on.

    Example: techflow close 2024-01

    Example: techflow close 2024-01 --workbook close-2024-01.xlsx
    """
    from compute.close_page import COLUMNS, close_page
    from storage.certified import read_log
    from storage.closing import drafted, require_drafted

    settings = load_settings()
    lake, company, console = Lake(settings.lake_place), load_company(settings), screen()
    if workbook:
        write_workbook(lake, company, Month.parse(month), stand, workbook)
        console.print(f"{workbook}", soft_wrap=True, markup=False)
        return
    log = read_log(lake)
    months = drafted(lake, log, company, datetime.now(UTC))
    asked = [str(each) for each in parse_months(month)]
    for each in asked:
        require_drafted(months, each)
    pages = {each: close_page(log, months, each, company) for each in asked}
    if form != "table":
        rows = [{"month": each, **row} for each, page in pages.items() for row in page.rows]
        write(pl.DataFrame(rows, schema=dict.fromkeys(("month", *COLUMNS), pl.String)), form, None)
        return
    for page in pages.values():
        console.print(f"{page.title}\n", style="bold", markup=False)
        for name, text in page.facts.items():
            console.print(f"  {name:9} {text}", markup=False, soft_wrap=True)
        console.print()
        show_table(console, COLUMNS, [tuple(row.values()) for row in page.rows], least=("due", "owner"))
        console.print(f"\n{page.then}\n", markup=False, soft_wrap=True)


def write_workbook(lake: Lake, company: Company, month: Month, stand: str, path: Path) -> None:
    """Write the close workbook of an edition of a month.

    Raises:
        BadSetting: when the file cannot be written.
    """
    # Excel's library would slow every command's start.
    from compute.close_book import close_book
    from storage.book_file import write_book
    from storage.books import closed_month, told_of_book
    from storage.editions import edition

    found = edition(lake, month, stand)
    book = close_book(closed_month(lake, found, company, datetime.now(UTC)), company.close)
    write_book(path, book, told_of_book(found, company.company), found.row["created_at"])


def sign_off(
    month: OneMonth,
    role: Annotated[Role, typer.Option(help="finance, accounts, product, analytics or cfo.")],
    seen: Annotated[str, typer.Option("--hash", help="The hash that techflow close shows, or its first 8 digits.")],
    by: By = "",
    statement: Annotated[str, typer.Option(help="What you say with it; it is kept.")] = "",
) -> None:
    """Sign the figures of a month that you looked at; the cfo's sign-off, the last one, certifies it.

    Example: techflow sign-off 2024-01 --role finance --by fin.lead --hash 1a2b3c4d
    """
    quiet_prefect()
    from flows.close import sign_off as flow

    _say(flow(month, role, by or getpass.getuser(), seen, statement))


def waive(
    month: OneMonth,
    gate: Annotated[str, typer.Option(help="quality, gaps or incidents.")],
    role: Annotated[Role, typer.Option(help="cfo; for gaps accounts.")],
    because: Annotated[str, typer.Option(help="The reason; it is footnoted.")],
    until: Annotated[str | None, typer.Option(help="The last day on which it holds, 2024-02-29.")] = None,
    by: By = "",
) -> None:
    """Waive a gate of a month; the next run footnotes it, the sign-offs come after.

    Example: techflow waive 2024-01 --gate gaps --role accounts --because "agreed with sales" --until 2024-02-29
    """
    quiet_prefect()
    from flows.close import waive_gate

    _say(waive_gate(month, gate, role, by or getpass.getuser(), because, until))
    screen().print(f"The footnote comes with the next run: techflow run {month}", soft_wrap=True)


def restate(
    month: OneMonth,
    role: Annotated[Role, typer.Option(help="As whom.")],
    reason: Annotated[str, typer.Option(help=f"One of {', '.join(REASONS)}.")],
    because: Annotated[str, typer.Option(help="In words; the report shows it.")],
    by: By = "",
) -> None:
    """Say why the next revision of a certified month is made; it asks for one, too.

    Example: techflow restate 2024-01 --role finance --reason LATE_DATA --because "clicks of the 15th came late"
    """
    quiet_prefect()
    from flows.close import restate_month

    _say(restate_month(month, role, by or getpass.getuser(), reason, because))
    screen().print(f"The draft comes with the next run: techflow run {month}", soft_wrap=True)


def revoke(month: OneMonth, because: Annotated[str, typer.Option(help="The reason; it is kept.")], by: By = "") -> None:
    """Revoke the revision of a month that is in force, as cfo; the one before returns, if there is one.

    Example: techflow revoke 2024-01 --because "a bill was counted twice" --by cfo
    """
    quiet_prefect()
    from flows.close import revoke_revision

    _say(revoke_revision(month, by or getpass.getuser(), because))


def rebuild(
    month: OneMonth,
    stand: Annotated[str | None, typer.Option("--edition", help="r1 of revision 1, d3 of draft 3.")] = None,
) -> None:
    """Make a snapshot again from the records that its manifest pins, and compare the hash; the lake stays as it is.

    Example: techflow rebuild 2024-01 --edition r1
    """
    quiet_prefect()
    from flows.rebuild import rebuild as flow

    told = flow(month, stand)
    if told["hash"] != told["rebuilt"]:
        raise CloseRefused(
            f"{told['snapshot']} came out with the hash {told['rebuilt']}, not {told['hash']}: "
            f"{told['differ']} figures differ. Something that it was made from has changed in place."
        )
    _say([f"{copy} is gone: read from its copy" for copy in told["copies"]])
    _say([f"{told['snapshot']} rebuilt: the same hash {told['hash']}"])


def _say(lines: list[str]) -> None:
    for line in lines:
        screen().print(line, soft_wrap=True, markup=False)
