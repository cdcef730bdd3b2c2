"""What must close exactly before a month certifies: the bridges, the sums over accounts, the allocation.

Source: `operations.md` C.4 gate "identities"; `metrics.md` §4.3, §6.4, AT-11.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl

from compute.figures import COMPANY


@dataclass(frozen=True, slots=True)
class Identity:
    """Figures of the company that add up to another one.

    Attributes:
        name: what it is called.
        terms: metric → its sign; `@before` behind one takes that of the month before.
        total: the metric that they make.
    """

    name: str
    terms: Mapping[str, int]
    total: str


BEFORE = "@before"
IDENTITIES = (
    Identity("opening MRR is the closing MRR before", {f"M-01{BEFORE}": 1}, "M-02.opening"),
    Identity(
        "MRR bridge",
        {"M-02.opening": 1, "M-02.new": 1, "M-02.expansion": 1, "M-02.reactivation": 1, "M-02.contraction": -1,
         "M-02.churn": -1},
        "M-01",
    ),
    Identity(
        "bridge of paying accounts",
        {f"M-05{BEFORE}": 1, "M-05.new": 1, "M-05.reactivated": 1, "M-05.churned": -1},
        "M-05",
    ),
    Identity(
        "bridge of licences",
        {"M-51.opening": 1, "M-51.new": 1, "M-51.upgrades": 1, "M-51.downgrades": -1, "M-51.churned": -1},
        "M-51.closing",
    ),
    Identity("operating result", {"M-25": 1, "M-24.unallocated": -1}, "M-29"),
)  # fmt: skip
OVER_ACCOUNTS = ("M-01", "M-20", "M-22", "M-23", "M-24", "M-25")  # the company's is the sum over its accounts


def broken_identities(
    figures: pl.LazyFrame, before: Mapping[str, Decimal | None], allocated: Decimal, to_allocate: Decimal
) -> list[str]:
    """Return the identities that do not hold, each as a sentence with both sides; one with a null term says nothing.

    Args:
        figures: FIGURE rows of a month.
        before: the company figures of the month before, by metric.
        allocated: the sum of the allocation ledger, what no account could carry included.
        to_allocate: the salaries and shared expenses of the month.
    """
    of_company = figures.filter((pl.col("grain") == "company_month") & (pl.col("grain_key") == COMPANY))
    values: dict[str, Decimal | None] = dict(of_company.select("metric_id", "value").collect().rows())
    values |= {f"{name}{BEFORE}": value for name, value in before.items()}
    of_accounts = figures.filter((pl.col("grain") == "account_month") & pl.col("metric_id").is_in(OVER_ACCOUNTS))
    summed = of_accounts.group_by("metric_id").agg(pl.col("value").sum())
    sums = dict(summed.collect(engine="streaming").rows())
    sides = [(each.name, _sum(each.terms, values), values.get(each.total)) for each in IDENTITIES]
    sides += [(f"sum of {name} over accounts", sums.get(name, Decimal(0)), values.get(name)) for name in OVER_ACCOUNTS]
    sides.append(("sum of the allocation ledger", allocated, to_allocate))
    return [
        f"{name}: {left.normalize():f}, not {right.normalize():f}"
        for name, left, right in sides
        if left is not None and right is not None and left != right
    ]


def _sum(terms: Mapping[str, int], values: Mapping[str, Decimal | None]) -> Decimal | None:
    parts = [(values.get(name), sign) for name, sign in terms.items()]
    known = [value * sign for value, sign in parts if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(parts) else None


def mrr_quality(figures: pl.LazyFrame) -> dict[str, int]:
    """Return how many accounts have an MRR that is NULL, carried forward, estimated or imputed."""
    rows = figures.filter((pl.col("grain") == "account_month") & (pl.col("metric_id") == "M-01"))
    how = pl.when(pl.col("value").is_null()).then(pl.lit("null")).otherwise("quality")
    counts = dict(rows.group_by(how.alias("how")).agg(pl.len()).collect(engine="streaming").rows())
    return {name: counts.get(name, 0) for name in ("null", "carried_forward", "estimated", "imputed")}
