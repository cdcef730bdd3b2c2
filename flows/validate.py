"""Validation of the growth feeds every few minutes: what came is landed and judged, no figure is made.

Source: `operations.md` D.1, L-23.
"""

from prefect import flow

from compute.contracts.feeds import GROWTH_FEEDS
from flows.artifacts import publish_verdicts
from flows.ingest import ingest_all
from flows.job import start


@flow(name="validate")
def validate() -> dict[str, int]:
    """Land what is new of the growth feeds and give every row its verdict.

    Returns:
        How many rows each feed brought.
    """
    job = start("validate")
    ingested = ingest_all(job, GROWTH_FEEDS)
    months = sorted({month for each in ingested for month in each.months})
    if months:
        publish_verdicts(job, months)
    return {each.dataset: each.landing.rows for each in ingested}
