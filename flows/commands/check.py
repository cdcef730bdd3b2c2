"""`techflow check`: the contracts alone, on files anywhere. No lake, no Prefect, no Ray; nothing is written."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from compute.errors import BadSetting
from flows.commands.check_report import report_of
from flows.commands.check_shown import Format, show
from flows.settings import load_company, load_settings, parse_instant
from storage.delivery import Delivery, NoDelivery, delivery_of
from storage.ledger import is_there


def check(
    path: Annotated[Path, typer.Argument(help="A feed's file or folder, or a landing folder.", metavar="PATH")],
    feed: Annotated[str | None, typer.Option(help="The feed, where folder or name do not tell it.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="The arrival of files without a stamp in their name; now without it.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="table, json or csv.")] = "table",
    every: Annotated[bool, typer.Option("--all", help="List the plainly accepted lines too.")] = False,  # noqa: FBT002 - a flag is a word on the command line
) -> None:
    """Judge records before they are sent: a verdict for each line, and which figures they can support.

    Exit code 1 when a line is rejected or quarantined or a file cannot be read, else 0.

    Example: techflow check landing/revenue/bills-20240201T000000Z.ndjson
    """
    settings = load_settings()
    company = load_company(settings)
    now = _instant(as_of)
    report = report_of(_delivery(path, feed), company, now, has_ledger=is_there(settings.ledger_place))
    show(report, form, every=every)
    raise typer.Exit(code=0 if report.is_good else 1)


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        return parse_instant(text)
    except BadSetting as error:
        raise typer.BadParameter(str(error), param_hint="--as-of") from error


def _delivery(path: Path, feed: str | None) -> Delivery:
    try:
        return delivery_of(path, feed)
    except NoDelivery as error:
        raise typer.BadParameter(str(error)) from error
