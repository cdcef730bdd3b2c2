"""A silver table of millions of clicks, as settling writes it, for the benchmarks.

Accounts follow Zipf's law with exponent 1.05 and one of them, the whale, makes a fifth of all clicks; visits have 15
clicks, one gap in a hundred is above 30 minutes, visits cross midnight, one in twenty has no session_id, one in fifty
runs beside another of its user. Equal seeds give equal rows.
"""

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import polars as pl

from compute.buckets import BUCKETS, bucket_of, bucket_ranges
from compute.schema import typed
from storage.catalog import SILVER
from storage.files import write_files
from storage.lake import Lake
from storage.work import DataFile, Work

CLICKS = SILVER["click_events"]
MONTH, FIRST_DAY, DAYS = "2024-01", 1_704_067_200_000_000, 31
ROWS_PER_FILE = 200_000  # as flows/settle.py cuts a month
MINUTE = 60_000_000
KINDS = ("page_view", "feature_click", "click", "search", "export", "api_call", "login", "logout", "heartbeat", "error")
FEATURES = ("API", "API Access", "Analytics", "Advanced Analytics", "Reports", "Dashboard", "SSO", "Audit Log")
WORK = Work(flow="benchmark", dataset="")


@dataclass(frozen=True, slots=True)
class Shape:
    """How many clicks, and how they lie.

    Attributes:
        whale: the share of all clicks that one account makes.
        named: the share of visits that have a session_id.
    """

    clicks: int
    whale: float = 0.2
    named: float = 0.95


def fill(lake: Lake, shape: Shape) -> int:
    """Write the clicks of a month into silver, in one commit; returns how many there are."""
    random = np.random.default_rng(7)
    users = _users(shape, random)
    table, files = lake.open(CLICKS), list[DataFile]()
    table.created()
    for first, last in bucket_ranges(min(BUCKETS, 1 + shape.clicks // ROWS_PER_FILE)):
        mine = users.filter(pl.col("_bucket").is_between(first, last, closed="left"))
        files += write_files(lake, CLICKS, _clicks(mine, shape, random))
    table.replace_files(files, {MONTH: "benchmark"}, WORK)
    lake.open(SILVER["usage_sessions"]).created()
    return sum(each.rows for each in files)


def _users(shape: Shape, random: np.random.Generator) -> pl.DataFrame:
    """Return users with their account, bucket and number of visits."""
    count = max(50, shape.clicks // 250)
    weights = 1 / np.arange(1, 5_000) ** 1.05
    shares = np.concatenate([[shape.whale], weights / weights.sum() * (1 - shape.whale)])
    account = random.choice(shares.size, count, p=shares)
    accounts = [f"ACC_{number:05}" for number in account]
    names = [sha256(str(number).encode()).hexdigest() for number in range(count)]
    buckets = [bucket_of(*each) for each in zip(accounts, names, strict=True)]
    visits = random.poisson(shape.clicks / 15 / count, count)
    users = {"account_id": accounts, "user_id": names, "_bucket": buckets, "visits": visits}
    return pl.DataFrame(users, schema_overrides={"_bucket": pl.Int32}).sort("_bucket", "account_id", "user_id")


def _clicks(users: pl.DataFrame, shape: Shape, random: np.random.Generator) -> pl.DataFrame:
    visit_user = np.repeat(np.arange(users.height), users.get_column("visits").to_numpy())
    lengths = random.geometric(1 / 15, visit_user.size)
    visit = np.repeat(np.arange(visit_user.size), lengths)
    size = visit.size
    begin = FIRST_DAY + random.integers(0, DAYS * 1440 * MINUTE, visit_user.size)
    # Some visits begin within the one before: two tabs of one user.
    beside = np.flatnonzero((random.random(visit_user.size) < 0.02) & (np.diff(visit_user, prepend=-1) == 0))
    begin[beside] = begin[beside - 1] + MINUTE
    gap = np.where(random.random(size) < 0.01, random.uniform(31, 90, size), random.exponential(1.0, size)) * MINUTE
    run = np.cumsum(gap.astype(np.int64))
    first = np.repeat(np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64), lengths)
    at = np.minimum(begin[visit] + run - run[first], FIRST_DAY + DAYS * 1440 * MINUTE - 1)
    is_named = random.random(visit_user.size) < shape.named
    kind = random.choice(len(KINDS), size, p=[0.3, 0.3, 0.12, 0.08, 0.03, 0.05, 0.04, 0.02, 0.05, 0.01])
    feature = random.choice(len(FEATURES), size, p=[0.15, 0.1, 0.15, 0.1, 0.2, 0.2, 0.05, 0.05])
    user = pl.Series(visit_user[visit])
    sessions = pl.Series([f"S{number:x}" for number in random.integers(0, 1 << 60, visit_user.size)])
    rows = pl.DataFrame(
        {
            "user_id": users.get_column("user_id").gather(user),
            "account_id": users.get_column("account_id").gather(user),
            "_bucket": users.get_column("_bucket").gather(user),
            "event_type": pl.Series(KINDS).gather(pl.Series(kind)),
            "feature_name": pl.Series(FEATURES).gather(pl.Series(feature)),
            "timestamp": pl.Series(at).cast(pl.Datetime("us", "UTC")),
            "session_id": sessions.zip_with(pl.Series(is_named), pl.Series([None], dtype=pl.String)).gather(
                pl.Series(visit)
            ),
            "page_url": pl.Series([f"/app/page/{number}" for number in range(200)]).gather(
                pl.Series(random.integers(0, 200, size))
            ),
            "_offset": random.permutation(size),
        }
    )
    return _stored(rows)


def _stored(rows: pl.DataFrame) -> pl.DataFrame:
    used = pl.when(pl.col("event_type") == "feature_click").then("feature_name")
    placed = rows.with_columns(
        feature_name=used, browser=pl.lit("Chrome"), system=pl.lit("Linux"), device=pl.lit("Desktop"),
        _arrival=pl.col("timestamp"), _topic=pl.lit("click_events"), _partition=pl.lit(0), _quality=pl.lit("ok"),
        _codes=pl.lit([], dtype=pl.List(pl.String)), month=pl.lit(MONTH),
    )  # fmt: skip
    return typed(placed, CLICKS.schema).sort("_bucket", "account_id", "user_id", "timestamp", "_offset")
