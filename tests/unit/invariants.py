"""AT-02 as data: good records with a member changed, and the codes and the verdict that this must give.

A case stands under the rule whose limit it tests; those without a code lie exactly at the limit and pass.
"""

from dataclasses import dataclass
from typing import Any

from tests.unit.records import ABSENT, SEED, Raw


@dataclass(frozen=True, slots=True)
class Case:
    dataset: str
    changes: dict[str, Any]
    codes: tuple[str, ...]
    verdict: str
    arrival: str | None = None

    def __str__(self) -> str:
        return f"{self.dataset}:{self.changes}"


def accepted(dataset: str, *codes: str, arrival: str | None = None, **changes: Any) -> Case:
    return Case(dataset, changes, codes, "accepted", arrival)


def quarantined(dataset: str, *codes: str, arrival: str | None = None, **changes: Any) -> Case:
    return Case(dataset, changes, codes, "quarantined", arrival)


def rejected(dataset: str, *codes: str, **changes: Any) -> Case:
    return Case(dataset, changes, codes, "rejected")


REV, EXP, SAL, STA, LIC, REN, CLK, USE, TEA = SEED
PREFIXES = dict(zip(SEED, ("REV", "EXP", "SAL", "STA", "LIC", "REN", "CLK", "USE", "TEA"), strict=True))

COMMON = [
    case
    for dataset, prefix in PREFIXES.items()
    for case in (
        accepted(dataset, currency="USD", currency_code="USD"),
        accepted(dataset, currency=None, unheard_of=[{"a": None}]),
        quarantined(dataset, f"{prefix}-Q90", currency="EUR"),
        quarantined(dataset, f"{prefix}-Q90", currency="USD", currency_code="usd"),
        quarantined(dataset, f"{prefix}-Q90", currency="", currency_code=978),
    )
] + [
    rejected(REV, "REV-R01", account_id=""), rejected(REV, "REV-R01", billing_date=None),
    rejected(REV, "REV-R01", "REV-Q92", billing_date=ABSENT, total_monthly_revenue="1"),
    quarantined(REV, "REV-Q92", account_id="ACC-1"), quarantined(REV, "REV-Q92", billing_date="15.01.2024"),
    quarantined(REV, "REV-Q91", payment_status=ABSENT, total_monthly_revenue=1),
    quarantined(REV, "REV-Q91", "REV-Q92", monthly_revenue=None, user_licenses=1.5),
    quarantined(REV, "REV-Q92", additional_features=["a", None]), quarantined(REV, "REV-Q92", user_licenses="150"),
    quarantined(REV, "REV-Q90", "REV-Q01", currency="EUR", total_monthly_revenue=1),
    accepted(REV, "REV-W92", monthly_revenue=Raw("25000.001"), feature_revenue=Raw("4999.999")),
    accepted(REV, monthly_revenue=Raw("25000.000")), accepted(REV, user_licenses=Raw("150.0")),
    rejected(EXP, "EXP-R01", expense_category=""), rejected(EXP, "EXP-R01", expense_date=None),
    quarantined(EXP, "EXP-Q91", monthly_cost=None), quarantined(EXP, "EXP-Q92", monthly_cost="8000"),
    quarantined(EXP, "EXP-Q92", cost_breakdown={"a": 8000, "b": None}),
    accepted(EXP, "EXP-W92", cost_breakdown={"a": 4000.001, "b": 4000}),
    rejected(SAL, "SAL-R01", team_id=ABSENT), rejected(SAL, "SAL-R01", salary_month=""),
    quarantined(SAL, "SAL-Q91", headcount=None), quarantined(SAL, "SAL-Q92", salary_month="2024-13"),
    accepted(SAL, "SAL-W92", monthly_salary_total=45000.001),
    rejected(STA, "STA-R01", new_status=""), quarantined(STA, "STA-Q92", previous_status=5),
    quarantined(STA, "STA-Q92", sales_rep=5), accepted(STA, sales_rep=None),
    accepted(STA, "STA-W92", contract_value=15000.001),
    rejected(LIC, "LIC-R01", effective_date=None), quarantined(LIC, "LIC-Q91", change_type=None),
    quarantined(LIC, "LIC-Q92", new_licenses=75.5), accepted(LIC, "LIC-W92", additional_revenue=5000.001),
    rejected(REN, "REN-R01", renewal_date=ABSENT), quarantined(REN, "REN-Q91", contract_duration=None),
    quarantined(REN, "REN-Q92", contract_duration=12), accepted(REN, "REN-W92", new_contract_value=25000.001),
    *(rejected(CLK, "CLK-R01", **{name: value})
      for name in ("user_id", "account_id", "event_type", "timestamp") for value in (None, "", ABSENT)),
    rejected(CLK, "CLK-R01", "CLK-Q93", user_id="", timestamp="2024-01-15T10:30:00"),
    *(quarantined(CLK, "CLK-Q92", **{name: 5}) for name in (
        "user_id", "account_id", "event_type", "feature_name", "timestamp", "session_id", "page_url", "user_agent",
        "ip_address")),
    quarantined(CLK, "CLK-Q92", account_id="acc_001"), quarantined(CLK, "CLK-Q92", timestamp="2024-01-15T10:30Z"),
    quarantined(CLK, "CLK-Q93", timestamp="2024-01-15T10:30:00", event_type="?", session_id=None),
    accepted(CLK, page_url=None, user_agent=None, ip_address=None), accepted(CLK, page_url="", user_agent=""),
    *(rejected(USE, "USE-R01", **{name: value})
      for name in ("user_id", "account_id", "session_start") for value in (None, "", ABSENT)),
    quarantined(USE, "USE-Q91", total_active_time_minutes=None, device_type="?"),
    quarantined(USE, "USE-Q91", total_active_time_minutes=ABSENT, session_end="2024-01-14T00:00:00Z"),
    quarantined(USE, "USE-Q92", total_active_time_minutes="420"),
    quarantined(USE, "USE-Q92", total_active_time_minutes=420.5), accepted(USE, total_active_time_minutes=420.0),
    quarantined(USE, "USE-Q92", features_used="API"), quarantined(USE, "USE-Q92", session_end=""),
    quarantined(USE, "USE-Q92", device_type=1), quarantined(USE, "USE-Q93", session_start="2024-01-15T09:00:00"),
    quarantined(USE, "USE-Q93", session_end="2024-01-15T17:00:00", total_active_time_minutes=-1),
    accepted(USE, features_used=None, device_type=None), accepted(USE, features_used=["Unheard of"]),
    *(rejected(TEA, "TEA-R01", **{name: value})
      for name in ("account_id", "team_id", "date") for value in (None, "", ABSENT)),
    *(quarantined(TEA, code, **{name: value})
      for name in ("active_users", "total_session_time_hours", "api_calls", "reports_generated")
      for code, value in (("TEA-Q91", None), ("TEA-Q91", ABSENT), ("TEA-Q92", "4"), ("TEA-Q92", Raw("1e16")))),
    quarantined(TEA, "TEA-Q92", date="2024-01-15T00:00:00Z"), quarantined(TEA, "TEA-Q92", api_calls=0.5),
    accepted(TEA, total_session_time_hours=Raw("0.1234567890123456789")), accepted(TEA, features_accessed=None),
]  # fmt: skip

