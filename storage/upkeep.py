"""Upkeep of the tables: few files in place of many, a log that is quick to read, nothing left of killed runs.

What a version in the log names is never removed, so a draft stays explainable (S-9) and a reader finds its files.
"""

from dataclasses import dataclass
from datetime import timedelta

from storage.catalog import BRONZE, DEAD_LETTER, JUDGED, LANDED_FILE
from storage.dataset import Dataset
from storage.lake import Lake
from storage.watched import INCIDENT_EVENT, RUNS

# What grows by appending. The others are written by whole partitions, and another file there is another fingerprint,
# from which all that reads them would be computed anew.
GROWING = frozenset(
    each.name for each in (LANDED_FILE, *BRONZE.values(), *JUDGED.values(), DEAD_LETTER, RUNS, INCIDENT_EVENT)
)
MANY_FILES = 32
ORPHAN_AGE = timedelta(days=7)  # no run takes nearly as long (L-20), so nobody will commit the file any more


@dataclass(frozen=True, slots=True)
class Upkept:
    """What was done for a table.

    Attributes:
        compacted: partitions whose files became few.
        is_checkpointed: its log was summed up.
        swept: files that no version named.
        swept_bytes: their size.
    """

    dataset: str
    compacted: tuple[str, ...] = ()
    is_checkpointed: bool = False
    swept: int = 0
    swept_bytes: int = 0

    @property
    def is_idle(self) -> bool:
        """Tell whether there was nothing to do."""
        return not (self.compacted or self.is_checkpointed or self.swept)


def keep_up(lake: Lake, dataset: Dataset) -> Upkept:
    """Compact, sum up the log, sweep; what is done already is not done again.

    Raises:
        LakeBusy: when a run wrote the table meanwhile; nothing is lost, and again is safe.
    """
    compacted = tuple(name for name in _crowded(lake, dataset) if lake.open(dataset).compact(name) >= 0)
    table = lake.open(dataset)
    is_checkpointed, orphans = table.checkpoint(), table.orphans(ORPHAN_AGE)
    size = sum(map(lake.store.size, orphans))
    for path in orphans:
        lake.store.remove(path)
    return Upkept(dataset.name, compacted, is_checkpointed, len(orphans), size)


def _crowded(lake: Lake, dataset: Dataset) -> list[str]:
    if dataset.name not in GROWING:
        return []
    return sorted(name for name, files in lake.open(dataset).file_counts().items() if files > MANY_FILES)
