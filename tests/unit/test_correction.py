"""A held record as people see and correct it: masks, changes member by member, numbers that keep their text."""

import json

import pytest

from compute.contracts.feeds import BY_NAME
from compute.correction import MASK, changed_record, shown_record, unmasked
from compute.releases import BadRelease
from tests.unit.records import Raw, record

REVENUE, CLICKS = BY_NAME["revenue"], BY_NAME["click_events"]


def test_personal_and_unknown_members_are_masked_and_nothing_else() -> None:
    shown = shown_record(record("click_events", session_id=None, note="call 0049 170"), CLICKS)

    hidden = {name for name, value in shown.items() if value == MASK}
    assert {"user_id", "page_url", "user_agent", "ip_address", "note"} == hidden
    assert ("ACC_001", None) == (shown["account_id"], shown["session_id"])


def test_only_what_is_given_changes_and_a_number_keeps_its_text() -> None:
    source = record("revenue", monthly_revenue=Raw("25000.000000000000000001"), note="kept")

    changed = changed_record(source, REVENUE, {"total_monthly_revenue": "1e3", "payment_status": "Paid", "additional_features": '["API Access"]'})  # fmt: skip

    assert b'"monthly_revenue": 25000.000000000000000001' in changed
    assert b'"total_monthly_revenue": 1e3' in changed
    assert (["API Access"], "kept") == (json.loads(changed)["additional_features"], json.loads(changed)["note"])


def test_text_that_looks_like_a_number_stays_text_and_null_empties_a_field() -> None:
    changed = json.loads(changed_record(record("revenue"), REVENUE, {"subscription_tier": "7", "billing_date": "null"}))

    assert ("7", None) == (changed["subscription_tier"], changed["billing_date"])


@pytest.mark.parametrize(
    ("dataset", "name"),
    [("revenue", "account_id"), ("revenue", "payment_status"), ("revenue", "billing_date"), ("salaries", "salary_month"),
     ("click_events", "timestamp")],
)  # fmt: skip
def test_every_kind_of_text_is_taken_as_it_is_given(dataset: str, name: str) -> None:
    changed = json.loads(changed_record(record(dataset), BY_NAME[dataset], {name: "12"}))

    assert "12" == changed[name]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("monthly_revenue", "12,50", "'12,50' is no money for monthly_revenue: write it as 1250.00"),
        ("monthly_revenue", '1, "account_id": "ACC_9"', "is no money for monthly_revenue") ,
        ("additional_features", "Reports", "is no list for additional_features"),
        ("amount", "1", "'amount' is no field of revenue"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_read_names_its_field(name: str, text: str, sentence: str) -> None:
    with pytest.raises(BadRelease, match=sentence):
        changed_record(record("revenue"), REVENUE, {name: text})


def test_a_mask_in_a_fix_keeps_the_value_that_is_there() -> None:
    source = record("click_events", user_id="USER_SECRET", feature_name=None)
    fixed = json.dumps(json.loads(source) | {"user_id": MASK, "feature_name": "Reports"}).encode()

    assert json.loads(source) | {"feature_name": "Reports"} == json.loads(unmasked(fixed, source))


def test_a_mask_where_nothing_was_is_refused() -> None:
    with pytest.raises(BadRelease, match="session_id had none"):
        unmasked(record("click_events", session_id=MASK), record("click_events", session_id=None))
