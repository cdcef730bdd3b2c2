"""The experiment feed: what the figures of a month look like by account and day. Nobody signs it.

An account-day is a function of what gold holds already, so it is derived where it is read and never stored in the
long form: at a hundred thousand accounts that would be twenty million rows a month.
Source: `metrics.md` §1.7, `operations.md` S-1.
"""

from collections.abc import Collection

import polars as pl

from compute.days import PROFIT_BY_DAY, daily_figures
from compute.engagement import USE_BY_DAY, day_figures
from compute.figures import FIGURE
from compute.months import Month

DETAILS = ("account_day", "team_day")  # the grains that no hash and no signature covers
DAY_METRICS = tuple(column.metric_id for column in (*PROFIT_BY_DAY, *USE_BY_DAY))


def account_day_figures(
    rows: pl.DataFrame, days: pl.DataFrame, month: Month, metrics: Collection[str] = DAY_METRICS
) -> pl.DataFrame:
    """Return the account-day FIGURE rows of a month.

    Args:
        rows: ACCOUNT_MONTH rows of the month: the profit accounts.
        days: ACCOUNT_DAY rows of the month: the engagement accounts.
        month: the month.
        metrics: those wanted.
    """
    parts = [daily_figures(rows, month, metrics), day_figures(days, metrics)]
    return pl.concat([pl.DataFrame(schema=FIGURE), *parts])
