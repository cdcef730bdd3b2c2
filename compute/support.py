"""What records can support: by month, which pipelines' figures can be made, and what is missing for the others.

A table of needs, and what is there to meet them. It says which figures a month can have, not their values.
Source: `metrics.md` §4 to §8, the columns "Null".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import polars as pl

from compute.contracts.feeds import FEEDS
from compute.contracts.revenue import VOID
from compute.months import Month, calendar_frame, last_day
from compute.profit import missing_teams
from compute.statuses import PAYING

Pipeline = Literal["growth", "profit", "engagement", "aggregated"]
Months = frozenset[Month]
# What may be true of a month. A feed's name: a current row of it is dated in the month; bills that are void are none.
Fact = str


@dataclass(frozen=True, slots=True)
class Need:
    """What some figures of a month need.

    Attributes:
        fact: what must be true of the month.
        lack: how its absence is said.
        figures: those that suffer, and `effect`, what becomes of them.
        given: facts without which the need says nothing new.
    """

    pipeline: Pipeline
    fact: Fact
    lack: str
    figures: str
    effect: str
    given: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class Support:
    """A line of the answer: figures that a pipeline can make (`lack` empty), or what they lack, in some months."""

    pipeline: Pipeline
    months: tuple[Month, ...]
    figures: str
    lack: str = ""
    effect: str = ""

    @property
    def consequence(self) -> str:
        """What becomes of the figures that lack something, in words."""
        return f"{self.figures} {self.effect}"


_NO_INPUT, _NO_HISTORY = "null (missing_input)", "null (insufficient_history)"
NEEDS: tuple[Need, ...] = (
    Need("growth", "revenue", "no bills", "M-01…M-15", "carried forward, estimated or null, never 0", ("earlier bills",)),
    Need("growth", "earlier bills", "no bills of an earlier month", "M-02, M-05.*, M-08…M-15, M-50, M-52.net_new", _NO_HISTORY),
    Need("growth", "bills a year before", "no bills 12 months before", "M-10, M-11", _NO_HISTORY, ("earlier bills",)),
    Need("growth", "statuses", "no status changes so far", "M-17", "null; statuses (M-52) are inferred from bills"),
    Need("growth", "licence changes", "no licence changes so far", "M-51.by_type", "0; licences are those of the bills"),
    Need("growth", "licences", "no bills or licence changes so far", "M-07, M-51", _NO_INPUT),
    Need("growth", "subscription_renewals", "no renewals", "M-18", "null (zero_denominator)"),
    Need("profit", "revenue", "no bills", "M-20, M-21, M-23", "null (missing_input) if an account pays"),
    Need("profit", "every bill", "paying accounts without a bill", "M-20, M-21, M-23, M-25…M-27, M-29, M-30", _NO_INPUT, ("revenue",)),
    Need("profit", "expenses", "no expenses", "M-22, M-23, M-25…M-30", _NO_INPUT, ("revenue",)),
    Need("profit", "every expense", "billed accounts without an expense", "M-22, M-23, M-25…M-30", _NO_INPUT, ("revenue", "expenses")),
    Need("profit", "salaries", "no salaries", "M-27, M-29…M-31", "null; M-24, M-25 hold no salaries"),
    Need("profit", "every team", "a team of the month before has no salary row", "M-27, M-29…M-31", _NO_INPUT, ("salaries",)),
    Need("engagement", "use", "no clicks and no usage sessions", "M-40, M-41, M-43, M-53", "0; M-42 null (zero_denominator)"),
    Need("engagement", "click_events", "no clicks", "M-53", "0; active users are those of usage sessions", ("use",)),
    Need("engagement", "usage_sessions", "no usage sessions", "M-43", "0; active users are those of clicks", ("use",)),
    Need("engagement", "team_activity", "no team activity", "M-46", "no rows"),
    Need("engagement", "licences", "no bills or licence changes so far", "M-44", _NO_INPUT, ("use",)),
    Need("aggregated", "earlier bills", "no bills of an earlier month", "M-33.proxy", _NO_HISTORY),
    Need("aggregated", "bills a year before", "no bills 12 months before", "M-32, M-34", _NO_HISTORY),
    Need("aggregated", "costs", "costs are incomplete", "M-32…M-34", "null"),
    Need("aggregated", "ledger", "no ledger", "reconciliation", "unverified"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """What a pipeline makes.

    Attributes:
        basis: facts of which any will do.
        lack: how it is said that none of them is ever true, and `without` what becomes of the figures then.
    """

    figures: str
    basis: tuple[Fact, ...]
    lack: str
    without: tuple[str, str]


MADE: Mapping[Pipeline, Made] = {
    "growth": Made("M-01…M-18, M-48…M-52: MRR, movements, retention, licences",
                   ("revenue so far", "statuses", "licence changes", "renewals so far"),
                   "no bills, status changes, licence changes or renewals", ("growth figures", "cannot be made")),
    "profit": Made("M-20…M-31: revenue, cost, contribution, margins", ("revenue", "expenses", "salaries"),
                   "no bills, expenses or salaries", ("profit figures", "cannot be made")),
    "engagement": Made("M-40…M-46, M-53: active users, hours, adoption", ("use", "team_activity"),
                       "no clicks, usage sessions or team activity", ("M-40, M-41, M-43, M-53", "0; M-46 no rows")),
    "aggregated": Made("M-32…M-34, snapshot, reconciliation", ("revenue so far",),
                       "no bills", ("M-32…M-34", "null; nothing to reconcile")),
}  # fmt: skip


def support(current: Mapping[str, pl.DataFrame], *, through: Month, has_ledger: bool) -> tuple[Support, ...]:
    """Say what can be made of records, pipeline by pipeline.

    Args:
        current: current accepted rows by dataset; a feed that is not there has none.
        through: the month of the as-of; later months are not spoken of.
        has_ledger: whether there is an accounting ledger to reconcile with.

    Returns:
        For each pipeline what it makes, then what is missing, over the months from the first record on.
    """
    covered = _covered(current, through)
    facts = _facts(current, covered)
    facts["ledger"] = frozenset(covered if has_ledger else ())
    answer: list[Support] = []
    for pipeline, made in MADE.items():
        months = _in_order(frozenset().union(*(facts[fact] for fact in made.basis)) & frozenset(covered))
        if not months:
            answer.append(Support(pipeline, (), made.without[0], made.lack, made.without[1]))
            continue
        answer.append(Support(pipeline, months, made.figures))
        answer += [each for need in NEEDS if need.pipeline == pipeline for each in _unmet(need, facts, covered)]
    return tuple(answer)


def _unmet(need: Need, facts: Mapping[Fact, Months], covered: tuple[Month, ...]) -> Iterable[Support]:
    concerned = frozenset(covered).intersection(*(facts[fact] for fact in need.given))
    lacking = _in_order(concerned - facts[need.fact])
    if lacking:
        yield Support(need.pipeline, lacking, need.figures, need.lack, need.effect)


def _covered(current: Mapping[str, pl.DataFrame], through: Month) -> tuple[Month, ...]:
    """Return the months from the first record to the last one, those after the as-of left out."""
    dated = sorted(month for rows in current.values() for month in _months(rows) if month <= through)
    return dated[0].until(dated[-1]) if dated else ()


def _facts(current: Mapping[str, pl.DataFrame], covered: tuple[Month, ...]) -> dict[Fact, Months]:
    """Return in which months each fact is true."""
    rows = {feed.dataset: current.get(feed.dataset, _NO_ROWS) for feed in FEEDS}
    bills = rows["revenue"].filter(pl.col("payment_status") != VOID) if rows["revenue"].height else _NO_ROWS
    there = {dataset: _months(each) for dataset, each in rows.items()} | {"revenue": _months(bills)}
    billed, changed = _from(there["revenue"], covered), _from(there["license_changes"], covered)
    every_expense = frozenset(covered) - _uncosted(bills, rows["expenses"])
    every_team = frozenset(covered) - _short_of_teams(rows["salaries"])
    return there | {
        "revenue so far": billed,
        "earlier bills": _from(there["revenue"], covered, later=1),
        "bills a year before": _from(there["revenue"], covered, later=12),
        "statuses": _from(there["account_status_changes"], covered),
        "licence changes": changed,
        "renewals so far": _from(there["subscription_renewals"], covered),
        "licences": billed | changed,
        "use": there["click_events"] | there["usage_sessions"],
        "every bill": frozenset(covered) - _unbilled(bills, rows["account_status_changes"], covered),
        "every expense": every_expense,
        "every team": every_team,
        "costs": every_expense & every_team & there["salaries"],
    }


_NO_ROWS = pl.DataFrame(schema={"account_id": pl.String, "month": pl.String})


def _months(rows: pl.DataFrame) -> Months:
    return frozenset(Month.parse(month) for month in rows.get_column("month").unique())


def _from(months: Months, covered: tuple[Month, ...], *, later: int = 0) -> Months:
    """Return the months from so many months after the first one on."""
    return frozenset(month for month in covered if months and month >= min(months).plus(later))


def _unbilled(bills: pl.DataFrame, changes: pl.DataFrame, covered: tuple[Month, ...]) -> Months:
    """Return the months in which an account that was billed before has no bill, and no status that does not pay."""
    if bills.is_empty():
        return frozenset()
    billed = bills.select(
        "account_id", "month", on=last_day(pl.col("month")), billed="month", total="total_monthly_revenue"
    )
    months = calendar_frame(covered).select("month", on="ends_on")
    grid = billed.select("account_id").unique().join(months, how="cross").sort("on")
    last = grid.join_asof(billed.drop("month").sort("on"), on="on", by="account_id", check_sortedness=False)
    without = last.filter((pl.col("billed") != pl.col("month")) & (pl.col("total") > 0))
    if changes.height:
        steps = changes.sort("change_date").select("account_id", "new_status", on="change_date")
        without = without.join_asof(steps, on="on", by="account_id", check_sortedness=False)
        without = without.filter(pl.col("new_status").is_in(PAYING) | pl.col("new_status").is_null())
    return _months(without)


def _uncosted(bills: pl.DataFrame, expenses: pl.DataFrame) -> Months:
    """Return the months in which a billed account has no expense: its direct cost is unknown (U-70)."""
    return _months(bills.join(expenses, on=["account_id", "month"], how="anti"))


def _short_of_teams(salaries: pl.DataFrame) -> Months:
    """Return the months with salaries in which a team with heads in the month before has none (U-80)."""
    by_month = {
        Month.parse(str(month)): rows for (month,), rows in salaries.partition_by("month", as_dict=True).items()
    }
    pairs = ((month, rows, by_month.get(month.plus(-1))) for month, rows in by_month.items())
    return frozenset(month for month, rows, prior in pairs if prior is not None and missing_teams(rows, prior))


def _in_order(months: Months) -> tuple[Month, ...]:
    return tuple(sorted(months))


def spans(months: Iterable[Month]) -> str:
    """Return months in order as text, neighbours as one range.

    >>> spans([Month(2023, 11), Month(2023, 12), Month(2024, 1), Month(2024, 3)])
    '2023-11..2024-01, 2024-03'
    """
    runs: list[list[Month]] = []
    for month in months:
        if runs and runs[-1][-1].plus(1) == month:
            runs[-1].append(month)
        else:
            runs.append([month])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in runs)
