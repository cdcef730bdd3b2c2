"""What is said of work on a table: who did it and how, and which files a task wrote."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Work:
    """What is recorded with a commit: who did it, how, from what. The `runs` export reads it back."""

    flow: str
    dataset: str
    months: str = ""
    executor: str = ""
    tasks: int = 0
    rows: int = 0
    seconds: float = 0.0
    finished_at: str = ""
    code_version: str = ""
    inputs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file that a task wrote into a table's folder, not yet part of the table."""

    path: str
    size: int
    rows: int
    partition: str
    modified_ms: int
    stats: str


@dataclass(frozen=True, slots=True)
class FileWeight:
    """A file of a table as its log tells of it.

    Attributes:
        first_bucket: the smallest bucket of its rows; 0 when the log does not tell.
        last_bucket: the largest; the last there is when the log does not tell.
    """

    partition: str
    rows: int
    first_bucket: int
    last_bucket: int


@dataclass(frozen=True, slots=True)
class Written:
    """What a task made of its shard of a table.

    Attributes:
        files: the files that it wrote.
        partitions: the partitions that its shard speaks of, those included in which it has no row.
        same: the partitions whose rows in this shard are those that the table already has.
    """

    files: tuple[DataFile, ...]
    partitions: frozenset[str]
    same: frozenset[str]


def changed_files(written: Sequence[Written], partitions: Iterable[str]) -> tuple[list[DataFile], list[str]]:
    """Return the files of the partitions that change, and the names of those that stay as they are.

    A partition stays when every shard that speaks of it found its rows there already, and some shard does; what was
    then written is swept later.
    """
    spoken = {name: [name in each.same for each in written if name in each.partitions] for name in sorted(partitions)}
    same = [name for name, found in spoken.items() if found and all(found)]
    files = [file for each in written for file in each.files if file.partition not in same]
    return files, same
