"""What finance does about a reconciliation: each act is a row more, checked before it is kept.

Source: `operations.md` C.3 "Explanations", C.4 gate "second bill".
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import polars as pl

from compute.company import Company
from compute.months import Month
from compute.reconciliation import is_open
from compute.reconciliation_acts import (
    CODES,
    GIVEN,
    SECOND_BILL_CODE,
    WITHDRAWN,
    BadAct,
    expiry,
    require_role,
    standing_acts,
)
from storage.catalog import ACKNOWLEDGEMENTS, EXPLANATIONS, FINDINGS, RECONCILIATION_GATE, RECONCILIATION_ROW
from storage.dataset import Dataset
from storage.lake import Lake
from storage.reconciliations import not_compared, of_month
from storage.work import Work


@dataclass(frozen=True, slots=True)
class Act:
    """Something that finance does: who, when, why.

    Attributes:
        month: the period that it is about.
        because: the narrative.
        by: the person; must have the role finance.
        at: the wall clock.
    """

    month: Month
    because: str
    by: str
    at: datetime


def explain(lake: Lake, company: Company, act: Act, account: str, code: str, expires: date, work: Work) -> None:
    """Keep an explanation of an account's difference, in place of the one before.

    Args:
        lake: where acts are kept.
        company: for who may.
        act: who, when, why, of which month.
        account: whose difference.
        code: one of CODES.
        expires: the last day on which it holds, UTC.
        work: recorded with the commit.

    Raises:
        BadAct: the person may not, there is nothing to explain, no such code, no reason, a day that has passed.
        LakeBusy: another act was kept meanwhile; nothing was kept.
    """
    if code not in CODES:
        raise BadAct(f"'{code}' is no code of an explanation: the codes are {', '.join(CODES)}.")
    said = {"act": GIVEN, "code": code, "delta": _open_delta(lake, act.month, account),
            "expires_at": expiry(expires, act.at)}  # fmt: skip
    _keep(lake, company, EXPLANATIONS, act, {"account_id": account, **said}, work)


def _open_delta(lake: Lake, month: Month, account: str) -> Any:
    if problem := not_compared(of_month(lake, RECONCILIATION_GATE, month), month):
        raise BadAct(f"{month} is not compared, so nothing of it can be explained: {problem}")
    rows = of_month(lake, RECONCILIATION_ROW, month).filter(pl.col("account_id") == account)
    if rows.is_empty():
        raise BadAct(
            f"{account} has neither bill nor ledger row in {month}: `techflow reconcile {month}` lists who differs."
        )
    if rows.filter(is_open()).is_empty():
        raise BadAct(f"{account} is {rows.item(0, 'class')} in {month}: there is nothing to explain.")
    return rows.item(0, "delta")


def acknowledge(lake: Lake, company: Company, act: Act, key: str, work: Work) -> None:
    """Keep that finance knows of a second bill, as its finding tells it now.

    Raises:
        BadAct: the person may not, there is no such second bill, no reason.
        LakeBusy: another act was kept meanwhile; nothing was kept.
    """
    bills = of_month(lake, FINDINGS, act.month).filter(pl.col("code") == SECOND_BILL_CODE)
    told: dict[str, str] = dict(bills.select("key", "evidence").rows())
    if key not in told:
        known = ", ".join(f"'{each}'" for each in sorted(told)) or "none"
        raise BadAct(f"'{key}' is no second bill of {act.month}; there are: {known}.")
    _keep(lake, company, ACKNOWLEDGEMENTS, act, {"key": key, "act": GIVEN, "evidence": told[key]}, work)


def withdraw(lake: Lake, company: Company, act: Act, name: str, work: Work) -> None:
    """Withdraw what was said of an account's difference, or of a second bill.

    Raises:
        BadAct: the person may not, nothing was said of it, no reason.
        LakeBusy: another act was kept meanwhile; nothing was kept.
    """
    for dataset, column in ((EXPLANATIONS, "account_id"), (ACKNOWLEDGEMENTS, "key")):
        mine = of_month(lake, dataset, act.month).filter(pl.col(column) == name)
        if standing_acts(mine, (column,)).height:
            _keep(lake, company, dataset, act, {column: name, "act": WITHDRAWN}, work)
            return
    raise BadAct(f"Nothing stands that was said of '{name}' in {act.month}.")


def _keep(lake: Lake, company: Company, dataset: Dataset, act: Act, said: Mapping[str, Any], work: Work) -> None:
    require_role(act.by, "finance", company.roles)
    if not act.because.strip():
        raise BadAct("Say why with --because; an act keeps its reason.")
    table = lake.open(dataset)
    subject = "account_id" if "account_id" in said else "key"
    last = table.read((pl.col("month") == str(act.month)) & (pl.col(subject) == said[subject])).get_column("at").max()
    if isinstance(last, datetime) and act.at <= last:
        raise BadAct(f"The clock stands at {act.at}, not after the last act on it at {last}: set the clock right.")
    row = dict.fromkeys(dataset.schema) | dict(said) | {
        "act_id": uuid.uuid4().hex, "month": str(act.month), "because": act.because.strip(), "by": act.by, "at": act.at,
    }  # fmt: skip
    table.append(pl.DataFrame([row], schema=dict(dataset.schema)), replace(work, dataset=dataset.name, rows=1))
