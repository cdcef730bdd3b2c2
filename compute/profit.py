"""The profit figures of a month: revenue, cost, contribution, margins, cost per head.

Source: `metrics.md` §6.
"""

from dataclasses import dataclass

import polars as pl

from compute.allocation import UNALLOCATED
from compute.company import Company
from compute.company_month import CompanyMonth
from compute.contracts.expenses import SHARED
from compute.figures import (
    Column,
    Exact,
    Figure,
    Reason,
    column_frame,
    company_frame,
    divide,
    exact_sum,
    negative,
    ratio,
    total,
)
from compute.money import MONEY, SUM
from compute.months import Month


@dataclass(frozen=True, slots=True)
class ProfitInput:
    """What the profit figures of one month are made from.

    Attributes:
        rows: ACCOUNT_MONTH rows of the month: the profit accounts.
        shares: SHARE rows of the month.
        salaries: current salary rows of the month; `prior_salaries` those of the month before.
        expenses: current expense rows of the month.
        sums: the company's sums of the month.
    """

    rows: pl.DataFrame
    shares: pl.DataFrame
    salaries: pl.DataFrame
    prior_salaries: pl.DataFrame
    expenses: pl.DataFrame
    sums: CompanyMonth


def profit_figures(given: ProfitInput, month: Month, company: Company) -> pl.DataFrame:
    """Return the FIGURE rows of a month; account-days are derived from the account-months (`details.py`)."""
    accounts = with_allocation(given.rows, given.shares)
    return pl.concat([profit_of_accounts(accounts), profit_of_company(given, accounts, month, company)])


def profit_of_accounts(accounts: pl.DataFrame) -> pl.DataFrame:
    """Return the FIGURE rows of account-months with what is allocated to them, or of some of them."""
    return column_frame(accounts, "account_month", pl.col("account_id"), ACCOUNT_COLUMNS)


def profit_of_company(given: ProfitInput, accounts: pl.DataFrame, month: Month, company: Company) -> pl.DataFrame:
    """Return the FIGURE rows of the company and its teams; `accounts` are all of the month."""
    figures = company_frame(str(month), _company(given, accounts, company))
    return pl.concat([figures, _teams(given.salaries, month, company)])


def with_allocation(rows: pl.DataFrame, shares: pl.DataFrame) -> pl.DataFrame:
    """Add `allocated` and `allocated_cogs` to account-months, 0 where no source is shared out to the account."""
    return rows.join(shares, on="account_id", how="left").with_columns(
        pl.col("allocated", "allocated_cogs").fill_null(0).cast(SUM)
    )


_REVENUE, _DIRECT = pl.col("revenue").cast(SUM), pl.col("direct_cost").cast(SUM)
_CONTRIBUTION = _REVENUE - _DIRECT
_LOADED = _CONTRIBUTION - pl.col("allocated")
_COGS = pl.col("direct_cogs").cast(SUM) + pl.col("allocated_cogs")

ACCOUNT_COLUMNS = (
    Column("M-20", _REVENUE),
    Column("M-21", pl.col("collected")),
    Column("M-22", _DIRECT),
    Column("M-23", _CONTRIBUTION),
    Column("M-24", pl.col("allocated")),
    Column("M-25", _LOADED),
    ratio("M-26", _CONTRIBUTION, pl.col("licences")),
    ratio("M-26.loaded", _LOADED, pl.col("licences")),
    ratio("M-27", _REVENUE - _COGS, _REVENUE),
    Column("M-28", _DIRECT + pl.col("allocated_cogs")),
)


def salary_total(salaries: pl.DataFrame, prior: pl.DataFrame) -> Exact:
    """Return sal(m): null when there is no row, or a team with heads in m-1 has none in m (U-80)."""
    if salaries.is_empty() or missing_teams(salaries, prior):
        return Reason.MISSING_INPUT
    return exact_sum(salaries, "monthly_salary_total")


def missing_teams(salaries: pl.DataFrame, prior: pl.DataFrame) -> list[str]:
    """Return the teams with headcount > 0 in the month before that have no row in this one."""
    absent = prior.filter(pl.col("headcount") > 0).join(salaries, on="team_id", how="anti")
    return absent.get_column("team_id").sort().to_list()


