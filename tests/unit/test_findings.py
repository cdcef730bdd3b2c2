"""Findings: for each the condition just met and just not met. Source: `data.md` A.1 to A.10, C.2."""

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from compute.company import Company
from compute.dispositions import DISPOSITION
from compute.finding_codes import CHECKS
from compute.findings import findings, nearest
from compute.findings_arrival import ARRIVAL_CHECKS
from compute.judging import UNDATED
from compute.months import Month
from tests.company import Books, activity, bill, change, click, cost, renewal, seats, team, usage

Feeds = dict[str, list[dict[str, Any]]]
MONTHS = Month(2023, 12).until(Month(2024, 2))
A = "ACC_1"
ACTIVE = change(A, "2023-12-01", None, "Active")
JANUARY_BILL = bill(A, "2024-01-15", 100.0)  # 10 seats of 10.00


def rows_of(code: str, feeds: Feeds) -> list[dict[str, Any]]:
    checks = [check for check in CHECKS if check.code == code]
    found_rows = findings(checks, Books(feeds, MONTHS).frames(), Company(), [*map(str, MONTHS), UNDATED])
    return list(found_rows.iter_rows(named=True))


def found(code: str, feeds: Feeds) -> list[str]:
    """Return the keys found under a code, each with its month before it."""
    return [f"{row['month']} {row['key']}" for row in rows_of(code, feeds)]


def evidence(code: str, feeds: Feeds) -> str:
    (row,) = rows_of(code, feeds)
    return str(row["evidence"])


def revenue(*bills: dict[str, Any], **more: Any) -> Feeds:
    return {"revenue": list(bills), **more}


def status(*changes: dict[str, Any], **more: Any) -> Feeds:
    return {"account_status_changes": list(changes), **more}


def leap(total: float, **more: Any) -> Feeds:
    """Return a bill of 100.00 in January and one of the total in February."""
    return revenue(JANUARY_BILL, bill(A, "2024-02-15", total, **more.pop("bill", {})), **more)


def licences(*changes: dict[str, Any], **more: Any) -> Feeds:
    return {"license_changes": list(changes), **more}


def renewals(*decisions: dict[str, Any], **more: Any) -> Feeds:
    return {"subscription_renewals": list(decisions), **more}


def overdue(on: str, *changes: dict[str, Any], payment_status: str = "Overdue") -> Feeds:
    return revenue(bill(A, on, 100.0, payment_status=payment_status), account_status_changes=[ACTIVE, *changes])


def priced(revenue_a_month: float, before: int = 10, after: int = 12) -> Feeds:
    return licences(seats(A, "2024-01-20", before, after, revenue_a_month), revenue=[JANUARY_BILL])


def valued(new: float, kind: str = "Early Renewal") -> Feeds:
    return renewals(renewal(A, "2024-01-15", 1200.0, new, kind), revenue=[JANUARY_BILL])


def worked(*sessions: dict[str, Any], **more: Any) -> Feeds:
    return {"usage_sessions": list(sessions), "revenue": [JANUARY_BILL], **more}


def on_device(record: dict[str, Any], device: str | None) -> dict[str, Any]:
    return record | {"device_type": device}


MORNING = usage(A, "USER_1", "2024-01-20T10:00:00Z", "2024-01-20T11:00:00Z", 30)
WHOLE_DAY = usage(A, "USER_1", "2024-01-20T08:00:00Z", "2024-01-20T20:00:00Z", 30)
AT_ELEVEN, A_MOMENT_LATER = "2024-01-20T11:00:00Z", "2024-01-20T11:00:00.000001Z"
A_MOMENT_EARLIER = "2024-01-20T10:59:59.999999Z"


def clicked(at: str, *sessions: dict[str, Any], account: str = A, user: str = "USER_1") -> Feeds:
    known = [JANUARY_BILL, bill("ACC_2", "2024-01-15", 100.0)]
    return {"click_events": [click(account, user, at)], "usage_sessions": list(sessions), "revenue": known}


