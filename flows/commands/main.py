"""`techflow`: the console script."""

import os
import sys
from typing import Annotated

import typer
from rich.console import Console

from compute.errors import PipelineError
from flows.commands import check, demo, export, offsets, quarantine, release, report, run, sample, status
from flows.settings import PREFIX

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # they may hold what is nobody's business
    help="Raw SaaS records in, monthly figures out that investors can trust.",
)
app.command("demo")(demo.demo)
app.command("sample")(sample.sample)
app.command("run")(run.run)
app.command("check")(check.check)
app.command("export")(export.export)
app.command("report")(report.report)
quarantine.app.command("release")(release.release)
quarantine.app.command("apply")(release.apply)
app.add_typer(quarantine.app, name="quarantine")
app.command("status")(status.status)
app.command("lag")(offsets.lag)
app.add_typer(offsets.app, name="offsets")


@app.callback()
def settings(
    context: typer.Context,
    home: Annotated[str | None, typer.Option(help="The home folder; the places below default to places in it.")] = None,
    landing: Annotated[str | None, typer.Option(help="The folder of the feeds.")] = None,
    lake: Annotated[str | None, typer.Option(help="The folder of the tables.")] = None,
    ledger: Annotated[str | None, typer.Option(help="The accounting ledger: a SQLite file or postgresql://…")] = None,
    company: Annotated[str | None, typer.Option(help="The company file.")] = None,
    executor: Annotated[str | None, typer.Option(help="Where heavy work runs: auto, ray or inline.")] = None,
) -> None:
    """Take settings given before the command; they win over the environment."""
    given = {"home": home, "landing": landing, "lake": lake, "ledger": ledger, "company": company, "executor": executor}
    context.obj = frozenset(name for name, value in given.items() if value is not None)
    for name, value in given.items():
        if value is not None:
            os.environ[f"{PREFIX}{name.upper()}"] = value


def main() -> None:
    """Run a command; a broken promise is one sentence on standard error and exit code 1."""
    try:
        app()
    except PipelineError as error:
        Console(stderr=True, highlight=False).print(f"[bold red]not done[/]: {error}", soft_wrap=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader closed the pipe: nothing more can be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