def _company(given: ProfitInput, accounts: pl.DataFrame, company: Company) -> list[Figure]:
    revenue, collected = _account_sum(accounts, "revenue"), _account_sum(accounts, "collected")
    direct = _account_sum(accounts, "direct_cost")
    common = given.expenses.filter(pl.col("account_id") == SHARED)
    shared = exact_sum(common, "monthly_cost")
    salaries = salary_total(given.salaries, given.prior_salaries)
    cogs = total(_account_sum(accounts, "direct_cogs"), *_cogs_of_company(given, common, company))
    contribution = total(revenue, negative(direct))
    is_left = pl.col("account_id") == UNALLOCATED
    allocated, left = (exact_sum(given.shares.filter(each), "allocated") for each in (~is_left, is_left))
    costs = total(direct, shared, salaries)
    result = total(revenue, negative(costs))
    gross = total(revenue, negative(cogs))
    loaded = total(contribution, -allocated)
    values: dict[str, Exact] = {
        "M-20": revenue,
        "M-21": collected,
        "M-22": direct,
        "M-22.shared": shared,
        "M-23": contribution,
        "M-24": allocated,
        "M-24.unallocated": left,
        "M-25": loaded,
        "M-26": divide(contribution, given.sums.licences),
        "M-26.loaded": divide(loaded, given.sums.licences),
        "M-27": divide(gross, revenue),
        "M-27.cogs": cogs,
        "M-27.gross_profit": gross,
        "M-29": result,
        "M-29.collected": total(collected, negative(costs)),
        "M-30": divide(result, revenue),
        "M-31": _arr_per_engineer(given, company),
    }
    return [Figure(name, value) for name, value in values.items()]


def _account_sum(accounts: pl.DataFrame, column: str) -> Exact:
    """Return a sum over profit accounts; null when any part is."""
    return Reason.MISSING_INPUT if accounts.get_column(column).null_count() else exact_sum(accounts, column)


def _cogs_of_company(given: ProfitInput, common: pl.DataFrame, company: Company) -> tuple[Exact, Exact]:
    """Return shared expense and salaries of class COGS."""
    classes = [name for name, cost_class in company.expense_classes.items() if cost_class == "COGS"]
    shared = exact_sum(common.filter(pl.col("expense_category").is_in(classes)), "monthly_cost")
    whole = salary_total(given.salaries, given.prior_salaries)
    if isinstance(whole, Reason):
        return shared, whole
    of_class = [name for name in given.salaries.get_column("team_name") if _cost_class(company, name) == "COGS"]
    return shared, exact_sum(given.salaries.filter(pl.col("team_name").is_in(of_class)), "monthly_salary_total")


def _cost_class(company: Company, team_name: str) -> str | None:
    team = company.team(team_name)
    return team.cost_class if team else None


def _engineers(salaries: pl.DataFrame, company: Company) -> pl.DataFrame:
    """Return the rows of engineering teams."""
    names = salaries.get_column("team_name").unique().to_list()
    engineering = [name for name in names for team in [company.team(name)] if team and team.is_engineering]
    return salaries.filter(pl.col("team_name").is_in(engineering))


def _arr_per_engineer(given: ProfitInput, company: Company) -> Exact:
    closing = given.sums.closing
    if isinstance(closing, Reason) or missing_teams(given.salaries, given.prior_salaries):
        return Reason.MISSING_INPUT
    return divide(12 * closing, exact_sum(_engineers(given.salaries, company), "headcount"))


def _teams(salaries: pl.DataFrame, month: Month, company: Company) -> pl.DataFrame:
    """Return the cost per engineer of every engineering team; a small team's is suppressed."""
    rows = _engineers(salaries, company).with_columns(month=pl.lit(str(month)))
    heads = pl.col("headcount")
    is_small = heads < company.limits.small_team
    # Engineers are counted whole, so the quotient is one of exact decimals.
    cost = ratio("M-31.cost_per_engineer", pl.col("monthly_salary_total"), heads.cast(MONEY))
    assert cost.reason is not None  # a ratio always says why it is null
    shown = Column(
        cost.metric_id,
        pl.when(~is_small).then(cost.value),
        pl.when(is_small).then(pl.lit(Reason.SMALL_CELL.value)).otherwise(cost.reason),
    )
    return column_frame(rows, "team_month", pl.col("team_id"), [shown])