def reported(*users: int, **more: Any) -> Feeds:
    teams = [activity(A, f"TEAM_{number}", "2024-01-20", each, 1.0, 0, 0) for number, each in enumerate(users)]
    return {"team_activity": teams, "revenue": [JANUARY_BILL], **more}


def used_by(*users: str, licences_billed: int = 1) -> Feeds:
    clicks = [click(A, user, "2024-01-20T10:00:00Z") for user in users]
    return {"click_events": clicks, "revenue": [bill(A, "2024-01-15", 100.0, user_licenses=licences_billed)]}


MET: tuple[tuple[str, str, Feeds], ...] = (
    ("REV-W03", "2024-01 ACC_1 2024-01-16", revenue(JANUARY_BILL, bill(A, "2024-01-16", 100.0))),
    ("REV-W03", "2024-01 ACC_1 2024-01-16", revenue(JANUARY_BILL, bill(A, "2024-01-16", 100.0, payment_status="Void"))),
    ("REV-W04", "2024-02 ACC_1 2024-02", leap(150.01)),
    ("REV-W04", "2024-02 ACC_1 2024-02", leap(49.99)),
    ("REV-W04", "2024-02 ACC_1 2024-02", revenue(bill(A, "2024-01-15", 100.0, additional_features=["API"]),
                                                 bill(A, "2024-02-15", 151.0, additional_features=["API Access"]))),
    ("REV-W05", "2024-01 ACC_1 2024-01-15", revenue(JANUARY_BILL, license_changes=[seats(A, "2024-01-15", 10, 11, 10.0)])),
    ("past_due", "2024-02 ACC_1 2024-01-15", overdue("2024-01-15")),
    ("past_due", "2024-02 ACC_1 2024-01-15",  # its status is not known
     revenue(bill(A, "2024-01-15", 0.0, payment_status="Overdue"))),
    ("past_due", "2024-02 ACC_1 2024-01-15", overdue("2024-01-15", change(A, "2024-01-15", "Active", "Past Due"))),
    ("past_due", "2024-02 ACC_1 2024-01-15", overdue("2024-01-15", change(A, "2024-02-16", "Active", "Past Due"))),
    ("past_due", "2024-01 ACC_1 2023-12-31", overdue("2023-12-31", payment_status="Failed")),
    ("past_due", "2024-02 ACC_1 2024-01-01", overdue("2024-01-01", payment_status="Unpaid")),
    ("EXP-W04", "2024-01 ACC_1 2024-01", revenue(JANUARY_BILL, expenses=[cost(A, "2024-01-31", 300.01)])),
    ("EXP-W04", "2024-01 ACC_1 2024-01", {"expenses": [cost(A, "2024-01-31", 0.01)]}),
    ("SAL-W01", "2024-01 ENG_1 2024-01", {"salaries": [team("ENG_1", "Data Engineering", "2023-12", 30.0, 1)]}),
    ("SAL-W02", "2024-01 ENG_1 2024-01", {"salaries": [team("ENG_1", "Data Engineering", "2023-12", 100.0, 10),
                                                       team("ENG_1", "Data Engineering", "2024-01", 100.0, 14)]}),
    ("SAL-W02", "2024-01 ENG_1 2024-01", {"salaries": [team("ENG_1", "Data Engineering", "2023-12", 100.0, 10),
                                                       team("ENG_1", "Data Engineering", "2024-01", 130.01, 10)]}),
    ("LIC-W02", "2024-01 ACC_1 2024-01-20 2024-01-20 Upgrade",
     licences(seats(A, "2024-01-10", 5, 10, 50.0), seats(A, "2024-01-20", 9, 12, 30.0))),
    ("LIC-W04", "2024-01 ACC_1 2024-01-20 2024-01-20 Upgrade", priced(30.01)),
    ("LIC-W04", "2024-01 ACC_1 2024-01-20 2024-01-20 Upgrade", priced(9.99)),
    ("LIC-W04", "2024-01 ACC_1 2024-01-20 2024-01-20 Downgrade", priced(-30.01, 12, 10)),
    ("LIC-W05", "2024-01 ACC_1 2024-01-15 2024-01-15 Upgrade",
     licences(seats(A, "2024-01-15", 10, 12, 20.0), seats(A, "2024-01-16", 12, 13, 10.0), revenue=[JANUARY_BILL])),
    ("LIC-W05", "2024-01 ACC_1 2024-01-15 2024-01-15 Upgrade",  # the change after it is another account's
     licences(seats(A, "2024-01-15", 10, 12, 20.0), seats("ACC_2", "2024-01-14", 10, 12, 20.0), revenue=[JANUARY_BILL])),
    ("REN-W01", "2024-02 ACC_1 2024-02-01",
     renewals(renewal(A, "2024-02-01", 1199.99, 1200.0), account_status_changes=[ACTIVE | {"contract_value": 1200.0}])),
    ("REN-W01", "2024-02 ACC_1 2024-02-01",
     renewals(renewal(A, "2024-01-10", 1.0, 1300.0), renewal(A, "2024-02-01", 500.0, 1200.0),
              account_status_changes=[change(A, "2024-01-10", None, "Active", contract_value=500.0)])),
    ("REN-W02", "2024-01 ACC_1 2024-01-15", valued(1200.0) | status(ACTIVE, change(A, "2024-01-15", "Active", "Cancelled"))),
    ("REN-W02", "2024-01 ACC_1 2024-01-15", valued(1200.0) | status(ACTIVE, change(A, "2024-01-14", "Active", "Expired"))),
    ("renewal_after_end", "2024-01 ACC_1 2024-01-15",
     valued(1200.0) | status(ACTIVE, change(A, "2024-01-15", "Active", "Cancelled"))),
    ("REN-W03", "2024-01 ACC_1 2024-01-15", valued(1320.01)),
    ("REN-W03", "2024-01 ACC_1 2024-01-15", valued(1079.99)),
    ("licence_after_end", "2024-01 ACC_1 2024-01-20 2024-01-20 Upgrade",
     priced(20.0) | status(ACTIVE, change(A, "2024-01-20", "Active", "Suspended"))),
    ("status_without_billing", "2023-12 ACC_1 2023-12", status(change(A, "2023-12-31", None, "Active"),
                                                                change(A, "2024-01-31", "Active", "Cancelled"))),
    ("status_without_billing", "2023-12 ACC_1 2023-12",
     status(change(A, "2023-12-01", None, "Active"), change(A, "2024-01-31", "Active", "Cancelled"),
            revenue=[bill(A, "2023-12-15", 100.0, payment_status="Void")])),
    ("billing_without_status", "2024-01 ACC_1 2024-01-15", revenue(bill(A, "2024-01-15", 0.01), account_status_changes=[
        change(A, "2024-01-15", None, "Trial")])),
    ("billing_without_status", "2024-01 ACC_1 2024-01-15", revenue(bill(A, "2024-01-15", 0.0), account_status_changes=[
        ACTIVE, change(A, "2024-01-15", "Active", "Suspended")])),
    ("billing_without_status", "2024-01 ACC_1 2024-01-15", revenue(bill(A, "2024-01-15", 0.0), account_status_changes=[
        ACTIVE, change(A, "2024-01-10", "Active", "Suspended"), change(A, "2024-02-01", "Suspended", "Active")])),
    ("stale", "2024-02 ACC_1 2024-02", status(ACTIVE)),
    ("inferred_from_billing", "2024-02 ACC_1 2024-02", revenue(bill(A, "2024-02-15", 0.01))),
    ("STA-W01", "2024-01 ACC_1 2024-01-10 Trial Past Due",
     status(change(A, "2024-01-01", None, "Trial"), change(A, "2024-01-10", "Trial", "Past Due"))),
    ("STA-W02", "2024-01 ACC_1 2024-01-10",
     status(change(A, "2024-01-01", None, "Trial"), change(A, "2024-01-10", "Active", "Past Due"))),
    ("STA-W02", "2024-01 ACC_1 2024-01-10", status(change(A, "2024-01-10", "Expired", "Active"))),
    ("STA-W03", "2024-01 ACC_1 2024-01-10",
     status(change(A, "2024-01-10", "Lead", "Trial"), change(A, "2024-01-10", "Active", "Past Due"))),
    ("CLK-W03", "2024-01 0/0", clicked(A_MOMENT_LATER, MORNING)),
    ("CLK-W03", "2024-01 0/0", clicked(A_MOMENT_EARLIER, MORNING, user="USER_2")),
    ("CLK-W03", "2024-01 0/0", clicked(A_MOMENT_EARLIER, MORNING, account="ACC_2")),
    ("CLK-W03", "2024-01 0/0", clicked("2024-01-21T10:00:00.000001Z", MORNING | {"session_end": None})),
    ("CLK-W03", "2024-01 0/0", clicked("2024-01-20T09:59:59Z", MORNING)),
    ("USE-W02", "2024-01 0/1", worked(MORNING, usage(A, "USER_1", A_MOMENT_EARLIER, "2024-01-20T12:00:00Z", 9))),
    ("USE-W02", "2024-01 0/1", worked(MORNING, usage("ACC_2", "USER_1", A_MOMENT_EARLIER, "2024-01-20T12:00:00Z", 9))),
    ("USE-W02", "2024-01 0/2", worked(MORNING, usage(A, "USER_1", AT_ELEVEN, "2024-01-20T12:00:00Z", 9),
                                      usage(A, "USER_1", "2024-01-20T11:30:00Z", "2024-01-20T13:00:00Z", 9))),
    ("USE-W02", "2024-02 0/1", worked(usage(A, "USER_1", "2024-01-31T23:00:00Z", "2024-02-01T01:00:00Z", 9),
                                      usage(A, "USER_1", "2024-02-01T00:59:00Z", "2024-02-01T02:00:00Z", 9))),
    ("USE-W03", "2024-01 0/0", worked(usage(A, "USER_1", "2024-01-20T10:00:00Z", AT_ELEVEN, 9, "API", "Dashboard"))),
    ("TEA-W01", "2024-01 ACC_1 2024-01-20", reported(11)),
    ("TEA-W01", "2024-01 ACC_1 2024-01-20", reported(6, 5)),
    ("TEA-W01", "2024-01 ACC_1 2024-01-20", reported(1, account_status_changes=[change(A, "2024-01-20", None, "Trial")])),
    ("TEA-W02", "2024-01 ACC_1 2024-01-20", reported(2, click_events=[click(A, "USER_1", "2024-01-20T10:00:00Z")])),
    ("TEA-W02", "2024-01 ACC_1 2024-01-20", reported(1)),
    ("TEA-W02", "2024-01 ACC_1 2024-01-20", reported(1, 2, click_events=[click(A, "USER_1", "2024-01-20T10:00:00Z")])),
    ("XR-5", "2024-01 ACC_1 2024-01", used_by("USER_1", "USER_2")),
    ("XR-7", "2024-02 ACC_1 2024-02", leap(150.01)),
    ("XR-7", "2024-02 ACC_1 2024-02", leap(99.99, license_changes=[seats(A, "2024-02-29", 10, 12, 20.0)])),
    ("XR-7", "2024-02 ACC_1 2024-02", leap(0.0, account_status_changes=[change(A, "2024-03-01", "Active", "Cancelled")])),
    ("EXP-W02", "undated ACC_1", {"expenses": [cost(A, "2024-01-31", 1.0)], "revenue": [bill("ACC_2", "2024-01-15", 1.0)]}),
    ("REV-W91", "undated revenue note", revenue(JANUARY_BILL | {"note": 1})),
    ("REV-W91", "undated revenue note", revenue(JANUARY_BILL | {"note": None}, bill(A, "2024-02-15", 1.0, note="x"))),
)  # fmt: skip

