"""Who may use the product in a month: accounts that pay at its end, their users, what they bought.

An account that leaves, pauses or only tries is silent in the feeds: interest fades before a contract does, and trials
run elsewhere. So no more users are active than seats are paid, on any day.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from compute.months import Month
from compute.sample.life import Bill, Life
from compute.sample.market import CORE, SEATS_PER_USER
from compute.sample.request import Request

_RAMP = (0.6, 0.8)  # share of its later users that a new account has in its first months
_SEATS_A_TEAM = 14
_MOST_TEAMS = 8


@dataclass(frozen=True, slots=True)
class Population:
    """All accounts and users, as arrays by account number or user number.

    Attributes:
        first_user: number of an account's first user.
        keenness: chance that a user is active on a plain Monday.
        teams: how many teams an account has.
        share: users of an account by its seats.
    """

    account_ids: tuple[str, ...]
    first_user: np.ndarray
    keenness: np.ndarray
    teams: np.ndarray
    share: np.ndarray
    zone: np.ndarray


@dataclass(frozen=True, slots=True)
class Seated:
    """The accounts of one month, as arrays of equal length.

    Attributes:
        account: its number; `users`: how many; `starts_on`: day ordinal from which they come.
        features: what they may use, a bit for each of market.FEATURES; `adopted`: how far add-ons caught on, 0–1.
    """

    account: np.ndarray
    users: np.ndarray
    starts_on: np.ndarray
    features: np.ndarray
    adopted: np.ndarray


def population(lives: list[Life], request: Request) -> Population:
    """Return the users that the lives have room for."""
    seats = np.array([max((bill.seats for bill in life.bills), default=0) for life in lives])
    random = request.stream("user")
    share = random.uniform(0.72, 1.28, len(lives)) / SEATS_PER_USER
    ends = np.cumsum(seats)
    return Population(
        account_ids=tuple(life.prospect.account_id for life in lives),
        first_user=ends - seats,
        keenness=random.beta(0.8, 3.2, int(ends[-1])),
        teams=np.minimum(_MOST_TEAMS, 1 + seats // _SEATS_A_TEAM),
        share=share,
        zone=np.array([life.prospect.zone for life in lives]),
    )


def seated(lives: list[Life], people: Population, month: Month) -> Seated:
    """Return who may use the product in a month."""
    rows = [row for number, life in enumerate(lives) if (row := _row(number, life, people, month)) is not None]
    columns = zip(*rows, strict=True) if rows else ([] for _ in range(5))
    account, users, starts_on, features, adopted = (np.array(list(column)) for column in columns)
    return Seated(
        account.astype(np.int64), users.astype(np.int64), starts_on.astype(np.int64), features.astype(np.int64), adopted
    )


def _row(number: int, life: Life, people: Population, month: Month) -> tuple[int, int, int, int, float] | None:
    since = next((start for start, end in life.paid if start <= month.last and (end is None or end > month.last)), None)
    if since is None:
        return None
    bill, seats = _bill(life, month), _seats(life, month, since)
    age = max(0, (month.year - since.year) * 12 + month.number - since.month)
    ramp = _RAMP[age] if age < len(_RAMP) else 1.0
    users = max(1, int(seats * people.share[number] * ramp))
    features = (1 << len(CORE)) - 1 | bill.features << len(CORE)
    starts_on = max(since, month.first).toordinal()
    return number, users, starts_on, features, 1 - 0.8 * float(np.exp(-(age + 1) / 4))


def _bill(life: Life, month: Month) -> Bill:
    return next(bill for bill in life.bills if Month.of(bill.on) == month)


def _seats(life: Life, month: Month, since: date) -> int:
    """Return the seats that are there on every day of the month from `since` on."""
    before = [bill.seats for bill in life.bills if Month.of(bill.on) == month.plus(-1) and bill.on >= since]
    return min([_bill(life, month).seats, *before])
