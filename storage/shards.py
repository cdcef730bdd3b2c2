"""What runs inside a task: read a shard, apply one pure rule, write its Parquet files, describe them.

Frames live and die here; only names, versions and descriptions travel.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import polars as pl

from compute.account_month import Records, account_month
from compute.company import Company
from compute.engagement_day import user_days
from compute.months import Month, month_of
from compute.schema import typed
from compute.sessions import PART, bins, day_parts, join
from storage.catalog import ACCOUNT_MONTH_TABLE, CLICK_SESSION, SESSION_PART, SILVER, STATUS_STEP, USER_DAY_TABLE
from storage.dataset import Dataset
from storage.files import write_changes
from storage.lake import Lake
from storage.plan import Cut
from storage.work import Written


@dataclass(frozen=True, slots=True)
class AccountShard:
    """A range of account buckets, first inclusive, last exclusive, and what to make of it.

    Attributes:
        versions: the version of every table that is read, by name.
        months: the months wanted, without gaps.
        first_month: the first observed month over all accounts.
    """

    lake: str
    versions: Mapping[str, int]
    first_bucket: int
    last_bucket: int
    months: tuple[Month, ...]
    first_month: Month | None
    company: Company


ACCOUNT_INPUTS: Mapping[str, Dataset] = {
    "bills": SILVER["revenue"],
    "changes": SILVER["account_status_changes"],
    "steps": STATUS_STEP,
    "licences": SILVER["license_changes"],
    "renewals": SILVER["subscription_renewals"],
    "expenses": SILVER["expenses"],
}


def write_account_month(shard: AccountShard) -> Written:
    """Join the records of a shard's accounts and write them."""
    lake = Lake(shard.lake)
    mine = pl.col("_bucket").is_between(shard.first_bucket, shard.last_bucket, closed="left")
    frames = {
        name: lake.open(dataset, version=shard.versions[dataset.name]).read(mine)
        for name, dataset in ACCOUNT_INPUTS.items()
    }
    joined = account_month(Records(**frames), shard.months, shard.first_month, shard.company)
    # Each record knows its account's bucket: hashing a million names again takes longer than the join of their bills.
    buckets = pl.concat([frame.select("account_id", "_bucket") for frame in frames.values()]).unique()
    placed = joined.join(buckets, on="account_id", how="left", maintain_order="left")
    rows = typed(placed, ACCOUNT_MONTH_TABLE.schema)
    table = lake.open(ACCOUNT_MONTH_TABLE, version=shard.versions[ACCOUNT_MONTH_TABLE.name])
    return write_changes(lake, ACCOUNT_MONTH_TABLE, rows, table.read(mine), [str(month) for month in shard.months])


@dataclass(frozen=True, slots=True)
class UserShard:
    """A piece of the months' work, and what to make of it.

    Attributes:
        versions: the version of every table that is read, by name.
        cut: the months to write, buckets and dates.
        patched: those of them of which only `touched` dates are computed; the rest of their rows stay as they are.
        touched: `account_id, date` whose records changed.
    """

    lake: str
    versions: Mapping[str, int]
    cut: Cut
    patched: tuple[Month, ...]
    touched: pl.DataFrame
    company: Company


CLICKS, USAGE = SILVER["click_events"], SILVER["usage_sessions"]
_CLICK = ("account_id", "user_id", "session_id", "event_type", "feature_name", "timestamp", "_bucket", "month")


def write_user_days(shard: UserShard) -> dict[str, Written]:
    """Roll up the clicks and usage sessions of a shard's users and write them; returns what was written by table."""
    lake, cut = Lake(shard.lake), shard.cut
    mine = pl.col("_bucket").is_between(cut.first_bucket, cut.last_bucket, closed="left")
    names, on = sorted(map(str, cut.months)), pl.col("date").is_between(cut.first, cut.last)

    def read(dataset: Dataset, where: pl.Expr, columns: Sequence[str]) -> pl.DataFrame:
        return lake.open(dataset, version=shard.versions[dataset.name]).read(mine & where, columns)

    of_months = pl.col("month").is_in(names)
    clicks = read(CLICKS, of_months & _happened(cut), _CLICK)
    pieces = bins(_touched_only(clicks, shard, pl.col("timestamp").dt.date()), shard.company)
    # Minutes after midnight belong to the next date, so the month before is read too.
    spilling = sorted({*names, *(str(month.plus(-1)) for month in cut.months)})
    usage = read(USAGE, pl.col("month").is_in(spilling), tuple(USAGE.schema))
    days = user_days(pieces, usage, shard.company).filter(of_months & on)
    parts = typed(day_parts(pieces).with_columns(month=month_of(pl.col("date"))), PART)
    written = {}
    for dataset, fresh in ((USER_DAY_TABLE, days), (SESSION_PART, parts)):
        stored = read(dataset, of_months & on, tuple(dataset.schema))
        kept = stored.filter(_is_patched(shard)).join(shard.touched, on=["account_id", "date"], how="anti")
        rows = pl.concat([_touched_only(fresh, shard, pl.col("date")), kept]).sort("_bucket", *dataset.key)
        written[dataset.name] = write_changes(lake, dataset, rows, stored, names)
    return written


def _happened(cut: Cut) -> pl.Expr:
    begin, end = (datetime.combine(day, time(), UTC) for day in (cut.first, cut.last + timedelta(days=1)))
    return pl.col("timestamp").is_between(begin, end, closed="left")


@dataclass(frozen=True, slots=True)
class SessionShard:
    """A range of user buckets, first inclusive, last exclusive, in all months.

    Attributes:
        versions: the version of every table that is read, by name.
        months: the months that sessions may begin in, those included that have sessions now.
    """

    lake: str
    versions: Mapping[str, int]
    first_bucket: int
    last_bucket: int
    months: tuple[str, ...]


def write_sessions(shard: SessionShard) -> Written:
    """Join the day parts of a shard's users to sessions, over midnight and month ends, and write them."""
    lake = Lake(shard.lake)
    mine = pl.col("_bucket").is_between(shard.first_bucket, shard.last_bucket, closed="left")
    parts, stored = (
        lake.open(dataset, version=shard.versions[dataset.name]).read(mine) for dataset in (SESSION_PART, CLICK_SESSION)
    )
    sessions = join(parts.drop("month")).with_columns(month=month_of(pl.col("date")))
    rows = typed(sessions, PART).sort("month", "_bucket", *CLICK_SESSION.key)
    return write_changes(lake, CLICK_SESSION, rows, stored, shard.months)


def _is_patched(shard: UserShard) -> pl.Expr:
    return pl.col("month").is_in(sorted(map(str, shard.patched)))


def _touched_only(rows: pl.DataFrame, shard: UserShard, on: pl.Expr) -> pl.DataFrame:
    """Return the rows of whole months, and of patched ones those of the touched dates."""
    if not shard.patched:
        return rows
    part = rows.filter(_is_patched(shard)).join(
        shard.touched, left_on=["account_id", on], right_on=["account_id", "date"], how="semi"
    )
    return pl.concat([rows.filter(~_is_patched(shard)), part])
