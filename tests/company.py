"""A company made of literal records, and its figures, in memory: what a flow does, without a lake."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from compute.account_month import Records, account_month
from compute.accounts import accounts, named_in
from compute.aggregated import AggregatedInput, aggregated_figures, stored_figures
from compute.allocation import account_shares, active_minutes, allocation, sources
from compute.company import Company
from compute.company_month import company_month
from compute.contracts.contract import PLACE, TOPIC_PLACE, Contract
from compute.contracts.feeds import ENGAGEMENT_FEEDS, FEEDS, GROWTH_FEEDS, PROFIT_FEEDS
from compute.contracts.schema import require
from compute.current import Beside, named_accounts, refused_days, settle, silver_rows
from compute.details import account_day_figures
from compute.dispositions import DISPOSITION, count_unknown_fields
from compute.engagement import EngagementInput, account_days, engagement_figures
from compute.engagement_day import user_days
from compute.findings import Frames
from compute.growth import GrowthInput, growth_figures
from compute.judging import judge
from compute.months import Month
from compute.mrr import state_bills
from compute.profit import ProfitInput, profit_figures
from compute.retention import cohort_members
from compute.sessions import bins, join
from compute.status import status_timeline

ARRIVAL = datetime(2030, 1, 1, tzinfo=UTC)
DELIVERY = datetime(2024, 6, 1, tzinfo=UTC)  # within 400 days of the clicks of any month from 2023-05 on
KEY = b"the key of the tests"
FILE_FEEDS = (*PROFIT_FEEDS, *GROWTH_FEEDS)


def received(lines: Iterable[bytes | Mapping[str, Any]], arrival: datetime = ARRIVAL) -> pl.DataFrame:
    """Return lines as rows of one landed file."""
    payloads = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    rows = [("landing", "file", number, arrival, "batch", "", payload) for number, payload in enumerate(payloads, 1)]
    return pl.DataFrame(rows, schema={**PLACE, "payload": pl.Binary}, orient="row")


def delivered(lines: Iterable[bytes | Mapping[str, Any]], arrival: datetime = DELIVERY) -> pl.DataFrame:
    """Return lines as records of one partition of a topic."""
    payloads = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    rows = [("events", "topic", 0, offset, arrival, "batch", "", line) for offset, line in enumerate(payloads)]
    return pl.DataFrame(rows, schema={**TOPIC_PLACE, "payload": pl.Binary}, orient="row")


def bill(account: str, on: str, total: float, **more: Any) -> dict[str, Any]:
    return {
        "account_id": account, "subscription_tier": "Starter", "monthly_revenue": total, "user_licenses": 10,
        "additional_features": [], "feature_revenue": 0.0, "total_monthly_revenue": total, "billing_date": on,
        "payment_status": "Paid", **more,
    }  # fmt: skip


def change(account: str, on: str, previous: str | None, new: str, **more: Any) -> dict[str, Any]:
    return {"account_id": account, "previous_status": previous, "new_status": new, "change_date": on, **more}


def seats(account: str, on: str, before: int, after: int, revenue: float, **more: Any) -> dict[str, Any]:
    return {
        "account_id": account, "previous_licenses": before, "new_licenses": after, "change_date": on,
        "change_type": "Upgrade" if after > before else "Downgrade", "additional_revenue": revenue,
        "effective_date": on, **more,
    }  # fmt: skip


def renewal(account: str, on: str, old: float, new: float, kind: str = "Early Renewal", **more: Any) -> dict[str, Any]:
    return {
        "account_id": account, "renewal_date": on, "previous_contract_value": old, "new_contract_value": new,
        "renewal_type": kind, "contract_duration": "12 months", **more,
    }  # fmt: skip


def cost(account: str | None, on: str, amount: float, category: str = "Infrastructure") -> dict[str, Any]:
    return {"account_id": account, "expense_category": category, "monthly_cost": amount,
            "cost_breakdown": {"all": amount}, "expense_date": on}  # fmt: skip


def team(team_id: str, name: str, month: str, total: float, heads: int) -> dict[str, Any]:
    each = round(total / heads, 2) if heads else 0.0
    return {"team_id": team_id, "team_name": name, "monthly_salary_total": total, "headcount": heads,
            "cost_per_engineer": each, "salary_month": month}  # fmt: skip


def click(account: str, user: str, at: str, session: str | None = None, **more: Any) -> dict[str, Any]:
    return {"account_id": account, "user_id": user, "event_type": "page_view", "timestamp": at,
            "session_id": session, **more}  # fmt: skip


def usage(account: str, user: str, start: str, end: str | None, minutes: int, *features: str) -> dict[str, Any]:
    return {"account_id": account, "user_id": user, "session_start": start, "session_end": end,
            "total_active_time_minutes": minutes, "features_used": list(features), "device_type": "Desktop"}  # fmt: skip


def activity(account: str, team_id: str, on: str, users: int, hours: float, calls: int, reports: int) -> dict[str, Any]:
    return {"account_id": account, "team_id": team_id, "date": on, "active_users": users,
            "total_session_time_hours": hours, "features_accessed": [], "api_calls": calls,
            "reports_generated": reports}  # fmt: skip


@dataclass
class Books:
    """The current records of a company, and what is made of them.

    Attributes:
        months: first and last month to compute.
        silver: current rows of the file feeds; `topics`: those of the topics, all delivered at DELIVERY.
        as_of: the day of an as-of that was asked for.
    """

    lines: Mapping[str, Sequence[Any]]
    months: tuple[Month, ...]
    company: Company = field(default_factory=Company)
    as_of: date | None = None

    def __post_init__(self) -> None:
        self.judged = {feed.dataset: self._judged(feed) for feed in FEEDS}
        named = [named_accounts(self.judged[feed.dataset]) for feed in FILE_FEEDS if feed.account]
        now = datetime.combine(self.as_of, time(), UTC) if self.as_of else DELIVERY
        beside = Beside(pl.concat(named).unique(), now)
        self.unknown_fields: list[pl.DataFrame] = []
        self.silver = {feed.dataset: self._silver(feed, beside) for feed in FILE_FEEDS}
        self.topics = {feed.dataset: self._silver(feed, beside) for feed in ENGAGEMENT_FEEDS}
        changes = self.silver["account_status_changes"]
        self.steps, self.cases = status_timeline(changes, self.company.status_graph)
        billed = state_bills(self.silver["revenue"]).get_column("month")
        self.first_month = Month.parse(str(billed.min())) if billed.len() else None
        records = Records(
            bills=self.silver["revenue"], changes=changes, steps=self.steps, licences=self.silver["license_changes"],
            renewals=self.silver["subscription_renewals"], expenses=self.silver["expenses"],
        )  # fmt: skip
        start = min(self.months[0], self.first_month or self.months[0])
        self.rows = account_month(records, start.until(self.months[-1]), self.first_month, self.company)
        self.existing = self.rows.filter(pl.col("is_existing"))
        clicks, sessions = self.topics["click_events"], self.topics["usage_sessions"]
        pieces = bins(clicks, self.company)
        self.user_days = user_days(pieces, sessions, self.company)
        self.click_sessions = join(pieces)

    def _judged(self, feed: Contract) -> pl.DataFrame:
        lines = self.lines.get(feed.dataset, ())
        return judge(delivered(lines) if feed.is_topic else received(lines), feed, self.company, KEY)

    def _silver(self, feed: Contract, beside: Beside) -> pl.DataFrame:
        judged = self.judged[feed.dataset]
        settled = settle(judged, feed, self.company, refused_days(judged, self.company), beside)
        self.unknown_fields.append(count_unknown_fields(settled, feed))
        return require(feed, self.company, silver_rows(settled, feed))

    def of(self, dataset: str, month: Month) -> pl.DataFrame:
        return self.silver[dataset].filter(pl.col("month") == str(month))

    def account(self, account: str, month: str) -> dict[str, Any]:
        """Return the one ACCOUNT_MONTH row of an account."""
        of_account = (pl.col("account_id") == account) & (pl.col("month") == month)
        return self.rows.filter(of_account).row(0, named=True)

    def ledger(self, month: Month) -> pl.DataFrame:
        """Return the allocation of a month."""
        shared = sources(self.of("salaries", month), self.of("expenses", month), self.company)
        rows = self.rows.filter(pl.col("month") == str(month))
        return allocation(str(month), rows, shared, active_minutes(self._days(month)))

    def engagement(self, month: Month) -> EngagementInput:
        """Return what the engagement figures of a month are made from."""
        sessions = self.click_sessions.filter(pl.col("date").is_between(month.first, month.last))
        has_record = (pl.col("clicks") > 0) | (pl.col("usage_sessions") > 0)
        seen = self.user_days.filter(has_record, pl.col("month") <= str(month)).get_column("account_id").unique()
        existing = self._existing(month)
        teams = self.topics["team_activity"].filter(pl.col("month") == str(month))
        return EngagementInput(self._days(month), sessions, teams, existing, seen, self._sums(month))

    def frames(self) -> Frames:
        """Return what findings are looked for in."""
        return Frames(
            bills=self.silver["revenue"], changes=self.silver["account_status_changes"],
            licences=self.silver["license_changes"], renewals=self.silver["subscription_renewals"],
            expenses=self.silver["expenses"], salaries=self.silver["salaries"], steps=self.steps, cases=self.cases,
            rows=self.existing, accounts=self.accounts(), refused=pl.DataFrame(schema=DISPOSITION),
            unknown_fields=pl.concat(self.unknown_fields),
            unreadable=pl.DataFrame(schema={"dataset": pl.String, "file": pl.String}),
            clicks=self.topics["click_events"], sessions=self.topics["usage_sessions"],
            teams=self.topics["team_activity"], user_days=self.user_days,
        )  # fmt: skip

    def accounts(self) -> pl.DataFrame:
        """Return the accounts that current records name."""
        names = [feed.dataset for feed in FEEDS if feed.account]
        silver = self.silver | self.topics
        return accounts(pl.concat(named_in(name, silver[name].lazy()).collect() for name in names), names)

    def _days(self, month: Month) -> pl.DataFrame:
        return self.user_days.filter(pl.col("month") == str(month))

    def figures(self, name: str) -> dict[tuple[str, str], Decimal | str]:
        """Return a month's figures by metric id and grain key: a value, or the reason why there is none."""
        table = self.figure_table(name)
        return {
            (row["metric_id"], row["grain_key"]): row["value"] if row["value"] is not None else row["null_reason"]
            for row in table.iter_rows(named=True)
        }

    def figure_table(self, name: str) -> pl.DataFrame:
        month = Month.parse(name)
        rows = self.rows.filter(pl.col("month") == name)
        growth_input = GrowthInput(
            self._existing(month), self._existing(month.plus(-12)), cohort_members(self.existing.lazy()).collect(),
            self.steps, self.of("license_changes", month), self.of("subscription_renewals", month),
            self.first_month, self.as_of,
        )  # fmt: skip
        profit_input = ProfitInput(
            rows, account_shares(self.ledger(month).lazy()), self.of("salaries", month), self.of("salaries", month.plus(-1)),
            self.of("expenses", month), self._sums(month),
        )  # fmt: skip
        parts = [
            growth_figures(growth_input, month),
            profit_figures(profit_input, month, self.company),
            engagement_figures(self.engagement(month), month),
            account_day_figures(rows, account_days(self.engagement(month), month), month),
        ]
        year = [self._sums(each) for each in month.plus(-12).until(month)]
        joined = AggregatedInput(stored_figures(pl.concat(parts)), year[1:], year[0].closing, self.first_month)
        return pl.concat([*parts, aggregated_figures(joined, month)])

    def _sums(self, month: Month) -> Any:
        return company_month(self._existing(month), month, self.first_month)

    def _existing(self, month: Month) -> pl.DataFrame:
        return self.existing.filter(pl.col("month") == str(month))


def read_landing(folder: Path) -> dict[str, list[bytes]]:
    """Return the lines of a landing area of plain files."""
    return {
        feed.dataset: [
            line for path in sorted((folder / feed.dataset).glob("*.ndjson")) for line in path.read_bytes().splitlines()
        ]
        for feed in FEEDS
    }
