"""Clicks that come late, twice, or from nobody: what a run recomputes, and what it leaves alone."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from compute.errors import BadSetting
from compute.months import Month
from flows.aggregated import aggregated
from flows.engagement import engagement
from storage.catalog import (
    BRONZE,
    CLICK_SESSION,
    DEAD_LETTER,
    DISPOSITIONS,
    LATE_EVENTS,
    SESSION_PART,
    SILVER,
    USER_DAY_TABLE,
)
from storage.lake import Lake
from storage.snapshots import details_of, figures_of

pytestmark = pytest.mark.integration
MONTHS = "2023-12..2024-02"
Lines = list[dict[str, Any] | str]


def click(offset: int, arrived: str, **more: Any) -> dict[str, Any]:
    """Return the envelope of a click on partition 1."""
    record = {"user_id": "USER_1", "account_id": "ACC_001", "event_type": "page_view", "session_id": "S",
              "timestamp": "2024-01-15T10:00:00Z", "page_url": "/home?token=secret", "ip_address": "81.2.69.142"}  # fmt: skip
    arrival = pl.Series([arrived]).str.to_datetime("%Y-%m-%dT%H:%M:%SZ").dt.epoch("ms").item()
    return {"topic": "click_events", "partition": 1, "offset": offset, "tstype": "create", "ts": arrival,
            "key": "ACC_001", "payload": json.dumps(record | more)}  # fmt: skip


@pytest.fixture
def topic(lake: Lake, golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Lines], None]:
    """Writes the golden company's click topic."""
    landing = tmp_path / "landing"
    shutil.copytree(golden / "landing", landing)
    monkeypatch.setenv("TECHFLOW_LANDING", str(landing))

    def write(lines: Lines) -> None:
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (landing / "topics" / "click_events.jsonl").write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")

    return write


def figures(lake: Lake, metric_id: str, grain: str, month: str = "2024-01") -> dict[str, Any]:
    of_month = Month.parse(month)
    table = pl.concat([figures_of(lake, of_month), details_of(lake, of_month)])
    rows = table.filter((pl.col("metric_id") == metric_id) & (pl.col("grain") == grain))
    return {key: value for key, value in rows.select("grain_key", "value").rows() if value}


def state(lake: Lake) -> dict[str, pl.DataFrame]:
    """Return what the engagement tables hold, ingest columns apart."""
    tables = (SILVER["click_events"], USER_DAY_TABLE, SESSION_PART, CLICK_SESSION, LATE_EVENTS)
    return {table.name: lake.read(table).drop("batch", strict=False).sort(table.key) for table in tables} | {
        month: figures_of(lake, Month.parse(month)).sort("metric_id", "grain", "grain_key") for month in ("2024-01",)
    }


PROMPT = [
    click(1, "2024-01-15T10:00:05Z"),
    click(2, "2024-01-15T10:20:05Z", timestamp="2024-01-15T10:20:00Z"),
    click(3, "2024-01-16T09:00:05Z", timestamp="2024-01-16T09:00:00Z", session_id="T", user_id="USER_2"),
    click(4, "2024-02-03T09:00:05Z", timestamp="2024-02-03T09:00:00Z", session_id="U"),
]
LATE = click(5, "2024-01-19T12:00:00Z", timestamp="2024-01-15T09:50:00Z", user_id="USER_3", session_id=None)


def test_a_late_click_changes_its_own_date_week_and_month_alone(lake: Lake, topic: Callable[[Lines], None]) -> None:
    topic(PROMPT)
    aggregated(MONTHS)
    before, untouched = lake.read(USER_DAY_TABLE), lake.open(USER_DAY_TABLE).partitions()["2024-02"]
    topic([*PROMPT, LATE])

    aggregated(MONTHS)

    after = lake.read(USER_DAY_TABLE)
    changed = pl.concat([before.join(after, on=after.columns[1:8], how="anti", nulls_equal=True),
                         after.join(before, on=after.columns[1:8], how="anti", nulls_equal=True)])  # fmt: skip
    assert ["2024-01-15"] == changed.get_column("date").cast(pl.String).to_list()
    assert untouched == lake.open(USER_DAY_TABLE).partitions()["2024-02"]
    assert {"company|2024-01-15": 2, "company|2024-01-16": 1} == figures(lake, "M-40", "company_day")
    assert {} == figures(lake, "M-41.wau", "company_month")
    audit = lake.read(LATE_EVENTS).select("dataset", "partition", "offset", "class", "lateness_hours").rows()
    assert [("click_events", 1, 5, "late", pytest.approx(98 + 1 / 6))] == audit


def test_the_run_says_how_many_dates_it_recomputed(
    lake: Lake, topic: Callable[[Lines], None], caplog: pytest.LogCaptureFixture
) -> None:
    topic(PROMPT)
    aggregated(MONTHS)
    topic([*PROMPT, LATE])

    aggregated(MONTHS)

    assert "recomputed_in_part=1 account-days of 2024-01" in caplog.text


