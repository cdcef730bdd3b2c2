"""Click events: one UI event of a user. Two deliveries of it are one click; there are no revisions.

Source: `data.md` A.7.
"""

from datetime import timedelta

import polars as pl

from compute.company import Company
from compute.contracts.contract import Contract, Field, Rule
from compute.privacy import address_class, browser_of, device_of, system_of, without_query

TYPE, FEATURE, AT = pl.col("event_type"), pl.col("feature_name"), pl.col("timestamp")
ADDRESS = pl.col("_address")
LATENESS = pl.col("_arrival") - AT


def _rules(company: Company) -> tuple[Rule, ...]:
    limits, features = company.limits, company.features
    known_features = [*features.aliases, *features.aliases.values(), *features.core]
    return (
        Rule("CLK-Q01", "stamped after it arrived, beyond the clock skew",
             timedelta(minutes=limits.clock_skew_minutes) < -LATENESS),
        Rule("CLK-Q02", "older than the oldest event that is taken",
             timedelta(days=limits.max_event_age_days) < LATENESS),
        Rule("CLK-Q91", "a feature click without feature_name", (TYPE == "feature_click") & FEATURE.is_null()),
        Rule("CLK-Q92", "ip_address is no IPv4 or IPv6 address", ADDRESS == "none"),
        Rule("CLK-W01", "late: it arrived more than late_hours after it happened",
             timedelta(hours=limits.late_hours) < LATENESS),
        Rule("CLK-W02", "unknown event_type, or a feature that is neither core nor sold",
             ~TYPE.is_in(company.vocabulary.event_types) | ~FEATURE.is_in(known_features).fill_null(value=True)),
        Rule("CLK-W04", "ip_address is not globally reachable", ADDRESS == "special"),
        Rule("CLK-W94", "no session_id", pl.col("session_id").is_null()),
    )  # fmt: skip


CLICK_EVENTS = Contract(
    dataset="click_events",
    prefix="CLK",
    version="1.0.0",
    grain="one UI event of a user",
    fields=(
        Field("user_id", "text", "key", "who clicked; a pseudonym from silver on", is_user=True),
        Field("account_id", "account", "key", "the account"),
        Field("event_type", "text", "key", "open: vocabulary.event_types"),
        Field("feature_name", "text", "may", "as used; needed for feature_click"),
        Field("timestamp", "instant", "key", "when it happened; gives date and month"),
        Field("session_id", "text", "may", "the visit that it belongs to"),
        Field("page_url", "text", "may", "without query string from silver on", kept={"page_url": without_query}),
        Field("user_agent", "text", "may", "reduced to browser, system and device by silver",
              kept={"browser": browser_of, "system": system_of, "device": device_of}),
        Field("ip_address", "text", "may", "gone by silver", kept={}, known={"_address": address_class}),
    ),
    key=("user_id", "account_id", "session_id", "event_type", "feature_name", "page_url", "timestamp"),
    dated="timestamp",
    rules=_rules,
    user="user_id",
    is_topic=True,
    unknown_account="CLK-Q03",
    has_revisions=False,
    event_time=AT,
)  # fmt: skip