REVENUE = [
    accepted(REV, total_monthly_revenue=30000.01), accepted(REV, total_monthly_revenue=29999.99),
    quarantined(REV, "REV-Q01", total_monthly_revenue=30000.02),
    quarantined(REV, "REV-Q01", total_monthly_revenue=29999.98),
    accepted(REV, "REV-W92", total_monthly_revenue=Raw("30000.0149")),
    quarantined(REV, "REV-Q01", "REV-W92", total_monthly_revenue=Raw("30000.015")),
    accepted(REV, monthly_revenue=0, total_monthly_revenue=5000),
    quarantined(REV, "REV-Q02", monthly_revenue=-0.01, total_monthly_revenue=4999.99),
    quarantined(REV, "REV-Q02", feature_revenue=-1, total_monthly_revenue=24999, additional_features=[]),
    quarantined(REV, "REV-Q02", monthly_revenue=0, feature_revenue=0, total_monthly_revenue=-0.01,
                additional_features=[]),
    accepted(REV, billing_date="2024-02-06", arrival="2024-02-05T00:00:00Z"),
    quarantined(REV, "REV-Q03", billing_date="2024-02-07", arrival="2024-02-05T23:59:59Z"),
    accepted(REV, billing_date="2015-01-01"), quarantined(REV, "REV-Q03", billing_date="2014-12-31"),
    *(accepted(REV, payment_status=status) for status in (
        "Paid", "Pending", "Overdue", "Failed", "Unpaid", "Refunded", "Disputed", "Written Off", "Void", "Past Due")),
    quarantined(REV, "REV-Q04", payment_status="paid"), quarantined(REV, "REV-Q04", payment_status=""),
    quarantined(REV, "REV-Q05", payment_status="Partially Refunded"),
    accepted(REV, user_licenses=0, monthly_revenue=0, total_monthly_revenue=5000),
    quarantined(REV, "REV-Q06", user_licenses=0),
    quarantined(REV, "REV-Q06", user_licenses=-1, monthly_revenue=0, total_monthly_revenue=5000),
    accepted(REV, additional_features=None, feature_revenue=0, total_monthly_revenue=25000),
    accepted(REV, "REV-W01", additional_features=ABSENT),
    accepted(REV, "REV-W01", feature_revenue=0, total_monthly_revenue=25000),
    *(accepted(REV, subscription_tier=tier) for tier in (
        "Trial", "Free", "Trial/Free", "Starter", "Professional", "Custom")),
    accepted(REV, "REV-W02", subscription_tier="enterprise"),
    quarantined(REV, "REV-Q01", "REV-Q03", "REV-Q04", "REV-Q06", "REV-W02", total_monthly_revenue=1,
                billing_date="2014-12-31", payment_status="?", user_licenses=0, subscription_tier="Gold"),
]  # fmt: skip