def test_late_twice_or_in_any_order_and_rebuilt_gives_the_same_tables(
    lake: Lake, topic: Callable[[Lines], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TECHFLOW_PSEUDONYM_KEY", "one key")
    topic(PROMPT[:2])
    aggregated(MONTHS)
    topic([PROMPT[2], LATE, PROMPT[0], PROMPT[2]])
    aggregated(MONTHS)
    topic([LATE, *PROMPT])
    aggregated(MONTHS)
    bit_by_bit = state(lake)

    aggregated(MONTHS, rebuild=True)
    rebuilt = state(lake)
    monkeypatch.setenv("TECHFLOW_LAKE", str(tmp_path / "other"))
    topic([*reversed(PROMPT), LATE])
    aggregated(MONTHS)

    for name, rows in state(Lake(str(tmp_path / "other"))).items():
        assert rows.equals(bit_by_bit[name]), name
        assert rows.equals(rebuilt[name]), name


def test_the_same_click_at_two_offsets_is_one_and_the_same_offset_twice_is_received_once(
    lake: Lake, topic: Callable[[Lines], None]
) -> None:
    twice = [click(10, "2024-01-15T10:00:05Z"), click(11, "2024-01-15T10:00:06Z")]
    topic([*twice, *twice])

    aggregated("2024-01")

    counts = lake.read(DISPOSITIONS, pl.col("dataset") == "click_events").filter(pl.col("code") == "")
    assert {"accepted": 1, "duplicate": 1} == dict(counts.select("disposition", "rows").rows())
    assert 12 == lake.open(BRONZE["click_events"]).position("1")


def test_two_clicks_that_differ_in_their_query_alone_are_two(lake: Lake, topic: Callable[[Lines], None]) -> None:
    topic(
        [click(1, "2024-01-15T10:00:05Z", page_url="/a?page=1"), click(2, "2024-01-15T10:00:05Z", page_url="/a?page=2")]
    )

    aggregated("2024-01")

    assert ["/a", "/a"] == lake.read(SILVER["click_events"]).get_column("page_url").to_list()
    assert {"ACC_001": 2} == figures(lake, "M-53.clicks_per_session", "account_month")


def test_lines_that_are_no_envelopes_are_dead_letters_once(lake: Lake, topic: Callable[[Lines], None]) -> None:
    good = PROMPT[0]["payload"]
    bad: Lines = [
        "no json",
        good,
        json.dumps({"topic": "click_events", "partition": 0, "offset": 7, "payload": {"a": 1}}),
    ]
    topic(bad)
    aggregated("2024-01")
    topic([*bad, *PROMPT])

    aggregated("2024-01")

    letters = lake.read(DEAD_LETTER).select("file", "partition", "row", "codes").sort("partition", "row")
    assert [
        ("click_events", -1, 1, "CLK-R00"), ("click_events", -1, 2, "CLK-R00"), ("click_events", 0, 7, "CLK-R00")
    ] == letters.rows()  # fmt: skip


def test_an_unknown_account_is_held_after_a_week_and_released_when_it_appears(
    lake: Lake, topic: Callable[[Lines], None], tmp_path: Path
) -> None:
    topic([click(1, "2024-01-15T10:00:00Z", account_id="ACC_999")])

    def held_on(as_of: str) -> list[str]:
        aggregated("2024-01", as_of=as_of)
        counts = lake.read(DISPOSITIONS, (pl.col("dataset") == "click_events") & (pl.col("code") != ""))
        return counts.get_column("code").to_list()

    assert [] == held_on("2024-01-22T10:00:00Z")
    assert {"company|2024-01-15": 1} == figures(lake, "M-40", "company_day")
    assert ["CLK-Q03"] == held_on("2024-01-22T10:00:01Z")
    assert {} == figures(lake, "M-40", "company_day")
    bill = (tmp_path / "landing" / "revenue" / "batch.ndjson").read_text(encoding="utf-8").splitlines()[0]
    named = json.loads(bill) | {"account_id": "ACC_999", "billing_date": "2024-02-15"}
    (tmp_path / "landing" / "revenue" / "later.ndjson").write_text(json.dumps(named), encoding="utf-8")
    assert [] == held_on("2024-02-22T10:00:01Z")
    assert {"company|2024-01-15": 1} == figures(lake, "M-40", "company_day")


def test_another_pseudonym_key_is_refused_and_the_kept_one_is_its_owners_alone(
    lake: Lake, topic: Callable[[Lines], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic(PROMPT)
    aggregated("2024-01")
    kept = tmp_path / "pseudonym.key"
    assert 0o600 == kept.stat().st_mode & 0o777
    monkeypatch.setenv("TECHFLOW_PSEUDONYM_KEY", "another")

    with pytest.raises(BadSetting, match="TECHFLOW_PSEUDONYM_KEY"):
        aggregated("2024-01")

    monkeypatch.setenv("TECHFLOW_PSEUDONYM_KEY", kept.read_text(encoding="ascii").strip())
    aggregated("2024-01")


def test_the_engagement_flow_runs_by_itself_before_any_account_is_known(
    lake: Lake, topic: Callable[[Lines], None]
) -> None:
    topic(PROMPT)

    made = engagement("2024-01", as_of="2024-01-20T00:00:00Z")

    assert {"click_events": 4, "usage_sessions": 0, "team_activity": 0} == made["rows"]
    assert 2 == lake.read(USER_DAY_TABLE, pl.col("month") == "2024-01").get_column("user_id").n_unique()


def test_no_address_agent_token_or_user_name_is_in_silver_or_gold(lake: Lake, topic: Callable[[Lines], None]) -> None:
    topic(
        [
            click(
                1,
                "2024-01-15T10:00:05Z",
                user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/121.0",
                user_id="USER_SECRET",
            )
        ]
    )
    aggregated("2024-01")

    for path in sorted(Path(lake.root).glob("*/*/**/*.parquet")):
        if path.parts[len(Path(lake.root).parts)] in ("silver", "gold", "snapshot"):
            text = pl.read_parquet(path).write_json()
            assert not any(word in text for word in ("USER_SECRET", "81.2.69.142", "secret", "Mozilla")), path
