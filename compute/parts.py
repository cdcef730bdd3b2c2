"""The parts that formulas of figures name: sums of rows of one table, and the received records behind them.

Filters and amounts are SQL text: what a reader is shown is what is evaluated. Words in braces are those of
`compute.lineage.Scope`.
Source: `metrics.md` §5 to §8.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import polars as pl

from compute.account_month import AT_RISK
from compute.months import Month
from compute.movements import MOVING


@dataclass(frozen=True, slots=True)
class Trace:
    """The received records behind the rows of a part.

    Attributes:
        where: which current rows of the feed.
        is_by_account: only those of the part's accounts; else those that name none, or all.
        is_without_bill: only for accounts whose MRR is not that of a bill or a status.
    """

    dataset: str
    where: str = "month = '{month}'"
    is_by_account: bool = True
    is_without_bill: bool = False


@dataclass(frozen=True, slots=True)
class Among:
    """A second table: a part's row counts when its `on` stands there too."""

    table: str
    where: str
    on: str
    column: str


def no_columns(_month: Month) -> Mapping[str, pl.Expr]:
    """Return no columns."""
    return {}


@dataclass(frozen=True, slots=True)
class Part:
    """A sum of rows.

    Attributes:
        where: which rows, over the table's columns and `columns`.
        amount: what is added.
        key: by what the rows are told apart in an explanation.
        once: columns by which a row counts once, however often it is there.
        within: rows that `columns` look at; `where` without it.
        cause: why the amount differs from the month before, when the row says so; `detail`: more of it.
    """

    table: str
    where: str
    amount: str = "1"
    key: tuple[str, ...] = ("account_id",)
    once: tuple[str, ...] = ()
    quality: str = "'billed'"
    within: str = ""
    columns: Callable[[Month], Mapping[str, pl.Expr]] = no_columns
    among: Among | None = None
    cause: str = "''"
    detail: str = "''"
    traces: tuple[Trace, ...] = ()


_TO_DATE = "month <= '{month}'"
_STATUS = Trace("account_status_changes", _TO_DATE)
_UNBILLED = tuple(
    Trace(feed, _TO_DATE, is_without_bill=True) for feed in ("revenue", "license_changes", "subscription_renewals")
)
_OF_MRR = (Trace("revenue"), _STATUS, *_UNBILLED)
_OF_PRIOR = (Trace("revenue", "month = '{prior}'"), Trace("account_status_changes", "month <= '{prior}'"), *_UNBILLED)
_OF_CHANGE = (Trace("revenue", "month in ('{prior}', '{month}')"), _STATUS, *_UNBILLED)
_OF_LICENCES = (Trace("revenue", _TO_DATE), Trace("license_changes", _TO_DATE), _STATUS)
_OF_YEAR = (Trace("revenue", "month in ('{year_ago}', '{month}')"), _STATUS, *_UNBILLED)
_OF_ALLOCATION = (
    Trace("salaries", is_by_account=False),
    Trace("expenses", "month = '{month}' and account_id = 'SHARED'", is_by_account=False),
    Trace("revenue"),
)
_OF_USE = (
    Trace("click_events"),
    Trace("usage_sessions", "month = '{month}' or (month = '{prior}' and cast(session_end as date) >= date '{first}')"),
)


def _row(where: str = "", amount: str = "mrr", traces: tuple[Trace, ...] = _OF_MRR) -> Part:
    """Return a part of the month's existing accounts."""
    there = "month = '{month}' and is_existing"
    return Part("gold/account_month", f"{there} and {where}" if where else there, amount, quality="mrr_quality",
                traces=traces)  # fmt: skip


def _moving(part: Part) -> Part:
    """Return a part whose rows say why they differ from the month before."""
    return replace(part, cause="movement", detail="coalesce(sub_reason, '')")


_ONE_MOVED = "case when movement != 'unknown' then 1 end"


def _moved(where: str, amount: str) -> Part:
    """Return a part of the accounts that moved so, and of those of which nobody knows: they make it unknown."""
    return _row(f"({where} or movement = 'unknown')", amount, _OF_CHANGE)


def _seats(where: str, amount: str) -> Part:
    """Return a part of the accounts whose licences moved so, and of those of which nobody knows."""
    return _row(f"({where} or licences is null)", f"case when licences is not null then {amount} end", _OF_LICENCES)


def _profit(amount: str, *traces: Trace) -> Part:
    """Return a part of the month's profit accounts: strangers with an expense too."""
    return Part("gold/account_month", "month = '{month}'", amount, traces=traces)


def _ledger(where: str, *key: str) -> Part:
    return Part("gold/allocation", f"month = '{{month}}' and {where}", "amount", key or ("account_id",),
                traces=_OF_ALLOCATION)  # fmt: skip


