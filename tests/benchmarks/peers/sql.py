"""The rollup in SQL, as DuckDB and Spark say it: 30-minute bins, their gaps, the stretches that they make."""

from typing import Any

MINUTES = 1_800_000_000
DAY = 86_400_000_000


def clicks(spec: dict[str, Any], table: str, microseconds: str, divide: str) -> str:
    """Return the query of the clicks, features as sold."""
    aliases = " ".join(f"WHEN '{used}' THEN '{sold}'" for used, sold in spec["aliases"].items())
    deny = ", ".join(f"'{kind}'" for kind in spec["deny"])
    return f"""
        SELECT account_id, user_id, session_id, us, us {divide} {DAY} AS day, us {divide} {MINUTES} AS bin,
               CASE feature_name {aliases} ELSE feature_name END AS feature, event_type NOT IN ({deny}) AS qualifies
        FROM (SELECT *, {microseconds} AS us FROM {table})"""


def parts(source: str, texts: str, joined: str) -> str:
    """Return the query of the session parts.

    Args:
        source: the view of clicks.
        texts: the aggregate that makes a list of distinct features.
        joined: the aggregate that joins lists of them to a text, in order.
    """
    visit = "account_id, user_id, session_id, day"
    return f"""
        WITH bins AS (SELECT {visit}, bin, min(us) AS first, max(us) AS last, count(*) AS n, {texts} AS names
                      FROM {source} GROUP BY {visit}, bin),
        gaps AS (SELECT *, first - lag(last) OVER (PARTITION BY {visit} ORDER BY first) AS gap FROM bins),
        marked AS (SELECT *, sum(CASE WHEN session_id IS NULL AND gap > {MINUTES} THEN 1 ELSE 0 END)
                             OVER (PARTITION BY {visit} ORDER BY first) AS part FROM gaps)
        SELECT {visit}, min(first) AS started, max(last) AS ended,
               CAST(sum(last - first + CASE WHEN gap IS NULL OR (session_id IS NULL AND gap > {MINUTES}) THEN 0
                    ELSE least(gap, {MINUTES}) END) AS BIGINT) AS active,
               CAST(sum(n) AS BIGINT) AS clicks, {joined} AS features
        FROM marked GROUP BY {visit}, part"""


def days(source: str, qualifying: str) -> str:
    """Return the query of the user-days; `qualifying` joins the features of qualifying clicks to a text."""
    return f"""
        SELECT account_id, user_id, day, count(*) AS clicks,
               CAST(sum(CASE WHEN qualifies THEN 1 ELSE 0 END) AS BIGINT) AS qualifying, {qualifying} AS features
        FROM {source} GROUP BY account_id, user_id, day"""
