"""The quarantine in the lake: which cases are open, by which name they are called, what is read back of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from compute.contracts.feeds import BY_NAME
from compute.dispositions import HELD, held_rows
from compute.releases import RELEASE, BadRelease, case_id
from storage.catalog import BRONZE, HELD_ROW
from storage.lake import Lake
from storage.quarantine import (
    Decision,
    all_cases,
    decisions_of,
    find_cases,
    open_cases,
    payloads_of,
    place_in_words,
    release,
)
from storage.work import Work
from tests.unit.records import received, record
from tests.unit.test_releases import settled

AT = datetime(2024, 3, 1, tzinfo=UTC)
WORK = Work("test", "test")
LINES = {
    "revenue": [record("revenue", total_monthly_revenue=1.00), record("revenue", billing_date="2024-13-01")],
    "click_events": [record("click_events", timestamp="2020-01-15T10:00:00Z", user_id="USER_SECRET")],
}


@pytest.fixture
def held(tmp_path: Path) -> Lake:
    """A lake that holds two bills and a click."""
    lake = Lake(str(tmp_path))
    for dataset, lines in LINES.items():
        rows = received(dataset, *lines)
        landed = rows.with_columns(_ingested_at=pl.lit(AT)).select(list(BRONZE[dataset].schema))
        lake.open(BRONZE[dataset]).append(landed.cast(dict(BRONZE[dataset].schema)), WORK)  # type: ignore[arg-type]
        cases = held_rows(settled(rows, [], BY_NAME[dataset]), BY_NAME[dataset])
        lake.open(HELD_ROW).replace(cases, {dataset: "made"}, WORK)
    return lake


def names(cases: pl.DataFrame) -> list[str]:
    return list(cases.get_column("case_id"))


def decide(lake: Lake, name: str, verdict: str, hours: int = 0, payload: bytes | None = None) -> tuple[str, ...]:
    return release(
        lake, [Decision(name, verdict, "asked", payload)], by="me", at=AT + timedelta(hours=hours), work=WORK
    )


def test_an_undated_case_is_in_every_month_and_the_others_in_theirs(held: Lake) -> None:
    assert ["2024-01", "undated"] == open_cases(held, ["2024-01"], "revenue").get_column("month").to_list()
    assert ["undated"] == open_cases(held, ["2023-12"], "revenue").get_column("month").to_list()
    assert ["2020-01"] == open_cases(held, dataset="click_events").get_column("month").to_list()


def test_records_are_read_back_of_files_and_topics(held: Lake) -> None:
    found = payloads_of(held, open_cases(held).iter_rows(named=True))

    assert sorted(LINES["revenue"] + LINES["click_events"]) == sorted(found.values())


@pytest.mark.parametrize("dataset", LINES)
def test_a_decided_case_is_waiting_not_open_and_the_last_decision_stands(held: Lake, dataset: str) -> None:
    name = names(open_cases(held, dataset=dataset))[0]

    decide(held, name, "discard")
    decide(held, f" {name.lower()} ", "accept", hours=1)

    case = find_cases(held, [name])[name]
    assert (False, True, "accept") == (case["is_open"], case["is_waiting"], case["decided"])
    assert name not in names(open_cases(held))
    assert ["discard", "accept"] == decisions_of(held, case).get_column("verdict").to_list()


@pytest.mark.parametrize(
    ("verdict", "payload", "sentence"),
    [
        ("accept", None, r"leaves no value to accept \(REV-Q92\): fix or discard it"),
        ("maybe", None, "one of fix, accept, discard"),
        ("fix", None, "a fix needs a new record"),
        ("discard", b"{}", "a new record needs the verdict fix"),
        ("fix", b"[1]", "the record cannot be read: not a JSON object"),
    ],
)
def test_a_decision_that_cannot_stand_is_one_sentence(
    held: Lake, verdict: str, payload: bytes | None, sentence: str
) -> None:
    undated = open_cases(held).filter(pl.col("month") == "undated")

    with pytest.raises(BadRelease, match=sentence):
        decide(held, names(undated)[0], verdict, payload=payload)

    assert 3 == open_cases(held).height


def test_a_case_is_decided_once_at_a_time(held: Lake) -> None:
    name = names(open_cases(held))[0]

    with pytest.raises(BadRelease, match="decided twice"):
        release(held, [Decision(name, "discard", "x"), Decision(name, "accept", "y")], by="me", at=AT, work=WORK)


def test_cases_that_share_a_name_get_longer_ones(held: Lake) -> None:
    table = held.open(HELD_ROW)
    bills = table.read(pl.col("dataset") == "revenue").with_columns(case_id=pl.lit("REV-00000000"))
    table.replace(bills, {"revenue": "again"}, WORK)

    told_apart = open_cases(held, dataset="revenue")

    place = tuple(told_apart.select("batch_id", "row").row(0))
    assert case_id(place, BY_NAME["revenue"], 16) == names(told_apart)[0]
    assert 2 == len(set(names(told_apart)))
    assert ("2024-01",) == decide(held, names(told_apart.filter(pl.col("month") == "2024-01"))[0], "discard")


def test_a_place_is_said_in_words() -> None:
    case: dict[str, Any] = dict.fromkeys((*HELD, *RELEASE)) | {"file": "a.ndjson", "row": 7}

    assert "a.ndjson line 7" == place_in_words(case)
    assert "clicks partition 1 offset 7" == place_in_words(case | {"file": "clicks", "partition": 1})
    assert ["a fixed record"] * 2 == [place_in_words(case | more) for more in ({"file": "release"}, {"partition": -3})]


def test_an_empty_lake_has_no_cases(tmp_path: Path) -> None:
    assert all_cases(Lake(str(tmp_path))).is_empty()
    assert open_cases(Lake(str(tmp_path)), ["2024-01"]).is_empty()
