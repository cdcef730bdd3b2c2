"""Findings on the status of accounts: gaps, and where status and bills disagree.

Source: `data.md` C.2 (U-39, U-47), A.4, A.10 (XR-2, XR-3, XR-6, XR-7).
"""

import polars as pl

from compute.company import Company
from compute.findings import Check, Frames, issued, key_of, with_status_on
from compute.months import month_before, month_of
from compute.movements import MOVING
from compute.status_order import order_of_events
from compute.statuses import PAYING, UNKNOWN
from compute.wording import worded

_ACCOUNT_MONTH = ("account_id", "month")
_PAYS = pl.col("status").is_in(PAYING)


def unbilled_accounts(frames: Frames, _company: Company) -> pl.DataFrame:
    """XR-2: the status at the month's end pays, and there is no bill."""
    return frames.rows.filter(_PAYS, pl.col("billing_date").is_null()).select(
        *_ACCOUNT_MONTH, key=key_of(*_ACCOUNT_MONTH),
        evidence=worded("{} at the end of {} without a bill; MRR {}, {}", "status", "month",
                        pl.col("mrr").cast(pl.String).fill_null("unknown"), "mrr_quality"),
    )  # fmt: skip


def bills_without_status(frames: Frames, _company: Company) -> pl.DataFrame:
    """XR-3, XR-6: a bill above 0 while the known status does not pay, or any bill after it paid."""
    paid = frames.steps.filter(_PAYS).group_by("account_id").agg(_paid=pl.col("change_date").min())
    known = with_status_on(issued(frames.bills), frames, "billing_date").join(paid, on="account_id", how="left")
    has_left = (pl.col("_paid") <= pl.col("billing_date")).fill_null(value=False)
    is_odd = ~pl.col("status").is_in([*PAYING, UNKNOWN]) & ((pl.col("total_monthly_revenue") > 0) | has_left)
    return known.filter(is_odd).select(
        "month", "account_id", key=key_of("account_id", "billing_date"),
        evidence=worded("total {}, while the account is {} since {}",
                        "total_monthly_revenue", "status", "status_since"),
    )  # fmt: skip


def stale_accounts(frames: Frames, _company: Company) -> pl.DataFrame:
    """Find accounts that pay at the month's end and of which no record speaks in it or the month before."""
    sources = (frames.bills, frames.changes, frames.licences, frames.renewals)
    seen = pl.concat([source.select(*_ACCOUNT_MONTH) for source in sources]).unique()
    quiet = frames.rows.filter(_PAYS).with_columns(_before=month_before(pl.col("month")))
    for month in ("month", "_before"):
        quiet = quiet.join(seen, left_on=["account_id", month], right_on=list(_ACCOUNT_MONTH), how="anti")
    return quiet.select(
        *_ACCOUNT_MONTH, key=key_of(*_ACCOUNT_MONTH),
        evidence=worded("{} at the end of {}, and no record of it in {} and {}",
                        "status", "month", "_before", "month"),
    )  # fmt: skip


def inferred_accounts(frames: Frames, _company: Company) -> pl.DataFrame:
    """U-47: the account is Active because bills say so; it has no status row."""
    return frames.rows.filter(pl.col("status_source") == "inferred_from_billing").select(
        *_ACCOUNT_MONTH, key=key_of(*_ACCOUNT_MONTH),
        evidence=worded("no status row; Active in {} because a bill of it is above 0", "month"),
    )  # fmt: skip


def illegal_edges(frames: Frames, _company: Company) -> pl.DataFrame:
    """STA-W01: gap cases of rows whose own step is not in the graph."""
    cases = frames.cases.filter(pl.col("kind") == "illegal_edge")
    return cases.unique(["account_id", "event_date", "from", "to"]).select(
        "account_id", month=month_of(pl.col("event_date")), key=key_of("account_id", "event_date", "from", "to"),
        evidence=_case(),
    )  # fmt: skip


def broken_chains(frames: Frames, _company: Company) -> pl.DataFrame:
    """STA-W02: gap cases of days whose rows do not continue what was known."""
    cases = frames.cases.filter(pl.col("kind") != "illegal_edge").sort("account_id", "event_date", "kind", "from", "to")
    days = cases.group_by("account_id", "event_date", maintain_order=True).agg(evidence=_case().str.join("; "))
    return days.select(
        "account_id", "evidence", month=month_of(pl.col("event_date")), key=key_of("account_id", "event_date")
    )


def unexplained_movements(frames: Frames, _company: Company) -> pl.DataFrame:
    """XR-7: an account's MRR moved, and no event of the month explains it (`metrics.md` §4.4, U-59)."""
    is_explained = pl.col("is_explained").fill_null(value=False)
    return frames.rows.filter(pl.col("movement").is_in(MOVING), ~is_explained).select(
        *_ACCOUNT_MONTH, key=key_of(*_ACCOUNT_MONTH),
        evidence=worded("{} of {}, from {} to {}, without an event of {}",
                        "movement", "movement_amount", "prior_mrr", "mrr", "month"),
    )  # fmt: skip


def _case() -> pl.Expr:
    """Return a gap case in words."""
    judged = (
        pl.when(pl.col("verdict") == "impute").then(worded("imputed {}", "imputed"))
        .when(pl.col("verdict") == "ambiguous").then(worded("ambiguous: {}", "candidates"))
        .otherwise("verdict")
    )  # fmt: skip
    since = pl.col("earliest").cast(pl.String).fill_null("the start")
    return worded("{} {} to {}, since {}: {}", "kind", "from", "to", since, judged)


def ambiguous_days(frames: Frames, _company: Company) -> pl.DataFrame:
    """STA-W03: days whose rows do not tell in which order they happened."""
    ordered = order_of_events(frames.changes).filter(pl.col("is_ambiguous_day"))
    days = ordered.group_by("account_id", "change_date").agg(_count=pl.len())
    return days.select(
        "account_id", month=month_of(pl.col("change_date")), key=key_of("account_id", "change_date"),
        evidence=worded("{} status rows of {} fit no single order; arrival decides", "_count", "change_date"),
    )  # fmt: skip


STATUS_CHECKS: tuple[Check, ...] = (
    Check("status_without_billing", "revenue", "the status pays at the month's end, and there is no bill (XR-2)",
          "M-01, M-20; gate completeness", "blocking", unbilled_accounts,
          "finance: the bill; or accounts: the status step that ended it"),
    Check("billing_without_status", "revenue", "a bill while the account does not pay (XR-3, XR-6)",
          "M-01, M-20", "footnote", bills_without_status),
    Check("XR-7", "revenue", "the MRR moved, and no event of the month explains it",
          "M-02, M-50", "footnote", unexplained_movements),
    Check("stale", "account_status_changes", "the account pays, and no record speaks of it for two months",
          "M-01 carried forward", "footnote", stale_accounts),
    Check("inferred_from_billing", "account_status_changes", "no status row: the account is Active by its bills",
          "M-16, M-17, M-50", "footnote", inferred_accounts),
    Check("STA-W01", "account_status_changes", "a gap case: the step is not in the graph",
          "M-16, M-17, M-50; gate gaps", "blocking", illegal_edges, "accounts: the missing row, or a waiver"),
    Check("STA-W02", "account_status_changes", "a gap case: it does not continue the last known status",
          "M-16, M-17, M-50; gate gaps", "blocking", broken_chains, "accounts: the missing row, or a waiver"),
    Check("STA-W03", "account_status_changes", "the order of the day's rows is ambiguous",
          "M-16, M-17, M-50", "footnote", ambiguous_days),
)  # fmt: skip
