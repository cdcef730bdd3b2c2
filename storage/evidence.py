"""What the records in silver can support: the first evidence, the first observed month.

Source: `metrics.md` §2.1, §2.2.
"""

import polars as pl

from compute.contracts.revenue import VOID
from compute.months import Month
from compute.mrr import births
from storage.catalog import SILVER
from storage.lake import Lake


def first_evidence(lake: Lake) -> Month | None:
    """Return the earliest birth of an account, or None when no record makes one (U-40)."""
    born = births(
        lake.read(SILVER["revenue"], columns=["account_id", "month"]),
        lake.read(SILVER["account_status_changes"], columns=["account_id", "month"]),
        lake.read(SILVER["license_changes"], columns=["account_id", "change_date", "effective_date"]),
        lake.read(SILVER["subscription_renewals"], columns=["account_id", "month"]),
    )
    return Month.parse(str(born.get_column("birth").min())) if born.height else None


def first_observed(lake: Lake) -> Month | None:
    """Return the first month that has an accepted bill that is not void, over all accounts (U-50)."""
    months = lake.read(SILVER["revenue"], pl.col("payment_status") != VOID, ["month"]).get_column("month")
    return Month.parse(str(months.min())) if months.len() else None
