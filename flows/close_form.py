"""The close of a month as a flow that waits for people: it shows the close page and asks for one sign-off at a time.

A waiting run holds no process. Resumed, it begins anew: what it was told before is told again, and stands already.
Source: `operations.md` F.2, S-10, S-11.
"""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Annotated

import polars as pl
from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from compute.close_page import Page, close_page
from compute.company_promises import Role
from compute.errors import PipelineError
from compute.figures import COMPANY
from compute.metrics import BY_ID, HEADLINE
from compute.months import Month, spelt_out
from compute.report.markdown import escaped
from flows.close import write_signature
from flows.job import Job, say, start
from flows.parameters import OneMonth
from flows.shown import shown
from storage.certified import read_log
from storage.closing import drafted, require_drafted
from storage.snapshots import figures_in

WAITS = timedelta(days=31)  # a month that nobody signs for so long has another form by then


class SignOff(RunInput):
    """One sign-off, as the form of the waiting run asks for it."""

    role: Annotated[Role, Field(description="As whom you sign; the cfo signs last.")]
    person: Annotated[str, Field(description="Your id in [roles] of the company file.")]
    content_hash: Annotated[str, Field(description="The hash of exactly the figures that you looked at.")]
    statement: Annotated[str, Field(description="What you say with it; it is kept.")] = ""


@flow(name="close", flow_run_name="close {month}", persist_result=True)
def close_form(month: OneMonth) -> str:
    """Show what keeps a month from being certified, and take its sign-offs one after another until it is.

    Args:
        month: 2024-01; last is the month before the one of today.

    Returns:
        How the month stands: its state, its draft or revision.
    """
    job = start("close")
    name, refused = str(Month.parse(spelt_out(month, job.started_at.date()))), ""
    for number in count(1):
        page = _page(job, name)
        create_markdown_artifact(key=f"close-{name}", markdown=page_text(page), description=page.then)
        if not page.is_signed_next:
            break
        told = form_text(page, _figures(job, page.facts["snapshot"]), refused)
        asked = SignOff.with_initial_data(description=told, content_hash=page.facts["hash"])
        given = suspend_flow_run(
            wait_for_input=asked, key=f"sign-off-{number}", timeout=int(WAITS.total_seconds())
        )  # fmt: skip
        refused = _sign(job, name, given)
    say(page.title)
    return page.title


def _page(job: Job, month: str) -> Page:
    log = read_log(job.lake)
    months = drafted(job.lake, log, job.company, datetime.now(UTC))
    require_drafted(months, month)
    return close_page(log, months, month, job.company)


def _sign(job: Job, month: str, given: SignOff) -> str:
    """Sign, unless just this stands already; returns why it was refused, nothing when it was not."""
    log = read_log(job.lake)
    stands = any(
        act.role == given.role and act.by == given.person and act.content_hash == given.content_hash
        for life in log.lives.values() if life.month == month for act in life.signatures.values()
    )  # fmt: skip
    if stands:
        return ""
    try:
        write_signature(job, month, given.role, given.person, given.content_hash, given.statement)
    except PipelineError as error:
        say(f"not signed: {error}")
        return str(error)
    return ""


def form_text(page: Page, figures: str, refused: str) -> str:
    """Return what stands above the form: why the last sign-off was refused, what is signed, who is missing."""
    said = f"**Not signed:** {escaped(refused)}\n\n" if refused else ""
    people = {"signed": "Signed", "open": "Missing", "waits": "After them"}
    rows = [row for row in page.rows if row["step"].startswith("sign-off")]
    told = "  \n".join(
        f"{words}: " + ", ".join(f"{row['step'].partition(' ')[2]} ({row['owner']})" for row in found)
        for state, words in people.items() if (found := [row for row in rows if row["state"] == state])
    )  # fmt: skip
    return (
        f"{said}### {page.title}\n\n{told}\n\n{figures}\n\nYou sign exactly these figures; the hash below names them."
    )


def _figures(job: Job, snapshot_id: str) -> str:
    """Return the headline figures of a snapshot as a Markdown table."""
    rows = figures_in(job.lake, snapshot_id).filter(
        (pl.col("grain") == "company_month") & (pl.col("grain_key") == COMPANY) & pl.col("metric_id").is_in(HEADLINE)
    )
    values = {row["metric_id"]: shown(row["value"], row["unit"], row["null_reason"]) for row in rows.to_dicts()}
    lines = [f"| {BY_ID[name].name} | {values[name]} |" for name in HEADLINE if name in values]
    return "\n".join(["| | |", "| --- | ---: |", *lines])


def page_text(page: Page) -> str:
    """Return the close page as Markdown."""
    lines = [f"# {page.title}", "", *(f"* **{name}** {escaped(text)}" for name, text in page.facts.items()), ""]
    heads = list(page.rows[0])
    lines += [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(_cell(name, text) for name, text in row.items())} |" for row in page.rows]
    return "\n".join([*lines, "", f"**{escaped(page.then)}**", ""])


def _cell(name: str, text: str) -> str:
    return f"`{text}`" if name == "next" and text else escaped(text)
