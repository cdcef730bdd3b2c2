"""What a table holds at one pinned version: rows, files, and what was committed with them."""

import contextlib
import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import polars as pl
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from compute.buckets import BUCKETS
from compute.errors import PipelineError
from storage.dataset import Dataset
from storage.errors import LakeBusy, LakeUnwritable, VersionGone
from storage.shape import ALL
from storage.store import Store
from storage.work import FileWeight

NEVER_WRITTEN = -1
# What reading rows raises whose files are gone or broken.
UNREADABLE = (OSError, LakeUnwritable, pl.exceptions.ComputeError, pl.exceptions.PanicException)


def key_number(fingerprint: str) -> int:
    """Return a fingerprint as the 62-bit number that an app transaction can hold."""
    return int.from_bytes(hashlib.sha256(fingerprint.encode()).digest()[:8], "big") >> 2


def opened(store: Store, dataset: Dataset, location: str, version: int | None = None) -> DeltaTable | None:
    """Return a table at a version, the newest by default; None of one that was never written.

    Raises:
        VersionGone: when the version asked for has expired.
    """
    try:
        with translated(store, dataset.name):
            return DeltaTable(location, version, store.options) if version != NEVER_WRITTEN else None
    except TableNotFoundError:
        return None
    except DeltaError as error:
        if version is None:
            raise
        raise VersionGone(dataset=dataset.name, version=version) from error


class Contents:
    """A dataset at one version, to be read."""

    def __init__(self, store: Store, dataset: Dataset, location: str, delta: DeltaTable | None) -> None:
        self._store, self.dataset, self.location, self._delta = store, dataset, location, delta

    @property
    def version(self) -> int:
        """The pinned version; -1 for a table that was never written."""
        return self._delta.version() if self._delta else NEVER_WRITTEN

    def scan(self, files: Collection[str] | None = None) -> pl.LazyFrame:
        """Return the rows, lazily; of some of the files alone, when they are named."""
        if self._delta is None or not self._delta.file_uris() or (files is not None and not files):
            return pl.LazyFrame(schema=dict(self.dataset.schema))
        if files is None and quote(self.location, safe="/:") != self.location:
            files = self.files()  # deltalake spells a space as %20, where Polars finds no file
        rows = pl.scan_delta(self._delta) if files is None else self._of_files(files)
        return rows.select(list(self.dataset.schema))

    def _of_files(self, files: Collection[str]) -> pl.LazyFrame:
        column, partitions = self.dataset.partition_by, defaultdict[str, list[str]](list)
        for path, partition in self.files().items():
            if path in files:
                partitions[partition].append(f"{self.location}/{path}")
        parts = [
            pl.scan_parquet(paths, glob=False).with_columns([pl.lit(name).alias(column)] if column else [])
            for name, paths in sorted(partitions.items())
        ]
        return pl.concat(parts)

    def files(self) -> dict[str, str]:
        """Return the partition of each of its files, by their names; no file ever changes."""
        column = self.dataset.partition_by
        return {action["path"]: action[f"partition.{column}"] if column else ALL for action in self._actions()}

    def files_since(self, version: int) -> list[str]:
        """Return the files that it did not have at an earlier version: all of them when nobody knows that any more."""
        try:
            delta = opened(self._store, self.dataset, self.location, version)
            before = Contents(self._store, self.dataset, self.location, delta).files()
        except VersionGone:
            before = {}
        return sorted(self.files().keys() - before.keys())

    def read(self, where: pl.Expr | None = None, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return rows, those that fit `where`, with the columns asked."""
        rows = self.scan() if where is None else self.scan().filter(where)
        with self._translated():
            return (rows if columns is None else rows.select(columns)).collect()

    def partitions(self) -> dict[str, str]:
        """Return each partition with a fingerprint of its files; `ALL` names the whole of an unpartitioned table."""
        paths = defaultdict[str, list[str]](list)
        for path, partition in self.files().items():
            paths[partition].append(path)
        return {name: _fingerprint(of_partition) for name, of_partition in paths.items()}

    def fingerprint(self) -> str:
        """Return a fingerprint of all its files."""
        return _fingerprint(self.files())

    def count(self) -> int:
        """Return how many rows there are, from the log alone."""
        return sum(self.counts().values())

    def counts(self) -> dict[str, int]:
        """Return how many rows each partition has, from the log alone."""
        column, rows = self.dataset.partition_by, dict[str, int]()
        for action in self._actions():
            name = action[f"partition.{column}"] if column else ALL
            rows[name] = rows.get(name, 0) + action["num_records"]
        return rows

    def weights(self) -> list[FileWeight]:
        """Return what each file of a partitioned table weighs, from the log alone."""
        every = {"min._bucket": 0, "max._bucket": BUCKETS - 1}
        return [
            FileWeight(action[f"partition.{self.dataset.partition_by}"], action["num_records"], *(
                default if action.get(name) is None else action[name] for name, default in every.items()))
            for action in self._actions()
        ]  # fmt: skip

    def _actions(self) -> list[dict[str, Any]]:
        if self._delta is None:
            return []
        rows: list[dict[str, Any]] = pa.table(self._delta.get_add_actions(flatten=True)).to_pylist()
        return rows

    def done(self, partition: str, fingerprint: str) -> bool:
        """Tell whether a partition was last written from these inputs."""
        return self._delta is not None and self._delta.transaction_version(self._app(partition)) == key_number(
            fingerprint
        )

    def position(self, name: str) -> int | None:
        """Return a number committed with the rows under a name: the next offset of a topic's partition."""
        return None if self._delta is None else self._delta.transaction_version(self._app(name))

    def rows_if_readable(self, where: pl.Expr) -> pl.DataFrame | None:
        """Return rows; None when they cannot be read any more: they are written anew then."""
        try:
            return self.read(where)
        except UNREADABLE:
            return None

    def history(self, most: int | None = None) -> list[dict[str, Any]]:
        """Return what was recorded with each commit up to the version, newest first, or with so many of them."""
        if self._delta is None:
            return []
        # Opened at an older version, deltalake 1.6.3 lists the newest commits under the numbers of older ones.
        with self._translated():
            newest = DeltaTable(self.location, storage_options=self._store.options, without_files=True)
        beyond = newest.version() - self.version
        return newest.history(None if most is None else most + beyond)[beyond:]

    def file_counts(self) -> dict[str, int]:
        """Return of how many files each partition consists."""
        return Counter(self.files().values())

    def _app(self, partition: str) -> str:
        return f"{self.dataset.name}/{partition}"

    def _translated(self) -> contextlib.AbstractContextManager[None]:
        return translated(self._store, self.dataset.name)


def _fingerprint(paths: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest()


@contextlib.contextmanager
def translated(store: Store, dataset: str) -> Iterator[None]:
    """Say in our own words what reading or writing a table met.

    Raises:
        LakeBusy: when somebody else committed meanwhile.
        PipelineError: what the place says of itself, such as that its disk is full.
    """
    try:
        yield
    except PipelineError:
        raise
    except Exception as error:
        if said := store.said(error):
            raise said from error
        if isinstance(error, CommitFailedError):
            raise LakeBusy(dataset=dataset) from error
        raise
