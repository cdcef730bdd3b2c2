"""Records for the tests: the six file feeds' records of the user's document, changed member by member.

What stands here only builds lines and frames; what should become of them is said by the tests.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import polars as pl

from compute.company import Company
from compute.contracts.feeds import BY_NAME
from compute.judging import PLACE, judge

ARRIVAL = "2024-02-05T09:00:00Z"
SEED = {
    "revenue": """{"account_id": "ACC_001", "subscription_tier": "Enterprise", "monthly_revenue": 25000.00,
        "user_licenses": 150, "additional_features": ["Advanced Analytics", "API Access", "Priority Support"],
        "feature_revenue": 5000.00, "total_monthly_revenue": 30000.00, "billing_date": "2024-01-15",
        "payment_status": "Paid"}""",
    "expenses": """{"account_id": "ACC_001", "expense_category": "Infrastructure", "monthly_cost": 8000.00,
        "cost_breakdown": {"cloud_services": 5000.00, "database_hosting": 2000.00, "monitoring_tools": 1000.00},
        "expense_date": "2024-01-31"}""",
    "salaries": """{"team_id": "ENG_001", "team_name": "Data Engineering", "monthly_salary_total": 45000.00,
        "headcount": 4, "cost_per_engineer": 11250.00, "salary_month": "2024-01"}""",
    "account_status_changes": """{"account_id": "ACC_002", "previous_status": "Trial", "new_status": "Active",
        "change_date": "2024-01-20", "change_reason": "Trial Conversion", "sales_rep": "REP-1",
        "contract_value": 15000.00}""",
    "license_changes": """{"account_id": "ACC_003", "previous_licenses": 50, "new_licenses": 75,
        "change_date": "2024-01-25", "change_type": "Upgrade", "additional_revenue": 5000.00,
        "effective_date": "2024-02-01"}""",
    "subscription_renewals": """{"account_id": "ACC_004", "renewal_date": "2024-02-01",
        "previous_contract_value": 20000.00, "new_contract_value": 25000.00, "renewal_type": "Expansion",
        "contract_duration": "12 months"}""",
}


@dataclass(frozen=True, slots=True)
class Raw:
    """JSON text that stands in the record as it is."""

    text: str


ABSENT = Raw("")  # the member is left out


def seed(dataset: str) -> bytes:
    """Return the dataset's record of the user's document, on one line."""
    return SEED[dataset].replace("\n", " ").encode()


def record(dataset: str, **changes: Any) -> bytes:
    """Return the dataset's good record with some members changed, added or left out."""
    members = {**json.loads(SEED[dataset]), **changes}
    texts = {name: value.text if isinstance(value, Raw) else json.dumps(value) for name, value in members.items()}
    return ("{" + ", ".join(f'"{name}": {text}' for name, text in texts.items() if text) + "}").encode()


def received(*lines: bytes, arrival: str = ARRIVAL, file: str = "a.ndjson") -> pl.DataFrame:
    """Return lines of one file as landed: PLACE columns and `payload`."""
    count = len(lines)
    return pl.DataFrame(
        {
            "_source": ["landing"] * count,
            "_file": [file] * count,
            "_row": list(range(1, count + 1)),
            "_arrival": [datetime.fromisoformat(arrival).replace(tzinfo=UTC)] * count,
            "_batch_id": [sha256(b"\n".join(lines)).hexdigest()] * count,
            "_payload_sha256": [sha256(line).hexdigest() for line in lines],
            "payload": list(lines),
        },
        schema={**PLACE, "payload": pl.Binary},
    )


def judged(dataset: str, *lines: bytes, arrival: str = ARRIVAL, file: str = "a.ndjson") -> pl.DataFrame:
    """Return lines of one file as the judge leaves them."""
    return judge(received(*lines, arrival=arrival, file=file), BY_NAME[dataset], Company())
