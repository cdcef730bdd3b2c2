"""Subscription renewals: one renewal decision. A future date is a scheduled renewal, and legal.

Source: `data.md` A.6.
"""

import re

import polars as pl

from compute.company import Company
from compute.contracts.contract import Contract, Field, Rule

RENEWAL_TYPES = ("Expansion", "Flat", "Contraction", "Non-Renewal", "Early Renewal")
LONGEST_TERM = 120

OLD, NEW = pl.col("previous_contract_value"), pl.col("new_contract_value")
TYPE, DURATION = pl.col("renewal_type"), pl.col("contract_duration")

_IN_WORDS = re.compile(r"([0-9]+) ?(month|year)s?", re.IGNORECASE)
_ISO = re.compile(r"P(?=[0-9])(?:([0-9]+)Y)?(?:([0-9]+)M)?", re.IGNORECASE)


def term_months(duration: str) -> int | None:
    """Return the months of a contract duration, or None when it is none (U-23).

    >>> [term_months(text) for text in ("12 months", "1year", "Month-to-Month", "P1Y6M", "PT12M")]
    [12, 12, 1, 18, None]
    """
    text = duration.strip()
    if text.lower() == "month-to-month":
        return 1
    if found := _IN_WORDS.fullmatch(text):
        return int(found[1][:9]) * (12 if found[2].lower() == "year" else 1)
    if found := _ISO.fullmatch(text):
        return int((found[1] or "0")[:9]) * 12 + int((found[2] or "0")[:9])
    return None


def with_term(renewals: pl.DataFrame) -> pl.DataFrame:
    """Add `term_months` to renewals."""
    return renewals.with_columns(term_months=_TERM)


_TERM = DURATION.map_elements(term_months, return_dtype=pl.Int64)


def _rules(_company: Company) -> tuple[Rule, ...]:
    breaks_type = (
        pl.when(TYPE == "Expansion").then(~(NEW > OLD))
        .when(TYPE == "Flat").then(NEW != OLD)
        .when(TYPE == "Contraction").then(~((NEW > 0) & (NEW < OLD)))
        .when(TYPE == "Non-Renewal").then(NEW != 0)
        .otherwise(pl.lit(value=False))
    )  # fmt: skip
    return (
        Rule("REN-Q01", "no duration, or a term outside 1 to 120 months",
             ~_TERM.is_between(1, LONGEST_TERM).fill_null(value=False)),
        Rule("REN-Q02", "the values do not change as the type says", breaks_type),
        Rule("REN-Q94", "unknown renewal_type", ~TYPE.is_in(RENEWAL_TYPES)),
        Rule("REN-Q95", "a negative value", (OLD < 0) | (NEW < 0)),
    )  # fmt: skip


SUBSCRIPTION_RENEWALS = Contract(
    dataset="subscription_renewals",
    prefix="REN",
    version="1.0.0",
    grain="one renewal decision of an account",
    fields=(
        Field("account_id", "account", "key", "the account"),
        Field("renewal_date", "date", "key", "gives the month"),
        Field("previous_contract_value", "money", "must", "total over the old term (A-2)"),
        Field("new_contract_value", "money", "must", "total over the new term (A-2)"),
        Field("renewal_type", "text", "must", "closed: Expansion, Flat, Contraction, Non-Renewal, Early Renewal"),
        Field("contract_duration", "text", "must", "the new term: 12 months, 1 year, Month-to-Month, P1Y6M"),
    ),
    key=("account_id", "renewal_date"),
    dated="renewal_date",
    rules=_rules,
)
