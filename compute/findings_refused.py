"""Findings on refused rows: too many of an arrival date were bad, so none of its rows is used.

Source: `data.md` A.0, "Batch refusal" (U-13).
"""

from functools import partial

import polars as pl

from compute.company import Company
from compute.contracts.contract import Contract
from compute.contracts.feeds import FEEDS
from compute.findings import Check, Frames, key_of
from compute.wording import worded


def refused_rows(dataset: str, frames: Frames, _company: Company) -> pl.DataFrame:
    """Q99: rows of the month are held because of what arrived with them."""
    return frames.refused.filter(pl.col("dataset") == dataset).select(
        "month", account_id=pl.lit(None, dtype=pl.String), key=key_of("dataset", "month"),
        evidence=worded("{} rows of {} are refused with all that arrived on their day", "rows", "month"),
    )  # fmt: skip


def _check(contract: Contract) -> Check:
    return Check(
        contract.code("Q99"), contract.dataset, "rows of the month are refused: too many of an arrival date are bad",
        "every figure of the feed; gates completeness, incidents", "blocking", partial(refused_rows, contract.dataset),
    )  # fmt: skip


REFUSED_CHECKS: tuple[Check, ...] = tuple(_check(contract) for contract in FEEDS)
