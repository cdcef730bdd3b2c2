"""What the company sells, to whom, and when people buy: the constants of the sample, each with its reason.

Figures are those of a business-to-business SaaS company of some millions of yearly revenue: a gross margin near 75 %,
net retention of 100 to 110 %, a logo churn of 1 to 2 % a month.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tier:
    """A plan.

    Attributes:
        seat_cents: list price of a seat and month.
        feature_cents: list price of an add-on and month.
        yearly: share of accounts with a yearly contract.
        leave_monthly, leave_yearly: chance to leave, by month, or at a renewal.
        grow: chance of more seats in a month.
    """

    name: str
    seat_cents: int
    feature_cents: int
    yearly: float
    leave_monthly: float
    leave_yearly: float
    grow: float


STARTER = Tier("Starter", 7_900, 4_900, 0.35, 0.026, 0.15, 0.035)
PROFESSIONAL = Tier("Professional", 12_900, 19_900, 0.65, 0.015, 0.09, 0.055)
ENTERPRISE = Tier("Enterprise", 18_900, 59_000, 0.95, 0.008, 0.05, 0.070)
CUSTOM = Tier("Custom", 21_900, 95_000, 1.0, 0.004, 0.02, 0.075)
TIERS = (STARTER, PROFESSIONAL, ENTERPRISE, CUSTOM)
# The largest accounts buy the largest plans: tier by rank of size, as a share of all accounts.
TIER_UP_TO = ((0.02, CUSTOM), (0.16, ENTERPRISE), (0.55, PROFESSIONAL), (1.0, STARTER))

YEARLY_DISCOUNT = 0.15
SEATS_PER_USER = 1.55  # about two seats of three are used
SIZE_EXPONENT = 0.7  # sizes fall by rank as rank^-0.7: the ten largest of 300 hold a quarter of the seats

PAYING_AT_START = 0.53  # of all accounts ever named
CONVERSION = 0.42  # of trials, sales-led ones included
WIN_BACK = 0.20  # of accounts that left
LATE_PAYMENT = 0.012  # of bills of a month, twice that of monthly payers

# Share of a year's new business by month: quarter ends and January are strong, July, August and December weak.
SEASON = (1.15, 1.05, 1.15, 1.0, 1.05, 1.1, 0.8, 0.7, 1.15, 1.1, 1.05, 0.75)
# Use is low in summer and at the year's end.
USE_SEASON = (1.0, 1.03, 1.04, 1.0, 1.0, 0.98, 0.88, 0.82, 1.02, 1.05, 1.02, 0.84)
# From Monday on, by the user's own weekday.
WEEKDAY = (1.0, 1.06, 1.08, 1.03, 0.86, 0.12, 0.10)
# Hours from UTC of the customers' places, and how many of a hundred are there: US west and east, UK, EU, India, Asia.
ZONES = ((-8, 0.16), (-5, 0.34), (0, 0.14), (1, 0.22), (5.5, 0.06), (9, 0.08))


@dataclass(frozen=True, slots=True)
class Feature:
    """An add-on: as sold, as used, its page, and how much of a fully adopted account's feature use it takes."""

    sold: str
    used: str
    page: str
    weight: float


CORE = (Feature("Dashboard", "Dashboard", "/dashboard", 0.34), Feature("Reports", "Reports", "/reports", 0.22))
SOLD = (
    Feature("Advanced Analytics", "Analytics", "/analytics/explorer", 0.16),
    Feature("API Access", "API", "/developers/console", 0.10),
    Feature("Data Export", "Export", "/exports", 0.09),
    Feature("Priority Support", "Support Chat", "/support", 0.03),
    Feature("Single Sign-On", "SSO", "/settings/sso", 0.02),
    Feature("Audit Log", "Audit Log", "/settings/audit", 0.04),
)
FEATURES = CORE + SOLD

REASON = {
    ("Trial", "Active"): "Trial Conversion",
    ("Trial", "Expired"): "Trial Expired",
    ("Trial", "Cancelled"): "Customer Request",
    ("Lead", "Cancelled"): "Admin",
    ("Active", "Past Due"): "Payment Failed",
    ("Past Due", "Active"): "Payment Recovered",
    ("Past Due", "Suspended"): "Payment Failed",
    ("Suspended", "Active"): "Payment Recovered",
    ("Suspended", "Cancelled"): "Admin",
    ("Active", "Cancelled"): "Customer Request",
    ("Active", "Expired"): "Non-Renewal",
    ("Expired", "Cancelled"): "Admin",
    ("Cancelled", "Active"): "Win-back",
    ("Expired", "Active"): "Win-back",
}
SALES_REPS = 9  # named by number: a sample names no person


@dataclass(frozen=True, slots=True)
class OwnTeam:
    """One of the company's own teams: its share of MRR and what a head costs in a month."""

    team_id: str
    name: str
    cost_class: str
    share: float
    head_cents: int


OWN_TEAMS = (
    OwnTeam("ENG_001", "Data Engineering", "R&D", 0.085, 985_000),
    OwnTeam("ENG_002", "Platform Engineering", "R&D", 0.10, 1_010_000),
    OwnTeam("ENG_003", "Product Engineering", "R&D", 0.15, 940_000),
    OwnTeam("SUP_001", "Customer Support", "COGS", 0.065, 520_000),
    OwnTeam("OPS_001", "DevOps", "COGS", 0.050, 1_060_000),
    OwnTeam("SAL_001", "Sales", "S&M", 0.165, 690_000),
    OwnTeam("MKT_001", "Marketing", "S&M", 0.075, 620_000),
    OwnTeam("FIN_001", "Finance", "G&A", 0.060, 640_000),
)


@dataclass(frozen=True, slots=True)
class Cost:
    """An expense category: its share of the bill (of company MRR when shared), and its parts by weight."""

    category: str
    share: float
    parts: tuple[tuple[str, float], ...]


DIRECT = (
    Cost("Infrastructure", 0.062, (("cloud_services", 0.6), ("database_hosting", 0.27), ("monitoring_tools", 0.13))),
    Cost("Payment Processing", 0.019, (("card_fees", 0.8), ("gateway", 0.2))),
    Cost("Third-Party Software", 0.012, (("email_delivery", 0.55), ("maps_api", 0.45))),
)
ONBOARDING = Cost("Professional Services", 0.30, (("onboarding", 0.7), ("training", 0.3)))
SHARED_COSTS = (
    Cost("Infrastructure", 0.030, (("shared_clusters", 0.7), ("backups", 0.3))),
    Cost("Support", 0.010, (("helpdesk_licences", 1.0),)),
    Cost("Marketing", 0.080, (("paid_search", 0.45), ("events", 0.35), ("content", 0.2))),
    Cost("Sales", 0.055, (("commissions", 0.75), ("travel", 0.25))),
    Cost("G&A", 0.070, (("rent", 0.5), ("legal", 0.2), ("insurance", 0.12), ("audit", 0.18))),
    Cost("Other", 0.008, (("sundry", 1.0),)),
)
