"""How work is cut into shards: from the file lists of the tables that are read, without reading a row."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from compute.buckets import BUCKETS
from compute.months import Month
from storage.work import FileWeight

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of work: some months, a range of buckets, a range of dates.

    Attributes:
        first_bucket: inclusive.
        last_bucket: exclusive.
        first: the first date, inclusive.
        last: the last date, inclusive.
    """

    months: tuple[Month, ...]
    first_bucket: int
    last_bucket: int
    first: date
    last: date


def cuts(files: Iterable[FileWeight], months: Sequence[Month], most: int) -> list[Cut]:
    """Cut months into pieces of about equal rows, at most `most` each as far as the files tell.

    Small months are taken together, a large one is cut by buckets, and a bucket that is too large by itself, because
    one user makes that much, by dates.

    Args:
        files: the files of the tables that are read.
        months: those wanted.
        most: rows that a task may hold.
    """
    weights = _by_bucket(files, months)
    groups = [(group, np.sum([weights[each] for each in group], axis=0)) for group in _groups(weights, most)]
    return [cut for group, rows in groups for cut in _cut(group, rows, most)]


def _by_bucket(files: Iterable[FileWeight], months: Sequence[Month]) -> Mapping[Month, Weights]:
    """Return the rows of each month and bucket; a file's rows are spread over its buckets."""
    weights = {month: np.zeros(BUCKETS) for month in sorted(months)}
    for file in files:
        if (month := Month.parse(file.partition)) in weights:
            width = file.last_bucket + 1 - file.first_bucket
            weights[month][file.first_bucket : file.last_bucket + 1] += file.rows / width
    return weights


def _groups(weights: Mapping[Month, Weights], most: int) -> Iterator[tuple[Month, ...]]:
    """Take months together as long as their fullest bucket is small enough for one task."""
    group, held = list[Month](), np.zeros(BUCKETS)
    for month, rows in weights.items():
        if group and (held + rows).max() > most:
            yield tuple(group)
            group, held = [], np.zeros(BUCKETS)
        group.append(month)
        held = held + rows
    if group:
        yield tuple(group)


def _cut(months: tuple[Month, ...], rows: Weights, most: int) -> Iterator[Cut]:
    # A row more in each bucket, so that a month without rows has places to cut at too.
    until = np.cumsum(rows + 1)
    pieces = min(BUCKETS, max(2, math.ceil(rows.sum() / most)))
    inner = np.searchsorted(until, until[-1] * np.arange(1, pieces) / pieces) + 1
    for first, last in pairwise(np.unique([0, *inner, BUCKETS]).tolist()):
        is_narrow = last == first + 1
        for begin, end in _windows(months, math.ceil(rows[first] / most) if is_narrow else 1):
            yield Cut(months, first, last, begin, end)


def _windows(months: tuple[Month, ...], count: int) -> Iterator[tuple[date, date]]:
    first = months[0].first
    days = (months[-1].last - first).days + 1
    pieces = min(days, max(1, count))
    for begin, end in pairwise(days * index // pieces for index in range(pieces + 1)):
        yield first + timedelta(days=begin), first + timedelta(days=end - 1)
