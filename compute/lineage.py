"""What every figure is derived from: its formula, of other metrics and of parts; `compute.parts` says what those are.

A rule is said here a second time, plainly; tests hold the two sayings to the same numbers.
Source: `metrics.md` §5 to §8.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from compute.anchors import COMPANY_MONTH
from compute.figures import COMPANY
from compute.months import Month
from compute.movements import MOVING
from compute.wording import escaped

ACCOUNT_MONTH = "account_month"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a figure is about: its month, the account if it has one, and what its key names beside."""

    month: Month
    account: str | None = None
    name: str = ""

    @classmethod
    def of(cls, month: Month, grain: str, key: str) -> "Scope":
        """Return the scope of a grain's key, such as `ACC_001|Reports` or `company|2024-01-15`."""
        owner, _, name = key.partition("|")
        if grain == ACCOUNT_MONTH:
            return cls(month, account=owner, name=name)
        return cls(month, name=name if owner == COMPANY else key)

    def at(self, month: str) -> "Scope":
        """Return the scope in another month."""
        return replace(self, month=Month.parse(month))

    @property
    def words(self) -> Mapping[str, str]:
        """The words that templates of formulas and filters may hold."""
        month, last = self.month, self.month.last
        days = [month.first + timedelta(days=index) for index in range(month.days)]
        year = [month.plus(-back) for back in range(11, -1, -1)]
        return {
            "month": str(month),
            "prior": str(month.plus(-1)),
            "year_ago": str(month.plus(-12)),
            "first": str(month.first),
            "last": str(last),
            "last_7": str(last - timedelta(days=6)),
            "last_28": str(last - timedelta(days=27)),
            "days": str(len(days)),
            "workdays": str(sum(day.weekday() < 5 for day in days)),
            "logo_churns": " + ".join(f"churn_accounts@{each} / opening_accounts@{each}" for each in year),
            "name": escaped(self.name),
        }