EXPENSES = [
    *(accepted(EXP, account_id=account) for account in (None, ABSENT, "SHARED")),
    quarantined(EXP, "EXP-Q92", account_id=""), quarantined(EXP, "EXP-Q92", account_id="shared"),
    accepted(EXP, monthly_cost=8000.01), accepted(EXP, monthly_cost=7999.99),
    quarantined(EXP, "EXP-Q01", monthly_cost=8000.02), quarantined(EXP, "EXP-Q01", monthly_cost=7999.98),
    quarantined(EXP, "EXP-Q01", cost_breakdown={"a": 0}), accepted(EXP, monthly_cost=0, cost_breakdown={"a": 0}),
    quarantined(EXP, "EXP-Q02", monthly_cost=-0.01, cost_breakdown={"a": 0}),
    quarantined(EXP, "EXP-Q02", cost_breakdown={"a": 8000.01, "b": -0.01}),
    accepted(EXP, arrival="2024-01-15T00:00:00Z"), accepted(EXP, arrival="2024-01-01T00:00:00Z"),
    quarantined(EXP, "EXP-Q03", arrival="2023-12-31T23:59:59Z"),
    accepted(EXP, expense_date="2024-02-29"), accepted(EXP, expense_date="2023-02-28"),
    accepted(EXP, "EXP-W01", expense_date="2024-01-30"), accepted(EXP, "EXP-W01", expense_date="2024-02-28"),
    accepted(EXP, "EXP-W03", cost_breakdown=None), accepted(EXP, "EXP-W03", cost_breakdown={}),
    *(accepted(EXP, expense_category=category) for category in (
        "Support", "Third-Party Software", "Payment Processing", "Professional Services", "Marketing", "Sales", "G&A",
        "Other")),
    accepted(EXP, "EXP-W93", expense_category="infrastructure"),
]  # fmt: skip

SALARIES = [
    accepted(SAL, cost_per_engineer=11250.01), accepted(SAL, cost_per_engineer=11249.99),
    quarantined(SAL, "SAL-Q01", cost_per_engineer=11250.02), quarantined(SAL, "SAL-Q01", cost_per_engineer=11249.98),
    # 0.05 / 2 is rounded to 0.02 (half-even), so 0.03 lies at the limit and 0.04 beyond it.
    accepted(SAL, monthly_salary_total=0.05, headcount=2, cost_per_engineer=0.03),
    quarantined(SAL, "SAL-Q01", monthly_salary_total=0.05, headcount=2, cost_per_engineer=0.04),
    accepted(SAL, headcount=0, monthly_salary_total=0, cost_per_engineer=0),
    quarantined(SAL, "SAL-Q02", headcount=0, monthly_salary_total=0.01, cost_per_engineer=0),
    accepted(SAL, headcount=Raw("4.0")), quarantined(SAL, "SAL-Q03", headcount=2.5, cost_per_engineer=18000),
    quarantined(SAL, "SAL-Q01", "SAL-Q03", headcount=2.5),
    quarantined(SAL, "SAL-Q95", headcount=-1), quarantined(SAL, "SAL-Q95", "SAL-Q03", headcount=-0.5),
    quarantined(SAL, "SAL-Q95", monthly_salary_total=-0.01, headcount=0, cost_per_engineer=0),
    quarantined(SAL, "SAL-Q95", monthly_salary_total=0, cost_per_engineer=-0.01),
    *(accepted(SAL, team_name=name) for name in (
        "Platform Engineering", "Frontend Guild", "Support", "Customer Support", "DevOps", "Sales", "Marketing",
        "Finance", "G&A")),
    accepted(SAL, "SAL-W93", team_name="Robots"), accepted(SAL, "SAL-W93", team_name="Sales Ops"),
    accepted(SAL, "SAL-W93", team_name=""),
]  # fmt: skip


