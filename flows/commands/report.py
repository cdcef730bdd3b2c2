"""`techflow report`: the investor report of a month's newest snapshot, in every form.

Source: `interface.md`, `operations.md` E.2.
"""

from pathlib import Path
from typing import Annotated

import typer

from compute.errors import BadSetting
from compute.months import Month, parse_months
from flows.commands.screen import screen
from flows.settings import load_company, load_settings
from storage.lake import Lake

FORMS = ("html", "md", "csv", "json", "xlsx")


def report(
    month: Annotated[str, typer.Argument(help="2024-01, or a range 2023-10..2024-03.", metavar="MONTH")],
    out: Annotated[Path | None, typer.Option(help="A folder; reports/ in the home without it.")] = None,
) -> None:
    """Write the investor report of a month: HTML, Markdown, CSV, JSON manifest, XLSX.

    Everything comes from the snapshot, so writing it again gives the same bytes.

    Example: techflow report 2024-01 --out reports
    """
    settings = load_settings()
    folder, lake, company = out or settings.home / "reports", Lake(settings.lake_place), load_company(settings).company
    console = screen()
    for each in parse_months(month):
        for path in write_report(lake, each, folder, company.name, company.reporting_currency):
            console.print(f"{path}", soft_wrap=True)


def write_report(lake: Lake, month: Month, folder: Path, company: str, currency: str) -> tuple[Path, ...]:
    """Write the report of a month in every form; returns the files.

    Raises:
        BadMonth: when the month has no draft.
        BadSetting: when the folder cannot be written.
    """
    # Templates and Excel's library would slow every command's start.
    from compute.exchange import to_csv
    from compute.report.html import html
    from compute.report.markdown import markdown
    from compute.report.report import report as make_report
    from storage.queries import timed_query
    from storage.report_book import write_report_book
    from storage.reports import manifest_text, public_figures, report_source

    with timed_query(lake, "report"):
        source = report_source(lake, month, company, currency)
    document, figures = make_report(source), public_figures(source)
    texts = {"html": html(document), "md": markdown(document), "csv": to_csv(figures), "json": manifest_text(source)}
    paths = tuple(folder / f"report-{month}.{form}" for form in FORMS)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for form, text in texts.items():
            (folder / f"report-{month}.{form}").write_text(text, encoding="utf-8")
        write_report_book(paths[-1], document, figures, source.header.created_at)
    except OSError as error:
        raise BadSetting(f"{folder} cannot be written ({error.strerror or error}): give another with --out.") from error
    return paths
