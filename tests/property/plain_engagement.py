"""Use of the product once more, as loops over plain clicks and usage sessions, written from the specification alone.

Clicks and sessions are dicts with the fields of their contracts; instants are UTC.
Source: `metrics.md` §7; `data.md` A.8 "Midnight rule".
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

Row = Mapping[str, Any]
Session = tuple[str, str, str | None, datetime, datetime, int, int, list[str]]

ALIASES = {"API": "API Access", "Analytics": "Advanced Analytics"}
SILENT = ("logout", "heartbeat", "error")
IDLE, DAY, MICROSECOND = timedelta(minutes=30), timedelta(days=1), timedelta(microseconds=1)
NO_QUOTIENT = "zero_denominator"


def feature(name: str | None) -> str | None:
    """Return a feature as it is sold."""
    return ALIASES.get(name, name) if name else None


def click_sessions(clicks: Iterable[Row]) -> list[Session]:
    """Return account, user, session id, start, end, active microseconds, clicks and features of every session."""
    visits: dict[tuple[str, str, str | None], list[Row]] = {}
    for click in sorted(clicks, key=lambda row: row["timestamp"]):
        visits.setdefault((click["account_id"], click["user_id"], click["session_id"]), []).append(click)
    found = []
    for visit, own in visits.items():
        parts = [own] if visit[2] is not None else _parted(own)
        found += [_session(visit, part) for part in parts]
    return sorted(found, key=lambda row: (row[0], row[1], row[2] is not None, row[2] or "", row[3]))


def _parted(clicks: list[Row]) -> list[list[Row]]:
    parts = [[clicks[0]]]
    for before, click in pairwise(clicks):
        if click["timestamp"] - before["timestamp"] > IDLE:
            parts.append([])
        parts[-1].append(click)
    return parts


def _session(visit: tuple[str, str, str | None], clicks: list[Row]) -> Session:
    times = [click["timestamp"] for click in clicks]
    active = timedelta(0)
    for before, after in pairwise(times):
        active += min(after - before, IDLE)
    features = sorted({name for click in clicks if (name := feature(click["feature_name"]))})
    return (*visit, times[0], times[-1], active // MICROSECOND, len(clicks), features)


def split(total: int, weights: Mapping[date, int]) -> dict[date, int]:
    """Share whole units: floors first, then one each to the largest remainders, ties to the smaller key."""
    whole = sum(weights.values())
    shares = {key: total * weight // whole for key, weight in weights.items()}
    order = sorted(weights, key=lambda key: (-(total * weights[key] % whole), key))
    for key in order[: total - sum(shares.values())]:
        shares[key] += 1
    return shares


def elapsed(session: Row) -> dict[date, int]:
    """Return the microseconds of a closed usage session on each date that it touches."""
    weights, at, end = {}, session["session_start"], session["session_end"]
    while end is not None and at < end:
        midnight = at.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        weights[at.date()] = (min(end, midnight) - at) // MICROSECOND
        at = midnight
    return weights


def minutes(session: Row) -> dict[date, int]:
    """Return the active minutes of a usage session by date."""
    total = session["total_active_time_minutes"]
    weights = elapsed(session)
    return split(total, weights) if weights else {session["session_start"].date(): total}


UserDay = dict[str, Any]


def user_days(clicks: Iterable[Row], sessions: Iterable[Row]) -> dict[tuple[date, str, str], UserDay]:
    """Return clicks, qualifying clicks, usage sessions, minutes and features by date, account and user."""
    days: dict[tuple[date, str, str], UserDay] = {}

    def of(day: date, row: Row) -> UserDay:
        empty = {"clicks": 0, "qualifying_clicks": 0, "usage_sessions": 0, "minutes": 0, "features": set()}
        return days.setdefault((day, row["account_id"], row["user_id"]), empty)

    for click in clicks:
        day = of(click["timestamp"].date(), click)
        day["clicks"] += 1
        if click["event_type"] not in SILENT:
            day["qualifying_clicks"] += 1
            day["features"] |= {feature(click["feature_name"])} - {None}
    for session in sessions:
        day = of(session["session_start"].date(), session)
        day["usage_sessions"] += 1
        day["features"] |= {feature(name) for name in session["features_used"] or ()}
        for on, share in minutes(session).items():
            if share:
                of(on, session)["minutes"] += share
    return days


def figures(
    clicks: list[Row], sessions: list[Row], accounts: list[Row], first: date, last: date
) -> dict[tuple[str, str], Any]:
    """Return M-40 to M-45 and M-53 of the month from `first` to `last`, by metric id and key.

    Args:
        clicks: of any month.
        sessions: usage sessions of any month.
        accounts: the existing ones: `account_id, licences, mrr, features`.
        first: first day of the month.
        last: its last day.
    """
    days = user_days(clicks, sessions)
    begun = click_sessions(clicks)
    dates = [first + DAY * index for index in range((last - first).days + 1)]
    seen = {row["account_id"] for row in clicks if row["timestamp"].date() <= last}
    seen |= {row["account_id"] for row in sessions if row["session_start"].date() <= last}
    engaged = sorted(seen | {row["account_id"] for row in accounts})
    found: dict[tuple[str, str], Any] = {}
    for account in engaged:
        own = {key: day for key, day in days.items() if key[1] == account}
        own_sessions = [row for row in begun if row[0] == account]
        found |= _scope(account, own, own_sessions, dates)
        for on in dates:
            found |= _account_day(account, own, own_sessions, on)
    company = _scope("company", days, begun, dates)
    for on in dates:
        company["M-40", f"company|{on}"] = len(active(days, [on]))
    company |= _stickiness(days, dates)
    for row in accounts:
        found["M-44", row["account_id"]] = over(found["M-41.mau", row["account_id"]], row["licences"])
    whole = sum(found["M-41.mau", account] for account in engaged)
    company["M-44", "company"] = over(whole, sum(row["licences"] for row in accounts))
    return found | company | _activation(days, accounts, dates)


def active(days: Mapping[tuple[date, str, str], UserDay], dates: list[date]) -> set[str]:
    """Return who was active on any of the dates."""
    return {
        user for (on, _, user), day in days.items() if on in dates and (day["qualifying_clicks"] or day["minutes"] > 0)
    }


def over(top: Any, bottom: Any) -> Any:
    return Fraction(top, bottom) if bottom else NO_QUOTIENT


def _scope(name: str, days: dict[Any, UserDay], begun: list[Session], dates: list[date]) -> dict[tuple[str, str], Any]:
    mau = len(active(days, dates))
    used = sum(day["minutes"] for (on, _, _), day in days.items() if on in dates)
    sessions = [row for row in begun if row[3].date() in dates]
    found = {
        ("M-41.mau", name): mau,
        ("M-41.wau", name): len(active(days, dates[-7:])),
        ("M-41.mau_28d", name): len(active(days, dates[-28:])),
        ("M-43.hours", name): Fraction(used, 60),
        ("M-43.per_active_user", name): over(used, 60 * mau),
        ("M-53", name): len(sessions),
        ("M-53.hours", name): Fraction(sum(row[5] for row in sessions), 3600 * 10**6),
        ("M-53.clicks_per_session", name): over(sum(row[6] for row in sessions), len(sessions)),
    }
    users: dict[str, set[str]] = {}
    for (on, _, user), day in days.items():
        for each in day["features"] if on in dates else ():
            users.setdefault(each, set()).add(user)
    return found | {("M-45", f"{name}|{each}"): over(len(who), mau) for each, who in users.items()}


def _account_day(name: str, days: dict[Any, UserDay], begun: list[Session], on: date) -> dict[tuple[str, str], Any]:
    key, users = f"{name}|{on}", len(active(days, [on]))
    used = sum(day["minutes"] for (each, _, _), day in days.items() if each == on)
    return {
        ("M-40", key): users,
        ("M-43.hours", key): Fraction(used, 60),
        ("M-43.per_active_user", key): over(used, 60 * users),
        ("M-53", key): sum(row[3].date() == on for row in begun),
    }


def _stickiness(days: dict[Any, UserDay], dates: list[date]) -> dict[tuple[str, str], Any]:
    mau = len(active(days, dates))
    workdays = [on for on in dates if on.isoweekday() <= 5]
    return {
        ("M-42", "company"): over(sum(len(active(days, [on])) for on in dates), len(dates) * mau),
        ("M-42.b2b", "company"): over(sum(len(active(days, [on])) for on in workdays), len(workdays) * mau),
    }


def _activation(days: dict[Any, UserDay], accounts: list[Row], dates: list[date]) -> dict[tuple[str, str], Any]:
    licensed: dict[str, list[str]] = {}
    for row in accounts:
        for each in set(row["features"] or ()) if row["mrr"] else ():
            licensed.setdefault(each, []).append(row["account_id"])
    used = {(account, each) for (on, account, _), day in days.items() if on in dates for each in day["features"]}
    return {
        ("M-45.activation", f"company|{each}"): Fraction(sum((name, each) in used for name in names), len(names))
        for each, names in licensed.items()
    }


def stored(value: Any) -> Decimal | str:
    """Return a value as tables keep it: half-even to ten places; a reason stays."""
    return value if isinstance(value, str) else Decimal(round(Fraction(value) * 10**10)).scaleb(-10)
