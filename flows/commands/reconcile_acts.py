"""`techflow reconcile explain`, `acknowledge`, `withdraw`: what finance does, as flows that have a history."""

import getpass
from datetime import date, datetime
from typing import Annotated

import typer

from compute.errors import BadSetting
from compute.months import Month
from compute.reconciliation_acts import CODES, require_role
from flows.commands.run import quiet_prefect
from flows.commands.screen import screen
from flows.settings import load_company, load_settings

OfMonth = Annotated[str, typer.Argument(help="The month, as 2024-01.", metavar="MONTH")]
Because = Annotated[str, typer.Option(help="The reason; it is kept.")]
By = Annotated[str, typer.Option(help="Who does it, of the role finance; the user by default.")]


def explain(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT")],
    month: OfMonth,
    code: Annotated[str, typer.Option(help=f"One of {', '.join(CODES)}.")],
    because: Because,
    expires: Annotated[str, typer.Option(help="The last day on which it holds, as 2024-03-31, UTC.")],
    by: By = "",
) -> None:
    """Explain why an account's bill and the ledger differ; RC-4 no longer asks for it.

    It holds for this difference alone, until it expires or is withdrawn.

    Example: techflow reconcile explain ACC_003 2024-01 --code TIMING --because "booked late" --expires 2024-03-31
    """
    person, until = _ready(month, by), _day(expires)
    from flows.reconcile import explain_difference

    explain_difference(account, month, code, because, person, until)
    screen().print(f"{account} of {month} is explained by {person} through {until}.", soft_wrap=True)


def acknowledge(
    key: Annotated[str, typer.Argument(help="Account and date of the bill: 'ACC_001 2024-01-16'.", metavar="BILL")],
    month: OfMonth,
    because: Because,
    by: By = "",
) -> None:
    """Acknowledge a second bill of an account's month (finding REV-W03), as it is shown now.

    Example: techflow reconcile acknowledge "ACC_001 2024-01-16" 2024-01 --because "the first was replaced"
    """
    person = _ready(month, by)
    from flows.reconcile import acknowledge_second_bill

    acknowledge_second_bill(key, month, because, person)
    screen().print(f"{key} is acknowledged by {person}.", soft_wrap=True)


def withdraw(
    name: Annotated[str, typer.Argument(help="The account, or the second bill.", metavar="ACCOUNT|BILL")],
    month: OfMonth,
    because: Because,
    by: By = "",
) -> None:
    """Withdraw an explanation or an acknowledgement; what was said stays on record.

    Example: techflow reconcile withdraw ACC_003 2024-01 --because "it was a refund after all"
    """
    person = _ready(month, by)
    from flows.reconcile import withdraw_act

    withdraw_act(name, month, because, person)
    screen().print(f"What was said of {name} in {month} is withdrawn by {person}.", soft_wrap=True)


def _ready(month: str, by: str) -> str:
    """Return who acts; what is plainly wrong is said before Prefect starts, which takes some seconds."""
    Month.parse(month)
    person = by or getpass.getuser()
    require_role(person, "finance", load_company(load_settings()).roles)
    quiet_prefect()
    return person


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError as error:
        raise BadSetting(f"'{text}' is no day: write it as 2024-03-31.") from error