NOT_MET: tuple[tuple[str, Feeds], ...] = (
    ("REV-W03", revenue(JANUARY_BILL, bill(A, "2024-02-01", 100.0), bill("ACC_2", "2024-01-16", 100.0))),
    ("REV-W04", leap(150.0)),
    ("REV-W04", leap(50.0)),
    ("REV-W04", leap(150.01, license_changes=[seats(A, "2024-02-29", 10, 12, 20.0)])),
    ("REV-W04", leap(150.01, subscription_renewals=[renewal(A, "2024-02-29", 1200.0, 1200.0)])),
    ("REV-W04", leap(150.01, bill={"additional_features": ["API"]})),
    ("REV-W05", revenue(JANUARY_BILL, license_changes=[seats(A, "2024-01-16", 10, 11, 10.0)])),
    ("REV-W05", revenue(JANUARY_BILL, license_changes=[seats(A, "2024-01-14", 12, 11, -10.0), seats(A, "2024-01-15", 11, 10, -10.0)])),
    ("REV-W05", revenue(JANUARY_BILL | {"payment_status": "Void"}, license_changes=[seats(A, "2024-01-15", 10, 11, 10.0)])),
    ("past_due", overdue("2024-01-15", change(A, "2024-02-15", "Active", "Past Due"))),
    ("past_due", overdue("2024-01-15", payment_status="Pending")),
    ("past_due", overdue("2024-02-15")),  # its grace ends in March
    ("EXP-W04", revenue(JANUARY_BILL, expenses=[cost(A, "2024-01-31", 300.0), cost(None, "2024-01-31", 900.0)])),
    ("SAL-W01", {"salaries": [team("ENG_1", "Data Engineering", "2023-12", 0.0, 0)]}),
    ("SAL-W02", {"salaries": [team("ENG_1", "Data Engineering", "2023-12", 100.0, 10),
                              team("ENG_1", "Data Engineering", "2024-01", 130.0, 13)]}),
    ("LIC-W02", licences(seats(A, "2024-01-10", 5, 10, 50.0), seats(A, "2024-01-20", 10, 12, 30.0))),
    ("LIC-W04", priced(30.0)),
    ("LIC-W04", priced(10.0)),
    ("LIC-W04", licences(seats(A, "2024-01-14", 10, 12, 90.0), revenue=[JANUARY_BILL])),  # no bill by then
    ("LIC-W05", licences(seats(A, "2024-01-16", 10, 12, 20.0), revenue=[JANUARY_BILL])),
    ("LIC-W05", licences(seats(A, "2024-01-14", 9, 12, 20.0), seats(A, "2024-01-15", 12, 10, -20.0), revenue=[JANUARY_BILL])),
    ("REN-W01", renewals(renewal(A, "2024-02-01", 1200.0, 1.0), account_status_changes=[ACTIVE | {"contract_value": 1200.0}])),
    ("REN-W01", renewals(renewal(A, "2024-02-01", 1.0, 1200.0), account_status_changes=[
        change(A, "2024-02-01", None, "Active", contract_value=1200.0)])),
    ("REN-W01", renewals(renewal(A, "2024-01-10", 1.0, 1300.0), renewal(A, "2024-02-01", 1300.0, 1200.0),
                         account_status_changes=[change(A, "2024-01-10", None, "Active", contract_value=500.0)])),
    ("REN-W02", valued(1200.0) | status(ACTIVE, change(A, "2024-01-16", "Active", "Cancelled"))),
    ("REN-W02", valued(1200.0) | status(ACTIVE, change(A, "2024-01-15", "Active", "Suspended"))),
    ("renewal_after_end", valued(1200.0)),
    ("REN-W03", valued(1320.0)),
    ("REN-W03", valued(1080.0)),
    ("REN-W03", valued(0.0, "Non-Renewal")),
    ("REN-W03", renewals(renewal(A, "2024-01-16", 1200.0, 9999.0), revenue=[JANUARY_BILL])),  # no bill from then on
    ("licence_after_end", priced(20.0) | status(ACTIVE, change(A, "2024-01-21", "Active", "Suspended"))),
    ("licence_after_end", priced(20.0)),
    ("status_without_billing", status(change(A, "2024-01-10", None, "Active"), change(A, "2024-02-10", "Active", "Suspended"),
                                      revenue=[JANUARY_BILL])),
    ("status_without_billing", status(change(A, "2023-12-01", None, "Trial"))),
    ("billing_without_status", revenue(bill(A, "2024-01-15", 0.0), account_status_changes=[change(A, "2024-01-15", None, "Trial")])),
    ("billing_without_status", revenue(JANUARY_BILL, account_status_changes=[change(A, "2024-01-16", None, "Trial")])),
    ("billing_without_status", revenue(JANUARY_BILL | {"payment_status": "Void"}, account_status_changes=[change(A, "2024-01-15", None, "Trial")])),
    ("stale", status(ACTIVE, revenue=[bill(A, "2024-01-31", 0.0)])),
    ("stale", status(ACTIVE, subscription_renewals=[renewal(A, "2024-02-01", 1.0, 1.0)])),
    ("stale", status(change(A, "2023-12-01", None, "Trial"))),
    ("inferred_from_billing", revenue(bill(A, "2024-02-15", 0.0))),
    ("inferred_from_billing", revenue(JANUARY_BILL, account_status_changes=[change(A, "2024-02-15", None, "Active")])),
    ("STA-W01", status(change(A, "2024-01-01", None, "Trial"), change(A, "2024-01-10", "Trial", "Active"))),
    ("STA-W02", status(change(A, "2024-01-10", "Lead", "Trial"), change(A, "2024-01-11", "Trial", "Active"))),
    ("STA-W03", status(change(A, "2024-01-10", "Trial", "Active"), change(A, "2024-01-10", "Lead", "Trial"))),
    ("CLK-W03", clicked(AT_ELEVEN, MORNING)),
    ("CLK-W03", clicked("2024-01-20T10:00:00Z", MORNING)),
    ("CLK-W03", clicked("2024-01-20T15:00:00Z", MORNING, WHOLE_DAY)),
    ("CLK-W03", clicked("2024-01-21T10:00:00Z", MORNING | {"session_end": None})),
    ("USE-W02", worked(MORNING, usage(A, "USER_1", AT_ELEVEN, "2024-01-20T12:00:00Z", 9))),
    ("USE-W02", worked(MORNING, on_device(WHOLE_DAY, "Mobile"))),
    ("USE-W02", worked(on_device(MORNING, None), on_device(WHOLE_DAY, None))),
    ("USE-W02", worked(MORNING, WHOLE_DAY | {"user_id": "USER_2"})),
    ("USE-W03", {"usage_sessions": [usage(A, "USER_1", "2024-01-20T10:00:00Z", AT_ELEVEN, 9, "API", "Dashboard")],
                 "revenue": [bill(A, "2024-01-15", 100.0, additional_features=["API Access"])]}),
    ("USE-W03", worked(usage(A, "USER_1", "2024-02-20T10:00:00Z", "2024-02-20T11:00:00Z", 9, "API"))),  # no bill of then
    ("TEA-W01", reported(10)),
    ("TEA-W01", reported(5, 5)),
    ("TEA-W02", reported(1, 1, click_events=[click(A, "USER_1", "2024-01-20T10:00:00Z")])),
    ("XR-5", used_by("USER_1", "USER_2", licences_billed=2)),
    ("XR-5", used_by("USER_1", "USER_1")),
    ("XR-7", leap(100.0)),
    ("XR-7", leap(100.01, license_changes=[seats(A, "2024-02-29", 10, 12, 20.0)])),
    ("XR-7", leap(0.0, account_status_changes=[change(A, "2024-02-29", "Active", "Cancelled")])),
    ("EXP-W02", revenue(JANUARY_BILL, expenses=[cost(A, "2024-01-31", 1.0)])),
    ("EXP-W02", {"click_events": [click(A, "USER_1", "2024-01-20T10:00:00Z")], "expenses": [cost(A, "2024-01-31", 1.0)]}),
    ("EXP-W02", {"expenses": [cost(None, "2024-01-31", 1.0)]}),
    ("REV-W91", revenue(JANUARY_BILL | {"currency": "USD", "currency_code": None})),
    ("REV-W91", revenue(bill(A, "2024-01-15", -1.0, note=1))),  # held: no current row
    ("REV-W91", revenue(JANUARY_BILL | {"note": 1}, JANUARY_BILL | {"payment_status": "Pending"})),  # superseded
)  # fmt: skip


