"""Platform usage time: one session of one user, with the minutes in which it was active.

Source: `data.md` A.8.
"""

from datetime import datetime, timedelta

import polars as pl

from compute.company import Company
from compute.contracts.contract import Contract, Field, Rule

START, END, MINUTES = pl.col("session_start"), pl.col("session_end"), pl.col("total_active_time_minutes")
DAY = timedelta(hours=24)
AGES_AT = pl.when(END.is_null()).then(START + DAY)


def _rules(company: Company) -> tuple[Rule, ...]:
    return (
        Rule("USE-Q95", "negative minutes", MINUTES < 0),
        Rule("USE-W93", "unknown device_type", ~pl.col("device_type").is_in(company.vocabulary.device_types)),
        Rule("USE-Q01", "it ends before it starts; Q02 and Q03 are then not judged", END < START, is_last=True),
        Rule("USE-Q02", "more active minutes than it lasted, plus one",
             (END - START).dt.total_microseconds() // 60_000_000 < MINUTES - 1),
        Rule("USE-Q03", "longer than 24 hours", END - START > DAY),
    )  # fmt: skip


def _current_rules(_company: Company, as_of: datetime) -> tuple[Rule, ...]:
    return (Rule("USE-W01", "still open 24 hours after it started", pl.lit(as_of) > AGES_AT),)


USAGE_SESSIONS = Contract(
    dataset="usage_sessions",
    prefix="USE",
    version="1.0.0",
    grain="one session of one user",
    fields=(
        Field("user_id", "text", "key", "whose session; a pseudonym from silver on", is_user=True),
        Field("account_id", "account", "key", "the account"),
        Field("session_start", "instant", "key", "gives the month"),
        Field("session_end", "instant", "may", "null while it is open"),
        Field("total_active_time_minutes", "int", "must", "active, not elapsed"),
        Field("features_used", "list", "may", "as used"),
        Field("device_type", "text", "may", "open: vocabulary.device_types"),
    ),
    key=("user_id", "account_id", "session_start"),
    dated="session_start",
    rules=_rules,
    current_rules=_current_rules,
    user="user_id",
    is_topic=True,
    unknown_account="USE-Q04",
    event_time=pl.coalesce(END, START),
    ages_at=AGES_AT,
)
