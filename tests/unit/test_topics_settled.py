"""From judged to current rows of the topics: clicks once, revisions, unknown accounts, open sessions, clock marks.

`test_current` has what all feeds share. Source: `data.md` A.0 (U-01, U-03, U-05, U-15 to U-17, U-19), A.7, A.8.
"""

from datetime import UTC, datetime, timedelta
from itertools import combinations, permutations
from typing import Any

import polars as pl
import pytest

from compute.clock import clock_marks, moved_rows
from compute.company import parse_company
from compute.contracts.feeds import BY_NAME
from compute.current import Beside, named_accounts, settle, silver_rows
from tests.unit.records import judged, record

COMPANY = parse_company("", source="company.toml")
TOPICS = {"click_events": "CLK-Q03", "usage_sessions": "USE-Q04", "team_activity": "TEA-Q03"}
CLICKS, SESSIONS, TEAMS = TOPICS
JAN_16, JAN_17, JAN_20 = "2024-01-16T09:00:00Z", "2024-01-17T09:00:00Z", "2024-01-20T09:00:00Z"
ARRIVED, STARTED = datetime(2024, 1, 16, 9, tzinfo=UTC), datetime(2024, 1, 15, 9, tzinfo=UTC)
WEEK, DAY, INSTANT = timedelta(days=7), timedelta(days=1), timedelta(microseconds=1)

Outcome = tuple[str, list[str]]
CURRENT, OLD, AGAIN = ("accepted", []), ("superseded", []), ("duplicate", [])


def beside(*accounts: str, as_of: datetime = ARRIVED) -> Beside:
    return Beside(pl.Series(accounts, dtype=pl.String), as_of)


def outcomes(dataset: str, frame: pl.DataFrame, context: Beside | None = None) -> list[Outcome]:
    """Settle judged rows; the outcome of each, in order of arrival."""
    settled = settle(frame, BY_NAME[dataset], COMPANY, frozenset(), context or beside("ACC_001"))
    return list(settled.select("_disposition", "_codes").iter_rows())