Formulas = Mapping[str, str]
# An empty formula: no feed holds what is needed.
FORMULAS: Mapping[str, Formulas] = {
    "growth": {
        "M-01": "mrr",
        "M-01.known": "known_mrr",
        "M-01.at_risk": "mrr_at_risk",
        "M-02.opening": "prior_mrr",
        **{f"M-02.{name}": f"{name}_mrr" for name in MOVING},
        "M-02.net_new": "M-01 - M-02.opening",
        "M-03": "12 * M-01",
        "M-04": "M-01 + committed_change",
        "M-05": "paying_accounts",
        "M-05.opening": "M-05 - M-05.new - M-05.reactivated + M-05.churned",
        "M-05.new": "new_accounts",
        "M-05.reactivated": "reactivation_accounts",
        "M-05.churned": "churn_accounts",
        "M-06": "M-01 / M-05",
        "M-07": "M-01 / licences_in_force",
        "M-08": "(M-02.opening + M-02.expansion - M-02.contraction - M-02.churn) / M-02.opening",
        "M-09": "(M-02.opening - M-02.contraction - M-02.churn) / M-02.opening",
        "M-10": "kept_mrr / mrr_year_ago",
        "M-11": "kept_mrr_without_growth / mrr_year_ago",
        "M-12": "(M-02.churn + M-02.contraction) / M-02.opening",
        "M-13": "(M-02.churn + M-02.contraction - M-02.expansion - M-02.reactivation) / M-02.opening",
        "M-14": "M-05.churned / M-05.opening",
        "M-15": "(M-02.new + M-02.expansion + M-02.reactivation) / (M-02.contraction + M-02.churn)",
        "M-15.baremetrics": "(M-02.new + M-02.expansion) / (M-02.contraction + M-02.churn)",
        "M-16": "trials_converted_30 / trials",
        "M-16.n90": "trials_converted_90 / trials",
        "M-17": "accounts_converted / trials",
        "M-18": "renewed_value / previous_value",
        **dict.fromkeys(("M-19.net", "M-19.gross", "M-19.count"), ""),
        "M-48.logo": "cohort_paying / cohort_accounts",
        "M-48.net": "cohort_mrr / cohort_first_mrr",
        "M-49.top1": "largest / M-01",
        "M-49.top5": "largest_5 / M-01",
        "M-49.top10": "largest_10 / M-01",
        "M-49.hhi": "squared_mrr / (M-01 * M-01)",
        "M-50": "explained_mrr / moved_mrr",
        "M-51.opening": "prior_licences",
        "M-51.closing": "licences",
        "M-51.new": "new_licences",
        "M-51.upgrades": "added_licences",
        "M-51.downgrades": "removed_licences",
        "M-51.churned": "churned_licences",
        "M-51.by_type": "changed_licences",
        "M-52": "accounts_in_status",
        "M-52.net_new": "M-05.new + M-05.reactivated - M-05.churned",
    },
    "profit": {
        "M-20": "revenue",
        "M-21": "collected",
        "M-22": "direct_expense",
        "M-22.shared": "shared_expense",
        "M-23": "M-20 - M-22",
        "M-24": "allocated",
        "M-24.unallocated": "unallocated",
        "M-25": "M-23 - M-24",
        "M-26": "M-23 / licences_in_force",
        "M-26.loaded": "M-25 / licences_in_force",
        "M-27": "M-27.gross_profit / M-20",
        "M-27.cogs": "direct_cogs + shared_cogs + salaries_cogs",
        "M-27.gross_profit": "M-20 - M-27.cogs",
        "M-28": "M-22 + allocated_cogs",
        "M-29": "M-20 - (M-22 + M-22.shared + salaries)",
        "M-29.collected": "M-21 - (M-22 + M-22.shared + salaries)",
        "M-30": "M-29 / M-20",
        "M-31": "M-03 / engineers",
        "M-31.cost_per_engineer": "team_salaries / team_heads",
    },
    "engagement": {
        "M-40": "users_of_day",
        "M-41.mau": "users",
        "M-41.wau": "users_of_7_days",
        "M-41.mau_28d": "users_of_28_days",
        "M-42": "daily_users / ({days} * M-41.mau)",
        "M-42.b2b": "workday_users / ({workdays} * M-41.mau)",
        "M-43.hours": "minutes / 60",
        "M-43.per_active_user": "minutes / (60 * M-41.mau)",
        "M-44": "users_by_account / licences_in_force",
        "M-45": "feature_users / M-41.mau",
        "M-45.activation": "activated_accounts / licensed_accounts",
        "M-53": "click_sessions",
        "M-53.hours": "session_microseconds / 3600000000",
        "M-53.clicks_per_session": "session_clicks / M-53",
    },
    "aggregated": {
        "M-32": "M-01 / mrr@{year_ago} - 1 + M-29 / M-20",
        "M-33": "",
        "M-33.proxy": "(0 - M-29.collected) / (12 * M-02.net_new)",
        "M-34": "M-01 / M-05 * (M-27.gross_profit / M-20) / (({logo_churns}) / 12)",
        "M-35": "",
        "M-36": "",
    },
}
# Where an account's figure is made otherwise than the company's.
ACCOUNT_FORMULAS: Formulas = {
    "M-02.net_new": "mrr - prior_mrr",
    "M-27": "(M-20 - direct_cogs - allocated_cogs) / M-20",
}
PIPELINES: Mapping[str, str] = {
    metric_id: pipeline for pipeline, formulas in FORMULAS.items() for metric_id in formulas
}


def formula_of(metric_id: str, grain: str, scope: Scope) -> str:
    """Return the formula of a figure as text; empty when its metric is not computable."""
    of_company = FORMULAS[PIPELINES[metric_id]][metric_id]
    text = ACCOUNT_FORMULAS.get(metric_id, of_company) if grain == ACCOUNT_MONTH else of_company
    return text.format_map(scope.words)


def operand_key(grain: str, scope: Scope) -> tuple[str, str]:
    """Return grain and key of the metrics that a figure is derived from: its account's, or the company's."""
    return (ACCOUNT_MONTH, scope.account) if grain == ACCOUNT_MONTH and scope.account else (COMPANY_MONTH, COMPANY)
