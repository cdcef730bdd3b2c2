"""`techflow run`: land what is new, run the pipelines, make the draft snapshots."""

import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from compute.months import parse_months, spelt_out
from flows.commands.screen import screen
from flows.settings import load_company, load_settings, parse_instant
from storage.lake import Lake


def run(
    month: Annotated[
        str, typer.Argument(help="2024-01, or a range 2023-10..2024-03; last and this too.", metavar="MONTH")
    ],
    as_of: Annotated[str | None, typer.Option(help="Run as of this instant: 2024-02-02T12:00:00Z.")] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Compute silver and gold anew from bronze.")] = False,  # noqa: FBT002 - a flag is a word on the command line
) -> None:
    """Land what is new and run the four pipelines up to the DRAFT snapshot.

    Example: techflow run 2023-10..2024-03
    """
    start_prefect(month, as_of)
    from flows.aggregated import aggregated

    result = aggregated(month=month, as_of=as_of, rebuild=rebuild)
    tell_drafts(result["drafts"])  # type: ignore[arg-type]


def start_prefect(month: str, as_of: str | None) -> None:
    """Say what is wrong before Prefect starts, which takes some seconds; then show what the flows say.

    Raises:
        BadMonth: when the month is none.
        BadSetting: when the as-of or a setting is wrong, or the Prefect server that is set does not answer.
        LakeUnwritable: when the lake cannot be written.
    """
    known_at = parse_instant(as_of) if as_of else datetime.now(UTC)
    parse_months(spelt_out(month, known_at.date()))
    settings = load_settings()
    load_company(settings)
    Lake(settings.lake_place).require_writable()
    console = screen(stderr=True)
    quiet_prefect()
    console.print("starting Prefect …", style="dim")
    from flows.server import require_answer, server_url

    if server_url():
        require_answer()
    show_progress(console)


def tell_drafts(drafts: Mapping[str, int]) -> None:
    """Print the number of each month's draft."""
    typer.echo(" ".join(f"{name} draft {number}" for name, number in drafts.items()))


def quiet_prefect() -> None:
    """Keep Prefect's own lines off the terminal and its usage reports off; what the user has set stays."""
    for name, value in {
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        # A busy machine takes more than the default 20 seconds to start the server of a run without one.
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    }.items():
        os.environ.setdefault(name, value)


class _Progress(logging.Handler):
    """Prints the lines that the flows say."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "is_progress", False):
            self._console.print(record.getMessage(), soft_wrap=True)


def show_progress(console: Console) -> None:
    """Print the progress lines of flows and tasks."""
    from prefect.logging.configuration import setup_logging

    setup_logging()  # now, because the first set-up takes other handlers away
    handler = _Progress(console)
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addHandler(handler)