@pytest.mark.parametrize(
    ("code", "where", "feeds"), MET, ids=[f"{number}-{case[0]}" for number, case in enumerate(MET)]
)
def test_a_condition_just_met_is_found_once_and_names_no_user(code: str, where: str, feeds: Feeds) -> None:
    (row,) = rows_of(code, feeds)

    assert where == f"{row['month']} {row['key']}"
    assert "USER" not in row["key"] + row["evidence"]


@pytest.mark.parametrize(("code", "feeds"), NOT_MET, ids=[f"{number}-{case[0]}" for number, case in enumerate(NOT_MET)])
def test_a_condition_just_not_met_is_not_found(code: str, feeds: Feeds) -> None:
    assert [] == found(code, feeds)


def test_every_code_has_a_case_on_both_sides_of_its_limit() -> None:
    codes = [check.code for check in CHECKS if check not in ARRIVAL_CHECKS and check.code != "XR-1"] + ["REV-W91"]

    assert len(codes) == len(set(codes))
    assert set(codes) == {code for code, _, _ in MET} == {code for code, _ in NOT_MET}


def test_each_bill_but_the_first_of_a_month_is_a_finding_of_its_own() -> None:
    bills = [bill(A, f"2024-01-{day}", 100.0) for day in (15, 16, 17)]

    assert ["2024-01 ACC_1 2024-01-16", "2024-01 ACC_1 2024-01-17"] == found("REV-W03", revenue(*bills))


