"""What the company promises and who keeps it: the tables of `company.toml` that change no figure, save `[close]`.

Source: `operations.md`, "Configuration"; the choices that make figures are in `compute.company`.
"""

import re
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, StrictInt, model_validator

Role = Literal["finance", "accounts", "product", "analytics", "cfo", "operations"]
Count = Annotated[StrictInt, Field(ge=0)]
OneOrMore = Annotated[StrictInt, Field(ge=1)]
Share = Annotated[Decimal, Field(ge=0, le=1)]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOMENT = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01][0-9]|2[0-3]):([0-5][0-9])")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class Choices(BaseModel):
    """A table of the company file: an unknown key is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _week_moment(value: object) -> object:
    """Read `Sun 18:00` as the time since Monday 00:00."""
    if isinstance(value, timedelta):
        return value
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError('is no moment of a week, write it as "Sun 18:00"')
    return timedelta(days=_WEEKDAYS.index(found[1]), hours=int(found[2]), minutes=int(found[3]))


def _day_moment(value: object) -> object:
    """Read `16:00` as a time of the day."""
    if isinstance(value, time):
        return value
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise ValueError('is no time of a day, write it as "16:00"')
    return time(int(found[1]), int(found[2]))


WeekMoment = Annotated[timedelta, BeforeValidator(_week_moment)]
DayMoment = Annotated[time, BeforeValidator(_day_moment)]


class Calendar(Choices):
    """`[calendar]`: days on which nobody works."""

    holidays: tuple[date, ...] = ()


class Roles(Choices):
    """`[roles]`: the persons of each role, by id; an empty role cannot sign."""

    finance: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    product: tuple[str, ...] = ()
    analytics: tuple[str, ...] = ()
    cfo: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()


_OWNERS: dict[str, Role] = {
    **dict.fromkeys(("profit", "revenue", "expenses", "salaries", "reconciliation", "quality"), "finance"),
    **dict.fromkeys(
        ("growth", "account_status_changes", "license_changes", "subscription_renewals", "gaps"), "accounts"
    ),
    **dict.fromkeys(("engagement", "click_events", "usage_sessions", "team_activity"), "product"),
}  # fmt: skip


class Owners(RootModel[dict[str, Role]]):
    """`[owners]`: dataset, pipeline or gate = role; what is not named keeps its default, operations in the end."""

    model_config = ConfigDict(frozen=True)

    root: dict[str, Role] = {}

    def of(self, name: str) -> Role:
        """Return who owns a dataset, pipeline or gate.

        >>> Owners().of("salaries"), Owners({"salaries": "cfo"}).of("salaries"), Owners().of("watch")
        ('finance', 'cfo', 'operations')
        """
        return self.root.get(name) or _OWNERS.get(name, "operations")


class Due(Choices):
    """A due instant of the month after: the n-th business day, at a time in UTC."""

    business_day: Annotated[StrictInt, Field(ge=1, le=15)]
    time: DayMoment


class Close(Choices):
    """`[close]`: the tolerances of the reconciliation, what is material, when a month is due."""

    tolerance: Share = Decimal("0.01")
    account_materiality: Share = Decimal("0.01")
    account_materiality_amount: Annotated[Decimal, Field(ge=0)] = Decimal("100.00")
    headline_materiality: Share = Decimal("0.005")
    draft_due: Due = Due(business_day=3, time=time(16))
    certify_due: Due = Due(business_day=5, time=time(18))


class Sla(Choices):
    """`[sla]`: the limits of the service levels L-10 to L-27."""

    profit_hours: OneOrMore = 24
    growth_cutoff: WeekMoment = timedelta(days=6, hours=18)
    engagement_hours: OneOrMore = 48
    engagement_mature_hours: OneOrMore = 50
    weekly_analysis_due: WeekMoment = timedelta(hours=10)
    critical_hours: OneOrMore = 48
    standard_hours: OneOrMore = 168
    success_rate: Share = Decimal("0.999")
    start_grace_minutes: OneOrMore = 60
    processing_seconds: OneOrMore = 7200
    validation_seconds: OneOrMore = 300
    kafka_lag_seconds: OneOrMore = 300
    compute_job_seconds: OneOrMore = 3600
    query_seconds: OneOrMore = 30
    watch_minutes: OneOrMore = 5


class Volume(Choices):
    """`[volume]`: when a day's rows are too few or too many (D.2), and how busy an hour must be to be missed (L-5)."""

    z: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3.5
    mad_floor: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.05
    alert_change: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.30
    warn_change: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.20
    min_rows: Count = 50
    active_hour_clicks: Count = 20
    bounds: dict[str, tuple[Count, Count]] = {}

    @model_validator(mode="after")
    def _ordered(self) -> "Volume":
        wrong = sorted(name for name, (least, most) in self.bounds.items() if least > most)
        if wrong:
            raise ValueError(f"bounds of {', '.join(wrong)} run backwards, write [least, most]")
        if self.warn_change > self.alert_change:
            raise ValueError("warn_change lies above alert_change: a warning comes first")
        return self


class Level(Choices):
    """A share that is aimed at, and one above which it alerts."""

    alert: Share
    target: Share


class Margins(Choices):
    """How many accounts may have a margin below a limit."""

    below: Annotated[Decimal, Field(le=1)]
    accounts: Count


class Alerts(Choices):
    """`[alerts]`: a measure above its alert opens a standard incident."""

    duplicate_proportion: Level = Level(alert=Decimal("0.02"), target=Decimal("0.005"))
    late_arrival_ratio: Level = Level(alert=Decimal("0.05"), target=Decimal("0.02"))
    missing_transition_proportion: Share = Decimal("0.005")
    parse_failures: Share = Decimal("0.005")
    net_new_accounts: OneOrMore = 1
    finance_variance: Share = Decimal("0.001")
    aggregate_vs_upstream: Share = Decimal("0.0005")
    kpi_drift_z: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3
    account_margin: Margins = Margins(below=Decimal("-0.50"), accounts=5)
    margin_range: tuple[Decimal, Decimal] = (Decimal("-0.10"), Decimal("0.95"))
    retention_rise: Share = Decimal("0.01")
