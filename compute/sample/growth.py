"""The growth feeds of the sample: status changes weekly, licence changes and renewals twice a month.

A record's `arrival` is the first drop after the day on which it came to be known; what is older than the first month
comes with the first file.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from compute.sample.life import Life
from compute.sample.lines import day, line, money, text, whole
from compute.sample.market import REASON, SALES_REPS, STARTER
from compute.sample.request import Request

Drop = Callable[[date], datetime]
INSTANT = pl.Datetime("us", "UTC")


def status_changes(lives: list[Life], request: Request) -> pl.DataFrame:
    """Return the status changes: `account_id, …, arrival, line`."""
    rows = [
        (life.prospect.account_id, event.previous, event.new, event.on,
         REASON.get((event.previous or "", event.new)), _rep(life, event.new), event.value_cents)
        for life in lives for event in life.events
    ]  # fmt: skip
    schema = {
        "account_id": pl.String, "previous_status": pl.String, "new_status": pl.String, "change_date": pl.Date,
        "change_reason": pl.String, "sales_rep": pl.String, "contract_value": pl.Int64,
    }  # fmt: skip
    members = {
        "account_id": text("account_id"), "previous_status": text("previous_status"), "new_status": text("new_status"),
        "change_date": day("change_date"), "change_reason": text("change_reason"), "sales_rep": text("sales_rep"),
        "contract_value": money("contract_value"),
    }  # fmt: skip
    return _feed(pl.DataFrame(rows, schema, orient="row"), "change_date", weekly, request, line(members))


def _rep(life: Life, status: str) -> str | None:
    if life.prospect.tier is STARTER or status not in ("Lead", "Active"):
        return None
    return f"REP-{life.prospect.number % SALES_REPS + 1:02d}"


def licence_changes(lives: list[Life], request: Request) -> pl.DataFrame:
    """Return the licence changes: `account_id, …, arrival, line`."""
    rows = [
        (life.prospect.account_id, change.previous, change.new, change.changed_on, change.kind, change.added_cents,
         change.effective_on)
        for life in lives for change in life.seat_changes
    ]  # fmt: skip
    schema = {
        "account_id": pl.String, "previous_licenses": pl.Int64, "new_licenses": pl.Int64, "change_date": pl.Date,
        "change_type": pl.String, "additional_revenue": pl.Int64, "effective_date": pl.Date,
    }  # fmt: skip
    members = {
        "account_id": text("account_id"), "previous_licenses": whole("previous_licenses"),
        "new_licenses": whole("new_licenses"), "change_date": day("change_date"), "change_type": text("change_type"),
        "additional_revenue": money("additional_revenue"), "effective_date": day("effective_date"),
    }  # fmt: skip
    return _feed(pl.DataFrame(rows, schema, orient="row"), "change_date", twice_a_month, request, line(members))


def renewals(lives: list[Life], request: Request) -> pl.DataFrame:
    """Return the renewals, scheduled ones included: `account_id, …, arrival, line`."""
    rows = [
        (life.prospect.account_id, renewal.on, renewal.previous_cents, renewal.new_cents, renewal.kind, "12 months",
         renewal.decided_on)
        for life in lives for renewal in life.renewals
    ]  # fmt: skip
    schema = {
        "account_id": pl.String, "renewal_date": pl.Date, "previous_contract_value": pl.Int64,
        "new_contract_value": pl.Int64, "renewal_type": pl.String, "contract_duration": pl.String,
        "decided_on": pl.Date,
    }  # fmt: skip
    members = {
        "account_id": text("account_id"), "renewal_date": day("renewal_date"),
        "previous_contract_value": money("previous_contract_value"), "new_contract_value": money("new_contract_value"),
        "renewal_type": text("renewal_type"), "contract_duration": text("contract_duration"),
    }  # fmt: skip
    return _feed(pl.DataFrame(rows, schema, orient="row"), "decided_on", twice_a_month, request, line(members))


def _feed(rows: pl.DataFrame, known_on: str, drop: Drop, request: Request, record: pl.Expr) -> pl.DataFrame:
    return with_arrival(rows, known_on, drop, request).with_columns(line=record).sort("arrival", known_on, "account_id")


def with_arrival(rows: pl.DataFrame, known_on: str, drop: Drop, request: Request) -> pl.DataFrame:
    """Add the drop with which each row comes."""
    opening = datetime.combine(request.first.first, time(5), UTC)
    days = rows.get_column(known_on).unique().sort().to_list()
    drops = {each: drop(each) if each >= request.first.first else opening for each in days}
    arrival = pl.col(known_on).replace_strict(drops, return_dtype=INSTANT) if drops else pl.lit(None, dtype=INSTANT)
    return rows.with_columns(arrival=arrival)


def weekly(known_on: date) -> datetime:
    """Return the Monday after a day, 07:00."""
    return datetime.combine(known_on + timedelta(days=7 - known_on.weekday()), time(7), UTC)


def twice_a_month(known_on: date) -> datetime:
    """Return the 16th, or the first of the next month, after a day; 08:00."""
    following = (known_on.replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime.combine(known_on.replace(day=16) if known_on.day < 16 else following, time(8), UTC)
