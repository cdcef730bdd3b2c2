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
    """Where stretches of rows begin.

    Columns are given one by one: of a frame that was read from many files, a choice of columns copies them all.

    Attributes:
        is_first: whether a stretch begins with the row, one value a row.
    """

    is_first: NDArray[np.bool_]

    @cached_property
    def starts(self) -> Places:
        """The place of each stretch's first row, ascending; none without rows."""
        return np.flatnonzero(self.is_first)

    @cached_property
    def sizes(self) -> Places:
        """How many rows each stretch has."""
        return np.diff(self.starts, append=self.is_first.size)

    @cached_property
    def numbers(self) -> Places:
        """The number of the stretch that each row lies in."""
        return np.repeat(np.arange(self.starts.size), self.sizes)

    def first(self, rows: pl.DataFrame, *columns: str) -> pl.DataFrame:
        """Return columns of each stretch's first row."""
        chosen = pl.Series(self.is_first)
        return pl.DataFrame([rows.get_column(name).filter(chosen) for name in columns])

    def total(self, values: NDArray[Any]) -> Places:
        """Return the sum of each stretch's values, one value a row."""
        return np.add.reduceat(values, self.starts, dtype=np.int64) if self.starts.size else self.starts

    def least(self, values: pl.Series) -> pl.Series:
        """Return the earliest of each stretch's instants."""
        return self._chosen(np.minimum, values)

    def most(self, values: pl.Series) -> pl.Series:
        """Return the latest of each stretch's instants."""
        return self._chosen(np.maximum, values)

    def _chosen(self, choice: np.ufunc, values: pl.Series) -> pl.Series:
        chosen = choice.reduceat(microseconds(values), self.starts) if self.starts.size else self.starts
        return pl.Series(chosen, dtype=pl.Int64).cast(values.dtype)

    def union(self, lists: pl.Series) -> pl.Series:
        """Return each stretch's names, each once and in order, from a list of names a row; no list is an empty one."""
        numbers = np.repeat(self.numbers, lists.list.len().fill_null(0).to_numpy())
        return self.distinct(lists.list.explode(empty_as_null=False, keep_nulls=False), numbers)

    def distinct(self, names: pl.Series, numbers: Places) -> pl.Series:
        """Return each stretch's names, each once and in order.

        Args:
            names: texts, or an enum of texts in order; null is none.
            numbers: the number of the stretch that each of them belongs to.

        Returns:
            Lists of an enum.
        """
        if not isinstance(names.dtype, pl.Enum):
            names = names.cast(pl.Enum(names.drop_nulls().unique().sort()))
        count = max(1, len(names.dtype.categories))  # type: ignore[attr-defined] # an Enum has them
        pairs = numbers[names.is_not_null().to_numpy()] * count + names.drop_nulls().to_physical().to_numpy()
        pairs = _ascending(pairs, self.starts.size * count)
        number = pairs // count
        ends = np.append(0, np.cumsum(np.bincount(number, minlength=self.starts.size)))
        codes = pa.array((pairs - number * count).astype(np.uint32))
        lists = pl.Series(pa.LargeListArray.from_arrays(pa.array(ends), codes))
        return lists.list.eval(pl.element().cat.to(names.dtype))

    def cut(self, is_cut: NDArray[np.bool_]) -> "Stretches":
        """Return the stretches cut at further rows."""
        return Stretches(self.is_first | is_cut)


def stretches(columns: Sequence[pl.Series]) -> Stretches:
    """Return the stretches of rows that are alike in some columns; nulls are alike."""
    is_first = np.zeros(columns[0].len(), dtype=np.bool_)
    is_first[:1] = True
    for column in columns:
        is_first |= column.ne_missing(column.shift()).to_numpy()
    return Stretches(is_first)


def microseconds(instants: pl.Series) -> Places:
    """Return instants as numbers."""
    return instants.to_physical().to_numpy()


def scattered(found: pl.DataFrame, by: Sequence[str]) -> pl.Series:
    """Return which rows share their key with another, one row a stretch; now and then one that does not."""
    # By a hash of 64 bits: two keys of one hash are only grouped once more.
    return found.select(by).hash_rows().is_duplicated()


def _ascending(numbers: Places, below: int) -> Places:
    """Return numbers from 0, each once and in order: ticked off on a list of all when that takes no more memory."""
    if below > numbers.nbytes:
        return np.unique(numbers)
    is_there = np.zeros(below, dtype=np.bool_)
    is_there[numbers] = True
    return np.flatnonzero(is_there)
