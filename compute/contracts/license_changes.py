"""Licence changes: one seat change. It acts on `effective_date`, which may lie in the future.

Source: `data.md` A.5.
"""

import polars as pl

from compute.company import Company
from compute.contracts.contract import Contract, Field, Rule

UPWARD = ("Upgrade", "True-up", "Initial")
DOWNWARD = ("Downgrade", "Removal")
CHANGE_TYPES = ("Upgrade", "Downgrade", "True-up", "Removal", "Initial")

PREVIOUS, NEW, REVENUE = pl.col("previous_licenses"), pl.col("new_licenses"), pl.col("additional_revenue")
CHANGED_ON, EFFECTIVE_ON, TYPE = pl.col("change_date"), pl.col("effective_date"), pl.col("change_type")
DELTA = NEW - PREVIOUS


def _rules(_company: Company) -> tuple[Rule, ...]:
    is_up, is_down = TYPE.is_in(UPWARD), TYPE.is_in(DOWNWARD)
    return (
        Rule("LIC-Q94", "unknown change_type", ~TYPE.is_in(CHANGE_TYPES), is_last=True),
        Rule("LIC-Q01", "the seats do not change as the type says",
             (is_up & ~(DELTA > 0)) | (is_down & ~(DELTA < 0))),
        Rule("LIC-Q02", "the revenue does not change as the type says",
             (is_up & (REVENUE < 0)) | (is_down & (REVENUE > 0))),
        Rule("LIC-Q03", "negative seats", (PREVIOUS < 0) | (NEW < 0)),
        Rule("LIC-W01", "effective before it was changed", EFFECTIVE_ON < CHANGED_ON),
        Rule("LIC-W03", "more than ten times the seats", (PREVIOUS > 0) & (NEW > 10 * PREVIOUS)),
    )  # fmt: skip


LICENSE_CHANGES = Contract(
    dataset="license_changes",
    prefix="LIC",
    version="1.0.0",
    grain="one change of an account's seats",
    fields=(
        Field("account_id", "account", "key", "the account"),
        Field("previous_licenses", "int", "must", "seats before"),
        Field("new_licenses", "int", "must", "seats after"),
        Field("change_date", "date", "key", "when it was agreed"),
        Field("change_type", "text", "must", "closed: Upgrade, Downgrade, True-up, Removal, Initial"),
        Field("additional_revenue", "money", "must", "signed monthly difference (A-3)"),
        Field("effective_date", "date", "key", "when it acts; gives the month"),
    ),
    key=("account_id", "change_date", "effective_date", "change_type"),
    dated="effective_date",
    rules=_rules,
)
