"""How far the engagement topics are known, from what each drain left unread. Source: `operations.md` L-3."""

from datetime import UTC, datetime, timedelta

import polars as pl

from compute.company import Company
from compute.contracts.contract import Contract
from compute.contracts.feeds import ENGAGEMENT_FEEDS
from compute.lateness import watermark
from storage.catalog import BRONZE, JUDGED
from storage.lake import Lake
from storage.topics import PARTITIONS, unread_name

NOTHING = datetime(1970, 1, 1, tzinfo=UTC)  # the mark of a partition of which no event is known yet


def engagement_watermark(lake: Lake, company: Company, as_of: datetime) -> datetime:
    """Return how far the engagement topics are known by a run that drained them.

    Args:
        lake: what was drained and judged.
        company: for the clock skew.
        as_of: the run's as-of, the mark of what is drained to its end; a file event log always is.
    """
    marks: dict[tuple[str, int], datetime | None] = {}
    for contract in ENGAGEMENT_FEEDS:
        behind = _left_unread(lake, contract)
        marks |= {(contract.dataset, each): mark for each, mark in _greatest(lake, contract, behind, company).items()}
    return watermark(marks, as_of)


def _left_unread(lake: Lake, contract: Contract) -> list[int]:
    """Return the partitions that the last drain did not read to their end."""
    bronze = lake.open(BRONZE[contract.dataset])
    return [each for each in range(bronze.position(PARTITIONS) or 0) if bronze.position(unread_name(each))]


def _greatest(lake: Lake, contract: Contract, partitions: list[int], company: Company) -> dict[int, datetime]:
    """Return the greatest event time of each partition that lies not beyond the clock skew of its arrival."""
    assert contract.event_time is not None  # every topic has one
    if not partitions:
        return {}
    skew = timedelta(minutes=company.limits.clock_skew_minutes)
    rows = lake.open(JUDGED[contract.dataset]).scan().filter(pl.col("_partition").is_in(partitions))
    usable = rows.select("_partition", "_arrival", at=contract.event_time).filter(
        pl.col("at") <= pl.col("_arrival") + skew
    )
    found = usable.group_by("_partition").agg(pl.col("at").max()).collect()
    return dict.fromkeys(partitions, NOTHING) | dict(found.rows())
