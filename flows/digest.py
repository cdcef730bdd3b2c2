"""The hand-over digest: on Mondays, daily in the last week of a month; a page of Prefect, and told to every channel.

Source: `operations.md` I-8.
"""

from datetime import timedelta
from typing import Annotated

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import wait
from pydantic import Field

from compute import digest as rules
from compute.digest_text import cloud_event, markdown, subject, title
from flows.job import RETRY, say, start
from flows.notify import Message, NotTold, deliver
from flows.parameters import Instant
from flows.settings import load_settings, parse_instant
from storage.digest import digest_facts


@flow(name="digest")
def digest(at: Instant = None, days: Annotated[int | None, Field(ge=1, le=31)] = None) -> dict[str, int]:
    """Tell whoever is on call what happened, what waits and until when, and what the close needs.

    Args:
        at: As of this instant, written as 2024-02-05T07:00:00Z; now without it.
        days: Look back so many days; without it a week on Mondays, a day in the last week of a month, else not at all.

    Returns:
        How many days it looks back, how many incidents wait; 0 days when none is due.
    """
    job, settings = start("digest"), load_settings()
    now = parse_instant(at) if at else job.started_at
    span = timedelta(days=days) if days else rules.digest_due(now.date())
    if span is None:
        say("no digest is due: that is on Mondays, and daily in the last week of a month")
        return {"days": 0, "waiting": 0}
    made = rules.digest(digest_facts(job.lake, job.company, now, span))
    text = markdown(made, settings.runbook)
    create_markdown_artifact(key="digest", markdown=text, description=title(made))
    message = Message(subject(made), text, cloud_event(made))
    told = [tell.submit(channel, message) for channel in settings.channels]
    wait(told)
    for each in told:
        each.result()
    say("digest", days=span.days, waiting=len(made.waiting), channels=len(told))
    return {"days": span.days, "waiting": len(made.waiting)}


@task(task_run_name="tell {channel}", cache_policy=NO_CACHE, **RETRY)
def tell(channel: str, message: Message) -> None:
    """Tell a channel.

    Raises:
        NotTold: when it does not take the message; tried again.
    """
    outcome = deliver({channel: [message]})[channel]
    if outcome.problem:
        raise NotTold(f"{outcome.problem}.")
