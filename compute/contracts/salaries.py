"""Salaries: an own team in a month. Its `team_id` is no customer's: never join the two (AT-07).

Source: `data.md` A.3.
"""

from decimal import Decimal

import polars as pl

from compute.company import Company
from compute.contracts.contract import NUMBER, Contract, Field, Rule
from compute.money import divide_to_cents

HEADS, TOTAL, EACH = pl.col("headcount"), pl.col("monthly_salary_total"), pl.col("cost_per_engineer")


def _cost_per_head(row: dict[str, Decimal | None]) -> Decimal | None:
    total, heads = row["monthly_salary_total"], row["headcount"]
    return None if total is None or not heads or heads < 0 else divide_to_cents(total, heads)


def _rules(company: Company) -> tuple[Rule, ...]:
    # Rows are few and a headcount may have any number of decimals: divided exactly, row by row.
    cost_per_head = pl.struct(TOTAL, HEADS).map_elements(_cost_per_head, return_dtype=pl.Decimal(38, 2))
    has_class = pl.col("team_name").map_elements(lambda name: company.team(name) is not None, return_dtype=pl.Boolean)
    return (
        Rule("SAL-Q01", "total / headcount is not cost_per_engineer",
             (HEADS > 0) & ((cost_per_head - EACH).abs() > Decimal("0.01"))),
        Rule("SAL-Q02", "nobody earns something", (HEADS == 0) & (TOTAL > 0)),
        Rule("SAL-Q03", "headcount is not whole", HEADS.cast(NUMBER) % 1 != 0),
        Rule("SAL-Q95", "a negative quantity", (HEADS < 0) | (TOTAL < 0) | (EACH < 0)),
        Rule("SAL-W93", "team without a class", ~has_class),
    )  # fmt: skip


SALARIES = Contract(
    dataset="salaries",
    prefix="SAL",
    version="1.0.0",
    grain="one of our own teams in a month",
    fields=(
        Field("team_id", "text", "key", "our own namespace, such as ENG_001"),
        Field("team_name", "text", "must", "gives cost class and engineering"),
        Field("monthly_salary_total", "money", "must", "all salaries of the team in the month"),
        Field("headcount", "number", "must", "whole; engineers only where the team is engineering"),
        Field("cost_per_engineer", "money", "must", "total / headcount, half-even to cents"),
        Field("salary_month", "month", "key", "the month"),
    ),
    key=("team_id", "salary_month"),
    dated="salary_month",
    rules=_rules,
    account=None,
)
