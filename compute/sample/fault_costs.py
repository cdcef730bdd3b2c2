"""Faults of costs and salaries that only a comparison finds, and a delivery that is refused.

Each function puts one fault in and returns it, or None when no row fits.
"""

from datetime import timedelta

import numpy as np

from compute.judging import UNDATED
from compute.sample.desk import Desk, Entry, is_quiet, own, record_of, said
from compute.sample.growth import weekly
from compute.sample.profit import second_of_next

Random = np.random.Generator


def costly_account(desk: Desk, random: Random) -> Entry | None:
    """An account costs four times its bill."""
    found = desk.life(random, is_quiet, desk.company.request.months[1:-1])
    if found is None:
        return None
    account, month = found[0].prospect.account_id, found[1]
    amount = round(desk.row_of("revenue", account_id=account, month=str(month))["total_monthly_revenue"] * 4 / 100, 2)
    entry = Entry("costly_account", "four times", "expenses", "direct cost above three times the bill", {})
    entry.code, entry.record = "EXP-W04", {"account_id": account, "month": str(month)}
    cost = {"account_id": account, "expense_category": "Other", "monthly_cost": amount,
            "cost_breakdown": {"sundry": amount}, "expense_date": str(month.last)}  # fmt: skip
    desk.add("expenses", second_of_next(month.last), said(cost, entry))
    entry.counts("accepted", 1)
    entry.findings.append((str(month), "EXP-W04", f"{account} {month}"))
    return entry


def lone_expense(desk: Desk, _random: Random) -> Entry | None:
    """An expense names an account that no other feed knows."""
    month, account = desk.company.request.months[1], "ACC_999999"
    entry = Entry("lone_expense", "added", "expenses", "account profit of an account that is nobody's", {})
    entry.code, entry.record = "EXP-W02", {"account_id": account, "month": str(month)}
    cost = {"account_id": account, "expense_category": "Other", "monthly_cost": 12.5,
            "cost_breakdown": {"sundry": 12.5}, "expense_date": str(month.last)}  # fmt: skip
    desk.add("expenses", second_of_next(month.last), said(cost, entry))
    entry.counts("accepted", 1)
    entry.findings.append((UNDATED, "EXP-W02", account))
    entry.findings.append((str(month), "EXP-W04", f"{account} {month}"))  # no bill stands against it
    return entry


def unknown_member(desk: Desk, random: Random) -> Entry | None:
    """An expense carries a member that no contract reads."""
    row = desk.pick(random, "expenses", lambda _row: True, take="share")
    if row is None:
        return None
    record = record_of(row)
    entry = Entry("unknown_member", "cost_center", "expenses", "no figure", record)
    entry.code = "EXP-W91"
    desk.put("expenses", row, said(record | {"cost_center": "CC-12"}, entry))
    entry.findings.append((UNDATED, "EXP-W91", "expenses cost_center"))
    return entry


def missing_team(desk: Desk, random: Random) -> Entry | None:
    """A team's salaries of a month do not come."""
    months = {str(month) for month in desk.company.request.months[1:-1]}
    row = desk.pick(random, "salaries", lambda each: each["salary_month"] in months, take="take")
    if row is None:
        return None
    key = f"{row['team_id']} {row['salary_month']}"
    entry = Entry("missing_team", "absent", "salaries", "profit of the month is unknown", record_of(row))
    entry.code, entry.where = "SAL-W01", [{"absent": key.split()}]
    desk.put("salaries", row)
    entry.rows.append(("salaries", "accepted", "", -1))
    entry.findings.append((row["salary_month"], "SAL-W01", key))
    return entry


def salary_leap(desk: Desk, random: Random) -> Entry | None:
    """A team costs a third more for a month."""
    months = {str(month) for month in desk.company.request.months[1:-1]}
    row = desk.pick(random, "salaries", lambda each: each["salary_month"] in months, take="take")
    if row is None:
        return None
    record = record_of(row)
    each = round(record["cost_per_engineer"] * 1.35, 2)
    entry = Entry("salary_leap", "a third more", "salaries", "more than 30 % from last month", record)
    entry.code = "SAL-W02"
    leap = {"cost_per_engineer": each, "monthly_salary_total": round(each * record["headcount"], 2)}
    desk.put("salaries", row, said(record | leap, entry))
    entry.findings.append((row["salary_month"], "SAL-W02", f"{row['team_id']} {row['salary_month']}"))
    return entry


def refused_batch(desk: Desk, random: Random) -> Entry | None:
    """A resend of costs in which too many rows are bad: nothing of it is taken."""
    month = str(desk.company.request.months[len(desk.company.request.months) // 2])
    rows = [row for row in desk.rows("expenses") if str(row["expense_date"]).startswith(month)]
    arrival = weekly(rows[0]["expense_date"] + timedelta(days=36)).replace(hour=9)
    entry = Entry("refused_batch", "resend", "expenses", "more than max_bad_ratio of a hundred rows are bad", {})
    entry.code = "EXP-Q99"
    for number in range(120):
        row = rows[number % len(rows)]
        is_bad = number % 8 == 0
        line = said(record_of(row) | {"monthly_cost": -1.0, "cost_breakdown": {"all": -1.0}}) if is_bad else own(row)
        desk.add("expenses", arrival, line)
        entry.counts("quarantined", 1, "EXP-Q99", *(["EXP-Q02"] if is_bad else []))
    entry.where.append({"arrival": arrival.isoformat()})
    entry.findings.append((month, "EXP-Q99", f"expenses {month}"))
    return entry


def strange_team(desk: Desk, _random: Random) -> Entry | None:
    """A team without heads and without a cost class sends a row."""
    month = desk.company.request.last
    record = {"team_id": "SKW_001", "team_name": "Skunk Works", "monthly_salary_total": 0.0, "headcount": 0,
              "cost_per_engineer": 0.0, "salary_month": str(month)}  # fmt: skip
    entry = Entry("unknown_enum", "SAL-W93", "salaries", "no cost class", {"team_id": "SKW_001"}, "SAL-W93")
    desk.add("salaries", second_of_next(month.last), said(record, entry))
    entry.counts("accepted", 1, "SAL-W93")
    return entry
