"""Who the accounts are: rank of size, plan, place, and how each came to be a customer."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from compute.months import Month
from compute.sample.market import PAYING_AT_START, SEASON, SEATS_PER_USER, SIZE_EXPONENT, TIER_UP_TO, ZONES, Tier
from compute.sample.request import Request

MOST_TIMES_MEAN = 400.0  # no account is larger than so many average ones
OLDEST_MONTHS = 44


@dataclass(frozen=True, slots=True)
class Prospect:
    """An account before its life: what it is, and when it is first heard of.

    Attributes:
        number: from 0 on; it names the account and its stream of chance.
        seats: that it starts with.
        begins_on: its first trial day, sales talk or direct order; before the first month it is a customer since.
        is_customer: whether it pays when the first month begins.
        zone: hours from UTC.
    """

    number: int
    tier: Tier
    seats: int
    begins_on: date
    is_customer: bool
    zone: float

    @property
    def account_id(self) -> str:
        """The account's name."""
        return f"ACC_{1001 + self.number}"


def chart(request: Request) -> list[Prospect]:
    """Return the accounts: who they are does not depend on what becomes of them."""
    random = request.stream("market")
    count = request.accounts
    ranks = random.permutation(count) + 1
    sizes = ranks**-SIZE_EXPONENT
    mean_seats = max(3.0, request.users_per_account * SEATS_PER_USER)
    seats = np.maximum(2, np.minimum(sizes / sizes.mean(), MOST_TIMES_MEAN) * mean_seats).round().astype(int)
    noise = random.random(count)
    customers = round(count * PAYING_AT_START)
    starts = [*_earlier(request, random, customers), *_later(request, random, count - customers)]
    hours, shares = zip(*ZONES, strict=True)
    zones = random.choice(np.array(hours, dtype=float), count, p=shares)
    return [
        Prospect(
            number=number,
            tier=_tier(ranks[number] / count * (0.8 + 0.4 * noise[number])),
            seats=int(seats[number]),
            begins_on=starts[number],
            is_customer=number < customers,
            zone=float(zones[number]),
        )
        for number in range(count)
    ]


def _tier(rank_share: float) -> Tier:
    return next(tier for limit, tier in TIER_UP_TO if rank_share <= limit or limit == 1.0)


def _earlier(request: Request, random: np.random.Generator, count: int) -> list[date]:
    """Return the days on which today's customers came: most of them lately, as in a company that grows."""
    ages = np.arange(1, OLDEST_MONTHS + 1)
    months = [request.first.plus(-int(age)) for age in ages]
    weights = np.array([SEASON[month.number - 1] for month in months]) * np.exp(-ages / 22)
    chosen = random.choice(len(months), count, p=weights / weights.sum())
    # Old customers have the low numbers.
    return sorted(_day(months[index], random) for index in chosen)


def _later(request: Request, random: np.random.Generator, count: int) -> list[date]:
    """Return the days on which new accounts are first heard of: more every month, by season."""
    weights = np.array([SEASON[month.number - 1] * 1.012**index for index, month in enumerate(request.months)])
    chosen = random.choice(len(request.months), count, p=weights / weights.sum())
    return sorted(_day(request.months[index], random) for index in chosen)


def _day(month: Month, random: np.random.Generator) -> date:
    """Return a day of the month; people sign up on working days."""
    day = month.first + timedelta(days=int(random.integers(month.days)))
    moved = day - timedelta(days=max(0, day.weekday() - 4))
    return moved if moved >= month.first else month.first + timedelta(days=2)
