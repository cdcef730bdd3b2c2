"""Revenue: a statement of one account for a full month, never prorated (A-5).

Source: `data.md` A.1.
"""

from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl

from compute.company import Company
from compute.contracts.contract import ARRIVED_ON, Contract, Field, Rule, exactly_one

PAYMENT_STATUSES = (
    "Paid", "Pending", "Overdue", "Failed", "Unpaid", "Refunded", "Partially Refunded", "Disputed", "Written Off",
    "Void",
)  # fmt: skip
VOID = "Void"

MONTHLY, FEATURE, TOTAL = pl.col("monthly_revenue"), pl.col("feature_revenue"), pl.col("total_monthly_revenue")
LICENCES, FEATURES = pl.col("user_licenses"), pl.col("additional_features")
BILLED_ON, PAID_AS = pl.col("billing_date"), pl.col("payment_status")


def _rules(company: Company) -> tuple[Rule, ...]:
    return (
        Rule("REV-Q01", "total is not monthly + feature revenue",
             (TOTAL - (MONTHLY + FEATURE)).abs() > Decimal("0.01")),
        Rule("REV-Q02", "an amount is negative: a credit note, which finance classifies",
             (MONTHLY < 0) | (FEATURE < 0) | (TOTAL < 0)),
        Rule("REV-Q03", "billed after it arrived, or before 2015",
             (ARRIVED_ON + timedelta(days=1) < BILLED_ON) | (date(2015, 1, 1) > BILLED_ON)),
        Rule("REV-Q04", "unknown payment_status", ~PAID_AS.is_in(PAYMENT_STATUSES)),
        Rule("REV-Q05", "partially refunded: the amount is not in the record", PAID_AS == "Partially Refunded"),
        Rule("REV-Q06", "licences are negative, or 0 with revenue", (LICENCES < 0) | ((LICENCES == 0) & (MONTHLY > 0))),
        Rule("REV-W01", "feature revenue without features, or features without revenue",
             exactly_one(FEATURE > 0, FEATURES.list.len() > 0)),
        Rule("REV-W02", "unknown tier", ~pl.col("subscription_tier").is_in(company.vocabulary.tiers)),
    )  # fmt: skip


def _current_rules(_company: Company, _as_of: datetime) -> tuple[Rule, ...]:
    first_of_month = BILLED_ON.min().over("account_id", "month")
    return (Rule("REV-W03", "a second bill of the account's month", first_of_month < BILLED_ON),)


REVENUE = Contract(
    dataset="revenue",
    prefix="REV",
    version="1.0.0",
    grain="one bill of an account: a full-month statement",
    fields=(
        Field("account_id", "account", "key", "the account that is billed"),
        Field("subscription_tier", "text", "must", "open: vocabulary.tiers"),
        Field("monthly_revenue", "money", "must", "recurring subscription per month"),
        Field("user_licenses", "int", "must", "seats in force on billing_date; no price factor"),
        Field("additional_features", "list", "may", "features sold", default=[]),
        Field("feature_revenue", "money", "must", "recurring add-ons per month"),
        Field("total_monthly_revenue", "money", "must", "monthly + feature revenue"),
        Field("billing_date", "date", "key", "the day of the bill; gives the month"),
        Field("payment_status", "text", "must", "closed", synonyms={"Past Due": "Overdue"}),
    ),
    key=("account_id", "billing_date"),
    dated="billing_date",
    rules=_rules,
    current_rules=_current_rules,
)
