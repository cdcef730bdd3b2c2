"""Findings on what arrived: refused rows, members that no field reads, files that cannot be read.

What has no month, a file or a member as such, stands under `undated` until its cause is gone.
Source: `data.md` A.0, "Batch refusal" (U-13), W91 (U-14); A.0a, "Odd doors".
"""

from functools import partial

import polars as pl

from compute.company import Company
from compute.contracts.contract import Contract
from compute.contracts.feeds import FEEDS
from compute.findings import Check, Frames, key_of
from compute.judging import UNDATED
from compute.wording import worded

_NO_ACCOUNT = pl.lit(None, dtype=pl.String).alias("account_id")
_NO_MONTH = pl.lit(UNDATED).alias("month")


def refused_rows(dataset: str, frames: Frames, _company: Company) -> pl.DataFrame:
    """Q99: rows of the month are held because of what arrived with them."""
    return frames.refused.filter(pl.col("dataset") == dataset).select(
        "month", _NO_ACCOUNT, key=key_of("dataset", "month"),
        evidence=worded("{} rows of {} are refused with all that arrived on their day", "rows", "month"),
    )  # fmt: skip


def unknown_fields(dataset: str, frames: Frames, _company: Company) -> pl.DataFrame:
    """W91: current rows carry a member that no field of the contract reads."""
    carried = frames.unknown_fields.filter(pl.col("dataset") == dataset).group_by("dataset", "field").agg(
        pl.col("rows").sum(), _first=pl.col("month").min(), _last=pl.col("month").max()
    )  # fmt: skip
    return carried.select(
        _NO_MONTH, _NO_ACCOUNT, key=key_of("dataset", "field"),
        evidence=worded("{} current rows carry it, of {} to {}; it is kept in bronze", "rows", "_first", "_last"),
    )  # fmt: skip


def unreadable_files(dataset: str, frames: Frames, _company: Company) -> pl.DataFrame:
    """Find files whose bytes cannot be had, so that none of their rows has landed."""
    return frames.unreadable.filter(pl.col("dataset") == dataset).select(
        _NO_MONTH, _NO_ACCOUNT, key=key_of("dataset", "file"),
        evidence=pl.lit("its bytes cannot be read or decompressed; it is not landed, and the rest went on"),
    )  # fmt: skip


def _of_feed(contract: Contract) -> tuple[Check, ...]:
    dataset = contract.dataset
    return (
        Check(contract.code("Q99"), dataset, "rows of the month are refused: too many of an arrival date are bad",
              "every figure of the feed; gates completeness, incidents", "blocking", partial(refused_rows, dataset),
              "the feed's owner: a corrected file, another max_bad_ratio, or releases"),
        Check(contract.code("W91"), dataset, "current rows carry a member that no field of the contract reads",
              "no figure", "footnote", partial(unknown_fields, dataset)),
        Check("unreadable_file", dataset, "a file cannot be read: what it holds is missing",
              "every figure of the feed; gate completeness", "footnote", partial(unreadable_files, dataset)),
    )  # fmt: skip


ARRIVAL_CHECKS: tuple[Check, ...] = tuple(check for contract in FEEDS for check in _of_feed(contract))
