"""`techflow backfill`: a range of months, one after the other; it may be stopped and begun again."""

from typing import Annotated

import typer

from flows.commands.run import start_prefect, tell_drafts


def backfill(
    month: Annotated[str, typer.Argument(help="A range: 2023-10..2024-03, or 2023-10..last.", metavar="MONTHS")],
    as_of: Annotated[str | None, typer.Option(help="Run as of this instant: 2024-02-02T12:00:00Z.")] = None,
) -> None:
    """Make the drafts of a range of months, each complete before the next begins.

    Stopped anywhere and begun again, it finds the months that are done with nothing to compute.

    Example: techflow backfill 2023-01..last
    """
    start_prefect(month, as_of)
    from flows.backfill import backfill as fill

    tell_drafts(fill(month=month, as_of=as_of))
