"""A month settled in ranges of buckets is the month settled at once: what bounds memory changes no row and no count.

Source: `data.md` A.0, steps 5 and 6 (a key never leaves its account and user).
"""

from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.buckets import BUCKETS, bucket_ranges
from compute.company import Company
from compute.contracts.feeds import FEEDS
from compute.current import Beside, settle, silver_rows
from compute.dispositions import (
    DISPOSITION,
    UNKNOWN_FIELD,
    added_up,
    count_dispositions,
    count_unknown_fields,
    held_rows,
)
from tests.unit.records import judged, record

LATER = datetime(2024, 6, 1, tzinfo=UTC)
NAMES = [f"ACC_{number:03d}" for number in range(1, 6)]
BY_NAME = {contract.dataset: contract for contract in FEEDS}


@st.composite
def lines(draw: st.DrawFn, dataset: str) -> list[bytes]:
    """Draw lines of a few accounts and users: repeats, revisions, unknown members, lines that are no record."""
    contract, made = BY_NAME[dataset], []
    for _ in range(draw(st.integers(1, 14))):
        row = {"odd": 1} if draw(st.booleans()) else {}
        if contract.account:
            row[contract.account] = draw(st.sampled_from([*NAMES, "?"]))
        if contract.user:
            row[contract.user] = draw(st.sampled_from(["USER_1", "USER_2"]))
        made.append(draw(st.sampled_from([record(dataset, **row)] * 4 + [b"{"])))
    return made + draw(st.lists(st.sampled_from(made), max_size=4))


@pytest.mark.parametrize("dataset", sorted(BY_NAME))
@settings(deadline=None, max_examples=25)
@given(data=st.data(), parts=st.sampled_from([2, 3, BUCKETS]))
def test_parts_are_the_whole(dataset: str, data: st.DataObject, parts: int) -> None:
    contract, company = BY_NAME[dataset], Company()
    rows = judged(dataset, *data.draw(lines(dataset)))
    beside = Beside(pl.Series(NAMES[:3]), LATER)

    whole = settle(rows, contract, company, frozenset(), beside)
    cut = [
        settle(
            rows.filter(pl.col("_bucket").is_between(*bounds, closed="left")), contract, company, frozenset(), beside
        )
        for bounds in bucket_ranges(parts)
    ]

    assert whole.equals(pl.concat(cut).sort(contract.order))
    assert silver_rows(whole, contract).equals(pl.concat([silver_rows(each, contract) for each in cut]))
    assert held_rows(whole, contract).sort("case_id", "row").equals(
        pl.concat([held_rows(each, contract) for each in cut]).sort("case_id", "row")
    )  # fmt: skip
    assert count_dispositions(whole, contract).equals(
        added_up([count_dispositions(each, contract) for each in cut], DISPOSITION)
    )
    assert count_unknown_fields(whole, contract).equals(
        added_up([count_unknown_fields(each, contract) for each in cut], UNKNOWN_FIELD)
    )
