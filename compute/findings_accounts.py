"""Findings on which accounts there are, and which records alone name them.

Source: `data.md` A.2 (EXP-W02), A.10 (XR-1).
"""

import polars as pl

from compute.company import Company
from compute.contracts.expenses import SHARED
from compute.findings import Check, Frames, key_of
from compute.judging import UNDATED
from compute.wording import worded

_GROUP = ("account_id", "month")


def only_spending(frames: Frames, _company: Company) -> pl.DataFrame:
    """EXP-W02: no current row of another dataset names the account; a finding of the account, so of no month."""
    spent = frames.expenses.group_by("account_id").agg(_rows=pl.len(), _first=pl.col("month").min())
    alone = frames.accounts.filter(pl.col("datasets").list.len() == 1).join(spent, on="account_id")
    return alone.filter(pl.col("first_seen_in") == "expenses").select(
        "account_id", month=pl.lit(UNDATED), key="account_id",
        evidence=worded("{} expense rows from {} on, and no row of another dataset", "_rows", "_first"),
    )  # fmt: skip


def unlisted_accounts(frames: Frames, _company: Company) -> pl.DataFrame:
    """XR-1: a current row names an account that the table of accounts lacks; none, unless that table is behind."""
    records = {
        "revenue": frames.bills, "expenses": frames.expenses, "account_status_changes": frames.changes,
        "license_changes": frames.licences, "subscription_renewals": frames.renewals,
        "click_events": frames.clicks, "usage_sessions": frames.sessions, "team_activity": frames.teams,
    }  # fmt: skip
    named = [
        rows.select(*_GROUP, _dataset=pl.lit(dataset)).filter(pl.col("account_id") != SHARED)
        .join(frames.accounts, on="account_id", how="anti").unique()
        for dataset, rows in records.items()
    ]  # fmt: skip
    unlisted = pl.concat(named).group_by(_GROUP).agg(_in=pl.col("_dataset").sort().str.join(", "))
    return unlisted.select(
        *_GROUP, key=key_of(*_GROUP), evidence=worded("named in {}, and not among the accounts", "_in")
    )


ACCOUNT_CHECKS: tuple[Check, ...] = (
    Check("EXP-W02", "expenses", "no accepted row of another dataset names the account",
          "account profit, M-22", "footnote", only_spending),
)  # fmt: skip
UNLISTED = Check(
    "XR-1", "account", "an account is named and is not in gold/account, the union of all accounts named",
    "every figure by account", "footnote", unlisted_accounts,
)  # fmt: skip