def history(dataset: str, *changes: dict[str, Any]) -> list[Outcome]:
    return outcomes(dataset, judged(dataset, *(record(dataset, **each) for each in changes)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {}),
        ({}, {"timestamp": "2024-01-15T11:30:00.0000009+01:00"}),
        ({}, {"user_agent": "curl/8.4.0"}),
        ({}, {"ip_address": None}),
        ({"page_url": None}, {"page_url": None}),
    ],
)
def test_a_click_with_the_same_seven_values_is_a_duplicate_and_never_a_revision_u16(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert [CURRENT, AGAIN, AGAIN] == history(CLICKS, one, other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"page_url": "/list?page=1"}, {"page_url": "/list?page=2"}),
        ({"page_url": "/list#a"}, {"page_url": "/list"}),
        ({"page_url": None}, {"page_url": ""}),
        ({"page_url": None}, {"page_url": "None"}),
        ({"session_id": None}, {"session_id": ""}),
        ({"session_id": None}, {"session_id": "null"}),
        ({"event_type": "login", "feature_name": None}, {"event_type": "login", "feature_name": ""}),
        ({"session_id": "a, b", "page_url": "c"}, {"session_id": "a", "page_url": "b, c"}),
        ({}, {"timestamp": "2024-01-15T10:30:00.000001Z"}),
        ({}, {"user_id": "USER_124"}),
        ({}, {"account_id": "ACC_002"}),
        ({}, {"event_type": "click"}),
        ({}, {"feature_name": "Reports"}),
    ],
)
def test_a_click_that_differs_in_one_of_the_seven_values_is_another_click_u17(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert ["accepted", "accepted"] == [disposition for disposition, _ in history(CLICKS, one, other)]


def test_the_first_arrival_of_a_click_stays_whatever_the_order_of_reading_u01() -> None:
    first = judged(CLICKS, record(CLICKS, user_agent="curl/8.4.0"), arrival=JAN_16, offset=9)
    again = judged(CLICKS, record(CLICKS), record(CLICKS), arrival=JAN_17, offset=1)
    frame = pl.concat([first, again])

    for order in permutations(range(3)):
        settled = settle(frame[list(order)], BY_NAME[CLICKS], COMPANY, frozenset(), beside("ACC_001"))

        assert [(9, "curl")] == silver_rows(settled, BY_NAME[CLICKS]).select("_offset", "browser").rows()
        assert ["accepted", "duplicate", "duplicate"] == settled.get_column("_disposition").to_list()


def test_of_one_arrival_the_first_partition_and_offset_stay_u01() -> None:
    frame = judged(CLICKS, record(CLICKS), record(CLICKS), record(CLICKS))
    placed = frame.with_columns(_partition=pl.Series([1, 0, 0]), _offset=pl.Series([1, 8, 7]))

    settled = settle(placed, BY_NAME[CLICKS], COMPANY, frozenset(), beside("ACC_001"))

    assert [(0, 7)] == silver_rows(settled, BY_NAME[CLICKS]).select("_partition", "_offset").rows()


def test_a_quarantined_click_makes_no_later_one_a_duplicate_u04() -> None:
    assert [("quarantined", ["CLK-Q92"]), CURRENT, AGAIN] == history(CLICKS, {"ip_address": "?"}, {}, {})


A, B, C = {"total_active_time_minutes": 1}, {"total_active_time_minutes": 2}, {"device_type": "Mobile"}
REVISED = ("accepted", ["USE-W90"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([A, A], [CURRENT, AGAIN]),
        ([A, B], [OLD, REVISED]),
        ([A, B, A], [OLD, REVISED, AGAIN]),  # B stays (U-15)
        ([A, B, A, C], [OLD, OLD, AGAIN, REVISED]),
        ([{"session_end": None}, {}], [OLD, REVISED]),
        ([{"features_used": None}, {"features_used": []}], [OLD, REVISED]),
        ([A, A | {"session_end": "2024-01-15T18:00:00+01:00"}], [CURRENT, AGAIN]),
        ([A, A | {"session_start": "2024-01-15T10:00:00+01:00"}], [CURRENT, AGAIN]),
        ([A, A | {"user_id": "USER_124"}], [CURRENT, CURRENT]),
        ([A, A | {"session_start": "2024-01-15T09:00:00.000001Z"}], [CURRENT, CURRENT]),
        ([A, {"total_active_time_minutes": 482}], [CURRENT, ("quarantined", ["USE-Q02"])]),
    ],
)
def test_a_session_told_anew_is_revised(changes: list[dict[str, Any]], expected: list[Outcome]) -> None:
    assert expected == history(SESSIONS, *changes)


def test_a_team_s_day_told_anew_is_revised() -> None:
    outcome = history(TEAMS, {}, {"api_calls": 1}, {}, {"team_id": "TEAM_002"})

    assert [OLD, ("accepted", ["TEA-W90"]), AGAIN, CURRENT] == outcome


@pytest.mark.parametrize(("dataset", "code"), TOPICS.items())
@pytest.mark.parametrize(
    ("known", "as_of", "is_held"),
    [
        ((), ARRIVED - DAY, False),
        ((), ARRIVED + WEEK, False),  # exactly at the limit
        ((), ARRIVED + WEEK + INSTANT, True),
        (("ACC_002", "acc_001", "ACC_0011"), ARRIVED + WEEK + INSTANT, True),
        (("ACC_002", "ACC_001"), ARRIVED + WEEK + INSTANT, False),  # released once a file feed names it
    ],
)
def test_a_row_of_an_unknown_account_waits_for_seven_days_u19(
    dataset: str, code: str, known: tuple[str, ...], as_of: datetime, is_held: bool
) -> None:
    outcome = outcomes(dataset, judged(dataset, record(dataset)), beside(*known, as_of=as_of))

    assert [("quarantined", [code]) if is_held else CURRENT] == outcome


@pytest.mark.parametrize(("dataset", "code"), TOPICS.items())
def test_how_long_an_unknown_account_may_wait_is_the_company_s_choice(dataset: str, code: str) -> None:
    company = parse_company("[limits]\nunknown_account_days = 0", source="company.toml")

    def codes(as_of: datetime) -> list[str]:
        rows = judged(dataset, record(dataset))
        settled = settle(rows, BY_NAME[dataset], company, frozenset(), beside(as_of=as_of))
        return list(settled.get_column("_codes").item())

    assert ([], [code]) == (codes(ARRIVED), codes(ARRIVED + INSTANT))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (record(CLICKS, ip_address="?"), ("quarantined", ["CLK-Q92"])),
        (record(CLICKS, user_id=""), ("rejected", ["CLK-R01"])),
        (record(CLICKS, session_id=None), ("quarantined", ["CLK-W94", "CLK-Q03"])),
    ],
)
def test_only_rows_that_are_still_accepted_are_asked_for_their_account(line: bytes, expected: Outcome) -> None:
    assert [expected] == outcomes(CLICKS, judged(CLICKS, line), beside(as_of=ARRIVED + 2 * WEEK))