def test_values_that_look_monthly_are_called_so() -> None:
    assert evidence("REN-W03", valued(100.0)).endswith("values look monthly")
    assert evidence("REN-W03", valued(90.0)).endswith("values look monthly")
    assert evidence("REN-W03", valued(110.0)).endswith("values look monthly")
    for other in (89.99, 110.01, 2000.0):
        assert not evidence("REN-W03", valued(other)).endswith("values look monthly")


def test_the_evidence_of_crowded_teams_says_whether_it_is_certain() -> None:
    assert evidence("TEA-W01", reported(11, 1)) == "11 active users of one team (certain), 10 licences in force"
    assert "over 2 teams" in evidence("TEA-W01", reported(6, 5))


def test_a_team_whose_pay_leaps_is_found_without_its_pay() -> None:
    before, after = (
        team("ENG_1", "Data Engineering", *values) for values in (("2023-12", 100.0, 10), ("2024-01", 131.0, 14))
    )

    assert "headcount and total: more than 30 % from 2023-12" == evidence("SAL-W02", {"salaries": [before, after]})


def test_refused_rows_are_a_blocking_finding_of_their_feed() -> None:
    counts = [
        ("revenue", "2024-01", "quarantined", "REV-Q99", 7, 0),
        ("expenses", "2024-02", "quarantined", "EXP-Q99", 8, 0),
    ]
    refused = pl.DataFrame(counts, schema=DISPOSITION, orient="row")

    rows = findings(CHECKS, replace(Books({}, MONTHS).frames(), refused=refused), Company(), ["2024-01"])

    assert [("REV-Q99", "revenue 2024-01", "blocking")] == rows.select("code", "key", "severity").rows()
    assert rows.get_column("evidence").item().startswith("7 rows of 2024-01")


