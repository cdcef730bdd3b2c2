"""What finance says of the reconciliation: explanations of differences, acknowledgements of second bills.

Acts are rows that are only ever added; of several on one thing the last one stands, and it is undone by another.
An act speaks of what was shown: when that changes, it no longer stands, and stands again should it come back, so that
it does not matter how often anybody looked meanwhile. Expiry is measured by the wall clock.
Source: `operations.md` C.3 "Explanations", C.4 gate "second bill"; `data.md` A.1 REV-W03.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from compute.company_promises import Role, Roles
from compute.contracts.contract import INSTANT
from compute.errors import PermanentError
from compute.money import MONEY
from compute.reconciliation import Gate, few, is_open
from compute.schema import Schema

EXPLANATION: Schema = {
    "act_id": pl.String,
    "month": pl.String,
    "account_id": pl.String,
    "act": pl.String,
    "code": pl.String,
    "because": pl.String,
    "delta": MONEY,
    "by": pl.String,
    "at": INSTANT,
    "expires_at": INSTANT,
}
ACKNOWLEDGEMENT: Schema = {
    "act_id": pl.String,
    "month": pl.String,
    "key": pl.String,
    "act": pl.String,
    "evidence": pl.String,
    "because": pl.String,
    "by": pl.String,
    "at": INSTANT,
}
GIVEN, WITHDRAWN = "given", "withdrawn"
SECOND_BILL, SECOND_BILL_CODE = "second bill", "REV-W03"
CODES: dict[str, str] = {
    "TIMING": "booked in another month than billed",
    "REFUND": "a refund that one side has and the other has not",
    "CREDIT_NOTE": "a credit note",
    "DUPLICATE": "booked or billed twice",
    "MISSING_BILL": "the bill has not reached the pipeline",
    "TIER_CHANGE": "another tier or price since",
    "MANUAL_JOURNAL": "posted by hand in the ledger",
    "FX": "exchange rates",
    "ERROR_PIPELINE": "the pipeline is wrong",
    "ERROR_LEDGER": "the ledger is wrong",
}
_ROW = ("month", "account_id")


class BadAct(PermanentError):
    """An act that cannot stand; nothing was kept."""


def require_role(person: str, role: Role, roles: Roles) -> None:
    """Refuse an act of somebody who has not the role for it.

    Raises:
        BadAct: when the company file does not give the person the role.
    """
    persons: tuple[str, ...] = getattr(roles, role)
    if person not in persons:
        who = f"names {', '.join(persons)}" if persons else "names nobody"
        raise BadAct(f"'{person}' cannot do that: [roles] {role} of the company file {who}. Say who does it with --by.")


def expiry(expires: date, now: datetime) -> datetime:
    """Return the instant at which an act that is good through a date lapses: the end of that day, UTC.

    Raises:
        BadAct: when that has passed.

    >>> str(expiry(date(2024, 2, 29), datetime(2024, 2, 29, 23, tzinfo=UTC)))
    '2024-03-01 00:00:00+00:00'
    """
    end = datetime.combine(expires, time(), UTC) + timedelta(days=1)
    if end <= now:
        raise BadAct(f"{expires} has passed: name a day from {now.date()} on through which the explanation holds.")
    return end


def explained(compared: pl.DataFrame, explanations: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return the explanation of each open row that has one: EXPLANATION columns and `standing`.

    `standing` is stands, changed when Δ is no longer the one that was explained, or expired.

    Args:
        compared: RECONCILIATION rows.
        explanations: EXPLANATION rows, all there are.
        now: the wall clock.
    """
    rows = compared.filter(is_open()).select(*_ROW, _delta="delta")
    standing = (
        pl.when(pl.col("_delta") != pl.col("delta")).then(pl.lit("changed"))
        .when(pl.col("expires_at") <= now).then(pl.lit("expired"))
        .otherwise(pl.lit("stands"))
    )  # fmt: skip
    given = standing_acts(explanations, _ROW).join(rows, on=_ROW)
    return given.select(*EXPLANATION, standing=standing).sort(_ROW)


def standing_acts(acts: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
    """Return the last act on each thing, unless it withdrew what was said before."""
    last = acts.sort("at", "act_id").unique(list(on), keep="last", maintain_order=True)
    return last.filter(pl.col("act") == GIVEN)


def accounts_explained(compared: pl.DataFrame, explanations: pl.DataFrame, now: datetime) -> list[str]:
    """Return the accounts of a month whose difference is explained, as `gates` takes them."""
    given = explained(compared, explanations, now)
    return given.filter(pl.col("standing") == "stands").get_column("account_id").to_list()


def second_bill_gate(findings: pl.DataFrame, acknowledgements: pl.DataFrame) -> Gate:
    """Judge the gate "second bill" of a month: each REV-W03 is acknowledged, as it is shown now.

    Args:
        findings: FINDING rows of the month.
        acknowledgements: ACKNOWLEDGEMENT rows, all there are.
    """
    bills = findings.filter(pl.col("code") == SECOND_BILL_CODE).select("month", "key", "evidence")
    given = standing_acts(acknowledgements, ("month", "key"))
    waiting = bills.join(given, on=["month", "key", "evidence"], how="anti").get_column("key").sort().to_list()
    told = f"{len(waiting)} not acknowledged of {bills.height} second bills"
    return Gate(SECOND_BILL, "FAIL" if waiting else "pass", ": ".join(filter(None, (told, few(waiting)))))
