"""Lateness of an event does not depend on the events beside it."""

import polars as pl

from compute.company import Company
from compute.contracts.feeds import BY_NAME
from compute.lateness import late_events
from tests.unit.records import judged, record

CLICKS = BY_NAME["click_events"]


def hours(*lines: bytes) -> list[float]:
    rows = judged("click_events", *lines, arrival="2024-01-17T10:30:00.001Z")
    return late_events(rows, rows, CLICKS, Company()).get_column("lateness_hours").to_list()


def test_the_last_bit_of_a_lateness_is_the_same_beside_other_late_events() -> None:
    """48 h and 1 ms: as doubles 48.00000027777778 h for one event, 48.00000027777777 h for each of two."""
    one, another = record("click_events"), record("click_events", user_id="USER_2")

    assert [48.0000002778] == hours(one)
    assert [48.0000002778] * 2 == hours(one, another)


def test_no_late_event_is_no_row() -> None:
    rows = judged("click_events", record("click_events"))

    assert late_events(rows, rows, CLICKS, Company()).filter(pl.col("class") == "late").is_empty()
