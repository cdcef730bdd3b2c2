"""The gate between the pipelines and the draft: events say that something has materialised, the lake says what.

Whichever of the three comes last starts the draft; the runs before it end as NotReady, those after it as Drafted, and
nothing depends on how many events there were, in which order, or whether one was lost.
"""

from prefect import flow, tags
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from compute.months import Month
from flows.aggregated import aggregated
from flows.artifacts import publish_tables
from flows.draft import are_drafted
from flows.job import Job, asked_months, month_span, start
from flows.parameters import Months, run_name
from flows.record import record_run
from storage.catalog import FIGURES

UPSTREAM = ("profit", "growth", "engagement")


@flow(name="ready", flow_run_name=run_name)
def ready(month: Months) -> dict[str, object] | State[None]:
    """Draft those of the months that are over, once profit, growth and engagement have figures of all of them.

    Args:
        month: 2024-01, or a range 2023-10..2024-03; last and this are the months of the as-of.

    Returns:
        What `aggregated` returns; the state NotReady when something is missing, Drafted when nothing is new.
    """
    job = start("aggregated")
    asked = asked_months(job, month)
    over = tuple(each for each in asked if each.ends_at < job.as_of)
    if not over:
        return Completed(name="NotReady", message=f"No draft yet: {month_span(asked)} is not over.")
    if missing := _missing(job, over):
        return Completed(name="NotReady", message=f"No draft yet: it waits for {', '.join(missing)}.")
    if are_drafted(job, over):
        return Completed(name="Drafted", message=f"The draft of {month_span(over)} is made from what is there.")
    with tags(*flow_run.tags):
        made: dict[str, object] = aggregated(month_span(over))
    publish_tables(job)
    record_run(job, over)
    return made


def _missing(job: Job, months: tuple[Month, ...]) -> list[str]:
    held = {name: job.lake.open(FIGURES[name]).partitions() for name in UPSTREAM}
    return [f"{name} of {month}" for month in months for name in UPSTREAM if str(month) not in held[name]]
