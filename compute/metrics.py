"""The registry of metrics: id, name, unit, grains, definition, version. `docs/metrics.md` is written from it.

Source: `metrics.md` §5 to §8.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["money", "ratio", "count", "hours"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        grains: AD account-day, AM account-month, TM team-month, XD a customer's team's day, CD company-day, CM
            company-month.
        definition: the formula, in the words of the specification.
        label: printed with the figure: `partial`, `not computable`, or nothing.
        version: of the definition; a change makes new revisions (METHOD_CHANGE).
    """

    metric_id: str
    name: str
    unit: Unit
    grains: str
    definition: str
    label: str = ""
    version: str = "1.0.0"


METRICS: tuple[Metric, ...] = (
    Metric("M-01", "Closing MRR", "money", "AM CM", "MRR(a,m); company: the sum"),
    Metric("M-01.known", "Known MRR", "money", "CM", "Sum of the MRR that is not null"),
    Metric("M-01.at_risk", "MRR at risk", "money", "CM", "MRR of accounts whose state bill is Overdue, Failed, Unpaid or Disputed"),
    Metric("M-02.opening", "Opening MRR", "money", "CM", "Sum of MRR(a,m-1) over accounts existing at m-1"),
    Metric("M-02.new", "New MRR", "money", "AM CM", "0 = MRR(a,m-1) < MRR(a,m), never paid before"),
    Metric("M-02.expansion", "Expansion MRR", "money", "AM CM", "MRR(a,m) - MRR(a,m-1) where both are above 0 and it rose"),
    Metric("M-02.reactivation", "Reactivation MRR", "money", "AM CM", "0 = MRR(a,m-1) < MRR(a,m), paid before"),
    Metric("M-02.contraction", "Contraction MRR", "money", "AM CM", "MRR(a,m-1) - MRR(a,m) where both are above 0 and it fell"),
    Metric("M-02.churn", "Churned MRR", "money", "AM CM", "MRR(a,m-1) where MRR(a,m) is 0"),
    Metric("M-02.net_new", "Net new MRR", "money", "AM CM", "MRR(a,m) - MRR(a,m-1); company: M-01 - opening"),
    Metric("M-03", "ARR (run rate)", "money", "CM", "12 × M-01"),
    Metric("M-04", "Committed MRR", "money", "CM", "M-01 + signed licence changes and renewals not yet effective"),
    Metric("M-05", "Paying accounts", "count", "CM", "Accounts with MRR > 0"),
    Metric("M-05.opening", "Opening paying accounts", "count", "CM", "M-05 - new - reactivated + churned"),
    Metric("M-05.new", "New accounts", "count", "CM", "Accounts of class new"),
    Metric("M-05.reactivated", "Reactivated accounts", "count", "CM", "Accounts of class reactivation"),
    Metric("M-05.churned", "Churned accounts", "count", "CM", "Accounts of class churn"),
    Metric("M-06", "ARPA", "money", "CM", "M-01 / M-05"),
    Metric("M-07", "MRR per licence", "money", "AM CM", "MRR / licences in force"),
    Metric("M-08", "NRR, 1 month", "ratio", "CM", "(opening + expansion - contraction - churn) / opening"),
    Metric("M-09", "GRR, 1 month", "ratio", "CM", "(opening - contraction - churn) / opening"),
    Metric("M-10", "NRR, 12 months", "ratio", "CM", "MRR(m) / MRR(m-12) of the accounts with MRR(m-12) > 0"),
    Metric("M-11", "GRR, 12 months", "ratio", "CM", "min(MRR(m), MRR(m-12)) / MRR(m-12) of the same accounts"),
    Metric("M-12", "Gross MRR churn", "ratio", "CM", "(churn + contraction) / opening"),
    Metric("M-13", "Net MRR churn", "ratio", "CM", "(churn + contraction - expansion - reactivation) / opening"),
    Metric("M-14", "Logo churn", "ratio", "CM", "M-05.churned / M-05.opening"),
    Metric("M-15", "Quick ratio", "ratio", "CM", "(new + expansion + reactivation) / (contraction + churn)"),
    Metric("M-15.baremetrics", "Quick ratio without reactivation", "ratio", "CM", "(new + expansion) / (contraction + churn)"),
    Metric("M-16", "Trial conversion, 30 days", "ratio", "CM", "Trials started in m that became Active within 30 days / trials started in m", "partial"),
    Metric("M-16.n90", "Trial conversion, 90 days", "ratio", "CM", "The same within 90 days", "partial"),
    Metric("M-17", "Conversions per trial start", "ratio", "CM", "Accounts with a step Trial→Active in m / trials started in m; diagnostic only", "partial"),
    Metric("M-18", "Renewal uplift", "ratio", "CM", "New / previous contract value over all renewals of m; not a renewal rate"),
    Metric("M-19.net", "Net renewal rate", "ratio", "CM", "Renewed / due value; needs every contract's term", "partial"),
    Metric("M-19.gross", "Gross renewal rate", "ratio", "CM", "min(new, previous) / due value; needs every contract's term", "partial"),
    Metric("M-19.count", "Renewal rate by count", "ratio", "CM", "Renewed / due contracts; needs every contract's term", "partial"),
    Metric("M-20", "Billed recurring revenue", "money", "AD AM CM", "The state bill unless refunded, written off or void"),
    Metric("M-21", "Collected revenue", "money", "AM CM", "The state bill if paid"),
    Metric("M-22", "Direct expense", "money", "AD AM CM", "Expenses that carry the account's id"),
    Metric("M-22.shared", "Shared expense", "money", "CM", "Expenses without an account"),
    Metric("M-23", "Contribution", "money", "AD AM CM", "M-20 - M-22; decision-grade, no allocation"),
    Metric("M-24", "Allocated cost", "money", "AM CM", "Shares of salaries and shared expenses"),
    Metric("M-24.unallocated", "Unallocated cost", "money", "CM", "What no account could carry"),
    Metric("M-25", "Fully loaded profit", "money", "AM CM", "M-23 - M-24"),
    Metric("M-26", "Contribution per licence", "money", "AM CM", "M-23 / licences in force"),
    Metric("M-26.loaded", "Fully loaded profit per licence", "money", "AM CM", "M-25 / licences in force"),
    Metric("M-27", "Gross margin", "ratio", "AM CM", "(M-20 - COGS) / M-20; COGS by the class map, not by GAAP", "partial"),
    Metric("M-27.cogs", "COGS", "money", "CM", "Direct and shared expenses and salaries of class COGS"),
    Metric("M-27.gross_profit", "Gross profit", "money", "CM", "M-20 - M-27.cogs"),
    Metric("M-28", "Cost to serve", "money", "AM", "Direct expense + allocated COGS"),
    Metric("M-29", "Operating result (pipeline scope)", "money", "CM", "M-20 - (direct + shared expense + salaries); not EBITDA", "partial"),
    Metric("M-29.collected", "Operating result, collected", "money", "CM", "M-21 - the same costs", "partial"),
    Metric("M-30", "Operating margin (pipeline scope)", "ratio", "CM", "M-29 / M-20", "partial"),
    Metric("M-31", "ARR per engineer", "money", "CM", "M-03 / headcount of engineering teams"),
    Metric("M-31.cost_per_engineer", "Cost per engineer", "money", "TM", "Salary total / headcount of an engineering team"),
    Metric("M-32", "Rule of 40 (operating margin)", "ratio", "CM", "M-01 / M-01(m-12) - 1 + M-29 / M-20", "partial"),
    Metric("M-33", "Burn multiple", "ratio", "CM", "Needs cash flows", "not computable"),
    Metric("M-33.proxy", "Burn multiple, proxy", "ratio", "CM", "-M-29.collected / (12 × net new MRR)", "partial"),
    Metric("M-34", "LTV", "money", "CM", "ARPA × gross margin / mean monthly logo churn of 12 months", "partial"),
    Metric("M-35", "CAC, payback, LTV:CAC, magic number", "money", "CM", "No acquisition spend in the sources", "not computable"),
    Metric("M-36", "Runway, cash, RPO, GAAP revenue, NPS", "money", "CM", "Absent from the sources", "not computable"),
    Metric("M-40", "Daily active users", "count", "AD CD", "Users with a qualifying click or active minutes on the day"),
    Metric("M-41.mau", "Monthly active users", "count", "AM CM", "Distinct active users of all days of the month"),
    Metric("M-41.wau", "Weekly active users", "count", "AM CM", "Distinct active users of the 7 days that end with the month"),
    Metric("M-41.mau_28d", "Active users, 28 days", "count", "AM CM", "Distinct active users of the 28 days that end with the month"),
    Metric("M-42", "Stickiness", "ratio", "CM", "Sum of DAU / (days of the month × MAU)"),
    Metric("M-42.b2b", "Stickiness, Monday to Friday", "ratio", "CM", "The same over working days; MAU stays that of all days"),
    Metric("M-43.hours", "Active hours", "hours", "AD AM CM", "Active minutes of usage sessions / 60"),
    Metric("M-43.per_active_user", "Active hours per active user", "hours", "AD AM CM", "Active minutes / (60 × active users)"),
    Metric("M-44", "Licence utilisation", "ratio", "AM CM", "MAU / licences in force; above 1 is flagged, not clipped"),
    Metric("M-45", "Feature adoption", "ratio", "AM CM", "Distinct users of a feature / MAU", "partial"),
    Metric("M-45.activation", "Feature activation", "ratio", "CM", "Licensed accounts that used the feature / licensed accounts", "partial"),
    Metric("M-46.active_users", "Active users of a team (reported)", "count", "XD", "As the customer's team reports it"),
    Metric("M-46.api_calls", "API calls of a team (reported)", "count", "XD", "As the customer's team reports it"),
    Metric("M-46.reports", "Reports of a team (reported)", "count", "XD", "As the customer's team reports it"),
    Metric("M-46.hours", "Session hours of a team (reported)", "hours", "XD", "As the customer's team reports it"),
    Metric("M-46.hours_per_active_user", "Session hours per user of a team (reported)", "hours", "XD", "Reported hours / reported active users"),
    Metric("M-48.logo", "Logo retention by cohort", "ratio", "CM", "Members with MRR(m) > 0 / members; a cohort is the first month with MRR > 0"),
    Metric("M-48.net", "Net retention by cohort", "ratio", "CM", "MRR(m) / MRR(cohort month) of the members"),
    Metric("M-49.top1", "Share of the largest account", "ratio", "CM", "Largest MRR / M-01"),
    Metric("M-49.top5", "Share of the 5 largest accounts", "ratio", "CM", "Sum of the 5 largest MRR / M-01"),
    Metric("M-49.top10", "Share of the 10 largest accounts", "ratio", "CM", "Sum of the 10 largest MRR / M-01"),
    Metric("M-49.hhi", "Concentration (HHI)", "ratio", "CM", "Sum of MRR² / M-01²"),
    Metric("M-50", "Explanation coverage", "ratio", "CM", "Explained / all movement amounts"),
    Metric("M-51.opening", "Opening licences", "count", "CM", "Licences in force at the end of m-1"),
    Metric("M-51.closing", "Closing licences", "count", "CM", "Licences in force at the end of m"),
    Metric("M-51.new", "New licences", "count", "AM CM", "From none to some"),
    Metric("M-51.upgrades", "Added licences", "count", "AM CM", "From some to more"),
    Metric("M-51.downgrades", "Removed licences", "count", "AM CM", "From some to fewer"),
    Metric("M-51.churned", "Churned licences", "count", "AM CM", "From some to none"),
    Metric("M-51.by_type", "Licence changes by type", "count", "CM", "New - previous licences of changes effective in m"),
    Metric("M-52", "Accounts by status", "count", "CM", "Existing accounts with the status at the end of m"),
    Metric("M-52.net_new", "Net new paying accounts", "count", "CM", "M-05.new + M-05.reactivated - M-05.churned"),
    Metric("M-53", "Click sessions", "count", "AD AM CM", "Sessions of clicks by session id, else parted by gaps above 30 minutes, by the date of their start"),
    Metric("M-53.hours", "Click session hours", "hours", "AM CM", "Active time of those sessions; a gap counts 30 minutes at most"),
    Metric("M-53.clicks_per_session", "Clicks per session", "count", "AM CM", "Clicks of those sessions / sessions"),
)  # fmt: skip

BY_ID: Mapping[str, Metric] = {metric.metric_id: metric for metric in METRICS}
UNITS: Mapping[str, Unit] = {metric.metric_id: metric.unit for metric in METRICS}
# What a report shows first, and what a restatement is weighed by (E.1 block 1, S-5).
HEADLINE = (
    "M-01", "M-03", "M-02.net_new", "M-10", "M-11", "M-27", "M-29", "M-05", "M-51.closing", "M-41.mau", "M-42",
)  # fmt: skip
