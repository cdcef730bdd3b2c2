"""A table of the lake: what is read and what is committed through one pinned version.

Both belong together: a commit fails when anyone else committed in between, so check-and-commit is exactly once.
Idempotence keys travel in the Delta log as app transactions, beside the rows that they speak of.
"""

import json
import math
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Literal

import polars as pl
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.transaction import AddAction

from storage.contents import Contents, key_number, opened
from storage.errors import LAKE_FORMAT, LakeBusy
from storage.shape import ALL, arrow_schema, by_partition, require_shape
from storage.work import DataFile, Work, require_described

FORMAT = "techflow.lakeFormat"  # names the property that holds the lake's format
_COMMIT = "techflow.commit"  # whose a commit is
_FOR_GOOD = "interval 5200 weeks"
# A manifest names versions of years ago: they can be opened as long as their log is there (S-9).
_KEPT = {"delta.logRetentionDuration": _FOR_GOOD, "delta.deletedFileRetentionDuration": _FOR_GOOD}
_UNTIL_CHECKPOINT = 20  # commits that a reader reads one by one before a checkpoint is worth its file
NO_KEYS: Mapping[str, str] = MappingProxyType({})
NO_POSITIONS: Mapping[str, int] = MappingProxyType({})


class Table(Contents):
    """A dataset at one version, to be read and to be gone on from."""

    def append(
        self,
        rows: pl.DataFrame | pa.RecordBatchReader,
        work: Work,
        keys: Mapping[str, str] = NO_KEYS,
        positions: Mapping[str, int] = NO_POSITIONS,
    ) -> int:
        """Add rows in one commit; returns the version.

        Raises:
            LakeBusy: when the table changed since it was opened.
        """
        return self._write(rows, work, keys, "append", positions=positions)

    def append_once(self, rows: pl.DataFrame, work: Work) -> int:
        """Add the rows whose keys are not there yet, in one commit; returns the version.

        Who tries again because no answer came to a commit adds nothing twice.

        Raises:
            LakeBusy: when the table changed since it was opened.
        """
        key = list(self.dataset.key)
        near = pl.all_horizontal(pl.col(name).is_in(rows[name].unique().implode()) for name in key)
        fresh = rows.join(self.read(near, key), on=key, how="anti")
        return self.append(fresh, work) if fresh.height else self.version

    def rewrite(
        self,
        rows: pl.DataFrame,
        work: Work,
        keys: Mapping[str, str] = NO_KEYS,
        positions: Mapping[str, int] = NO_POSITIONS,
    ) -> int:
        """Replace the whole table in one commit; returns the version.

        Raises:
            ContractViolation: when columns, types or keys are not the dataset's.
            LakeBusy: when the table changed since it was opened.
        """
        column = self.dataset.partition_by
        require_shape(self.dataset, rows, rows.get_column(column).unique() if column else keys)
        return self._write(rows, work, keys, "overwrite", positions=positions)

    def replace(
        self, rows: pl.DataFrame, keys: Mapping[str, str], work: Work, positions: Mapping[str, int] = NO_POSITIONS
    ) -> int:
        """Replace whole partitions in one commit; returns the version.

        A partition that holds just these rows already keeps its files, and with them its fingerprint.

        Args:
            rows: all rows of the partitions named in `keys`, and no others.
            keys: partition → fingerprint of what it was made from; `ALL` for an unpartitioned table.
            work: recorded with the commit.
            positions: name → number, kept with the rows; without partitions they alone are committed.

        Raises:
            ContractViolation: when columns, types or keys are not the dataset's.
            LakeBusy: when the table changed since it was opened.
        """
        require_shape(self.dataset, rows, keys)
        column = self.dataset.partition_by
        names = set(keys) if column else {ALL}
        changed = sorted(names - self._unchanged(rows, names))
        if not changed:
            return self._write_files((), self._properties(work, keys, positions), "append", None)
        if not column:
            return self._write(rows, work, keys, "overwrite", positions=positions)
        predicate = f"{column} IN ({', '.join(map(repr, changed))})"
        return self._write(rows.filter(pl.col(column).is_in(changed)), work, keys, "overwrite", predicate, positions)

    def _unchanged(self, rows: pl.DataFrame, names: Iterable[str]) -> set[str]:
        """Return the partitions that hold just these rows, in whatever order; only equal counts are read."""
        counts, fresh, nothing = self.counts(), by_partition(self.dataset, rows), rows.clear()
        alike = [name for name in names if counts.get(name, 0) == fresh.get(name, nothing).height]
        column = self.dataset.partition_by
        where = pl.col(column).is_in(alike) if column else pl.lit(value=True)
        stored = self.rows_if_readable(where) if any(map(counts.get, alike)) else nothing
        if stored is None:
            return set()
        parts = by_partition(self.dataset, stored)
        return {name for name in alike if fresh.get(name, nothing).equals(parts.get(name, nothing))}

    def replace_files(
        self,
        files: Sequence[DataFile],
        keys: Mapping[str, str],
        work: Work,
        positions: Mapping[str, int] = NO_POSITIONS,
        same: Collection[str] = (),
    ) -> int:
        """Replace whole partitions by files that tasks wrote into the table's folder, in one commit.

        Args:
            files: all rows of the partitions that are replaced, and no others.
            keys: partition → fingerprint of what it was made from.
            work: recorded with the commit.
            positions: name → number, kept with the rows.
            same: those of the partitions that stay as they are, because their rows came out equal.

        Raises:
            ContractViolation: when a file lies outside the partitions, or is not as it is described.
            LakeBusy: when the table changed since it was opened.
        """
        changed, column = set(keys).difference(same), self.dataset.partition_by
        require_described(self.dataset, files, changed if column else {ALL})
        properties = self._properties(work, keys, positions)
        if keys and not changed:
            return self._write_files((), properties, "append", None)
        where = [(column, "in", sorted(changed))] if column else None
        return self._write_files(files, properties, "overwrite", where)

    def append_files(self, files: Sequence[DataFile], positions: Mapping[str, int], work: Work) -> int:
        """Add files that were written into the table's folder, and what is then known, in one commit.

        Args:
            files: as written.
            positions: name → number, kept with the rows: the next offset of each of a topic's partitions.
            work: recorded with the commit.

        Raises:
            LakeBusy: when the table changed since it was opened.
        """
        require_described(self.dataset, files)
        return self._write_files(files, self._properties(work, NO_KEYS, positions), "append", None)

    def _write_files(
        self,
        files: Sequence[DataFile],
        properties: CommitProperties,
        mode: Literal["append", "overwrite"],
        where: list[tuple[str, str, Any]] | None,
    ) -> int:
        column = self.dataset.partition_by
        adds = [
            AddAction(
                path=each.path,
                size=each.size,
                partition_values={column: each.partition} if column else {},
                modification_time=each.modified_ms,
                data_change=True,
                stats=each.stats,
            )
            for each in files
        ]

        def write(delta: DeltaTable, properties: CommitProperties) -> None:
            delta.create_write_transaction(
                adds,
                mode=mode,
                schema=delta.schema(),
                partition_by=delta.metadata().partition_columns,
                partition_filters=where,
                commit_properties=properties,
            )

        return self._commit(write, properties)

    def _commit(self, write: Callable[[DeltaTable, CommitProperties], None], properties: CommitProperties) -> int:
        """Write the version after the pinned one, and go on from there; returns it.

        An error does not mean that nothing was committed: a store's answer can be lost on its way, and what follows a
        commit can fail. Without retries a commit is the next version or none, and that version says whose it is.

        Raises:
            LakeBusy: when the next version is somebody else's.
        """
        delta, mine = self.created(), (properties.custom_metadata or {})[_COMMIT]
        after = delta.version() + 1
        with self._translated():
            try:
                write(delta, properties)
            except Exception:
                entry = self._store.read(f"{self.dataset.name}/_delta_log/{after:020}.json") or b""
                if mine.encode() not in entry:
                    raise
            if delta.version() != after:
                # Not the newest: someone else may have committed by now, and what they wrote has not been read.
                delta.load_as_version(after)
        return after

    def compact(self, partition: str) -> int:
        """Write the rows of a partition into few files, in one commit; returns the version.

        Raises:
            LakeBusy: when the table changed since it was opened.
        """
        delta, column = self.created(), self.dataset.partition_by
        with self._translated():
            delta.optimize.compact(
                partition_filters=[(column, "=", partition)] if column else None,
                # Nothing of ours is recorded: who made the rows stays the last that speaks of them.
                commit_properties=CommitProperties(max_commit_retries=0),
            )
        return delta.version()

    def checkpoint(self) -> bool:
        """Sum up the log in one file when that spares readers many; tells whether it did."""
        last = self._store.read(f"{self.dataset.name}/_delta_log/_last_checkpoint")
        known = json.loads(last)["version"] if last else 0
        if self._delta is None or self.version - known < _UNTIL_CHECKPOINT:
            return False
        self._delta.create_checkpoint()
        return True

    def orphans(self, older_than: timedelta) -> list[str]:
        """Return the files in the table's folder, older than that, that no version in the log names, from the root.

        A killed run leaves such files; those of a run at work are young.
        """
        if self._delta is None:
            return []
        hours = math.ceil(older_than / timedelta(hours=1))
        unused = self._delta.vacuum(hours, dry_run=True, enforce_retention_duration=False, full=True)
        if not unused:
            return []
        store = self._store
        entries = [name for name in store.names(f"{self.dataset.name}/_delta_log") if name.endswith(".json")]
        log = b"".join(store.read(name) or b"" for name in entries)
        mine = (f"{self.dataset.name}/{name}" for name in unused if PurePosixPath(name).name.encode() not in log)
        return sorted(mine)

    def created(self) -> DeltaTable:
        """Return the table, made when it was not there.

        Raises:
            LakeBusy: when someone else has made it since, and written to it.
        """
        if self._delta is None:
            with self._translated():
                made = self._made()
            # Of two who make it at once each is given it, with what the other has put into it by then.
            if made.version() > 0:
                raise LakeBusy(dataset=self.dataset.name)
            self._delta = made
        return self._delta

    def _made(self) -> DeltaTable:
        try:
            return DeltaTable.create(
                self.location,
                schema=arrow_schema(self.dataset),
                mode="ignore",
                storage_options=self._store.options,
                partition_by=[self.dataset.partition_by] if self.dataset.partition_by else None,
                description=self.dataset.description,
                raise_if_key_not_exists=False,  # our own property is none of Delta's
                configuration={
                    # Statistics of decimals are stored as floats and lose rows in filters.
                    "delta.dataSkippingStatsColumns": ",".join(
                        name
                        for name in self.dataset.schema
                        if name in (*self.dataset.key, "_bucket") and name != self.dataset.partition_by
                    ),
                    FORMAT: LAKE_FORMAT,
                    **({"delta.appendOnly": "true"} if self.dataset.is_append_only else {}),
                    **(_KEPT if self.dataset.is_pinned else {}),
                },
            )
        except Exception:
            # Somebody else has made it, or the answer was lost on its way: then it is there.
            found = opened(self._store, self.dataset, self.location)
            if found is None:
                raise
            return found

    def _write(
        self,
        rows: pl.DataFrame | pa.RecordBatchReader,
        work: Work,
        keys: Mapping[str, str],
        mode: str,
        predicate: str | None = None,
        positions: Mapping[str, int] = NO_POSITIONS,
    ) -> int:
        def write(delta: DeltaTable, properties: CommitProperties) -> None:
            write_deltalake(delta, rows, mode=mode, predicate=predicate, commit_properties=properties)  # type: ignore[call-overload]

        return self._commit(write, self._properties(work, keys, positions))

    def _properties(
        self, work: Work, keys: Mapping[str, str], positions: Mapping[str, int] = NO_POSITIONS
    ) -> CommitProperties:
        recorded = {f"techflow.{name}": json.dumps(value) for name, value in asdict(work).items()}
        recorded[_COMMIT] = uuid.uuid4().hex
        numbers = {name: key_number(print_) for name, print_ in keys.items()} | dict(positions)
        return CommitProperties(
            custom_metadata=recorded,
            app_transactions=[Transaction(self._app(name), number) for name, number in numbers.items()],
            # A retry would commit beside what it has not read.
            max_commit_retries=0,
        )
