"""The engagement feeds of the sample as records: payloads of clicks, sessions and team activity, columns at a time.

Each frame has `account` (its name), `at` (broker time, ms since 1970) and `payload` (a JSON object, its quotes escaped
as an envelope needs them).
"""

from datetime import UTC, datetime, timedelta

import polars as pl

from compute.sample.market import FEATURES
from compute.sample.seated import Population
from compute.sample.use import DAY_MS, DEVICES, EVENT_TYPES, MINUTE_MS

_Q = '\\"'
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.2 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (iPad; CPU OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.2 Safari/604.1",
    "python-requests/2.31.0",
)  # fmt: skip
_PAGES = ("/login", "", "/home", "/search", "/exports/new", "/home", "/error", "/logout")
TEAM_ARRIVAL = 3 * 60 * MINUTE_MS  # team activity of a day comes at 03:00 of the next
_SESSION_LAG = 20_000


def _member(name: str, value: str | None) -> str:
    return f"{_Q}{name}{_Q}: " + ("null" if value is None else f"{_Q}{value}{_Q}")


def _what() -> pl.Series:
    """Return type, feature and page of a click, by type and feature; a feature of -1 is none."""
    return pl.Series([
        ", ".join([_member("event_type", kind), _member("feature_name", used.used if used else None)])
        for kind in EVENT_TYPES for used in (None, *FEATURES)
    ])  # fmt: skip


def _where() -> pl.Series:
    return pl.Series([
        ", ".join([_member("page_url", used.page if used else page or "/home"), _member("user_agent", agent)])
        for page in _PAGES for used in (None, *FEATURES) for agent in _AGENTS
    ])  # fmt: skip


def feature_lists() -> pl.Series:
    """Return the lists of features as used, by set."""
    return pl.Series([
        "[" + ", ".join(f"{_Q}{each.used}{_Q}" for bit, each in enumerate(FEATURES) if number >> bit & 1) + "]"
        for number in range(1 << len(FEATURES))
    ])  # fmt: skip


_WHAT, _WHERE, _LISTS = _what(), _where(), feature_lists()


def click_records(clicks: pl.DataFrame, people: Population) -> pl.DataFrame:
    """Return clicks as records."""
    kinds = len(FEATURES) + 1
    what = pl.col("kind") * kinds + pl.col("feature") + 1
    coded = clicks.select(
        _account(people),
        "user", "session",
        at=pl.col("at") + pl.col("lag"),
        happened=pl.col("at"),
        what=_WHAT.gather(clicks.select(what).to_series()),
        where=_WHERE.gather(clicks.select(what * len(_AGENTS) + pl.col("device")).to_series()),
    )  # fmt: skip
    payload = [
        pl.lit(f"{{{_Q}user_id{_Q}: {_Q}"), user_id("user"), pl.lit(f"{_Q}, {_Q}account_id{_Q}: {_Q}"),
        pl.col("account"), pl.lit(f"{_Q}, "), pl.col("what"), pl.lit(f", {_Q}timestamp{_Q}: {_Q}"),
        instant("happened"), pl.lit(f"{_Q}, {_Q}session_id{_Q}: {_Q}SES-"), pl.col("session").cast(pl.String),
        pl.lit(f"{_Q}, "), pl.col("where"), pl.lit(f", {_Q}ip_address{_Q}: {_Q}"), _address(), pl.lit(f"{_Q}}}"),
    ]  # fmt: skip
    return coded.select("account", "at", "user", "happened", "session", payload=pl.concat_str(payload))


def session_records(sessions: pl.DataFrame, people: Population) -> pl.DataFrame:
    """Return usage sessions as records; they are sent when they end."""
    coded = sessions.select(
        _account(people),
        "user", "session", "begin", "end", "minutes", "used", "device", "clicks",
        at=pl.col("end") + _SESSION_LAG,
        list=_LISTS.gather(sessions.get_column("used")),
        kind=pl.Series(DEVICES).gather(sessions.get_column("device")),
    )  # fmt: skip
    payload = [
        pl.lit(f"{{{_Q}user_id{_Q}: {_Q}"), user_id("user"), pl.lit(f"{_Q}, {_Q}account_id{_Q}: {_Q}"),
        pl.col("account"), pl.lit(f"{_Q}, {_Q}session_start{_Q}: {_Q}"), instant("begin"),
        pl.lit(f"{_Q}, {_Q}session_end{_Q}: {_Q}"), instant("end"),
        pl.lit(f"{_Q}, {_Q}total_active_time_minutes{_Q}: "), pl.col("minutes").cast(pl.String),
        pl.lit(f", {_Q}features_used{_Q}: "), pl.col("list"), pl.lit(f", {_Q}device_type{_Q}: {_Q}"), pl.col("kind"),
        pl.lit(f"{_Q}}}"),
    ]  # fmt: skip
    return coded.with_columns(payload=pl.concat_str(payload)).drop("list", "kind")


