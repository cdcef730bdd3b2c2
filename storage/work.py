"""What is said of work on a table: who did it and how, and which files a task wrote."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from compute.errors import ContractViolation
from storage.dataset import Dataset


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
        rows: of each partition that its shard speaks of, how many rows it made, counted before they were written.
        same: the partitions whose rows in this shard are those that the table already has.
    """

    files: tuple[DataFile, ...]
    rows: Mapping[str, int]
    same: frozenset[str]


def changed_files(
    dataset: Dataset, written: Sequence[Written], partitions: Iterable[str]
) -> tuple[list[DataFile], list[str]]:
    """Return the files of the partitions that change, and the names of those that stay as they are.

    A partition stays when every shard that speaks of it found its rows there already, and some shard does; what was
    then written is swept later.

    Raises:
        ContractViolation: when the files of a partition do not hold the rows that the tasks made of it.
    """
    made, held = Counter[str](), Counter[str]()
    for each in written:
        made.update(each.rows)
        for file in each.files:
            held[file.partition] += file.rows
    if wrong := sorted(name for name in {*made, *held} if made[name] != held[name]):
        told = tuple(f"{name}: tasks made {made[name]} rows, their files hold {held[name]}" for name in wrong)
        raise ContractViolation(dataset=dataset.name, failures=told)
    spoken = {name: [name in each.same for each in written if name in each.rows] for name in sorted(partitions)}
    same = [name for name, found in spoken.items() if found and all(found)]
    files = [file for each in written for file in each.files if file.partition not in same]
    return files, same


def require_described(dataset: Dataset, files: Sequence[DataFile], partitions: Collection[str] | None = None) -> None:
    """Hold files to what is said of them, for a commit believes it.

    Args:
        dataset: whose folder they lie in.
        files: as their tasks describe them.
        partitions: those that they may lie in; without it any.

    Raises:
        ContractViolation: when one lies outside the partitions or in the folder of another, is named twice, or says
            two numbers of rows.
    """
    failures = [
        f"{each.path} is {wrong}"
        for each in files
        for wrong, is_so in {
            "outside the partitions that are replaced": partitions is not None and each.partition not in partitions,
            "not in the folder of its partition": not each.path.startswith(folder_of(dataset, each.partition)),
            "counted wrongly": each.rows != json.loads(each.stats)["numRecords"] or each.size <= 0,
        }.items()
        if is_so
    ]
    named = Counter(each.path for each in files)
    failures += [f"{path} is named {count} times" for path, count in named.items() if count > 1]
    if failures:
        raise ContractViolation(dataset=dataset.name, failures=tuple(failures))


def folder_of(dataset: Dataset, partition: str) -> str:
    """Return the folder of a partition's files, from that of the dataset; with its slash, or nothing."""
    return f"{dataset.partition_by}={partition}/" if dataset.partition_by else ""
