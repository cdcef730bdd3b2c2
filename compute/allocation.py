"""The allocation ledger: salaries and shared expenses shared out over accounts, to the cent.

Source: `metrics.md` §6.3 (B.4), U-72 to U-74.
"""

import polars as pl

from compute.company import UNCLASSIFIED, Company
from compute.contracts.expenses import SHARED
from compute.money import MONEY, SUM, allocate, cents, from_cents
from compute.schema import Schema, typed

UNALLOCATED = "UNALLOCATED"
ALLOCATION: Schema = {
    "month": pl.String,
    "source": pl.String,
    "cost_class": pl.String,
    "account_id": pl.String,
    "amount": MONEY,
    "driver": pl.String,
    "weight": pl.Decimal(38, 0),
}
SHARE: Schema = {"account_id": pl.String, "allocated": SUM, "allocated_cogs": SUM}
MINUTES: Schema = {"account_id": pl.String, "minutes": pl.Int64}


def active_minutes(days: pl.DataFrame) -> pl.DataFrame:
    """Return the MINUTES of a month from its user-days."""
    return days.group_by("account_id").agg(pl.col("minutes").sum()).pipe(typed, MINUTES)


def sources(salaries: pl.DataFrame, expenses: pl.DataFrame, company: Company) -> pl.DataFrame:
    """Return what is shared out in a month: `source, cost_class, amount, is_cogs_team`.

    Args:
        salaries: current salary rows of the month.
        expenses: current expense rows of the month; those with an account are left out.
        company: classes of teams and categories.
    """
    teams = [company.team(name) for name in salaries.get_column("team_name")]
    classes = pl.Series("cost_class", [team.cost_class if team else UNCLASSIFIED for team in teams], dtype=pl.String)
    paid = salaries.with_columns(classes).select(
        "cost_class", source="team_id", amount="monthly_salary_total", is_cogs_team=pl.col("cost_class") == "COGS"
    )
    category = pl.col("expense_category")
    shared = expenses.filter(pl.col("account_id") == SHARED).select(
        cost_class=category.replace_strict(company.expense_classes, default=UNCLASSIFIED, return_dtype=pl.String),
        source=pl.concat_str(pl.lit(SHARED), category, pl.col("expense_date").dt.to_string("%Y-%m-%d"), separator="|"),
        amount="monthly_cost",
        is_cogs_team=pl.lit(value=False),
    )
    columns = ["source", "cost_class", "amount", "is_cogs_team"]
    return pl.concat([paid.select(columns), shared.select(columns)])


def drivers(rows: pl.DataFrame, minutes: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    """Return the drivers in the order in which they are tried: name, and `account_id, weight` above 0.

    Args:
        rows: ACCOUNT_MONTH rows of the month.
        minutes: active minutes of the month by account; for COGS teams alone.
    """
    used = minutes.filter(pl.col("minutes") > 0).join(rows, on="account_id", how="semi")
    billed = rows.filter(pl.col("revenue") > 0)
    paying = rows.filter(pl.col("is_existing") & (pl.col("mrr") > 0))
    return [
        ("active_minutes", used.select("account_id", weight=pl.col("minutes").cast(pl.Int128))),
        ("revenue", billed.select("account_id", weight=cents(pl.col("revenue")))),
        ("equal", paying.select("account_id", weight=pl.lit(1, dtype=pl.Int128))),
    ]


def allocation(month: str, rows: pl.DataFrame, shared: pl.DataFrame, minutes: pl.DataFrame) -> pl.DataFrame:
    """Share every source of a month by the first of its drivers that is not empty.

    Args:
        month: the month.
        rows: its ACCOUNT_MONTH rows.
        shared: its `sources`.
        minutes: its active minutes by account.

    Returns:
        ALLOCATION rows: one per source and account of its driver, zero shares included; without a driver the
        whole goes to UNALLOCATED. Σ amounts of a source is its amount.
    """
    tried = drivers(rows, minutes)
    by_minutes = pl.col("is_cogs_team") & pl.lit(value=tried[0][1].height > 0)
    general = next(((name, frame) for name, frame in tried[1:] if frame.height), None)
    parts = [_shares(shared.filter(by_minutes), *tried[0])]
    rest = shared.filter(~by_minutes)
    parts.append(_shares(rest, *general) if general else _unallocated(rest))
    return pl.concat(parts).with_columns(month=pl.lit(month)).pipe(typed, ALLOCATION).sort("source", "account_id")


def account_shares(ledger: pl.LazyFrame) -> pl.DataFrame:
    """Return SHARE rows: what each account carries of all sources, from ALLOCATION rows of a month."""
    amount = pl.col("amount").cast(SUM)
    of_cogs = pl.when(pl.col("cost_class") == "COGS").then(amount).otherwise(0)
    summed = ledger.group_by("account_id").agg(allocated=amount.sum(), allocated_cogs=of_cogs.sum())
    return typed(summed.collect(engine="streaming"), SHARE)


def _shares(shared: pl.DataFrame, name: str, driver: pl.DataFrame) -> pl.DataFrame:
    crossed = shared.with_columns(_cents=cents(pl.col("amount"))).join(driver, how="cross")
    shares = allocate(crossed, source="source", amount="_cents", weight="weight", key="account_id")
    return shares.select(
        "source", "cost_class", "account_id", amount=from_cents(pl.col("share")), driver=pl.lit(name),
        weight=pl.col("weight").cast(pl.Decimal(38, 0)),
    )  # fmt: skip


def _unallocated(shared: pl.DataFrame) -> pl.DataFrame:
    return shared.select(
        "source", "cost_class", account_id=pl.lit(UNALLOCATED), amount=pl.col("amount").cast(MONEY),
        driver=pl.lit("none"), weight=pl.lit(0, dtype=pl.Decimal(38, 0)),
    )  # fmt: skip
