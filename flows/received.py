"""What has been received of a feed, seen at one moment: what another run brings from then on is that run's."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from compute.contracts.contract import Contract
from compute.releases import fixed_rows
from flows.job import Job, Stopwatch
from storage.catalog import BRONZE, JUDGED, RELEASES, SUMMARIES
from storage.lake import Lake
from storage.summaries import summaries_of
from storage.table import Table

SEEN = "#bronze"  # names, in a judged table, the version of bronze whose rows are judged


@dataclass(frozen=True)
class Received:
    """A feed's tables at one moment.

    Attributes:
        judged: opened first, so it holds no row that the others lack; judging moves it to what it then holds.
        bronze: rows as landed.
        releases: RELEASE rows, of all feeds.
        unseen: the files of bronze that hold what was not judged at that moment; None when any of them may.
    """

    contract: Contract
    judged: Table
    bronze: Table
    releases: pl.DataFrame
    unseen: list[str] | None

    @classmethod
    def open(cls, lake: Lake, contract: Contract) -> "Received":
        """Return what is there now."""
        dataset = contract.dataset
        judged, bronze, releases = lake.open(JUDGED[dataset]), lake.open(BRONZE[dataset]), lake.read(RELEASES)
        seen = judged.position(SEEN)
        # A file whose landing was cut off has rows in bronze that are judged once it is known when they arrived.
        unseen = None if seen is None or not contract.is_topic else bronze.files_since(seen)
        return cls(contract, judged, bronze, releases, unseen)

    @cached_property
    def fixed(self) -> pl.DataFrame:
        """The records that stand for quarantined ones, as rows that were received."""
        return fixed_rows(self.releases, self.contract)

    def count(self) -> int:
        """Return how many rows there are to rule on."""
        return self.bronze.count() + self.fixed.height


def bring_summaries(job: Job, received: Received) -> pl.DataFrame:
    """Return the SUMMARY rows of what is judged, those of new files made and kept."""
    watch = Stopwatch(job, SUMMARIES.name)
    return summaries_of(job.lake, received.judged, received.contract, lambda rows: watch.work(rows=rows))
