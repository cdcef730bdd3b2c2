"""Grouping of rows that lie together already, without hashing or sorting them.

Silver keeps a user's clicks together and in time, so a group is a stretch of rows and a total is a difference of two
places. Rows that lie otherwise give a group in several stretches; `scattered` tells which, and who groups them adds
them up or puts them in order: a result never depends on how rows came.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Stretches:
    """Rows, and where each stretch of them begins.

    Attributes:
        rows: the rows.
        starts: the place of each stretch's first row, ascending; none without rows.
    """

    rows: pl.DataFrame
    starts: Places

    @cached_property
    def sizes(self) -> Places:
        """How many rows each stretch has."""
        return np.diff(self.starts, append=self.rows.height)

    def first(self, *columns: str) -> pl.DataFrame:
        """Return columns of each stretch's first row."""
        return self.rows.select(columns)[self.starts]

    def total(self, values: NDArray[Any]) -> Places:
        """Return the sum of each stretch's values, one value a row."""
        return np.add.reduceat(values, self.starts, dtype=np.int64) if self.starts.size else self.starts

    def least(self, column: str) -> pl.Series:
        """Return the earliest of each stretch's instants."""
        return self._chosen(np.minimum, column)

    def most(self, column: str) -> pl.Series:
        """Return the latest of each stretch's instants."""
        return self._chosen(np.maximum, column)

    def _chosen(self, choice: np.ufunc, column: str) -> pl.Series:
        values = self.rows.get_column(column)
        chosen = choice.reduceat(values.to_physical().to_numpy(), self.starts) if self.starts.size else self.starts
        return pl.Series(chosen, dtype=pl.Int64).cast(values.dtype)

    def distinct(self, texts: pl.Series) -> pl.Series:
        """Return each stretch's texts, each once and in order, from a text or a list of texts a row; nulls are none."""
        stretch = np.repeat(np.arange(self.starts.size), self.sizes)
        if isinstance(texts.dtype, pl.List):
            stretch = np.repeat(stretch, texts.list.len().fill_null(0).to_numpy())
            texts = texts.list.explode(empty_as_null=False, keep_nulls=False)
        if not isinstance(texts.dtype, pl.Enum):
            texts = texts.cast(pl.Enum(texts.drop_nulls().unique().sort()))
        names = pl.Series(texts.dtype.categories, dtype=pl.String)  # type: ignore[attr-defined] # an Enum has them
        codes = texts.to_physical()
        pairs = stretch[codes.is_not_null().to_numpy()] * names.len() + codes.drop_nulls().to_numpy()
        pairs.sort()
        stretch, code = np.divmod(pairs[np.diff(pairs, prepend=-1) > 0], max(1, names.len()))
        ends = np.searchsorted(stretch, np.arange(self.starts.size + 1))
        lists = pa.LargeListArray.from_arrays(pa.array(ends), names.to_arrow().take(pa.array(code)))
        return pl.Series(lists, dtype=pl.List(pl.String))

    def cut(self, places: Places) -> "Stretches":
        """Return the stretches cut at further places."""
        return Stretches(self.rows, np.union1d(self.starts, places))


def stretches(rows: pl.DataFrame, by: Sequence[str]) -> Stretches:
    """Return the stretches of rows that are alike in some columns; nulls are alike."""
    is_other = pl.any_horizontal([pl.col(name).ne_missing(pl.col(name).shift(1)) for name in by])
    is_first = is_other | (pl.int_range(pl.len()) == 0)
    return Stretches(rows, rows.select(is_first.arg_true()).to_series().cast(pl.Int64).to_numpy())


def scattered(found: pl.DataFrame, by: Sequence[str]) -> pl.Series:
    """Return which rows share their key with another, one row a stretch; now and then one that does not."""
    # By a hash of 64 bits: two keys of one hash are only grouped once more.
    return found.select(by).hash_rows().is_duplicated()
