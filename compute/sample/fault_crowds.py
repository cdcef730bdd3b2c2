"""Faults of use that only a comparison finds: stray clicks, features nobody bought, more users than seats.

Each function puts one fault into a day's records and returns it, or None when no record of the day fits.
"""

import numpy as np
import polars as pl

from compute.sample.desk import Entry
from compute.sample.fault_day import Day, shifted
from compute.sample.market import CORE, SOLD
from compute.sample.use import MINUTE_MS

Random = np.random.Generator


def stray_click(day: Day, random: Random) -> Entry | None:
    """A click ten minutes after its user's only session of the day."""
    found = day.pick(random, "usage_sessions", pl.lit(value=True))
    if found is None:
        return None
    session, row = found
    at = shifted(session["session_end"], 10 * MINUTE_MS)
    click = {
        "user_id": session["user_id"], "account_id": session["account_id"], "event_type": "page_view",
        "feature_name": None, "timestamp": at, "session_id": f"SES-{row['session']}", "page_url": "/home",
        "user_agent": None, "ip_address": None,
    }  # fmt: skip
    entry = Entry("stray_click", "after the session", "click_events", "in no session", {})
    entry.record = {"account_id": session["account_id"], "timestamp": at}
    entry.code = "CLK-W03"
    entry.counts("accepted", 1)
    day.add("click_events", session["account_id"], row["end"] + 10 * MINUTE_MS + 900, click, entry, ("CLK-W03",))
    return entry


def unlicensed_feature(day: Day, random: Random) -> Entry | None:
    """A session used an add-on that is not on the account's bill."""
    found = day.pick(random, "usage_sessions", pl.lit(value=True))
    if found is None:
        return None
    session, row = found
    bits = int(day.made.room.features[day.room_row(session["account_id"])]) >> len(CORE)
    beyond = next((feature.used for bit, feature in enumerate(SOLD) if not bits >> bit & 1), None)
    if beyond is None:
        return None
    entry = Entry("unlicensed_feature", "session", "usage_sessions", "neither core nor billed", {})
    entry.record = {"account_id": session["account_id"], "feature": beyond}
    entry.code = "USE-W03"
    day.drop("usage_sessions", row["row"])
    record = session | {"features_used": [*session["features_used"], beyond]}
    day.add("usage_sessions", session["account_id"], row["at"], record, entry, ("USE-W03",))
    return entry


def crowded_team(day: Day, random: Random) -> Entry | None:
    """A team reports more active users than the account has seats."""
    found = day.pick(random, "team_activity", pl.lit(value=True))
    if found is None:
        return None
    team, row = found
    account = team["account_id"]
    many = day.most_seats(account) + 1
    entry = Entry("crowded_team", "more than seats", "team_activity", "more users than seats", {"account_id": account})
    entry.code = "TEA-W01"
    entry.counts("accepted", 1)
    record = team | {"team_id": "TEAM_900", "active_users": many, "total_session_time_hours": 1.5}
    day.add("team_activity", account, row["at"] + 1, record, entry, ())
    key = f"{account} {team['date']}"
    entry.findings += [(team["date"][:7], code, key) for code in ("TEA-W01", "TEA-W02")]
    return entry


def unseen_users(day: Day, random: Random) -> Entry | None:
    """A team reports some more active users than clicks and sessions show, within the seats."""
    totals = day.frame("team_activity").group_by("account", "date").agg(total=pl.col("users").sum())
    roomy = {
        (account, date): total for account, date, total in totals.rows() if day.least_seats(account) >= 2 * total + 6
    }
    found = day.pick(random, "team_activity", pl.col("account").is_in([account for account, _ in roomy]))
    if found is None or (found[0]["account_id"], found[1]["date"]) not in roomy:
        return None
    team, row = found
    account = team["account_id"]
    many = roomy[account, row["date"]] + 4
    entry = Entry("unseen_users", "a few", "team_activity", "more users than seen", {"account_id": account})
    entry.code = "TEA-W02"
    day.drop("team_activity", row["row"])
    day.add("team_activity", account, row["at"], team | {"active_users": many}, entry, ())
    entry.findings.append((team["date"][:7], "TEA-W02", f"{account} {team['date']}"))
    return entry


def crowded_account(day: Day, random: Random) -> Entry | None:
    """More users than seats come in one month."""
    small = [name for name in day.frame("usage_sessions").get_column("account").unique() if day.most_seats(name) <= 4]
    found = day.pick(random, "usage_sessions", pl.col("account").is_in(sorted(small)))
    if found is None:
        return None
    session, row = found
    account, month = session["account_id"], str(day.made.month)
    entry = Entry("crowded_account", "users", "usage_sessions", "more users than seats", {"account_id": account})
    entry.code = "XR-5"
    for number in range(day.most_seats(account) + 1):
        entry.counts("accepted", 1)
        record = session | {"user_id": f"USR-GUEST-{account}-{number}"}
        day.add("usage_sessions", account, row["at"] + number, record, entry, ())
    entry.findings.append((month, "XR-5", f"{account} {month}"))
    return entry
