"""`techflow`: the console script."""

import os
import sys
import traceback
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from compute.errors import PipelineError
from flows.commands import (
    backfill,
    check,
    close,
    demo,
    deploy,
    digest,
    explain,
    export,
    gaps,
    incidents,
    metrics,
    offsets,
    quarantine,
    reconcile,
    reconcile_acts,
    release,
    report,
    run,
    sample,
    sla,
    status,
    why,
)
from flows.settings import PREFIX

_DEBUG = "TECHFLOW_DEBUG"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # what is wrong is one sentence; --debug shows where
    help="Raw SaaS records in, monthly figures out that investors can trust.",
)
app.command("demo")(demo.demo)
app.command("sample")(sample.sample)
app.command("run")(run.run)
app.command("backfill")(backfill.backfill)
app.command("check")(check.check)
app.command("export")(export.export)
app.command("report")(report.report)
app.command("explain")(explain.explain_figure)
app.command("why")(why.why)
quarantine.app.command("release")(release.release)
quarantine.app.command("apply")(release.apply)
app.add_typer(quarantine.app, name="quarantine")
reconcile.app.command("explain")(reconcile_acts.explain)
reconcile.app.command("acknowledge")(reconcile_acts.acknowledge)
reconcile.app.command("withdraw")(reconcile_acts.withdraw)
app.add_typer(reconcile.app, name="reconcile")
app.add_typer(incidents.app, name="incidents")
app.command("sla")(sla.sla)
app.command("gaps")(gaps.gaps)
app.command("close")(close.close)
app.command("sign-off")(close.sign_off)
app.command("waive")(close.waive)
app.command("restate")(close.restate)
app.command("revoke")(close.revoke)
app.command("rebuild")(close.rebuild)
app.command("digest")(digest.digest)
app.command("on-call")(digest.on_call)
app.command("metrics")(metrics.metrics)
app.command("deploy")(deploy.deploy)
app.command("status")(status.status)
app.command("lag")(offsets.lag)
app.add_typer(offsets.app, name="offsets")


@app.callback()
def settings(
    context: typer.Context,
    home: Annotated[str | None, typer.Option(help="The home folder; the places below default to places in it.")] = None,
    landing: Annotated[str | None, typer.Option(help="The folder of the feeds.")] = None,
    lake: Annotated[str | None, typer.Option(help="The folder of the tables, or s3://bucket/prefix.")] = None,
    ledger: Annotated[str | None, typer.Option(help="The accounting ledger: a SQLite file or postgresql://…")] = None,
    company: Annotated[str | None, typer.Option(help="The company file.")] = None,
    executor: Annotated[str | None, typer.Option(help="Where heavy work runs: auto, ray or inline.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of what goes wrong.")] = False,  # noqa: FBT002 - a flag is a word on the command line
) -> None:
    """Take settings given before the command; they win over the environment."""
    given = {"home": home, "landing": landing, "lake": lake, "ledger": ledger, "company": company, "executor": executor}
    if debug:
        os.environ[_DEBUG] = "1"
    context.obj = frozenset(name for name, value in given.items() if value is not None)
    for name, value in given.items():
        if value is not None:
            os.environ[f"{PREFIX}{name.upper()}"] = value


def _tell(error: Exception, sentence: str = "") -> None:
    console = Console(stderr=True, highlight=False)
    if _DEBUG in os.environ:
        console.print("".join(traceback.format_exception(error)), markup=False, soft_wrap=True)
    words = Text.assemble(("not done", "bold red"), f": {sentence or error}")
    console.print(words, soft_wrap=True)


def main() -> None:
    """Run a command; a broken promise is one sentence on standard error and exit code 1."""
    try:
        app()
    except PipelineError as error:
        _tell(error)
        sys.exit(1)
    except Exception as error:
        _tell(
            error,
            f"{type(error).__name__}: {error}. This is a fault of the program: run it with --debug and report it.",
        )
        sys.exit(1)
    except BrokenPipeError:
        # The reader closed the pipe: nothing more can be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
