"""The company's choices: `company.toml`, typed, with defaults that make the seed's records work.

Source: `interface.md`, "company.toml".
"""

import hashlib
import json
import re
import tomllib
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError, field_validator

from compute.errors import BadSetting
from compute.statuses import DEFAULT_GRAPH, NO_STATUS, STATUSES

CostClass = Literal["COGS", "S&M", "R&D", "G&A"]
UNCLASSIFIED = "Unclassified"
Positive = Annotated[StrictInt, Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Identity(_Table):
    """`[company]`: who the company is."""

    name: str = "TechFlow Solutions"
    reporting_currency: str = "USD"
    account_id_pattern: str = r"^ACC_\d+$"

    @field_validator("account_id_pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return pattern


class Limits(_Table):
    """`[limits]`: thresholds of the contracts and rules."""

    max_bad_ratio: Decimal = Field(default=Decimal("0.05"), ge=0, le=1)
    max_event_age_days: Positive = 400
    clock_skew_minutes: Positive = 5
    unknown_account_days: Positive = 7
    late_hours: Positive = 48
    renewal_notice_days: Positive = 31
    past_due_grace_days: Positive = 30
    default_term_months: Annotated[StrictInt, Field(ge=1)] = 12
    small_team: Positive = 3


class Features(_Table):
    """`[features]`: what everyone has, and the names of what is sold."""

    core: tuple[str, ...] = ("Dashboard", "Reports")
    aliases: dict[str, str] = {"API": "API Access", "Analytics": "Advanced Analytics"}


class Team(_Table):
    """One of our own teams: the class of its cost, and whether its heads are engineers."""

    cost_class: CostClass | Literal["Unclassified"]
    is_engineering: StrictBool = False


class Vocabulary(_Table):
    """`[vocabulary]`: the known values of open enums."""

    event_types: tuple[str, ...] = (
        "feature_click", "page_view", "login", "logout", "heartbeat", "error", "click", "search", "export", "api_call",
    )  # fmt: skip
    non_qualifying_event_types: tuple[str, ...] = ("logout", "heartbeat", "error")
    tiers: tuple[str, ...] = ("Trial", "Free", "Trial/Free", "Starter", "Professional", "Enterprise", "Custom")
    device_types: tuple[str, ...] = ("Desktop", "Mobile", "Tablet", "API", "Unknown")


class Calendar(_Table):
    """`[calendar]`: days on which nobody works."""

    holidays: tuple[date, ...] = ()


_EXPENSE_CLASSES: dict[str, CostClass] = {
    "Infrastructure": "COGS",
    "Support": "COGS",
    "Third-Party Software": "COGS",
    "Payment Processing": "COGS",
    "Professional Services": "COGS",
    "Marketing": "S&M",
    "Sales": "S&M",
    "G&A": "G&A",
    "Other": "G&A",
}
_NAMED_TEAMS: dict[str, CostClass] = {
    "Support": "COGS",
    "Customer Support": "COGS",
    "DevOps": "COGS",
    "Sales": "S&M",
    "Marketing": "S&M",
    "Finance": "G&A",
    "G&A": "G&A",
}


class Company(_Table):
    """All choices of one company. A table given in the file replaces its default whole."""

    company: Identity = Identity()
    limits: Limits = Limits()
    features: Features = Features()
    expense_classes: dict[str, CostClass] = _EXPENSE_CLASSES
    teams: dict[str, Team] | None = None
    vocabulary: Vocabulary = Vocabulary()
    calendar: Calendar = Calendar()
    status_graph: dict[str, tuple[str, ...]] = DEFAULT_GRAPH

    @field_validator("status_graph")
    @classmethod
    def _known_statuses(cls, graph: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        unknown = {*graph, *(to for tos in graph.values() for to in tos)} - {NO_STATUS, *STATUSES}
        if unknown:
            raise ValueError(f"names no status: {', '.join(sorted(unknown))}; statuses are {', '.join(STATUSES)}")
        return graph

    def team(self, name: str) -> Team | None:
        """Return the class of a team by its name, or None when it has none (SAL-W93).

        Source: `data.md` A.3; a `[teams]` table matches whole names only.
        """
        if self.teams is not None:
            return self.teams.get(name)
        if "Engineering" in name or "Frontend" in name:
            return Team(cost_class="R&D", is_engineering=True)
        return Team(cost_class=_NAMED_TEAMS[name]) if name in _NAMED_TEAMS else None

    def fingerprint(self) -> str:
        """Return a digest of every choice: what depends on the file is computed anew when it changes."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def parse_company(text: str, *, source: str) -> Company:
    """Read a company file.

    Args:
        text: TOML.
        source: the file's name, for messages.

    Raises:
        BadSetting: on bad TOML, an unknown key or a wrong value; names file and key.
    """
    try:
        return Company.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{source} is no TOML: {error}. Correct it there.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        what = "is no known key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise BadSetting(f"{source}: {key}: {what}. Correct or remove it; docs/settings.md lists the keys.") from error
