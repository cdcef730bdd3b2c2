"""Laws that hold on any clicks and usage sessions: agreement with a naive implementation, any order, any split.

Source: `metrics.md` §7; AT-21.
"""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.account_month import ACCOUNT_MONTH
from compute.buckets import with_bucket
from compute.company import Company
from compute.company_month import company_month
from compute.details import DAY_METRICS
from compute.engagement import EngagementInput, account_days, day_figures, engagement_figures
from compute.engagement_day import user_days
from compute.months import Month
from compute.schema import typed
from compute.sessions import PIECE, bins, day_parts, join
from tests.company import Books
from tests.property import plain_engagement

COMPANY, MONTHS = Company(), Month(2024, 1).until(Month(2024, 3))
INSTANT = pl.Datetime("us", "UTC")
CLICK = {"account_id": pl.String, "user_id": pl.String, "session_id": pl.String, "event_type": pl.String,
         "feature_name": pl.String, "timestamp": INSTANT}  # fmt: skip
USAGE = {"account_id": pl.String, "user_id": pl.String, "session_start": INSTANT, "session_end": INSTANT,
         "total_active_time_minutes": pl.Int64, "features_used": pl.List(pl.String)}  # fmt: skip
IDLE, MICROSECOND = timedelta(minutes=30), timedelta(microseconds=1)
NO_TEAMS = Books({}, (MONTHS[0],)).topics["team_activity"]

features = st.sampled_from([None, "", "API", "API Access", "Analytics", "Reports"])
kinds = st.sampled_from(["page_view", "page_view", "heartbeat", "logout", "of a new kind"])
visits = st.sampled_from([None, None, "S1", "S2"])
# Before, on and after midnight, month ends and a leap day; a run of gaps from there crosses them.
anchors = st.sampled_from(
    [datetime(2024, month, day, hour, minute, tzinfo=UTC) + odd
     for month, day, hour, minute in ((1, 31, 22, 30), (1, 31, 23, 45), (2, 1, 0, 0), (2, 9, 23, 30), (2, 10, 12, 0),
                                      (2, 29, 23, 50), (3, 1, 0, 0), (2, 22, 23, 45))
     for odd in (-MICROSECOND, timedelta(0))]
)  # fmt: skip
gaps = st.sampled_from(
    [timedelta(0), MICROSECOND, timedelta(minutes=7), IDLE - MICROSECOND, IDLE, IDLE + MICROSECOND,
     timedelta(minutes=45), timedelta(hours=5)]
)  # fmt: skip


