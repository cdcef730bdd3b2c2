"""Which places of a topic have landed: offsets by partition, of lines that are no envelope their content too."""

from collections import defaultdict

import numpy as np
import polars as pl

from storage.lines import Numbers
from storage.records import Mask, Records

_WORD = 62  # bits that a signed word of 64 can add up without a doubt


class Landed:
    """The places that have landed.

    Offsets are the bits of words of 62, so that a hundred million of them stay small.
    """

    def __init__(self, rows: pl.LazyFrame) -> None:
        self.words: dict[tuple[int, int], int] = defaultdict(int)
        self.next: dict[int, int] = defaultdict(int)
        no_envelope = pl.col("_partition") < 0
        found = rows.filter(no_envelope).select("_partition", "_offset", "_payload_sha256").collect()
        self.lines: set[tuple[int, int, str]] = set(found.rows())
        word, bit = pl.col("_offset") // _WORD, pl.lit(2, dtype=pl.Int64).pow(pl.col("_offset") % _WORD)
        landed = rows.filter(~no_envelope).group_by("_partition", word=word)
        bits_of_words = landed.agg(bits=bit.sum(), last=pl.col("_offset").max()).collect(engine="streaming")
        for partition, index, bits, last in bits_of_words.rows():
            self.words[partition, index] = bits
            self.next[partition] = max(self.next[partition], last + 1)

    def positions(self) -> dict[str, int]:
        """Return the next offset of every partition, by its name."""
        return {str(partition): offset for partition, offset in self.next.items()}

    def take(self, records: Records) -> Mask:
        """Tell which records are new, and remember them; of a place that comes twice the first is."""
        is_new = np.zeros(len(records), dtype=np.bool_)
        for partition in np.unique(records.partitions).tolist():
            at = np.flatnonzero(records.partitions == partition)
            if partition < 0:
                is_new[at] = [self._take_line(records, index) for index in at.tolist()]
            else:
                is_new[at] = self._take_offsets(partition, records.offsets[at])
        return is_new

    def _take_line(self, records: Records, index: int) -> bool:
        place = (int(records.partitions[index]), int(records.offsets[index]), records.digests[index].as_py())
        is_new = place not in self.lines
        self.lines.add(place)
        return is_new

    def _take_offsets(self, partition: int, offsets: Numbers) -> Mask:
        distinct, first = np.unique(offsets, return_index=True)
        bits = np.left_shift(1, distinct % _WORD)
        words, begins = np.unique(distinct // _WORD, return_index=True)
        before = np.array([self.words.get((partition, word), 0) for word in words.tolist()], dtype=np.int64)
        after = before | np.bitwise_or.reduceat(bits, begins)
        for word, known in zip(words.tolist(), after.tolist(), strict=True):
            self.words[partition, word] = known
        self.next[partition] = max(self.next[partition], int(distinct[-1]) + 1)
        is_new = np.zeros(len(offsets), dtype=np.bool_)
        is_new[first] = np.repeat(before, np.diff(begins, append=len(distinct))) & bits == 0
        return is_new
