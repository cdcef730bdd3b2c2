"""What is said of work on a table: who did it and how, and which files a task wrote."""

from collections.abc import Mapping
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
