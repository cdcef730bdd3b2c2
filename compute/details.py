"""The experiment feed: what the figures of a month look like by account and day. Nobody signs it.

An account-day is a function of what gold holds already, so it is derived where it is read and never stored in the
long form: at a hundred thousand accounts that would be twenty million rows a month.
Source: `metrics.md` §1.7, `operations.md` S-1.
"""

import polars as pl

from compute.days import daily_figures
from compute.engagement import day_figures
from compute.months import Month

DETAILS = ("account_day", "team_day")  # the grains that no hash and no signature covers


def account_day_figures(rows: pl.DataFrame, days: pl.DataFrame, month: Month) -> pl.DataFrame:
    """Return the account-day FIGURE rows of a month.

    Args:
        rows: ACCOUNT_MONTH rows of the month: the profit accounts.
        days: ACCOUNT_DAY rows of the month: the engagement accounts.
        month: the month.
    """
    return pl.concat([daily_figures(rows, month), day_figures(days)])