def step(*codes: str, start: str | None, end: str, verdict: str = "accepted", **changes: Any) -> Case:
    return Case(STA, {"previous_status": start, "new_status": end, "change_reason": None, **changes}, codes, verdict)


STATUSES = [
    step(start=None, end="Trial"), step(start="Lead", end="Active"), step(start="Trial", end="Active"),
    step("STA-Q01", "STA-W01", start="Active", end="Paused", verdict="quarantined"),
    step("STA-Q01", "STA-W01", start="active", end="Cancelled", verdict="quarantined"),
    step("STA-Q01", "STA-W01", start="Unknown", end="Active", verdict="quarantined"),
    step("STA-Q02", "STA-W01", start="Active", end="Active", verdict="quarantined"),
    accepted(STA, change_date="2024-02-06"), quarantined(STA, "STA-Q03", change_date="2024-02-07"),
    accepted(STA, change_date="1999-12-31"),
    accepted(STA, contract_value=0), quarantined(STA, "STA-Q95", contract_value=-0.01),
    step("STA-W01", start="Trial", end="Past Due"), step("STA-W01", start=None, end="Cancelled"),
    step("STA-W01", start="Cancelled", end="Lead"), step(start="Active", end="Expired"),
    accepted(STA, "STA-W04", change_reason="Win-back"),
    step("STA-W04", start="Lead", end="Active", change_reason="Trial Conversion"),
    step("STA-W04", "STA-W93", start="Trial", end="Active", change_reason="trial conversion"),
    accepted(STA, "STA-W05", contract_value=None), step(start="Lead", end="Active", contract_value=None),
    *(step(start="Lead", end="Trial", change_reason=reason) for reason in (
        "Trial Expired", "Payment Failed", "Payment Recovered", "Customer Request", "Non-Renewal", "Win-back",
        "Admin")),
    step("STA-W93", start="Lead", end="Trial", change_reason="Because"),
]  # fmt: skip


def seats(*codes: str, kind: str, before: int, after: int, revenue: float, verdict: str = "accepted") -> Case:
    changes = {"change_type": kind, "previous_licenses": before, "new_licenses": after, "additional_revenue": revenue}
    return Case(LIC, changes, codes, verdict)


LICENCES = [
    seats("LIC-Q94", kind="Swap", before=-1, after=-1, revenue=-1, verdict="quarantined"),
    quarantined(LIC, "LIC-Q94", change_type=""), quarantined(LIC, "LIC-Q94", "LIC-Q90", change_type="?", currency="?"),
    *(case for kind in ("Upgrade", "True-up", "Initial") for case in (
        seats(kind=kind, before=5, after=6, revenue=0),
        seats("LIC-Q01", kind=kind, before=5, after=5, revenue=0, verdict="quarantined"),
        seats("LIC-Q02", kind=kind, before=5, after=6, revenue=-0.01, verdict="quarantined"))),
    *(case for kind in ("Downgrade", "Removal") for case in (
        seats(kind=kind, before=6, after=5, revenue=0),
        seats("LIC-Q01", kind=kind, before=5, after=5, revenue=0, verdict="quarantined"),
        seats("LIC-Q02", kind=kind, before=6, after=5, revenue=0.01, verdict="quarantined"))),
    seats("LIC-Q01", "LIC-Q02", kind="Upgrade", before=6, after=5, revenue=-1, verdict="quarantined"),
    seats("LIC-Q03", kind="Initial", before=-1, after=1, revenue=0, verdict="quarantined"),
    seats("LIC-Q03", kind="Removal", before=1, after=-1, revenue=0, verdict="quarantined"),
    seats(kind="Removal", before=1, after=0, revenue=-1), accepted(LIC, effective_date="2035-01-01"),
    accepted(LIC, effective_date="2024-01-25"), accepted(LIC, "LIC-W01", effective_date="2024-01-24"),
    seats(kind="Upgrade", before=5, after=50, revenue=0), seats(kind="Initial", before=0, after=50, revenue=0),
    seats("LIC-W03", kind="Upgrade", before=5, after=51, revenue=0),
]  # fmt: skip


