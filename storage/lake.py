"""The lake: Delta tables under one root. With `table.py` and `contents.py`, all that speaks deltalake."""

from collections.abc import Sequence

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from storage.contents import opened
from storage.dataset import Dataset
from storage.errors import LAKE_FORMAT, LakeFormat
from storage.store import store_of
from storage.table import FORMAT, Table

_NO_FORMAT = "none"


class Lake:
    """Delta tables under one root: a folder of this machine, or s3://bucket/prefix."""

    def __init__(self, root: str) -> None:
        self.root, self.store = root, store_of(root)

    def open(self, dataset: Dataset, version: int | None = None) -> Table:
        """Return the dataset at a version, the newest by default.

        A table that was never written has version -1 and no rows.

        Raises:
            VersionGone: when the version asked for has expired.
        """
        location = f"{self.root}/{dataset.name}"
        return Table(self.store, dataset, location, opened(self.store, dataset, location, version))

    def read(
        self, dataset: Dataset, where: pl.Expr | None = None, columns: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Return rows of the newest version."""
        return self.open(dataset).read(where, columns)

    def require_writable(self) -> None:
        """Make the lake's folder, and see that its tables are such as this program writes.

        Raises:
            LakeUnwritable: when it cannot be made or written; nothing was written.
            LakeFull: when its disk has no room; nothing was written.
            LakeFormat: when its tables are older or newer; nothing was written.
        """
        # All tables are made by one program: the first one found speaks for them.
        found = next(filter(None, map(self._format_of, self.store.tables())), LAKE_FORMAT)
        if found != LAKE_FORMAT:
            raise LakeFormat(root=self.root, found=found)
        self.store.require_writable()

    def _format_of(self, name: str) -> str | None:
        """Return the format number that a table carries; None of a table whose making was cut off."""
        try:
            table = DeltaTable(f"{self.root}/{name}", storage_options=self.store.options, without_files=True)
            return table.metadata().configuration.get(FORMAT) or _NO_FORMAT
        except DeltaError:
            return None
