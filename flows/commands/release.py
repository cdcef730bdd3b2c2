"""`techflow quarantine release` and `apply`: what people decide of held rows, as a flow that has a history."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from compute.correction import MASK
from compute.errors import BadSetting
from flows.commands.run import quiet_prefect
from flows.commands.screen import screen
from flows.settings import load_settings
from storage.lake import Lake
from storage.quarantine import Decision


def release(
    cases: Annotated[list[str], typer.Argument(metavar="CASE…")],
    why: Annotated[str, typer.Option(help="The reason; it is kept.")],
    fix: Annotated[
        str | None, typer.Option(help=f"The whole new record as JSON, or @file; {MASK} keeps a value.")
    ] = None,
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
    _release([Decision(case, verdicts[0], why, _record(fix) if fix else None) for case in cases], by)


def _record(fix: str) -> bytes:
    if not fix.startswith("@"):
        return fix.encode()
    try:
        return Path(fix[1:]).read_bytes().strip()
    except OSError as error:
        raise BadSetting(
            f"{fix[1:]} cannot be read ({error.strerror}): give the record's file as @record.json."
        ) from error


def apply(
    path: Annotated[Path, typer.Argument(metavar="FILE.xlsx")],
    by: Annotated[str, typer.Option(help="Who decides; the user by default.")] = "",
) -> None:
    """Release what a filled-in spreadsheet decides, all of it or nothing.

    Example: techflow quarantine apply held.xlsx --by finance
    """
    from storage.workbook import read_workbook  # Excel's libraries would slow every command's start

    decisions = read_workbook(Lake(load_settings().lake_place), path)
    if not decisions:
        screen().print(f"{path} decides nothing: every verdict is empty.")
        return
    _release(decisions, by)


def _release(decisions: list[Decision], by: str) -> None:
    quiet_prefect()
    from flows.release import CaseDecision, release_cases

    months = release_cases([CaseDecision.of(each) for each in decisions], by or getpass.getuser())
    run = f"techflow run {months[0] if len(months) == 1 else 'MONTH'}"
    screen().print(
        f"{len(decisions)} released{' of ' + ', '.join(months) if months else ''}. "
        f"The figures follow with the next run: {run}",
        soft_wrap=True,
    )
