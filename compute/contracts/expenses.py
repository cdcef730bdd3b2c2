"""Expenses: an account's cost of a category in a month; without an account, the shared pool.

Source: `data.md` A.2.
"""

from decimal import Decimal

import polars as pl

from compute.company import Company
from compute.contracts.contract import ARRIVED_ON, Contract, Field, Rule
from compute.months import month_of

SHARED = "SHARED"  # one key value, so that a second different row is a revision (U-20)

COST, BREAKDOWN = pl.col("monthly_cost"), pl.col("cost_breakdown")
SPENT_ON = pl.col("expense_date")
_PARTS = BREAKDOWN.list.eval(pl.element().struct.field("value"))


def _rules(company: Company) -> tuple[Rule, ...]:
    has_parts = BREAKDOWN.list.len().fill_null(0) > 0
    return (
        Rule("EXP-Q01", "the breakdown does not add up to the cost",
             has_parts & ((_PARTS.list.sum() - COST).abs() > Decimal("0.01"))),
        Rule("EXP-Q02", "the cost or a part of it is negative", (COST < 0) | (_PARTS.list.min() < 0)),
        Rule("EXP-Q03", "dated in a month after its arrival", month_of(SPENT_ON) > month_of(ARRIVED_ON)),
        Rule("EXP-W01", "not dated on a month's last day", SPENT_ON.dt.month_end() != SPENT_ON),
        Rule("EXP-W03", "no breakdown", ~has_parts),
        Rule("EXP-W93", "category without a cost class", ~pl.col("expense_category").is_in(company.expense_classes)),
    )  # fmt: skip


EXPENSES = Contract(
    dataset="expenses",
    prefix="EXP",
    version="1.0.0",
    grain="one cost of an account and category in a month",
    fields=(
        Field("account_id", "account", "may", "the account; null, absent or SHARED is the shared pool", default=SHARED),
        Field("expense_category", "text", "key", "open: the names in expense_classes"),
        Field("monthly_cost", "money", "must", "the cost of the month"),
        Field("cost_breakdown", "map", "may", "parts that add up to monthly_cost"),
        Field("expense_date", "date", "key", "gives the month; a month's last day"),
    ),
    key=("account_id", "expense_category", "expense_date"),
    dated="expense_date",
    rules=_rules,
)
