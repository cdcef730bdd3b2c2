"""Columns of a topic as rows of bronze."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from compute.contracts.contract import NO_ENVELOPE
from storage.errors import LakeFull
from storage.kafka import drain as drain_module
from storage.kafka.broker import Broker
from storage.kafka.columns import Columns
from storage.kafka.drain import Share
from storage.kafka.plan import Range
from storage.kafka.rows import Stamp, bronze_rows

STAMP = Stamp("click_events", 0, "batch", datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC))
VALUES = [b"a", b"", b"ccc" * 100, "é".encode(), b"\xff"]


def columns(values: list[bytes | None]) -> Columns:
    count = len(values)
    keys = {index: b"key" for index, value in enumerate(values) if value is None}
    return Columns(
        np.arange(count, dtype=np.int64), np.full(count, 7, dtype=np.int64), pa.array(values, pa.binary()), keys, 0
    )


@pytest.mark.parametrize(("start", "end"), [(0, 5), (1, 4), (4, 5), (1, 2)])
def test_a_digest_is_that_of_its_own_value_also_in_a_part(start: int, end: int) -> None:
    rows = bronze_rows([(0, columns(list(VALUES)).between(start, end))], STAMP)

    assert VALUES[start:end] == rows["payload"].to_pylist()
    assert [hashlib.sha256(value).hexdigest() for value in VALUES[start:end]] == rows["_payload_sha256"].to_pylist()
    assert ["topic"] * (end - start) == rows["_source"].to_pylist()


def test_nothing_but_empty_values_has_the_digest_of_nothing() -> None:
    rows = bronze_rows([(0, columns([b"", b""]))], STAMP)

    assert [hashlib.sha256(b"").hexdigest()] * 2 == rows["_payload_sha256"].to_pylist()


def test_a_record_without_a_value_is_kept_as_its_envelope_with_the_digest_of_that() -> None:
    rows = bronze_rows([(3, columns([b"a", None, b"b"]).between(1, 3))], STAMP)

    kept = b'{"topic":"click_events","partition":3,"offset":1,"tstype":"create","ts":7,"key":"key","payload":null}'
    assert [kept, b"b"] == rows["payload"].to_pylist()
    assert [hashlib.sha256(each).hexdigest() for each in (kept, b"b")] == rows["_payload_sha256"].to_pylist()
    assert [NO_ENVELOPE, "topic"] == rows["_source"].to_pylist()


def test_a_full_disk_is_one_sentence_in_a_drain_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "lake" / "bronze" / "click_events"
    folder.mkdir(parents=True)
    (folder / "part-1.parquet").symlink_to("/dev/full")  # a disk without room, as far as a writer can tell
    monkeypatch.setattr(drain_module, "new_file", lambda _dataset: "part-1.parquet")
    monkeypatch.setattr(drain_module, "read", lambda *_: iter([(0, columns([b"a" * 2**20] * 20))]))
    share = Share(str(tmp_path / "lake"), Broker("nowhere"), (Range(0, 0, 20),), STAMP)

    with pytest.raises(LakeFull, match=f"The disk of the lake at {tmp_path}/lake is full"):
        drain_module.drain(share)