def test_refused_rows_without_a_month_are_found_under_undated() -> None:
    counts = [("revenue", UNDATED, "quarantined", "REV-Q99", 3, 0)]
    refused = pl.DataFrame(counts, schema=DISPOSITION, orient="row")

    rows = findings(CHECKS, replace(Books({}, MONTHS).frames(), refused=refused), Company(), [UNDATED])

    assert [("undated", "REV-Q99", "revenue undated")] == rows.select("month", "code", "key").rows()


def test_an_unreadable_file_is_a_finding_of_its_feed_and_of_no_month() -> None:
    unreadable = pl.DataFrame({"dataset": ["expenses"], "file": ["a.ndjson.gz"]})

    rows = findings(CHECKS, replace(Books({}, MONTHS).frames(), unreadable=unreadable), Company(), [UNDATED, "2024-01"])

    assert [("undated", "unreadable_file", "expenses", "expenses a.ndjson.gz")] == rows.select(
        "month", "code", "dataset", "key"
    ).rows()


def test_an_account_that_is_named_and_not_among_the_accounts_is_found_where_it_is_named() -> None:
    feeds = revenue(JANUARY_BILL, bill("ACC_2", "2024-01-15", 1.0), expenses=[cost(None, "2024-01-31", 1.0)],
                    click_events=[click("ACC_2", "USER_1", "2024-01-20T10:00:00Z")])  # fmt: skip
    frames = Books(feeds, MONTHS).frames()
    xr_1 = [check for check in CHECKS if check.code == "XR-1"]
    behind = replace(frames, accounts=frames.accounts.filter(pl.col("account_id") == A))

    assert findings(xr_1, frames, Company(), ["2024-01"]).is_empty()
    (row,) = findings(xr_1, behind, Company(), ["2024-01"]).iter_rows(named=True)
    assert ("ACC_2", "ACC_2 2024-01") == (row["account_id"], row["key"])
    assert "named in click_events, revenue, and not among the accounts" == row["evidence"]


