"""Findings: warnings that compare rows, one per code and key, on the current accepted state.

What a check looks at, what it returns, and how its rows become FINDING rows. The checks themselves stand beside their
pipelines: `findings_profit`, `findings_growth`, `findings_status`, `findings_engagement`,
`findings_accounts`, `findings_arrival`; `finding_codes` lists them.
Source: `data.md` A.0 "Findings" (U-26), A.1 to A.10, C.2.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from compute.company import Company
from compute.contracts.contract import ORDER
from compute.contracts.revenue import VOID
from compute.schema import Schema, typed
from compute.status import end_of_day
from compute.statuses import UNKNOWN

FINDING: Schema = {
    "month": pl.String,
    "code": pl.String,
    "dataset": pl.String,
    "account_id": pl.String,
    "key": pl.String,
    "evidence": pl.String,
    "touches": pl.String,
    "severity": pl.String,
    "awaits": pl.String,
}
Severity = Literal["footnote", "blocking"]


@dataclass(frozen=True, slots=True)
class Frames:
    """What the checks compare: current accepted records, and what is made of them.

    Attributes:
        bills, changes, licences, renewals, expenses, salaries: of whole accounts and all months.
        steps: the status timeline; `cases`: its gaps.
        rows: ACCOUNT_MONTH rows of existing accounts.
        accounts: ACCOUNT rows, all there are.
        refused: DISPOSITION rows of the codes Q99.
        unknown_fields: UNKNOWN_FIELD rows.
        unreadable: `dataset, file` of the files in the landing area that cannot be read.
        clicks, teams, user_days: of the months that are judged; `sessions`: of the month before them too.
    """

    bills: pl.DataFrame
    changes: pl.DataFrame
    licences: pl.DataFrame
    renewals: pl.DataFrame
    expenses: pl.DataFrame
    salaries: pl.DataFrame
    steps: pl.DataFrame
    cases: pl.DataFrame
    rows: pl.DataFrame
    accounts: pl.DataFrame
    refused: pl.DataFrame
    unknown_fields: pl.DataFrame
    unreadable: pl.DataFrame
    clicks: pl.DataFrame
    sessions: pl.DataFrame
    teams: pl.DataFrame
    user_days: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Check:
    """A code with what it means, and the function that finds it.

    Attributes:
        touches: the figures or gates that the finding bears on.
        severity: `blocking` keeps a month from being certified, `footnote` does not.
        find: returns `month, account_id, key, evidence`, a row per finding; the evidence never holds personal data.
            What has no month is `undated`.
        awaits: of a blocking one, who ends it and by what.
    """

    code: str
    dataset: str
    meaning: str
    touches: str
    severity: Severity
    find: Callable[[Frames, Company], pl.DataFrame]
    awaits: str = ""


def findings(checks: Sequence[Check], frames: Frames, company: Company, months: Sequence[str]) -> pl.DataFrame:
    """Return the FINDING rows of the months, sorted.

    Args:
        checks: whose codes are looked for.
        frames: the records.
        company: limits, features.
        months: the months to judge, `undated` among them if wanted; what a check finds elsewhere is left out.
    """
    wanted = pl.col("month").is_in(list(months))
    parts = [
        check.find(frames, company)
        .filter(wanted)
        .with_columns(
            code=pl.lit(check.code),
            dataset=pl.lit(check.dataset),
            touches=pl.lit(check.touches),
            severity=pl.lit(check.severity),
            awaits=pl.lit(check.awaits),
        )
        .pipe(typed, FINDING)
        for check in checks
    ]
    return pl.concat([pl.DataFrame(schema=FINDING), *parts]).sort("month", "code", "key")


def key_of(*columns: str) -> pl.Expr:
    """Return the columns as one text that names what was found."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in columns], separator=" ")


def issued(bills: pl.DataFrame) -> pl.DataFrame:
    """Return the bills that are not void."""
    return bills.filter(pl.col("payment_status") != VOID)


def changes_in_order(licences: pl.DataFrame) -> pl.DataFrame:
    """Return licence changes in the order in which they act: by effective date, change date, arrival (U-49)."""
    return licences.sort("account_id", "effective_date", "change_date", *ORDER)


def nearest(
    rows: pl.DataFrame,
    facts: pl.DataFrame,
    *,
    on: tuple[str, str],
    direction: Literal["backward", "forward"] = "backward",
    same_day: Literal["counts", "is left out"] = "counts",
) -> pl.DataFrame:
    """Add to each row its account's last fact up to a date of the row, or its first one from there on.

    Args:
        rows: with `account_id` and the date `on[0]`.
        facts: with `account_id` and the date `on[1]`, at most one a day; no other name is shared with `rows`.
        on: the two dates.
        direction: the last fact before, or the first one after.
        same_day: whether a fact of the row's own date is one.
    """
    return rows.sort(on[0]).join_asof(
        facts.sort(on[1]),
        left_on=on[0],
        right_on=on[1],
        by="account_id",
        strategy=direction,
        allow_exact_matches=same_day == "counts",
        check_sortedness=False,
    )


def with_status_on(rows: pl.DataFrame, frames: Frames, day: str) -> pl.DataFrame:
    """Add `status`, S(a, day), and `status_since`; Unknown where no step is dated so early (C.2)."""
    days = end_of_day(frames.steps).select("account_id", "status", status_since="change_date")
    return nearest(rows, days, on=(day, "status_since")).with_columns(pl.col("status").fill_null(UNKNOWN))
