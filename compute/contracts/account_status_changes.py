"""Account status changes: one transition of one account.

A row whose step is not in the graph is real and only warned; its gap case is judged in `compute.status`.
Source: `data.md` A.4.
"""

from datetime import timedelta

import polars as pl

from compute.company import Company
from compute.contracts.contract import ARRIVED_ON, Contract, Field, Rule, exactly_one
from compute.statuses import STATUSES

REASONS = (
    "Trial Conversion", "Trial Expired", "Payment Failed", "Payment Recovered", "Customer Request", "Non-Renewal",
    "Win-back", "Admin",
)  # fmt: skip

PREVIOUS, NEW, REASON = pl.col("previous_status"), pl.col("new_status"), pl.col("change_reason")
CONTRACT_VALUE, CHANGED_ON = pl.col("contract_value"), pl.col("change_date")
IS_CONVERSION = (PREVIOUS == "Trial") & (NEW == "Active")


def _rules(company: Company) -> tuple[Rule, ...]:
    # Null alone is ∅: an empty text is an unknown status, though ∅ is written "" in the graph.
    edges = [f"{start or '∅'}→{end}" for start, ends in company.status_graph.items() for end in ends]
    edge = PREVIOUS.fill_null("∅") + "→" + NEW
    return (
        Rule("STA-Q01", "unknown status", ~NEW.is_in(STATUSES) | ~PREVIOUS.is_in(STATUSES).fill_null(value=True)),
        Rule("STA-Q02", "previous and new status are the same", PREVIOUS == NEW),
        Rule("STA-Q03", "changed after it arrived", ARRIVED_ON + timedelta(days=1) < CHANGED_ON),
        Rule("STA-Q95", "a negative contract value", CONTRACT_VALUE < 0),
        Rule("STA-W01", "the step is not in the graph: a gap case", ~edge.is_in(edges)),
        Rule("STA-W04", "a conversion with another reason, or the reason without one",
             REASON.is_not_null() & exactly_one(IS_CONVERSION, REASON == "Trial Conversion")),
        Rule("STA-W05", "a conversion without contract value", IS_CONVERSION & CONTRACT_VALUE.is_null()),
        Rule("STA-W93", "unknown reason", ~REASON.is_in(REASONS)),
    )  # fmt: skip


ACCOUNT_STATUS_CHANGES = Contract(
    dataset="account_status_changes",
    prefix="STA",
    version="1.0.0",
    grain="one transition of an account's status",
    fields=(
        Field("account_id", "account", "key", "the account"),
        Field("previous_status", "text", "may", "null is the state before the first event"),
        Field("new_status", "text", "key", "closed: the seven statuses"),
        Field("change_date", "date", "key", "gives the month"),
        Field("change_reason", "text", "may", "open"),
        Field("sales_rep", "text", "may", "an employee; not in silver or gold", kept={}),
        Field("contract_value", "money", "may", "total over the term; never MRR where a bill exists"),
    ),
    key=("account_id", "change_date", "previous_status", "new_status"),
    dated="change_date",
    rules=_rules,
)