def test_a_row_held_for_its_account_is_no_earlier_one_of_its_key_u19() -> None:
    def held(dataset: str, first: dict[str, Any], then: dict[str, Any]) -> list[Outcome]:
        parts = [
            judged(dataset, record(dataset, **first), arrival=JAN_16),
            judged(dataset, record(dataset, **then), arrival=JAN_17, offset=2),
        ]
        return outcomes(dataset, pl.concat(parts), beside(as_of=ARRIVED + WEEK + DAY))

    assert [("quarantined", ["CLK-Q03"]), CURRENT] == held(CLICKS, {}, {})
    assert [("quarantined", ["USE-Q04"]), CURRENT] == held(SESSIONS, A, B)
    assert [("quarantined", ["TEA-Q03"]), CURRENT] == held(TEAMS, {}, {})


@pytest.mark.parametrize("dataset", ["revenue", "account_status_changes", "subscription_renewals"])
def test_a_file_feed_s_rows_are_not_asked_for_their_account_at_any_as_of_u19(dataset: str) -> None:
    frame = judged(dataset, record(dataset), arrival="2015-01-01T00:00:00Z")

    assert settle(frame, BY_NAME[dataset], COMPANY, frozenset()).equals(
        settle(frame, BY_NAME[dataset], COMPANY, frozenset(), beside(as_of=datetime(2030, 1, 1, tzinfo=UTC)))
    )


def test_accepted_and_quarantined_rows_name_their_accounts_readably_u19() -> None:
    lines = [
        record("revenue", account_id="ACC_001"),
        record("revenue", account_id="ACC_002", payment_status="?"),
        record("revenue", account_id="ACC_003", monthly_revenue="1"),
        record("revenue", account_id="ACC_004", billing_date=None),  # rejected
        record("revenue", account_id="4"),
        b"{",
    ]

    assert ["ACC_001", "ACC_002", "ACC_003"] == named_accounts(judged("revenue", *lines)).sort().to_list()


OPEN = {"session_end": None}


@pytest.mark.parametrize(
    ("changes", "as_of", "expected"),
    [
        ([OPEN], STARTED + DAY, [CURRENT]),  # exactly at the limit
        ([OPEN], STARTED + DAY + INSTANT, [("accepted", ["USE-W01"])]),
        ([OPEN | {"device_type": "?"}], STARTED + 2 * DAY, [("accepted", ["USE-W93", "USE-W01"])]),
        ([{}], STARTED + 2 * DAY, [CURRENT]),
        ([OPEN, {}], STARTED + 2 * DAY, [OLD, REVISED]),
        ([{}, OPEN], STARTED + 2 * DAY, [OLD, ("accepted", ["USE-W90", "USE-W01"])]),
        ([OPEN, OPEN], STARTED + 2 * DAY, [("accepted", ["USE-W01"]), AGAIN]),
        ([OPEN | {"total_active_time_minutes": -1}], STARTED + 2 * DAY, [("quarantined", ["USE-Q95"])]),
    ],
)
def test_a_current_session_still_open_after_a_day_is_marked(
    changes: list[dict[str, Any]], as_of: datetime, expected: list[Outcome]
) -> None:
    frame = judged(SESSIONS, *(record(SESSIONS, **each) for each in changes))

    assert expected == outcomes(SESSIONS, frame, beside("ACC_001", as_of=as_of))


