"""Team activity: what a customer's team reports of a day. Its `team_id` is none of ours (AT-07).

The figures are reported ones: without a map from user to team (A-9) they cannot be recomputed.
Source: `data.md` A.9.
"""

from datetime import timedelta

import polars as pl

from compute.company import Company
from compute.contracts.contract import INSTANT, NUMBER, Contract, Field, Rule

USERS, HOURS = pl.col("active_users"), pl.col("total_session_time_hours")
CALLS, REPORTS = pl.col("api_calls"), pl.col("reports_generated")


def _rules(_company: Company) -> tuple[Rule, ...]:
    return (
        Rule("TEA-Q95", "a negative figure", (USERS < 0) | (HOURS < 0) | (CALLS < 0) | (REPORTS < 0)),
        Rule("TEA-Q02", "hours without active users", (USERS == 0) & (HOURS > 0)),
        Rule("TEA-Q01", "more hours than the users' days have", (USERS != 0) & ((USERS * 24).cast(NUMBER) < HOURS)),
    )


TEAM_ACTIVITY = Contract(
    dataset="team_activity",
    prefix="TEA",
    version="1.0.0",
    grain="a day of a customer's team",
    fields=(
        Field("account_id", "account", "key", "the account"),
        Field("team_id", "text", "key", "the customer's team, unique within the account"),
        Field("date", "date", "key", "the day; gives the month"),
        Field("active_users", "int", "must", "as reported"),
        Field("total_session_time_hours", "number", "must", "as reported, of all users together"),
        Field("features_accessed", "list", "may", "as reported"),
        Field("api_calls", "int", "must", "as reported"),
        Field("reports_generated", "int", "must", "as reported"),
    ),
    key=("account_id", "team_id", "date"),
    dated="date",
    rules=_rules,
    is_topic=True,
    unknown_account="TEA-Q03",
    event_time=pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").cast(INSTANT) + timedelta(days=1),
)
