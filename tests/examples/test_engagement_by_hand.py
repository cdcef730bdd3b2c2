"""Engagement as the smallest use that shows each rule, each to be added up by hand.

Source: `metrics.md` §7, §11.4; `operations.md` C.1, L-3; ids beside the cases.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from compute.account_use import account_use
from compute.company import Company
from compute.contracts.click_events import CLICK_EVENTS
from compute.contracts.contract import Contract
from compute.contracts.usage_sessions import USAGE_SESSIONS
from compute.current import settle
from compute.engagement_day import USER_DAY
from compute.engagement_week import engagement_weeks
from compute.judging import judge
from compute.lateness import immature_dates, late_events, watermark
from compute.money import RATIO
from compute.months import Month
from tests.company import KEY, Books, activity, bill, change, click, cost, delivered, team, usage

JANUARY = Month(2024, 1)
OPEN = change("ACC_1", "2024-01-01", None, "Active")
BILL = bill("ACC_1", "2024-01-15", 100.0)
AT_TEN = click("ACC_1", "U1", "2024-01-15T10:00:00Z")
Lines = Sequence[dict[str, Any]]


def used(clicks: Lines = (), sessions: Lines = (), **more: Any) -> Books:
    return Books({"click_events": clicks, "usage_sessions": sessions, **more}, (JANUARY,))


def daily_minutes(*sessions: dict[str, Any]) -> dict[str, int]:
    return {
        str(on): minutes for on, minutes in used(sessions=list(sessions)).user_days.select("date", "minutes").rows()
    }


def active_minutes(books: Books) -> list[tuple[str, int, int]]:
    """Return start, clicks and active minutes of the click sessions."""
    rows = books.click_sessions.sort("started_at").select("started_at", "clicks", "active_us").rows()
    return [(f"{at:%m-%d %H:%M}", clicks, us // 60_000_000) for at, clicks, us in rows]


def test_a_click_delivered_twice_is_one_click() -> None:
    """§11.4 (a)."""
    records = delivered([AT_TEN, AT_TEN]).with_columns(pl.Series("_offset", [10, 11]))

    settled = settle(judge(records, CLICK_EVENTS, Company(), KEY), CLICK_EVENTS, Company(), frozenset())

    figures = used([AT_TEN, AT_TEN]).figures("2024-01")
    assert [(10, "accepted"), (11, "duplicate")] == settled.select("_offset", "_disposition").rows()  # 1 / 2 = 0.5
    assert (1, 1) == (figures["M-40", "company|2024-01-15"], figures["M-53.clicks_per_session", "company"])


def test_a_late_click_changes_its_own_date_week_and_month_alone() -> None:
    """§11.4 (b)."""
    others = [click("ACC_1", "U1", f"2024-01-{day}T10:00:00Z") for day in (10, 16, 25)]
    late = click("ACC_1", "U2", "2024-01-15T10:30:00Z")
    judged = judge(delivered([late], datetime(2024, 1, 19, 12, tzinfo=UTC)), CLICK_EVENTS, Company(), KEY)

    before, after = used(others), used([*others, late])

    old, new = before.figures("2024-01"), after.figures("2024-01")
    changed = {key for key in new if new[key] != old[key]}
    days = {(metric_id, key) for metric_id, key in changed if "2024-01-" in key}
    assert ["late"] == late_events(judged, judged, CLICK_EVENTS, Company()).get_column("class").to_list()
    assert {"ACC_1|2024-01-15", "company|2024-01-15"} == {key for _, key in days}
    assert {"ACC_1", "company"} == {key for _, key in changed - days}
    assert ("M-41.mau", "company") in changed
    assert not {("M-41.wau", "ACC_1"), ("M-41.wau", "company")} & changed
    assert old.keys() == new.keys()
    assert {"2024-W03"} == {week for week, *_ in {*weeks(after)} - {*weeks(before)}}


def weeks(books: Books) -> list[tuple[Any, ...]]:
    table = pl.concat(engagement_weeks(books.user_days, books.click_sessions))
    return table.select("week", "account_id", "active_users", "minutes", "clicks", "sessions").rows()


def test_minutes_over_midnight_are_halved_and_the_odd_one_stays_on_the_earlier_date() -> None:
    """§11.4 (c): 22.5 each."""
    crossing = usage("ACC_1", "U1", "2024-01-15T23:30:00Z", "2024-01-16T00:30:00Z", 45)

    assert {"2024-01-15": 23, "2024-01-16": 22} == daily_minutes(crossing)


def test_the_odd_minute_goes_to_the_larger_remainder() -> None:
    # 20 of 60 minutes before midnight: 10 × 1/3 = 3.33 and 10 × 2/3 = 6.67; 10 × 2/3 = 6.67 and 10 × 1/3 = 3.33
    after = usage("ACC_1", "U1", "2024-01-15T23:40:00Z", "2024-01-16T00:40:00Z", 10)
    before = usage("ACC_1", "U1", "2024-01-15T23:20:00Z", "2024-01-16T00:20:00Z", 10)

    assert {"2024-01-15": 3, "2024-01-16": 7} == daily_minutes(after)
    assert {"2024-01-15": 7, "2024-01-16": 3} == daily_minutes(before)


def test_a_user_of_two_accounts_counts_once_in_the_company_and_once_in_each() -> None:
    """§11.4 (d), AT-21."""
    figures = used([AT_TEN, click("ACC_2", "U1", "2024-01-15T11:00:00Z")]).figures("2024-01")

    for name, day in (("M-40", "|2024-01-15"), ("M-41.mau", "")):
        assert [1, 1, 1] == [figures[name, f"{key}{day}"] for key in ("ACC_1", "ACC_2", "company")]


def test_a_user_of_two_days_counts_once_in_the_month() -> None:
    figures = used([AT_TEN, click("ACC_1", "U1", "2024-01-16T10:00:00Z")]).figures("2024-01")

    assert [1, 1, 1] == [figures[key] for key in (("M-40", "company|2024-01-15"), ("M-40", "company|2024-01-16"),
                                                  ("M-41.mau", "company"))]  # fmt: skip


VISIT = [click("ACC_1", "U1", f"2024-01-15T{at}:00Z", "S") for at in ("10:00", "10:10", "11:00")]


def test_one_session_id_is_one_session_and_a_gap_counts_30_minutes_at_most() -> None:
    """§11.4 (e): 10 + 30."""
    assert [("01-15 10:00", 3, 40)] == active_minutes(used(VISIT))


def test_without_session_id_exactly_30_minutes_do_not_part_and_more_do() -> None:
    """§11.4 (e)."""
    clicks = [click("ACC_1", "U1", f"2024-01-15T{at}:00Z") for at in ("12:00", "12:30", "13:01")]

    assert [("01-15 12:00", 2, 30), ("01-15 13:01", 1, 0)] == active_minutes(used(clicks))


def test_a_late_click_of_the_day_before_moves_the_session_there() -> None:
    """§11.4 (e): 40 + 30."""
    books = used([*VISIT, click("ACC_1", "U1", "2024-01-14T23:50:00Z", "S")])

    figures = books.figures("2024-01")
    assert [("01-14 23:50", 4, 70)] == active_minutes(books)
    assert (1, 0) == (figures["M-53", "ACC_1|2024-01-14"], figures["M-53", "ACC_1|2024-01-15"])
    assert stored(70, 60) == figures["M-53.hours", "company"]


def stored(top: int, bottom: int) -> Decimal:
    return (Decimal(top) / bottom).quantize(Decimal("1e-10"))


@pytest.mark.parametrize(
    "end",
    ["2024-01-16T00:00:00Z", None, "2024-01-15T23:00:00Z"],
    ids=["it ends at midnight", "it is open", "it has no length"],
)
def test_all_minutes_stay_on_the_start_date(end: str | None) -> None:
    """U-103; a session may have a minute more than it lasted."""
    minutes = 45 if end != "2024-01-15T23:00:00Z" else 1

    assert {"2024-01-15": minutes} == daily_minutes(usage("ACC_1", "U1", "2024-01-15T23:00:00Z", end, minutes))


def test_heartbeats_make_no_active_user_but_an_engagement_account() -> None:
    beats = [click("ACC_7", "U1", "2024-01-15T10:00:00Z", event_type=kind) for kind in ("heartbeat", "logout", "error")]

    books = used(beats)

    figures = books.figures("2024-01")
    zeros = ("M-41.mau", "M-41.wau", "M-41.mau_28d", "M-43.hours")
    assert dict.fromkeys(zeros, 0) == {name: figures[name, "ACC_7"] for name in zeros}
    assert [0] * 31 == [figures["M-40", f"ACC_7|2024-01-{day:02d}"] for day in range(1, 32)]
    assert (1, 3) == (
        figures["M-53", "ACC_7"],
        figures["M-53.clicks_per_session", "ACC_7"],
    )  # all clicks are its clicks
    assert ("M-44", "ACC_7") not in figures  # it does not exist


def test_an_account_once_seen_has_rows_of_zero_in_later_months() -> None:
    books = Books({"click_events": [AT_TEN]}, (JANUARY, JANUARY.plus(1)))

    assert 0 == books.figures("2024-02")["M-41.mau", "ACC_1"]
    assert ("M-41.mau", "ACC_1") not in books.figures("2023-12")


def test_an_unknown_account_counts_until_it_is_quarantined() -> None:
    """U-19: for 7 days after its arrival on 2024-06-01."""
    lines = {"click_events": [AT_TEN], "revenue": [bill("ACC_9", "2024-01-15", 1.0)]}

    on_day = {day: Books(lines, (JANUARY,), as_of=date(2024, 6, day)).figures("2024-01") for day in (8, 9)}

    assert (1, 0) == (on_day[8]["M-41.mau", "company"], on_day[9]["M-41.mau", "company"])


def test_an_unknown_event_type_qualifies() -> None:
    """U-101."""
    figures = used([AT_TEN | {"event_type": "hologram"}]).figures("2024-01")

    assert 1 == figures["M-41.mau", "company"]


def test_zero_minutes_make_no_active_user_but_its_features_are_used() -> None:
    """U-102, U-104."""
    figures = used(sessions=[usage("ACC_1", "U1", "2024-01-15T10:00:00Z", None, 0, "Reports")]).figures("2024-01")

    assert 0 == figures["M-41.mau", "company"]
    assert "zero_denominator" == figures["M-45", "company|Reports"] == figures["M-45", "ACC_1|Reports"]


def test_a_feature_has_one_name_in_clicks_sessions_and_bills() -> None:
    """U-105: API is API Access."""
    books = used(
        [AT_TEN | {"feature_name": "API"}, click("ACC_1", "U3", "2024-01-16T10:00:00Z")],
        [usage("ACC_1", "U2", "2024-01-15T10:00:00Z", "2024-01-15T11:00:00Z", 10, "API Access")],
        revenue=[BILL | {"additional_features": ["API"]}],
        account_status_changes=[OPEN],
    )

    figures = books.figures("2024-01")
    assert stored(2, 3) == figures["M-45", "ACC_1|API Access"] == figures["M-45", "company|API Access"]
    assert 1 == figures["M-45.activation", "company|API Access"]
    assert not [key for _, key in figures if key.endswith("|API")]


def test_activation_is_the_share_of_licensed_accounts_that_used_the_feature() -> None:
    sold = {"additional_features": ["API Access"]}
    bills = [bill(f"ACC_{number}", "2024-01-15", total, **sold) for number, total in ((1, 100.0), (2, 50.0), (3, 0.0))]
    clicks = [AT_TEN | {"feature_name": "API"}] + [
        click(f"ACC_{number}", "U3", "2024-01-15T10:00:00Z", feature_name="API") for number in (3, 4)
    ]

    figures = used(clicks, revenue=bills).figures("2024-01")

    # ACC_1 used it, ACC_2 did not, ACC_3 pays nothing, ACC_4 has no licence: 1 / 2
    assert Decimal("0.5") == figures["M-45.activation", "company|API Access"]


def test_more_users_than_licences_are_shown_not_clipped() -> None:
    clicks = [click("ACC_1", f"U{number}", "2024-01-15T10:00:00Z") for number in (1, 2, 3)]

    figures = used(clicks, revenue=[BILL | {"user_licenses": 2}], account_status_changes=[OPEN]).figures("2024-01")

    assert Decimal("1.5") == figures["M-44", "ACC_1"] == figures["M-44", "company"]


def test_utilisation_of_the_company_adds_the_users_of_its_accounts() -> None:
    """U-109: U1 in two accounts, one of them unknown, over 10 licences."""
    clicks = [AT_TEN, click("ACC_2", "U1", "2024-01-15T10:00:00Z")]

    figures = used(clicks, revenue=[BILL], account_status_changes=[OPEN]).figures("2024-01")

    assert (1, Decimal("0.2")) == (figures["M-41.mau", "company"], figures["M-44", "company"])


def test_stickiness_of_workdays_leaves_out_saturday_and_sunday_but_not_their_users() -> None:
    # U1 on a Friday, U2 on a Saturday; January 2024 has 31 days and 23 workdays.
    clicks = [click("ACC_1", "U1", "2024-01-05T10:00:00Z"), click("ACC_1", "U2", "2024-01-06T10:00:00Z")]

    figures = used(clicks).figures("2024-01")

    assert stored(2, 31 * 2) == figures["M-42", "company"]
    assert stored(1, 23 * 2) == figures["M-42.b2b", "company"]


def test_trailing_users_are_those_of_the_last_7_and_28_days_of_the_month() -> None:
    # 7 days: 01-25 to 01-31; 28 days: 01-04 to 01-31
    clicks = [click("ACC_1", f"U{day}", f"2024-01-{day}T00:00:00Z") for day in ("03", "04", "24", "25", "31")]

    figures = used(clicks).figures("2024-01")

    assert [5, 4, 2] == [figures[f"M-41.{name}", "company"] for name in ("mau", "mau_28d", "wau")]


def test_without_engagement_counts_are_zero_and_quotients_have_no_denominator() -> None:
    """AT-84, its engagement rows."""
    books = Books(
        {
            "revenue": [bill("ACC_1", f"2024-0{month}-15", 100.0, user_licenses=5) for month in (1, 2)],
            "account_status_changes": [OPEN],
            "expenses": [cost("ACC_1", "2024-01-31", 40.0), cost("ACC_1", "2024-02-29", 40.0)],
            "salaries": [team("ENG_1", "Data Engineering", f"2024-0{month}", 30.0, 1) for month in (1, 2)],
        },
        JANUARY.until(JANUARY.plus(1)),
    )

    for month in books.months:
        figures = books.figures(str(month))
        for key in ("ACC_1", "company"):
            for name in ("M-41.mau", "M-41.wau", "M-41.mau_28d", "M-43.hours", "M-44", "M-53", "M-53.hours"):
                assert 0 == figures[name, key], name
            for name in ("M-43.per_active_user", "M-53.clicks_per_session"):
                assert "zero_denominator" == figures[name, key], name
            days = {on: value for (name, on), value in figures.items() if name == "M-40" and on.startswith(f"{key}|")}
            assert (month.days, {0}) == (len(days), {*days.values()})
        assert "zero_denominator" == figures["M-42", "company"] == figures["M-42.b2b", "company"]


def test_team_activity_stands_as_reported() -> None:
    reported = [
        activity("ACC_1", "T1", "2024-01-15", 45, 180.0, 900, 7),
        activity("ACC_1", "T2", "2024-01-15", 0, 0.0, 3, 0),
    ]

    figures = used(team_activity=reported).figures("2024-01")

    names = ("active_users", "api_calls", "reports", "hours", "hours_per_active_user")
    by_team = {name: [figures[f"M-46.{each}", f"ACC_1|2024-01-15|{name}"] for each in names] for name in ("T1", "T2")}
    assert {"T1": [45, 900, 7, 180, 4], "T2": [0, 3, 0, 0, "zero_denominator"]} == by_team
    assert ("M-41.mau", "ACC_1") not in figures  # team activity makes no account


SUPPORT = team("SUP_1", "Support", "2024-01", 10.0, 1)
TWO_BILLS = [bill("ACC_1", "2024-01-15", 300.0), bill("ACC_2", "2024-01-15", 100.0)]


def test_a_cogs_team_is_shared_by_active_minutes() -> None:
    # 15 minutes of ACC_2 after midnight count, 15 before the month do not: 10.00 × 45/60 and 15/60
    sessions = [
        usage("ACC_1", "U1", "2024-01-15T10:00:00Z", "2024-01-15T11:00:00Z", 45),
        usage("ACC_2", "U1", "2023-12-31T23:30:00Z", "2024-01-01T00:30:00Z", 30),
    ]

    books = used(sessions=sessions, revenue=TWO_BILLS, salaries=[SUPPORT])

    assert {"ACC_1": (Decimal("7.50"), "active_minutes"), "ACC_2": (Decimal("2.50"), "active_minutes")} == shares(books)


def test_without_minutes_a_cogs_team_is_shared_by_revenue() -> None:
    # Clicks are no minutes: 10.00 × 300/400 and 100/400
    books = used([AT_TEN], revenue=TWO_BILLS, salaries=[SUPPORT])

    assert {"ACC_1": (Decimal("7.50"), "revenue"), "ACC_2": (Decimal("2.50"), "revenue")} == shares(books)


def shares(books: Books) -> dict[str, tuple[Decimal, str]]:
    rows = books.ledger(JANUARY).select("account_id", "amount", "driver").rows()
    return {account: (amount, driver) for account, amount, driver in rows}


def test_mrr_is_at_low_use_below_half_of_the_licences_and_not_at_exactly_half() -> None:
    books = used(revenue=TWO_BILLS)  # 10 licences each
    active = pl.DataFrame(
        {
            "account_id": ["ACC_1", "ACC_2", "company"],
            "active_users": [4, 5, 8],  # one user works for both
            "utilisation": [Decimal("0.4"), Decimal("0.5"), Decimal("0.45")],  # 4 / 10, 5 / 10, (4 + 5) / 20
        },
        schema_overrides={"utilisation": RATIO},
    )

    rows = account_use(books.existing, active, books.ledger(JANUARY))

    columns = ("utilisation", "low_use_mrr", "revenue_per_active_user")
    got = {account: tuple(row) for account, *row in rows.select("account_id", *columns).rows()}
    assert {
        "ACC_1": (Decimal("0.4"), 300, 75),
        "ACC_2": (Decimal("0.5"), 0, 20),
        "company": (Decimal("0.45"), 300, 50),  # 400 / 8
    } == got


def test_a_week_is_named_by_its_iso_year() -> None:
    table = weekly({"2024-12-29": 1, "2024-12-30": 1, "2025-01-05": 1, "2025-01-06": 1})

    company = table.filter(pl.col("account_id") == "company")
    assert [("2024-W52", 1), ("2025-W01", 2), ("2025-W02", 1)] == company.select("week", "clicks").rows()


def test_a_week_is_compared_with_the_mean_of_the_four_before() -> None:
    # 1 + 2 + 0 + 5 over 4 = 2; then 2 + 0 + 5 + 3 over 4 = 2.5. The third week is without use.
    table = weekly({"2024-01-01": 1, "2024-01-08": 2, "2024-01-22": 5, "2024-01-29": 3, "2024-02-05": 5})

    company = table.filter(pl.col("account_id") == "company")
    columns = ("week", "active_users", "active_users_trailing", "active_users_change")
    assert [
        *((f"2024-W0{number}", users, None, None) for number, users in ((1, 1), (2, 2), (3, 0), (4, 5))),
        ("2024-W05", 3, Decimal(2), Decimal("0.5")),
        ("2024-W06", 5, Decimal("2.5"), Decimal(1)),
    ] == company.select(columns).rows()


def weekly(users: dict[str, int]) -> pl.DataFrame:
    """Return the weeks of so many users of ACC_1 on each date, a click each."""
    days = [
        {"date": date.fromisoformat(on), "account_id": "ACC_1", "user_id": f"U{number}", "clicks": 1,
         "qualifying_clicks": 1, "minutes": 0}
        for on, count in users.items() for number in range(count)
    ]  # fmt: skip
    sessions = pl.DataFrame(schema={"date": pl.Date, "account_id": pl.String})
    return pl.concat(engagement_weeks(pl.DataFrame(days, schema=USER_DAY), sessions))


def test_a_week_without_use_counts_as_nothing_in_the_mean() -> None:
    # A click a user in three of four weeks: (1 + 1 + 0 + 1) / 4.
    table = weekly({"2024-01-01": 1, "2024-01-08": 2, "2024-01-22": 5, "2024-01-29": 3})

    *_, last = table.filter(pl.col("account_id") == "company").iter_rows(named=True)
    assert (Decimal(1), Decimal("0.75")) == (last["clicks_per_user"], last["clicks_per_user_trailing"])


def test_use_without_a_feature_adopts_none() -> None:
    figures = used([AT_TEN | {"feature_name": None, "event_type": "page_view"}]).figures("2024-01")

    assert 1 == figures["M-41.mau", "company"]
    assert [] == [key for metric_id, key in figures if metric_id == "M-45"]


def test_hours_clicks_and_sessions_of_a_user_are_compared_with_the_four_weeks_before() -> None:
    """Sums of four weeks over 4, then the fifth week over that, less one."""
    mondays = ["2024-01-01", "2024-01-08", "2024-01-15", "2024-01-22", "2024-01-29"]
    minutes, clicks, begun = (60, 30, 90, 60, 120), (2, 4, 1, 1, 3), (1, 1, 2, 4, 1)
    days = [
        {"date": date.fromisoformat(on), "account_id": "ACC_1", "user_id": "U1", "clicks": each, "qualifying_clicks": each,
         "minutes": active}
        for on, each, active in zip(mondays, clicks, minutes, strict=True)
    ]  # fmt: skip
    starts = [(date.fromisoformat(on), "ACC_1") for on, each in zip(mondays, begun, strict=True) for _ in range(each)]
    sessions = pl.DataFrame(starts, schema={"date": pl.Date, "account_id": pl.String}, orient="row")

    table = pl.concat(engagement_weeks(pl.DataFrame(days, schema=USER_DAY), sessions))

    *_, last = table.filter(pl.col("account_id") == "ACC_1").iter_rows(named=True)
    measures = ("hours", "clicks_per_user", "sessions_per_user")
    assert [(2, 3, 1), (1, 2, 2), (1, Decimal("0.5"), Decimal("-0.5"))] == [
        tuple(last[f"{name}{suffix}"] for name in measures) for suffix in ("", "_trailing", "_change")
    ]


@pytest.mark.parametrize(("beyond", "expected"), [(timedelta(0), []), (timedelta(microseconds=1), ["late"])])
@pytest.mark.parametrize(
    ("contract", "line"),
    [
        (CLICK_EVENTS, AT_TEN),
        (USAGE_SESSIONS, usage("ACC_1", "U1", "2024-01-15T08:00:00Z", "2024-01-15T10:00:00Z", 1)),
        (USAGE_SESSIONS, usage("ACC_1", "U1", "2024-01-15T10:00:00Z", None, 1)),
    ],
    ids=["a click", "the end of a session", "the start of an open one"],
)
def test_exactly_48_hours_after_the_event_is_on_time(
    contract: Contract, line: dict[str, Any], beyond: timedelta, expected: list[str]
) -> None:
    arrival = datetime(2024, 1, 17, 10, tzinfo=UTC) + beyond

    judged = judge(delivered([line], arrival), contract, Company(), KEY)

    assert expected == late_events(judged, judged, contract, Company()).get_column("class").to_list()


def test_a_date_is_mature_48_hours_after_its_end() -> None:
    """L-3: all drained at 2024-02-02T12:00Z, 01-30 is mature since 00:00Z, 01-31 is not."""
    as_of = datetime(2024, 2, 2, 12, tzinfo=UTC)
    mark = watermark({("clicks", 0): None, ("clicks", 1): None}, as_of)

    at = {each: immature_dates(JANUARY, each, Company()) for each in (mark, datetime(2024, 2, 2, tzinfo=UTC))}
    just_before = immature_dates(JANUARY, datetime(2024, 2, 2, tzinfo=UTC) - timedelta(microseconds=1), Company())
    assert (as_of, {1}, 2) == (mark, {*at.values()}, just_before)
    assert 0 == immature_dates(JANUARY, datetime(2024, 2, 3, tzinfo=UTC), Company())


def test_before_a_month_ends_every_date_of_it_may_change() -> None:
    assert 31 == immature_dates(JANUARY, datetime(2024, 1, 1, tzinfo=UTC), Company())
    assert 30 == immature_dates(JANUARY, datetime(2024, 1, 4, tzinfo=UTC), Company())  # the first is mature


def test_the_slowest_partition_says_how_far_the_topics_are_known() -> None:
    as_of, behind = datetime(2024, 2, 2, 12, tzinfo=UTC), datetime(2024, 1, 20, tzinfo=UTC)

    assert behind == watermark({("clicks", 0): None, ("clicks", 1): behind}, as_of)
