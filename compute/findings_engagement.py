"""Findings on clicks, usage sessions and team activity; rows are named by their place in the topic, never by user.

Source: `data.md` A.7, A.8, A.9, A.10 (XR-5, XR-8).
"""

from datetime import timedelta

import polars as pl

from compute.account_month import seats_by_day
from compute.company import Company
from compute.contracts.contract import TOPIC_ORDER
from compute.engagement_day import IS_ACTIVE
from compute.findings import Check, Frames, key_of, nearest, with_status_on
from compute.months import month_of
from compute.mrr import state_bills
from compute.statuses import PAYING, UNKNOWN
from compute.wording import worded

OPEN_FOR = timedelta(hours=24)  # what an open session contains
_START, _END = pl.col("session_start"), pl.col("session_end")
_PLACE = worded("{}/{}", "_partition", "_offset")
_DAY = ("account_id", "date")


def stray_clicks(frames: Frames, _company: Company) -> pl.DataFrame:
    """CLK-W03: no session of the click's user and account contains it, both ends included."""
    who = ["account_id", "user_id"]
    # Of the sessions that start by then, one contains the click exactly when their latest end does.
    ends = frames.sessions.sort(_START).select(
        *who, _START, _until=pl.coalesce(_END, _START + OPEN_FOR).cum_max().over(who)
    )
    known = frames.clicks.sort("timestamp").join_asof(
        ends, left_on="timestamp", right_on="session_start", by=who, check_sortedness=False
    )
    is_within = (pl.col("timestamp") <= pl.col("_until")).fill_null(value=False)
    return known.filter(~is_within).select(
        "month", "account_id", key=_PLACE, evidence=worded("click at {} lies in no session of its user", "timestamp")
    )


def overlapping_sessions(frames: Frames, _company: Company) -> pl.DataFrame:
    """USE-W02: the session starts before an earlier one of its user and device has ended; touching is no overlap."""
    who = ["user_id", "device_type"]
    ordered = frames.sessions.drop_nulls("device_type").sort(_START, *TOPIC_ORDER)
    known = ordered.with_columns(
        _until=pl.coalesce(_END, _START + OPEN_FOR).cum_max().shift().over(who),
    )
    return known.filter(pl.col("_until") > _START).select(
        "month", "account_id", key=_PLACE,
        evidence=worded("session from {}, while another of the same user and device lasts until {}",
                        _START, "_until"),
    )  # fmt: skip


def unlicensed_features(frames: Frames, company: Company) -> pl.DataFrame:
    """USE-W03: a feature was used that is neither core nor on the month's state bill; without a bill none is judged."""
    as_sold = pl.element().replace(company.features.aliases)
    licensed = state_bills(frames.bills).select(
        "account_id", "month", _sold=pl.col("additional_features").list.eval(as_sold)
    )
    used = pl.col("features_used").list.eval(as_sold).list.unique().list.sort()
    core = pl.lit(list(company.features.core), dtype=pl.List(pl.String))
    known = frames.sessions.join(licensed, on=["account_id", "month"]).with_columns(
        _beyond=used.list.set_difference(pl.concat_list("_sold", core)).list.drop_nulls().list.sort()
    )
    return known.filter(pl.col("_beyond").list.len() > 0).select(
        "month", "account_id", key=_PLACE,
        evidence=worded("used {}, which the bill of {} does not hold", pl.col("_beyond").list.join(", "), "month"),
    )  # fmt: skip


def crowded_teams(frames: Frames, _company: Company) -> pl.DataFrame:
    """TEA-W01: one team, or the account's teams together, have more active users than licences are in force."""
    users = pl.col("active_users")
    teams = frames.teams.group_by(*_DAY).agg(_largest=users.max(), _sum=users.sum(), _count=pl.len())
    seats = seats_by_day(frames.licences, state_bills(frames.bills))
    known = nearest(with_status_on(teams, frames, "date"), seats, on=("date", "seen_on"))
    ended = ~pl.col("status").is_in([*PAYING, UNKNOWN])
    known = known.with_columns(_seats=pl.when(ended).then(0).otherwise("seats"))
    certain = worded("{} active users of one team (certain), {} licences in force", "_largest", "_seats")
    summed = worded("{} active users over {} teams (users may be in several), {} licences in force",
                       "_sum", "_count", "_seats")  # fmt: skip
    return known.filter(pl.col("_sum") > pl.col("_seats")).select(
        "account_id", month=month_of(pl.col("date")), key=key_of(*_DAY),
        evidence=pl.when(pl.col("_largest") > pl.col("_seats")).then(certain).otherwise(summed),
    )  # fmt: skip


def unseen_users(frames: Frames, _company: Company) -> pl.DataFrame:
    """TEA-W02, soft: the largest team has more active users than the account has by clicks and sessions."""
    daily = frames.user_days.filter(IS_ACTIVE).group_by(*_DAY).agg(_dau=pl.col("user_id").n_unique().cast(pl.Int64))
    teams = frames.teams.group_by(*_DAY).agg(_largest=pl.col("active_users").max())
    known = teams.join(daily, on=_DAY, how="left").with_columns(pl.col("_dau").fill_null(0))
    return known.filter(pl.col("_largest") > pl.col("_dau")).select(
        "account_id", month=month_of(pl.col("date")), key=key_of(*_DAY),
        evidence=worded("{} active users reported of one team, {} seen in clicks and sessions", "_largest", "_dau"),
    )  # fmt: skip


def crowded_accounts(frames: Frames, _company: Company) -> pl.DataFrame:
    """XR-5: more monthly active users than licences in force; not judged where those are not known."""
    group = ["account_id", "month"]
    monthly = frames.user_days.filter(IS_ACTIVE).group_by(group).agg(_mau=pl.col("user_id").n_unique())
    known = monthly.join(frames.rows, on=group)
    return known.filter(pl.col("_mau") > pl.col("licences")).select(
        *group, key=key_of(*group),
        evidence=worded("{} active users in {}, {} licences in force", "_mau", "month", "licences"),
    )  # fmt: skip


ENGAGEMENT_CHECKS: tuple[Check, ...] = (
    Check("CLK-W03", "click_events", "no session of its user and account contains the click",
          "M-43, M-53", "footnote", stray_clicks),
    Check("USE-W02", "usage_sessions", "it overlaps an earlier one of the same user and device",
          "M-43", "footnote", overlapping_sessions),
    Check("USE-W03", "usage_sessions", "a feature was used that is neither core nor billed (XR-8)",
          "M-45", "footnote", unlicensed_features),
    Check("TEA-W01", "team_activity", "more active users are reported than licences are in force",
          "M-44, M-46", "footnote", crowded_teams),
    Check("TEA-W02", "team_activity", "soft: a team reports more active users than clicks and sessions show",
          "M-40, M-46", "footnote", unseen_users),
    Check("XR-5", "usage_sessions", "more monthly active users than licences in force",
          "M-41, M-44", "footnote", crowded_accounts),
)  # fmt: skip
