"""The micro-batch: what came to the engagement topics since the last one, received and settled; no gold.

Between the daily runs it keeps Delta within minutes of the topics. Source: `operations.md` L-25.
"""

from prefect import flow

from compute.contracts.feeds import ENGAGEMENT_FEEDS
from flows.ingest import ingest_all
from flows.job import start


@flow(name="micro_batch")
def micro_batch() -> dict[str, int]:
    """Drain the engagement topics to the ends that they have now, and settle the months that the records belong to.

    Returns:
        How many rows each topic brought.
    """
    return {each.dataset: each.landing.rows for each in ingest_all(start("micro_batch"), ENGAGEMENT_FEEDS)}