@st.composite
def runs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Clicks of one user in a row."""
    account, user = draw(st.sampled_from(["ACC_1", "ACC_2", "ACC_3"])), draw(st.sampled_from(["U1", "U2"]))
    visit, at, clicks = draw(visits), draw(anchors), []
    for gap in draw(st.lists(gaps, max_size=7)):
        at += gap
        session = visit if draw(st.booleans()) else draw(visits)
        clicks.append({"account_id": account, "user_id": user, "session_id": session, "event_type": draw(kinds),
                       "feature_name": draw(features), "timestamp": at})  # fmt: skip
    return clicks


@st.composite
def usages(draw: st.DrawFn) -> dict[str, Any]:
    start = draw(anchors) + draw(gaps)
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    halved = min(2 * (midnight - start), timedelta(hours=24))  # an odd minute of it is a tie
    lengths = [None, timedelta(0), MICROSECOND, 2 * IDLE, timedelta(hours=24), midnight - start, halved, halved]
    length = draw(st.sampled_from(lengths))
    return {
        "account_id": draw(st.sampled_from(["ACC_1", "ACC_2", "ACC_4"])), "user_id": draw(st.sampled_from(["U1", "U2"])),
        "session_start": start, "session_end": None if length is None else start + length,
        "total_active_time_minutes": draw(st.sampled_from([0, 1, 2, 45, 420]) | st.integers(0, 1440)),
        "features_used": draw(st.none() | st.lists(st.sampled_from(["API", "API Access", "Dashboard"]), max_size=2)),
    }  # fmt: skip


clicks_of = st.lists(runs(), max_size=6).map(lambda parts: [click for part in parts for click in part])
usages_of = st.lists(usages(), max_size=6)
existing = st.sampled_from([(2, 100, ["API Access", "Reports"]), (0, 0, ["API Access"]), (1, 100, None)])
accounts_of = st.lists(existing, min_size=1, max_size=3).map(
    lambda drawn: [
        {"account_id": f"ACC_{number}", "licences": seats, "mrr": mrr, "features": sold}
        for number, (seats, mrr, sold) in enumerate(drawn, 1)
    ]
)
often, seldom = settings(deadline=None, max_examples=80), settings(deadline=None, max_examples=25)


def frame(rows: list[dict[str, Any]], schema: dict[str, Any]) -> pl.DataFrame:
    return with_bucket(pl.DataFrame(rows, schema=schema), ["account_id", "user_id"])


def pieces(clicks: list[dict[str, Any]]) -> pl.DataFrame:
    return typed(bins(frame(clicks, CLICK), COMPANY), PIECE)


def used_days(clicks: list[dict[str, Any]], used: list[dict[str, Any]]) -> pl.DataFrame:
    return user_days(bins(frame(clicks, CLICK), COMPANY), frame(used, USAGE), COMPANY)


def sessions(joined: pl.DataFrame) -> list[tuple[Any, ...]]:
    names = ("account_id", "user_id", "session_id", "started_at", "ended_at", "active_us", "clicks", "features")
    rows = joined.sort("account_id", "user_id", "session_id", "started_at", nulls_last=False)
    return [tuple(row[name] for name in names) for row in rows.to_dicts()]


@often
@given(clicks_of)
def test_sessions_are_those_of_the_naive_implementation(clicks: list[dict[str, Any]]) -> None:
    joined = join(pieces(clicks))

    assert plain_engagement.click_sessions(clicks) == sessions(joined)
    assert joined.filter(pl.col("date") != pl.col("started_at").dt.date()).is_empty()


@often
@given(clicks_of, st.randoms(use_true_random=False))
def test_sessions_are_the_same_in_any_order_and_over_any_split(clicks: list[dict[str, Any]], random: Any) -> None:
    shuffled = random.sample(clicks, len(clicks))
    cuts = sorted(random.randint(0, len(clicks)) for _ in range(3))
    shards = [shuffled[first:last] for first, last in zip([0, *cuts], [*cuts, len(clicks)], strict=True)]

    joined = join(pl.concat([pieces(shard) for shard in shards]))

    expected = join(pieces(clicks))
    assert expected.equals(join(pieces(shuffled)))
    assert expected.equals(joined)


@often
@given(clicks_of, st.randoms(use_true_random=False))
def test_the_parts_of_one_date_can_be_made_anew_without_the_others(clicks: list[dict[str, Any]], random: Any) -> None:
    whole = pieces(clicks)
    late = random.choice(clicks)["timestamp"].date() if clicks else date(2024, 2, 1)
    arrived = [click for click in clicks if click["timestamp"].date() != late or random.random() < 0.5]
    kept = day_parts(pieces(arrived)).filter(pl.col("date") != late)

    anew = day_parts(pieces([click for click in clicks if click["timestamp"].date() == late]))

    expected = join(whole)
    assert expected.equals(join(day_parts(whole)))
    assert expected.equals(join(pl.concat([kept, anew])))
    assert day_parts(whole).sort(pl.all()).equals(pl.concat([kept, anew]).sort(pl.all()))


@often
@given(clicks_of, usages_of)
def test_user_days_are_those_of_the_naive_implementation(
    clicks: list[dict[str, Any]], used: list[dict[str, Any]]
) -> None:
    days = used_days(clicks, used)

    names = ("clicks", "qualifying_clicks", "usage_sessions", "minutes", "features")
    got = {
        (row["date"], row["account_id"], row["user_id"]): {name: row[name] for name in names} for row in days.to_dicts()
    }
    expected = plain_engagement.user_days(clicks, used)
    assert {key: {**day, "features": sorted(day["features"])} for key, day in expected.items()} == got
    assert len(got) == days.height


@often
@given(usages())
def test_minutes_over_midnight_add_up_and_each_is_within_one_of_its_exact_share(used: dict[str, Any]) -> None:
    days = used_days([], [used])

    shares = dict(days.select("date", "minutes").rows())
    total, weights = used["total_active_time_minutes"], plain_engagement.elapsed(used)
    assert total == sum(shares.values())
    for on, weight in weights.items():
        assert abs(shares.get(on, 0) - Fraction(total * weight, sum(weights.values()))) < 1
    assert set(shares) <= {used["session_start"].date(), *weights}


@seldom
@given(clicks_of, usages_of, accounts_of, st.sampled_from(MONTHS))
def test_figures_are_those_of_the_naive_implementation(
    clicks: list[dict[str, Any]], used: list[dict[str, Any]], accounts: list[dict[str, Any]], month: Month
) -> None:
    table = figure_table(engagement(clicks, used, accounts, month), month)

    got = {
        (row["metric_id"], row["grain_key"]): row["null_reason"] or row["value"] for row in table.iter_rows(named=True)
    }
    expected = plain_engagement.figures(clicks, used, accounts, month.first, month.last)
    assert {key: plain_engagement.stored(value) for key, value in expected.items()} == got
    assert len(got) == table.height


@seldom
@given(clicks_of, usages_of, st.sampled_from(MONTHS))
def test_distinct_users_are_counted_anew_at_every_grain(
    clicks: list[dict[str, Any]], used: list[dict[str, Any]], month: Month
) -> None:
    """AT-21: within the largest part and the sum of the parts, and equal to the sum only where nobody is twice."""
    given_ = engagement(clicks, used, [], month)
    table = figure_table(given_, month)

    def values(metric_id: str, grain: str) -> list[int]:
        rows = table.filter((pl.col("metric_id") == metric_id) & (pl.col("grain") == grain))
        return [int(value) for value in rows.get_column("value")]

    (company,) = values("M-41.mau", "company_month")
    is_active = (pl.col("qualifying_clicks") > 0) | (pl.col("minutes") > 0)
    active = given_.days.filter(is_active).select("account_id", "user_id", "date")
    for parts, by in (
        (values("M-41.mau", "account_month"), ["account_id"]),
        (values("M-40", "company_day"), ["date"]),
        (values("M-40", "account_day"), ["account_id", "date"]),
    ):
        assert max(parts, default=0) <= company <= sum(parts)
        is_once = active.select(*by, "user_id").unique().get_column("user_id").is_unique().all()
        assert is_once == (company == sum(parts))


def figure_table(given_: EngagementInput, month: Month) -> pl.DataFrame:
    return pl.concat([engagement_figures(given_, month), day_figures(account_days(given_, month), DAY_METRICS)])


def engagement(
    clicks: list[dict[str, Any]], used: list[dict[str, Any]], accounts: list[dict[str, Any]], month: Month
) -> EngagementInput:
    days = used_days(clicks, used)
    begun = join(pieces(clicks)).filter(pl.col("date").is_between(month.first, month.last))
    has_record = (pl.col("clicks") > 0) | (pl.col("usage_sessions") > 0)
    seen = days.filter(has_record, pl.col("month") <= str(month)).get_column("account_id").unique()
    rows = pl.DataFrame([{**row, "month": str(month)} for row in accounts], schema=ACCOUNT_MONTH)
    of_month = days.filter(pl.col("month") == str(month))
    return EngagementInput(of_month, begun, NO_TEAMS, rows, seen, company_month(rows, month, None))