def _record(dataset: str, amount: str, where: str = "", key: tuple[str, ...] = ("account_id",)) -> Part:
    """Return a part that adds received records themselves."""
    there = "month = '{month}'" + (f" and {where}" if where else "")
    return Part(f"silver/{dataset}", there, amount, key, traces=(Trace(dataset, there, is_by_account=False),))


def _users(where: str, once: tuple[str, ...], key: tuple[str, ...]) -> Part:
    """Return a part that counts active users: distinct ones, by `once`."""
    active = f"month = '{{month}}' and (qualifying_clicks > 0 or minutes > 0){where}"
    return Part("gold/user_day", active, key=key, once=once, traces=_OF_USE)


def _sessions(amount: str) -> Part:
    return Part("gold/click_session", "month = '{month}'", amount, traces=(Trace("click_events"),))


def _size(_month: Month) -> Mapping[str, pl.Expr]:
    return {"size_rank": pl.col("mrr").rank("ordinal", descending=True)}


def _largest(count: int) -> Part:
    return Part("gold/account_month", f"size_rank <= {count}", "mrr", quality="mrr_quality",
                within="month = '{month}' and is_existing", columns=_size, traces=_OF_MRR)  # fmt: skip


def _year(month: Month) -> Mapping[str, pl.Expr]:
    then = pl.col("mrr").filter(pl.col("month") == str(month.plus(-12)))
    return {"mrr_then": then.first().over("account_id")}


def _kept(amount: str) -> Part:
    """Return a part of the accounts that paid a year ago."""
    both = "month in ('{year_ago}', '{month}') and is_existing"
    return Part("gold/account_month", "month = '{month}' and mrr_then > 0", amount, quality="mrr_quality",
                within=both, columns=_year, traces=_OF_YEAR)  # fmt: skip


def _first_paying(_month: Month) -> Mapping[str, pl.Expr]:
    return {"cohort": pl.col("month").filter(pl.col("mrr") > 0).min().over("account_id")}


def _cohort(where: str, amount: str) -> Part:
    return Part("gold/account_month", f"cohort = '{{name}}' and {where}", amount, quality="mrr_quality",
                within="month <= '{month}' and is_existing", columns=_first_paying, traces=_OF_MRR)  # fmt: skip


def _trial(month: Month) -> Mapping[str, pl.Expr]:
    starts = (pl.col("status") == "Trial") & pl.col("change_date").is_between(month.first, month.last)
    step, on = (pl.col(name).filter(starts).min().over("account_id") for name in ("step", "change_date"))
    return {"trial_step": step, "days_of_trial": (pl.col("change_date") - on).dt.total_days()}


_IN_MONTH = "change_date >= date '{first}' and change_date <= date '{last}'"


def _trials(where: str) -> Part:
    """Return a part that counts accounts by a step of their timeline, each once."""
    return Part("gold/status_step", where, once=("account_id",), columns=_trial, traces=(_STATUS,))


