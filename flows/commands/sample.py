"""`techflow sample`: a generated company, from nothing but a seed; no lake, no Prefect, no Ray."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from compute.errors import PermanentError
from compute.months import parse_months
from compute.sample.company import SampleCompany, sample_company
from compute.sample.faults import parse_kinds
from compute.sample.request import Request
from flows.commands.screen import screen
from storage.sample import Written, require_empty, write_sample

MONTHS = "2023-01..2024-02"  # fourteen: enough for figures that look back a year
ACCOUNTS, USERS, SEED = 300, 4, 1


def sample(
    out: Annotated[Path, typer.Option(help="An empty or new folder.")],
    seed: Annotated[int, typer.Option(help="Equal seeds give equal bytes.")] = SEED,
    months: Annotated[str, typer.Option(help="2024-01, or a range 2023-01..2024-02.")] = MONTHS,
    accounts: Annotated[int, typer.Option(help="All that are ever named, trials among them.")] = ACCOUNTS,
    users_per_account: Annotated[int, typer.Option(help="Active users of a paying account, on average.")] = USERS,
    faults: Annotated[str, typer.Option(help="none, all, or kinds with commas between them.")] = "none",
) -> None:
    """Write a generated company: landing files, topics, ledger, company file, and the truth about its faults.

    Example: techflow sample --out techflow-home/sample --faults all
    """
    begin = time.perf_counter()
    request, kinds = _asked(seed, months, accounts, users_per_account, faults)
    require_empty(out)
    console = screen()
    written = make_sample(out, request, kinds, screen(stderr=True))
    _tell(console, out, request, written, time.perf_counter() - begin)


def _asked(seed: int, months: str, accounts: int, users: int, faults: str) -> tuple[Request, frozenset[str]]:
    try:
        return Request(seed, parse_months(months), accounts, users), parse_kinds(faults)
    except PermanentError as error:
        raise typer.BadParameter(str(error)) from error


def make_sample(out: Path, request: Request, kinds: frozenset[str], notes: Console) -> Written:
    """Make a company and write it to an empty folder, saying on `notes` how far it is."""
    notes.print(f"making {request.accounts:,} accounts …", style="dim")
    return _write(sample_company(request), out, kinds, notes)


def _write(company: SampleCompany, out: Path, kinds: frozenset[str], notes: Console) -> Written:
    if not notes.is_terminal:
        notes.print("writing landing files, ledger and topics …")
        return write_sample(company, out, lambda _step, _done, _all: None, kinds)
    with Progress(console=notes, transient=True) as bar:
        task = bar.add_task("writing")
        return write_sample(
            company,
            out,
            lambda step, done, total: bar.update(task, description=step, completed=done, total=total),
            kinds,
        )


def _tell(console: Console, out: Path, request: Request, written: Written, seconds: float) -> None:
    counts = ", ".join(f"{lines:,} {feed}" for feed, lines in written.lines.items())
    months = f"{request.first}..{request.last}"
    console.print(f"[bold]made[/]     {counts}", soft_wrap=True)
    console.print(f"[bold]where[/]    {out}: {written.files} files, seed {request.seed}, {months}", soft_wrap=True)
    if written.faults or written.skipped:
        left = f", {written.skipped} found no place" if written.skipped else ""
        console.print(f"[bold]faults[/]   {written.faults}, each in {out / 'truth.json'}{left}", soft_wrap=True)
    console.print(f"[bold]took[/]     {seconds:.1f} s\n\nNext:")
    console.print(f"  techflow --home {out} run {months}", soft_wrap=True)
