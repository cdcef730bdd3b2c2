"""`techflow`: the console script."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from compute.errors import PipelineError
from flows.commands import export, run
from flows.settings import PREFIX

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Raw SaaS records in, monthly figures out that investors can trust.",
)
app.command("run")(run.run)
app.command("export")(export.export)


@app.callback()
def settings(
    home: Annotated[str | None, typer.Option(help="The home folder; the places below default to places in it.")] = None,
    landing: Annotated[str | None, typer.Option(help="The folder of the feeds.")] = None,
    lake: Annotated[str | None, typer.Option(help="The folder of the tables.")] = None,
    ledger: Annotated[str | None, typer.Option(help="The accounting ledger: a SQLite file or postgresql://…")] = None,
    company: Annotated[str | None, typer.Option(help="The company file.")] = None,
    executor: Annotated[str | None, typer.Option(help="Where heavy work runs: auto, ray or inline.")] = None,
) -> None:
    """Take settings given before the command; they win over the environment."""
    given = {"home": home, "landing": landing, "lake": lake, "ledger": ledger, "company": company, "executor": executor}
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
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")
        sys.exit(0)