def renewal(*codes: str, kind: str, old: float, new: float, verdict: str = "accepted") -> Case:
    return Case(REN, {"renewal_type": kind, "previous_contract_value": old, "new_contract_value": new}, codes, verdict)


RENEWALS = [
    *(accepted(REN, contract_duration=term) for term in (
        "1 month", "120 months", "10 years", "1year", "12MONTHS", " 12 Months ", "Month-to-Month", "month-to-month",
        "P12M", "P1Y", "P1Y6M", "p10y")),
    *(quarantined(REN, "REN-Q01", contract_duration=term) for term in (
        "0 months", "121 months", "11 years", "P0M", "P10Y1M", "PT12M", "P", "P52W", "12", "12 weeks", "1.5 years",
        "-1 months", "twelve months", "")),
    renewal(kind="Expansion", old=5, new=5.01),
    renewal("REN-Q02", kind="Expansion", old=5, new=5, verdict="quarantined"),
    renewal(kind="Flat", old=5, new=5), renewal("REN-Q02", kind="Flat", old=5, new=5.01, verdict="quarantined"),
    renewal(kind="Contraction", old=5, new=4.99), renewal(kind="Contraction", old=5, new=0.01),
    renewal("REN-Q02", kind="Contraction", old=5, new=5, verdict="quarantined"),
    renewal("REN-Q02", kind="Contraction", old=5, new=0, verdict="quarantined"),
    renewal(kind="Non-Renewal", old=5, new=0),
    renewal("REN-Q02", kind="Non-Renewal", old=5, new=0.01, verdict="quarantined"),
    *(renewal(kind="Early Renewal", old=5, new=new) for new in (0, 4, 5, 6)),
    renewal("REN-Q94", kind="expansion", old=5, new=4, verdict="quarantined"),
    quarantined(REN, "REN-Q94", "REN-Q01", renewal_type="", contract_duration="?"),
    renewal("REN-Q95", kind="Expansion", old=-0.01, new=0, verdict="quarantined"),
    renewal("REN-Q95", kind="Early Renewal", old=0, new=-0.01, verdict="quarantined"),
    accepted(REN, renewal_date="2035-01-01"),
]  # fmt: skip

