"""The whole sample: the records of the file feeds and the ledger, and what the topics are streamed from."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from compute.sample.chart import chart
from compute.sample.growth import licence_changes, renewals, status_changes
from compute.sample.life import Life
from compute.sample.living import live
from compute.sample.market import CORE, DIRECT, ONBOARDING, OWN_TEAMS, SHARED_COSTS, SOLD, TIERS
from compute.sample.profit import bills, expenses, ledger, salaries
from compute.sample.request import Request
from compute.sample.seated import Population, population
from compute.sample.use import DEVICES, EVENT_TYPES

_COST_CLASS = {"Marketing": "S&M", "Sales": "S&M", "G&A": "G&A", "Other": "G&A"}


@dataclass(frozen=True)
class SampleCompany:
    """A company: its lives, and what they leave in the feeds.

    Attributes:
        feeds: by file feed, rows with `arrival` and `line`, in order of arrival.
        ledger: what accounting has posted.
    """

    request: Request
    lives: list[Life]
    feeds: dict[str, pl.DataFrame]
    ledger: pl.DataFrame

    @cached_property
    def people(self) -> Population:
        """All users."""
        return population(self.lives, self.request)


def sample_company(request: Request) -> SampleCompany:
    """Return the company that is asked for."""
    lives = [live(prospect, request) for prospect in chart(request)]
    billed = bills(lives, request)
    feeds = {
        "revenue": billed,
        "expenses": expenses(billed, request),
        "salaries": salaries(billed, request),
        "account_status_changes": status_changes(lives, request),
        "license_changes": licence_changes(lives, request),
        "subscription_renewals": renewals(lives, request),
    }
    return SampleCompany(request, lives, feeds, ledger(billed))


def company_file() -> str:
    """Return the company's choices, `company.toml`: its own names of features, teams, plans and costs."""
    aliases = {feature.used: feature.sold for feature in SOLD} | {feature.sold: feature.sold for feature in SOLD}
    costs = {cost.category: _COST_CLASS.get(cost.category, "COGS") for cost in (*DIRECT, ONBOARDING, *SHARED_COSTS)}
    teams = {
        team.name: f'{{ cost_class = "{team.cost_class}", is_engineering = {str("Engineering" in team.name).lower()} }}'
        for team in OWN_TEAMS
    }
    sections = {
        "company": ['name = "Sample Company"', 'reporting_currency = "USD"'],
        "features": [f"core = {_list(feature.sold for feature in CORE)}"],
        "features.aliases": [f'"{used}" = "{sold}"' for used, sold in sorted(aliases.items())],
        "expense_classes": [f'"{name}" = "{kind}"' for name, kind in sorted(costs.items())],
        "teams": [f'"{name}" = {what}' for name, what in sorted(teams.items())],
        "vocabulary": [
            f"event_types = {_list(EVENT_TYPES)}",
            'non_qualifying_event_types = ["logout", "heartbeat", "error"]',
            f"tiers = {_list(tier.name for tier in TIERS)}",
            f"device_types = {_list(DEVICES)}",
        ],
    }
    return "\n".join(f"[{name}]\n" + "".join(f"{row}\n" for row in rows) for name, rows in sections.items())


def _list(names: object) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"  # type: ignore[attr-defined]