PARTS: Mapping[str, Part] = {
    "mrr": _moving(_row()),
    "known_mrr": _moving(_row("mrr is not null")),
    "mrr_at_risk": _row(f"payment_status in {AT_RISK}"),
    "prior_mrr": _row(amount="prior_mrr", traces=_OF_PRIOR),
    **{f"{name}_mrr": _moved(f"movement = '{name}'", "movement_amount") for name in MOVING},
    **{f"{name}_accounts": _moved(f"movement = '{name}'", _ONE_MOVED) for name in ("new", "reactivation", "churn")},
    "moved_mrr": _moved(f"movement in {MOVING}", "movement_amount"),
    "explained_mrr": _moved(f"movement in {MOVING} and is_explained", "movement_amount"),
    "committed_change": _row("mrr > 0", "committed_change", (
        Trace("license_changes", "change_date <= date '{last}' and effective_date > date '{last}'"),
        Trace("subscription_renewals", "renewal_date > date '{last}'"))),
    "paying_accounts": _row("(mrr > 0 or mrr is null)", "case when mrr > 0 then 1 end"),
    "opening_accounts": _row("prior_mrr > 0", "1", _OF_PRIOR),
    "licences": _row(amount="licences", traces=_OF_LICENCES),
    "licences_in_force": _row(amount="coalesce(licences, case when mrr = 0 then 0 end)", traces=_OF_LICENCES),
    "prior_licences": _row(amount="case when licences is not null then prior_licences end", traces=_OF_LICENCES),
    "new_licences": _seats("prior_licences = 0", "licences"),
    "added_licences": _seats("(prior_licences > 0 and licences > prior_licences)", "licences - prior_licences"),
    "removed_licences": _seats("(licences > 0 and licences < prior_licences)", "prior_licences - licences"),
    "churned_licences": _seats("(licences = 0 and prior_licences > 0)", "prior_licences"),
    "accounts_in_status": _row("status = '{name}'", "1", (_STATUS,)),
    "largest": _largest(1),
    "largest_5": _largest(5),
    "largest_10": _largest(10),
    "squared_mrr": _row(amount="mrr * mrr"),
    "mrr_year_ago": Part("gold/account_month", "month = '{year_ago}' and is_existing and mrr > 0", "mrr",
                         quality="mrr_quality", traces=_OF_YEAR),
    "kept_mrr": _kept("mrr"),
    "kept_mrr_without_growth": _kept("least(mrr, mrr_then)"),
    "cohort_accounts": _cohort("month = '{month}'", "1"),
    "cohort_paying": _cohort("month = '{month}' and (mrr > 0 or mrr is null)", "case when mrr > 0 then 1 end"),
    "cohort_mrr": _cohort("month = '{month}'", "mrr"),
    "cohort_first_mrr": _cohort("month = '{name}'", "mrr"),
    "trials": _trials("step = trial_step"),
    "trials_converted_30": _trials("status = 'Active' and step > trial_step and days_of_trial <= 30"),
    "trials_converted_90": _trials("status = 'Active' and step > trial_step and days_of_trial <= 90"),
    "accounts_converted": _trials(f"from_status = 'Trial' and status = 'Active' and {_IN_MONTH}"),
    "renewed_value": _record("subscription_renewals", "new_contract_value"),
    "previous_value": _record("subscription_renewals", "previous_contract_value"),
    "changed_licences": _record("license_changes", "new_licenses - previous_licenses", "change_type = '{name}'"),
    "revenue": _profit("revenue", Trace("revenue")),
    "collected": _profit("collected", Trace("revenue")),
    "direct_expense": _profit("direct_cost", Trace("expenses")),
    "direct_cogs": _profit("direct_cogs", Trace("expenses")),
    "shared_expense": _record("expenses", "monthly_cost", "account_id = 'SHARED'",
                              ("expense_category", "expense_date")),
    "salaries": _record("salaries", "monthly_salary_total", key=("team_id",)),
    "allocated": _ledger("account_id != 'UNALLOCATED'"),
    "allocated_cogs": _ledger("account_id != 'UNALLOCATED' and cost_class = 'COGS'"),
    "unallocated": _ledger("account_id = 'UNALLOCATED'", "source"),
    "shared_cogs": _ledger("cost_class = 'COGS' and source like 'SHARED|%'", "source"),
    "salaries_cogs": _ledger("cost_class = 'COGS' and source not like 'SHARED|%'", "source"),
    "engineers": Part(
        "silver/salaries", "month = '{month}'", "headcount", ("team_id",),
        # Whether a team is one of engineers is the company file's to say; its row of the metric tells.
        among=Among("gold/profit_figure", "month = '{month}' and metric_id = 'M-31.cost_per_engineer'",
                    "team_id", "grain_key"),
        traces=(Trace("salaries", is_by_account=False),)),
    "team_salaries": _record("salaries", "monthly_salary_total", "team_id = '{name}'", ("team_id",)),
    "team_heads": _record("salaries", "headcount", "team_id = '{name}'", ("team_id",)),
    "users": _users("", ("user_id",), ("user_id",)),
    "users_of_7_days": _users(" and date >= date '{last_7}'", ("user_id",), ("user_id",)),
    "users_of_28_days": _users(" and date >= date '{last_28}'", ("user_id",), ("user_id",)),
    "users_of_day": _users(" and date = date '{name}'", ("user_id",), ("user_id",)),
    "daily_users": _users("", ("date", "user_id"), ("date",)),
    "workday_users": _users(" and extract(isodow from date) <= 5", ("date", "user_id"), ("date",)),
    "users_by_account": _users("", ("account_id", "user_id"), ("account_id",)),
    "feature_users": Part("gold/user_day", "month = '{month}' and array_contains(features, '{name}')",
                          key=("user_id",), once=("user_id",), traces=_OF_USE),
    "minutes": Part("gold/user_day", "month = '{month}'", "minutes", traces=_OF_USE),
    "licensed_accounts": _row("mrr > 0 and array_contains(features, '{name}')", "1"),
    "activated_accounts": Part(
        "gold/account_month", "month = '{month}' and is_existing and mrr > 0 and array_contains(features, '{name}')",
        among=Among("gold/user_day", "month = '{month}' and array_contains(features, '{name}')",
                    "account_id", "account_id"),
        traces=(Trace("revenue"), *_OF_USE)),
    "click_sessions": _sessions("1"),
    "session_clicks": _sessions("clicks"),
    "session_microseconds": _sessions("active_us"),
}  # fmt: skip