def team_records(sessions: pl.DataFrame, people: Population) -> pl.DataFrame:
    """Return the team activity of the dates on which the sessions begin; it never tells more than they do."""
    day = pl.col("begin") // DAY_MS
    teams = pl.Series(people.teams)
    placed = sessions.with_columns(
        date=day, team=pl.col("nth") % teams.gather(sessions.get_column("account")).alias("team"), calls=_calls()
    )
    rows = placed.group_by("date", "account", "team").agg(
        users=pl.col("user").n_unique(), minutes=pl.col("minutes").sum(), used=pl.col("used").bitwise_or(),
        calls=pl.col("calls").sum(), reports=pl.col("clicks").sum() // 4,
    ).sort("date", "account", "team")  # fmt: skip
    hundredths = (pl.col("minutes") * 100 + 30) // 60
    coded = rows.select(
        _account(people), "users", "calls", "reports", "team",
        at=(pl.col("date") + 1) * DAY_MS + TEAM_ARRIVAL,
        date=pl.col("date").cast(pl.Int32).cast(pl.Date),
        list=_LISTS.gather(rows.get_column("used")),
        hours=(hundredths // 100).cast(pl.String) + "." + (hundredths % 100).cast(pl.String).str.zfill(2),
    )  # fmt: skip
    payload = [
        pl.lit(f"{{{_Q}account_id{_Q}: {_Q}"), pl.col("account"), pl.lit(f"{_Q}, {_Q}team_id{_Q}: {_Q}"),
        team_id("team"),
        pl.lit(f"{_Q}, {_Q}date{_Q}: {_Q}"), pl.col("date").cast(pl.String),
        pl.lit(f"{_Q}, {_Q}active_users{_Q}: "), pl.col("users").cast(pl.String),
        pl.lit(f", {_Q}total_session_time_hours{_Q}: "), pl.col("hours"),
        pl.lit(f", {_Q}features_accessed{_Q}: "), pl.col("list"), pl.lit(f", {_Q}api_calls{_Q}: "),
        pl.col("calls").cast(pl.String), pl.lit(f", {_Q}reports_generated{_Q}: "), pl.col("reports").cast(pl.String),
        pl.lit("}"),
    ]  # fmt: skip
    return coded.with_columns(payload=pl.concat_str(payload)).drop("list")


def _calls() -> pl.Expr:
    """Return the API calls of a session: many from a program, a few from a person who has the feature open."""
    is_program = pl.col("device") == DEVICES.index("API")
    uses_api = (pl.col("used") // 8) % 2 == 1
    return pl.when(is_program).then(pl.col("minutes") * 12).when(uses_api).then(pl.col("minutes")).otherwise(0)


def _account(people: Population) -> pl.Expr:
    return pl.lit(pl.Series(people.account_ids)).gather(pl.col("account")).alias("account")


def user_id(column: str) -> pl.Expr:
    """Return the name of a user by number."""
    return pl.concat_str([pl.lit("USR-"), (pl.col(column) + 100_001).cast(pl.String)])


def team_id(column: str) -> pl.Expr:
    """Return the name of an account's team by number."""
    return pl.concat_str([pl.lit("TEAM_"), (pl.col(column) + 1).cast(pl.String).str.zfill(3)])


def instant(column: str) -> pl.Expr:
    """Return an instant, ms since 1970, as text."""
    return pl.from_epoch(pl.col(column), time_unit="ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")


def instant_text(milliseconds: int) -> str:
    """Return one instant as text, as `instant` does.

    >>> instant_text(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    """
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _address() -> pl.Expr:
    """Return a user's address, always the same, in blocks that are in common use."""
    user = pl.col("user")
    parts = (81 + user % 14, user // 14 % 256, user // 3584 % 256, 1 + user % 254)
    return pl.concat_str([part.cast(pl.String) for part in parts], separator=".")
