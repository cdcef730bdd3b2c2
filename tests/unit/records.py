"""Records for the tests: the nine records of the user's document, changed member by member.

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
from compute.judging import judge
from compute.schema import typed

ARRIVAL = "2024-02-05T09:00:00Z"
TOPIC_ARRIVAL = "2024-01-16T09:00:00Z"  # in time for the click
KEY = b"key"
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
    "click_events": """{"user_id": "USER_123", "account_id": "ACC_001", "event_type": "feature_click",
        "feature_name": "Advanced Analytics", "timestamp": "2024-01-15T10:30:00Z", "session_id": "SESS_456",
        "page_url": "/analytics/dashboard", "user_agent": "Mozilla/5.0...", "ip_address": "192.168.1.100"}""",
    "usage_sessions": """{"user_id": "USER_123", "account_id": "ACC_001", "session_start": "2024-01-15T09:00:00Z",
        "session_end": "2024-01-15T17:00:00Z", "total_active_time_minutes": 420,
        "features_used": ["Dashboard", "Reports", "API"], "device_type": "Desktop"}""",
    "team_activity": """{"account_id": "ACC_001", "team_id": "TEAM_001", "date": "2024-01-15", "active_users": 45,
        "total_session_time_hours": 180, "features_accessed": ["Dashboard", "Reports", "Analytics", "API"],
        "api_calls": 1250, "reports_generated": 23}""",
}
SEED_CODES = {"click_events": ["CLK-W04"]}  # its address is a private one
WITHOUT_CODES = {"click_events": {"ip_address": "1.1.1.1"}}


@dataclass(frozen=True, slots=True)
class Raw:
    """JSON text that stands in the record as it is."""

    text: str


ABSENT = Raw("")  # the member is left out


def seed(dataset: str) -> bytes:
    """Return the dataset's record of the user's document, on one line."""
    return SEED[dataset].replace("\n", " ").encode()


def record(dataset: str, **changes: Any) -> bytes:
    """Return the dataset's record, which carries no code, with some members changed, added or left out."""
    members = {**json.loads(SEED[dataset]), **WITHOUT_CODES.get(dataset, {}), **changes}
    texts = {name: value.text if isinstance(value, Raw) else json.dumps(value) for name, value in members.items()}
    return ("{" + ", ".join(f'"{name}": {text}' for name, text in texts.items() if text) + "}").encode()


def received(
    dataset: str, *lines: bytes, arrival: str | None = None, file: str = "a.ndjson", offset: int = 1
) -> pl.DataFrame:
    """Return lines of one file, or of one partition from an offset on, as landed: place columns and `payload`."""
    contract = BY_NAME[dataset]
    arrived = arrival or (TOPIC_ARRIVAL if contract.is_topic else ARRIVAL)
    count = len(lines)
    place = (
        {"_topic": [dataset] * count, "_partition": [0] * count, "_offset": list(range(offset, offset + count))}
        if contract.is_topic
        else {"_file": [file] * count, "_row": list(range(1, count + 1))}
    )
    return pl.DataFrame(
        {
            **place,
            "_source": ["landing"] * count,
            "_arrival": [datetime.fromisoformat(arrived).replace(tzinfo=UTC)] * count,
            "_batch_id": [sha256(b"\n".join(lines)).hexdigest()] * count,
            "_payload_sha256": [sha256(line).hexdigest() for line in lines],
            "payload": list(lines),
        }
    ).pipe(typed, {**contract.place, "payload": pl.Binary})


def judged(dataset: str, *lines: bytes, **place: Any) -> pl.DataFrame:
    """Return lines of one file, or of one partition, as the judge leaves them."""
    return judge(received(dataset, *lines, **place), BY_NAME[dataset], Company(), KEY)