LATER_OF_KEY = {  # another click, session, team's day
    CLICKS: {"timestamp": "2024-01-16T09:00:00Z"},
    SESSIONS: {"session_start": "2024-01-16T09:00:00Z"},
    TEAMS: {"team_id": "TEAM_002"},
}


def arrived_in_turn(dataset: str) -> pl.DataFrame:
    """Return two rows of ACC_001 and one of ACC_002, on three days; the sessions among them are open."""
    opened = OPEN if dataset == SESSIONS else {}
    return pl.concat(
        [
            judged(dataset, record(dataset, **opened), arrival=JAN_16),
            judged(dataset, record(dataset, **opened | LATER_OF_KEY[dataset]), arrival=JAN_17, offset=2),
            judged(dataset, record(dataset, **opened, account_id="ACC_002"), arrival=JAN_20, offset=3),
        ]
    )


@pytest.mark.parametrize("dataset", TOPICS)
def test_the_clock_s_marks_change_exactly_when_the_settled_rows_do(dataset: str) -> None:
    contract, frame = BY_NAME[dataset], arrived_in_turn(dataset)
    limits = [STARTED + DAY, STARTED + 2 * DAY, *(ARRIVED + WEEK + days * DAY for days in (0, 1, 4))]
    times = [limit + past for limit in limits for past in (timedelta(), INSTANT)]
    known = ((), ("ACC_001",), ("ACC_002",), ("ACC_001", "ACC_002"), ("ACC_003",))
    contexts = [beside(*accounts, as_of=as_of) for as_of in times for accounts in known]
    seen = [
        (clock_marks(moved_rows(frame, contract, COMPANY, each)), settle(frame, contract, COMPANY, frozenset(), each))
        for each in contexts
    ]

    pairs = list(combinations(seen, 2))
    assert all((one[0] == other[0]) == one[1].equals(other[1]) for one, other in pairs)
    assert {True, False} == {one[0] == other[0] for one, other in pairs}


@pytest.mark.parametrize(
    ("dataset", "december"),
    [
        (CLICKS, {"timestamp": "2023-12-15T10:00:00Z"}),
        (SESSIONS, {"session_start": "2023-12-15T10:00:00Z", "session_end": "2023-12-15T17:00:00Z"}),
        (TEAMS, {"date": "2023-12-15"}),
    ],
)
def test_a_month_whose_rows_no_clock_moves_has_no_mark(dataset: str, december: dict[str, Any]) -> None:
    frame = judged(dataset, record(dataset, account_id="ACC_002", **december), record(dataset))

    def marked(*accounts: str, as_of: datetime) -> list[str]:
        moved = moved_rows(frame, BY_NAME[dataset], COMPANY, beside(*accounts, as_of=as_of))
        return sorted(clock_marks(moved))

    assert [] == marked(as_of=ARRIVED + WEEK)
    assert [] == marked("ACC_001", "ACC_002", as_of=ARRIVED + 2 * WEEK)
    assert ["2024-01"] == marked("ACC_002", as_of=ARRIVED + 2 * WEEK)
    assert ["2023-12", "2024-01"] == marked(as_of=ARRIVED + 2 * WEEK)


def test_a_file_feed_has_no_clock_marks() -> None:
    frame = judged("revenue", record("revenue"), record("revenue", billing_date="2024-01-16"))

    assert moved_rows(frame, BY_NAME["revenue"], COMPANY, beside(as_of=ARRIVED + 52 * WEEK)).is_empty()