def test_a_member_that_no_field_reads_is_counted_on_current_rows_of_all_months() -> None:
    bills = [JANUARY_BILL | {"note": 1}, JANUARY_BILL | {"note": 2}, bill(A, "2024-02-15", 1.0, note="x", memo=[])]

    assert (
        evidence("REV-W91", revenue(*bills[:2]))
        == "1 current rows carry it, of 2024-01 to 2024-01; it is kept in bronze"
    )
    assert ["undated revenue memo", "undated revenue note"] == found("REV-W91", revenue(*bills))


def test_a_blocking_finding_and_no_other_says_who_ends_it() -> None:
    assert all(bool(check.awaits) == (check.severity == "blocking") for check in CHECKS)
    assert {"finance: acknowledges it"} == {check.awaits for check in CHECKS if check.code == "REV-W03"}


def test_findings_are_sorted_by_month_code_and_key() -> None:
    late = [bill(name, "2024-02-16", 100.0) for name in ("ACC_2", "ACC_1")]
    first = [bill(name, f"2024-0{month}-15", 100.0) for month in (1, 2) for name in ("ACC_2", "ACC_1")]
    books = Books(revenue(*late, *first, bill("ACC_2", "2024-01-17", 100.0)), MONTHS)

    rows = findings(CHECKS, books.frames(), Company(), ["2024-02", "2024-01"]).select("month", "code", "key").rows()

    assert {("2024-01", "REV-W03"), ("2024-02", "REV-W03")} < {(month, code) for month, code, _ in rows}
    assert sorted(rows) == rows


