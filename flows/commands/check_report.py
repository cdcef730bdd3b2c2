"""What a check finds in a delivery: verdicts, counts and what the data can support."""

import secrets
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from compute.checking import HELD, Checked, check
from compute.company import Company
from compute.contracts.feeds import FEEDS
from compute.current import named_accounts
from compute.months import Month
from compute.support import Support, support
from storage.delivery import Delivery, Received, receive


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        received: by dataset, what the files hold; `checked` what becomes of it.
        notes: what was not read, or counted once.
        supports: what the data can support.
    """

    received: dict[str, Received]
    checked: dict[str, Checked]
    notes: tuple[str, ...]
    supports: tuple[Support, ...]

    @property
    def is_good(self) -> bool:
        """Whether every file was readable and no line is held."""
        held = (each.lines.filter(pl.col("verdict").is_in(HELD)).height for each in self.checked.values())
        return not any(held) and not any(each.problems for each in self.received.values())


def report_of(delivery: Delivery, company: Company, as_of: datetime, *, has_ledger: bool) -> Report:
    """Check the files of a delivery, feed by feed.

    Args:
        delivery: the files.
        company: the company's choices.
        as_of: the arrival of what has none of its own, and the last month to speak of.
        has_ledger: whether there is an accounting ledger to reconcile with.
    """
    # Users are told apart within this check alone: the company's own key is neither needed nor made.
    key = secrets.token_bytes(32)
    received: dict[str, Received] = {}
    checked: dict[str, Checked] = {}
    notes = list(delivery.notes)
    for contract in (each for each in FEEDS if each.dataset in delivery.files):
        came = receive(delivery.files[contract.dataset], contract, as_of)
        accounts = _accounts(checked) if contract.is_topic else None
        received[contract.dataset] = came
        checked[contract.dataset] = check(came.rows, contract, company, accounts=accounts, as_of=as_of, key=key)
        notes += came.notes
    if any(each.contract.is_topic for each in checked.values()) and _accounts(checked) is None:
        notes.append("No file feed is given, so accounts that nobody knows are not looked for.")
    current = {dataset: each.current for dataset, each in checked.items()}
    supports = support(current, through=Month.of(as_of.date()), has_ledger=has_ledger)
    return Report(received, checked, tuple(notes), supports)


def _accounts(checked: dict[str, Checked]) -> pl.Series | None:
    """Return the accounts that the file feeds name, or None when none of them is given (U-19)."""
    files = [each for each in checked.values() if each.contract.account and not each.contract.is_topic]
    return pl.concat([named_accounts(each.judged) for each in files]).unique() if files else None
