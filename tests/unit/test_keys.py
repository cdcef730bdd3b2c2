"""What names a record: a change of one member of the key makes another record, of any other member a revision."""

from typing import Any

import pytest

from compute.company import Company
from compute.contracts.feeds import BY_NAME, FEEDS
from compute.current import ALONE, settle
from tests.unit.records import judged, record

# Source: `data.md` A.1 to A.9, the line "Key" of each.
OTHERS: dict[str, dict[str, Any]] = {
    "revenue": {"account_id": "ACC_009", "billing_date": "2024-01-16"},
    "expenses": {"account_id": "ACC_009", "expense_category": "Support", "expense_date": "2024-01-30"},
    "salaries": {"team_id": "ENG_009", "salary_month": "2023-12"},
    "account_status_changes": {
        "account_id": "ACC_009", "change_date": "2024-01-21", "previous_status": "Lead", "new_status": "Cancelled",
    },
    "license_changes": {
        "account_id": "ACC_009", "change_date": "2024-01-24", "effective_date": "2024-02-02", "change_type": "True-up",
    },
    "subscription_renewals": {"account_id": "ACC_009", "renewal_date": "2024-02-02"},
    "click_events": {
        "user_id": "USER_9", "account_id": "ACC_009", "session_id": "SESS_9", "event_type": "page_view",
        "feature_name": "Reports", "page_url": "/reports", "timestamp": "2024-01-15T10:31:00Z",
    },
    "usage_sessions": {"user_id": "USER_9", "account_id": "ACC_009", "session_start": "2024-01-15T09:30:00Z"},
    "team_activity": {"account_id": "ACC_009", "team_id": "TEAM_009", "date": "2024-01-14"},
}  # fmt: skip


def dispositions(dataset: str, *changes: dict[str, Any]) -> list[str]:
    frame = judged(dataset, *(record(dataset, **each) for each in changes))
    settled = settle(frame, BY_NAME[dataset], Company(), frozenset(), ALONE)
    return settled.get_column("_disposition").to_list()


def test_every_feed_has_its_key() -> None:
    assert {feed.dataset: tuple(OTHERS[feed.dataset]) for feed in FEEDS} == {feed.dataset: feed.key for feed in FEEDS}


@pytest.mark.parametrize(
    ("dataset", "member"), [(dataset, member) for dataset, members in OTHERS.items() for member in members]
)
def test_one_other_member_of_the_key_makes_another_record(dataset: str, member: str) -> None:
    assert ["accepted", "accepted"] == dispositions(dataset, {}, {member: OTHERS[dataset][member]})


@pytest.mark.parametrize(
    ("dataset", "other", "first"),
    [
        ("revenue", {"user_licenses": 149}, "superseded"),
        ("expenses", {"monthly_cost": 8000, "cost_breakdown": {}}, "superseded"),
        ("salaries", {"team_name": "Support"}, "superseded"),
        ("account_status_changes", {"change_reason": "None"}, "superseded"),
        ("license_changes", {"new_licenses": 80}, "superseded"),
        ("subscription_renewals", {"contract_duration": "24 months"}, "superseded"),
        ("usage_sessions", {"device_type": "Mobile"}, "superseded"),
        ("team_activity", {"active_users": 44}, "superseded"),
    ],
)
def test_another_member_than_the_key_makes_a_revision(dataset: str, other: dict[str, Any], first: str) -> None:
    assert [first, "accepted"] == dispositions(dataset, {}, other)