def test_a_row_finds_the_nearest_fact_of_its_account_in_any_order() -> None:
    days = [date(2024, 1, day) for day in (20, 10, 15)]
    rows = pl.DataFrame({"account_id": [A] * 3, "on": days})
    facts = pl.DataFrame(
        {"account_id": [A, A, "ACC_2"], "seen": [days[2], days[1], days[0]], "seats": [2, 1, 9]},
    )

    def seats_on(**options: Any) -> list[tuple[int, int | None]]:
        known = nearest(rows, facts, on=("on", "seen"), **options).sort("on")
        return [(on.day, seats) for on, seats in known.select("on", "seats").rows()]

    assert [(10, 1), (15, 2), (20, 2)] == seats_on()
    assert [(10, None), (15, 1), (20, 2)] == seats_on(same_day="is left out")
    assert [(10, 1), (15, 2), (20, None)] == seats_on(direction="forward")
    assert [(10, 2), (15, None), (20, None)] == seats_on(direction="forward", same_day="is left out")


def test_a_month_that_was_not_asked_has_no_findings() -> None:
    books = Books(revenue(JANUARY_BILL, bill(A, "2024-01-16", 1.0)), MONTHS)

    assert findings(CHECKS, books.frames(), Company(), ["2023-12"]).is_empty()


def test_findings_of_empty_books_are_none() -> None:
    assert findings(CHECKS, Books({}, MONTHS).frames(), Company(), ["2024-01"]).is_empty()