CLICKS = [
    accepted(CLK, timestamp="2024-01-15T10:30:00Z", arrival="2024-01-15T10:25:00Z"),
    quarantined(CLK, "CLK-Q01", timestamp="2024-01-15T10:30:00.000001Z", arrival="2024-01-15T10:25:00Z"),
    # 400 days after the click: 366 of them end on 2025-01-15.
    accepted(CLK, "CLK-W01", timestamp="2024-01-15T10:30:00Z", arrival="2025-02-18T10:30:00Z"),
    quarantined(CLK, "CLK-Q02", "CLK-W01", timestamp="2024-01-15T10:29:59.999999Z", arrival="2025-02-18T10:30:00Z"),
    accepted(CLK, timestamp="2024-01-15T10:30:00Z", arrival="2024-01-17T10:30:00Z"),
    accepted(CLK, timestamp="2024-01-15T11:30:00+01:00", arrival="2024-01-17T10:30:00Z"),
    accepted(CLK, "CLK-W01", timestamp="2024-01-15T10:29:59.999999Z", arrival="2024-01-17T10:30:00Z"),
    quarantined(CLK, "CLK-Q91", feature_name=None), quarantined(CLK, "CLK-Q91", feature_name=ABSENT),
    quarantined(CLK, "CLK-Q91", "CLK-Q92", "CLK-W94", feature_name=None, ip_address="?", session_id=None),
    accepted(CLK, event_type="page_view", feature_name=None), accepted(CLK, "CLK-W02", feature_name=""),
    *(quarantined(CLK, "CLK-Q92", ip_address=address) for address in (
        "", "?", " 1.1.1.1", "1.1.1", "256.1.1.1", "01.1.1.1", "1.1.1.1:80", "1.1.1.1/32", "[2606:4700::1]",
        "2606:4700:::1", "localhost", "16843009")),
    *(accepted(CLK, ip_address=address) for address in (
        "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "2606:4700:4700::1111", "::ffff:1.1.1.1")),
    *(accepted(CLK, "CLK-W04", ip_address=address) for address in (
        "10.0.0.1", "172.16.0.0", "172.31.255.255", "192.168.1.100", "127.0.0.1", "169.254.0.1", "100.64.0.0",
        "100.127.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1", "0.0.0.0", "::1", "fe80::1", "fd00::1",
        "2001:db8::1", "::ffff:10.0.0.1")),
    *(accepted(CLK, event_type=event) for event in (
        "page_view", "login", "logout", "heartbeat", "error", "click", "search", "export", "api_call")),
    accepted(CLK, "CLK-W02", event_type="Login"), accepted(CLK, "CLK-W02", event_type="?", feature_name=None),
    *(accepted(CLK, feature_name=name) for name in (
        "API", "Analytics", "API Access", "Advanced Analytics", "Dashboard", "Reports")),
    *(accepted(CLK, "CLK-W02", feature_name=name) for name in ("api", "Priority Support")),
    accepted(CLK, "CLK-W94", session_id=None), accepted(CLK, "CLK-W94", session_id=ABSENT),
    accepted(CLK, session_id=""),
]  # fmt: skip

SESSIONS = [
    accepted(USE, total_active_time_minutes=481), quarantined(USE, "USE-Q02", total_active_time_minutes=482),
    accepted(USE, total_active_time_minutes=481, session_end="2024-01-15T17:00:59.999999Z"),
    quarantined(USE, "USE-Q02", total_active_time_minutes=482, session_end="2024-01-15T17:00:59.999999Z"),
    accepted(USE, total_active_time_minutes=482, session_end="2024-01-15T17:01:00Z"),
    accepted(USE, session_end="2024-01-15T09:00:00Z", total_active_time_minutes=1),
    quarantined(USE, "USE-Q02", session_end="2024-01-15T09:00:00Z", total_active_time_minutes=2),
    accepted(USE, session_end="2024-01-16T09:00:00Z"), accepted(USE, session_end="2024-01-16T12:00:00+03:00"),
    quarantined(USE, "USE-Q03", session_end="2024-01-16T09:00:00.000001Z"),
    quarantined(USE, "USE-Q02", "USE-Q03", session_end="2024-01-16T09:00:01Z", total_active_time_minutes=1442),
    quarantined(USE, "USE-Q01", session_end="2024-01-15T08:59:59.999999Z"),
    quarantined(USE, "USE-Q01", session_end="2024-01-01T00:00:00Z", total_active_time_minutes=9999),
    quarantined(USE, "USE-Q95", "USE-W93", "USE-Q01", session_end="2024-01-15T08:00:00Z", device_type="?",
                total_active_time_minutes=-1),
    accepted(USE, total_active_time_minutes=0), quarantined(USE, "USE-Q95", total_active_time_minutes=-1),
    accepted(USE, session_end=None, total_active_time_minutes=9999), accepted(USE, session_end=ABSENT),
    *(accepted(USE, device_type=device) for device in ("Mobile", "Tablet", "API", "Unknown")),
    accepted(USE, "USE-W93", device_type="desktop"), accepted(USE, "USE-W93", device_type=""),
]  # fmt: skip

TEAMS = [
    accepted(TEA, active_users=1, total_session_time_hours=24),
    quarantined(TEA, "TEA-Q01", active_users=1, total_session_time_hours=Raw("24.00000000000000000001")),
    quarantined(TEA, "TEA-Q01", active_users=45, total_session_time_hours=1080.01),
    accepted(TEA, active_users=0, total_session_time_hours=0),
    quarantined(TEA, "TEA-Q02", active_users=0, total_session_time_hours=Raw("0.00000000000000000001")),
    accepted(TEA, active_users=9999999999999999, total_session_time_hours=Raw("9999999999999999.9")),
    accepted(TEA, api_calls=0, reports_generated=0),
    quarantined(TEA, "TEA-Q95", "TEA-Q01", active_users=-1, total_session_time_hours=0),
    quarantined(TEA, "TEA-Q95", total_session_time_hours=-0.01), quarantined(TEA, "TEA-Q95", api_calls=-1),
    quarantined(TEA, "TEA-Q95", reports_generated=-1),
]  # fmt: skip

CASES = [
    *COMMON, *REVENUE, *EXPENSES, *SALARIES, *STATUSES, *LICENCES, *RENEWALS, *CLICKS, *SESSIONS, *TEAMS,
]  # fmt: skip
