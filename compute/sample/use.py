"""A day of use, by the customers' own clock: who comes, for how long, and what they click. Arrays, no loop over clicks.

Every click lies inside a session of its user, no two sessions of a user overlap, and a session never leaves its month.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from compute.months import Month
from compute.sample.market import CORE, FEATURES, USE_SEASON, WEEKDAY
from compute.sample.request import Request
from compute.sample.seated import Population, Seated

DAY_MS, MINUTE_MS = 86_400_000, 60_000
EVENT_TYPES = ("login", "feature_click", "page_view", "search", "export", "heartbeat", "error", "logout")
_LOGIN, _FEATURE_CLICK, _LOGOUT = 0, 1, 7
_TYPE_SHARES = np.cumsum((0.0, 0.50, 0.33, 0.07, 0.03, 0.05, 0.02))
DEVICES = ("Desktop", "Mobile", "Tablet", "API")
_DEVICE_SHARES = np.cumsum((0.80, 0.14, 0.04, 0.02))
_WEIGHTS = np.cumsum([feature.weight for feature in FEATURES])
_SECOND_SESSION = 0.14
_MORE_CLICKS = 2.3  # a session has one click and so many more on average
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class DayOfUse:
    """What happened on one day: `sessions` by start, `clicks` by session and time; instants in ms since 1970, UTC."""

    sessions: pl.DataFrame
    clicks: pl.DataFrame


def day_of_use(day: date, month: Month, room: Seated, people: Population, request: Request) -> DayOfUse:
    """Return the use of one day.

    Args:
        day: a local day: its hours are those of each customer's place.
        month: the day's month; what falls into another one by UTC is left out.
        room: who may use the product in the month.
        people: all users.
        request: the seed.
    """
    random = request.stream("day", day.toordinal())
    row = np.repeat(np.arange(room.account.size), room.users)
    account = room.account[row]
    nth = np.arange(row.size) - np.repeat(np.cumsum(room.users) - room.users, room.users)
    user = people.first_user[account] + nth
    rate = WEEKDAY[day.weekday()] * USE_SEASON[day.month - 1]
    comes = np.flatnonzero(random.random(user.size) < people.keenness[user] * rate)
    again = comes[random.random(comes.size) < _SECOND_SESSION]
    at_work, length = _hours(random, comes.size), _lengths(random, comes.size)
    begin = day_start(day) + ((at_work - people.zone[account[comes]] * 60) * MINUTE_MS).astype(np.int64) // 1000 * 1000
    pause = random.integers(20, 150, again.size) * MINUTE_MS
    place = np.searchsorted(comes, again)
    second = begin[place] + length[place] + pause
    who, starts = np.concatenate([comes, again]), np.concatenate([begin, second])
    ends = starts + np.concatenate([length, _lengths(random, again.size)])
    low, high = day_start(month.first), day_start(month.plus(1).first)
    first = day_start_array(room.starts_on[row[who]])
    is_kept = (starts >= np.maximum(low, first)) & (ends < high)
    order = np.lexsort((user[who], starts))
    order = order[is_kept[order]]
    return _acted(random, row[who][order], user[who][order], nth[who][order], starts[order], ends[order], day, room)


def day_start(day: date) -> int:
    """Return midnight of a day, UTC, in ms since 1970."""
    return (day.toordinal() - _EPOCH) * DAY_MS


def day_start_array(ordinals: np.ndarray) -> np.ndarray:
    """Return midnights of days given by their ordinals."""
    return (ordinals - _EPOCH) * DAY_MS


def _hours(random: np.random.Generator, count: int) -> np.ndarray:
    """Return minutes of the local day at which people begin: a morning and an afternoon peak, few in the evening."""
    morning, afternoon, any_time = (
        random.normal(576, 65, count), random.normal(852, 85, count), random.uniform(420, 1194, count)
    )  # fmt: skip
    which = random.random(count)
    minutes = np.where(which < 0.5, morning, np.where(which < 0.9, afternoon, any_time))
    return np.asarray(np.clip(minutes, 6.2 * 60, 20 * 60) + random.random(count))


def _lengths(random: np.random.Generator, count: int) -> np.ndarray:
    """Return lengths of sessions in ms, whole seconds: half are below 17 minutes, none above three hours."""
    minutes = np.clip(np.exp(random.normal(2.85, 0.85, count)), 2, 180)
    return np.asarray((minutes * 60).astype(np.int64) * 1000)


def _acted(
    random: np.random.Generator, row: np.ndarray, user: np.ndarray, nth: np.ndarray, starts: np.ndarray,
    ends: np.ndarray, day: date, room: Seated,
) -> DayOfUse:  # fmt: skip
    count = row.size
    clicks = 1 + random.poisson(_MORE_CLICKS, count)
    session = np.repeat(np.arange(count), clicks)
    position = np.arange(session.size) - np.repeat(np.cumsum(clicks) - clicks, clicks)
    # Sorted within each session, because a session's number is the whole part.
    share = np.sort(session + random.random(session.size)) - session
    length = (ends - starts)[session]
    at = starts[session] + (share * (length - 2_000 - clicks[session])).astype(np.int64) + position
    kind = np.searchsorted(_TYPE_SHARES, random.random(session.size), side="right").clip(max=6)
    kind = np.where(position == 0, _LOGIN, kind)
    at = np.where(position == 0, starts[session] + 400, np.maximum(at, starts[session] + 400 + position))
    is_last = position == clicks[session] - 1
    kind = np.where(is_last & (position > 2) & (random.random(session.size) < 0.25), _LOGOUT, kind)
    feature = _features(random, session.size, room.features[row[session]], room.adopted[row[session]])
    feature = np.where(kind == _FEATURE_CLICK, feature, -1)
    bits = np.where(feature >= 0, 1 << np.maximum(feature, 0), 0)
    used = np.bitwise_or.reduceat(bits, np.cumsum(clicks) - clicks) | 1 if count else bits
    device = np.searchsorted(_DEVICE_SHARES, random.random(count)).clip(max=len(DEVICES) - 1)
    minutes = np.maximum(1, ((ends - starts) / MINUTE_MS * random.uniform(0.55, 0.95, count)).astype(np.int64))
    facts = {"account": room.account[row], "user": user, "device": device}
    number = day.toordinal() * 10_000_000 + np.arange(count)
    sessions = pl.DataFrame(
        {**facts, "nth": nth, "session": number, "begin": starts, "end": ends, "minutes": minutes, "used": used,
         "clicks": clicks}
    )  # fmt: skip
    frame = pl.DataFrame(
        {**{name: values[session] for name, values in facts.items()}, "session": number[session], "kind": kind,
         "feature": feature, "at": at, "lag": (120 + random.exponential(2_500, session.size)).astype(np.int64)}
    )  # fmt: skip
    return DayOfUse(sessions, frame)


def _features(random: np.random.Generator, count: int, may: np.ndarray, adopted: np.ndarray) -> np.ndarray:
    """Return a feature for each click: what is not bought, or has not caught on yet, becomes a core one."""
    chosen = np.searchsorted(_WEIGHTS / _WEIGHTS[-1], random.random(count))
    is_open = (may >> chosen & 1 == 1) & (random.random(count) < adopted)
    core = np.searchsorted((0.6,), random.random(count))
    return np.asarray(np.where((chosen < len(CORE)) | is_open, chosen, core))
