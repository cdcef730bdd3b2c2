"""Random companies that behave mostly like real ones: accounts that begin, pay, stop and come back.

Each account walks through the statuses; some steps are lost, wrong or of one day. Bills come monthly, now and then
not, or with another payment status. Records are those of the feeds, so a history also passes the judge.
"""

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from compute.months import Month
from compute.statuses import DEFAULT_GRAPH, NO_STATUS, STATUSES
from tests.company import bill, change, cost, renewal, seats, team

FIRST_BILL = Month(2024, 1)
LAST = Month(2024, 5)
MONTHS = FIRST_BILL.until(LAST)
# Statuses begin before the first bill: an account may have paid before anything was observed (U-51).
BEGIN = date(2023, 11, 1)
ACCOUNTS = ("ACC_1", "ACC_2", "ACC_3")
Lines = dict[str, list[dict[str, Any]]]

_totals = st.sampled_from([0.0, 50.0, 80.25, 99.99, 120.0])
_payments = st.sampled_from(
    ["Paid"] * 6 + ["Pending", "Failed", "Disputed", "Refunded", "Written Off", "Void", "Partially Refunded"]
)
_tiers = st.sampled_from(["Starter", "Starter", "Professional"])
_days = st.integers(0, (LAST.last - BEGIN).days).map(lambda days: str(BEGIN + timedelta(days=days)))


@st.composite
def walks(draw: st.DrawFn, account: str) -> list[dict[str, Any]]:
    """Draw an account's status rows: a lawful walk of which some rows are lost or lie about what was before."""
    state, on, rows = NO_STATUS, BEGIN, []
    for _ in range(draw(st.sampled_from([0, 2, 3, 5, 6]))):
        on += timedelta(days=draw(st.sampled_from([0, 0, 1, 9, 31, 45, 60])))
        new = draw(st.sampled_from(DEFAULT_GRAPH[state]) if draw(st.integers(0, 4)) else st.sampled_from(STATUSES))
        before = state if draw(st.integers(0, 3)) else draw(st.sampled_from([NO_STATUS, *STATUSES]))
        value = draw(st.sampled_from([None, None, 600.0, 1000.0]))
        if draw(st.integers(0, 3)):
            rows.append(change(account, str(on), before or None, new, contract_value=value))
        state = new
    return rows


@st.composite
def monthly_bills(draw: st.DrawFn, account: str) -> list[dict[str, Any]]:
    """Draw an account's bills: none, one or two a month; some accounts begin late, some are never billed."""
    rows = []
    for month in MONTHS[draw(st.sampled_from([0, 0, 0, 2, len(MONTHS)])) :]:
        for day in draw(st.sampled_from([[15], [15], [15], [], [], [3, 28]])):
            more = {"payment_status": draw(_payments), "subscription_tier": draw(_tiers)}
            licences = draw(st.integers(1, 9))
            rows.append(bill(account, f"{month}-{day:02d}", draw(_totals), user_licenses=licences, **more))
    return rows


def licence_changes(account: str) -> st.SearchStrategy[dict[str, Any]]:
    """Return changes of an account's seats, some agreed ahead."""
    own, five = st.just(account), st.just(5)
    up = st.builds(seats, own, _days, five, st.integers(6, 9), st.sampled_from([0.0, 7.5]), effective_date=_days)
    down = st.builds(seats, own, _days, five, st.integers(0, 4), st.sampled_from([0.0, -70.25]), effective_date=_days)
    return st.one_of(up, down)


@st.composite
def companies(draw: st.DrawFn) -> Lines:
    """Draw a company's records by feed."""
    lines: Lines = {name: [] for name in ("account_status_changes", "revenue", "license_changes")}
    for account in ACCOUNTS[: draw(st.integers(1, 3))]:
        lines["account_status_changes"] += draw(walks(account))
        lines["revenue"] += draw(monthly_bills(account))
        lines["license_changes"] += draw(st.lists(licence_changes(account), max_size=3))
    renewals = st.builds(
        renewal, st.sampled_from(ACCOUNTS), _days, st.just(600.0), st.sampled_from([0.0, 500.0, 1000.0])
    )
    costs = st.builds(
        cost, st.sampled_from([*ACCOUNTS, None, None, "ACC_7"]), _days, _totals,
        st.sampled_from(["Infrastructure", "Marketing", "Gardening"]),
    )  # fmt: skip
    teams = st.builds(
        team, st.sampled_from(["T1", "T2"]), st.sampled_from(["Data Engineering", "Support", "Gardeners"]),
        st.sampled_from([str(month) for month in MONTHS]), _totals, st.just(1),
    )  # fmt: skip
    return lines | {
        "subscription_renewals": draw(st.lists(renewals, max_size=3)),
        "expenses": draw(st.lists(costs, max_size=6)),
        "salaries": draw(st.lists(teams, max_size=5)),
    }
