"""Statuses, gaps and shares once more, as loops over plain values, written from the specification alone.

Source: `data.md` C.2; `metrics.md` §6.3, §6.4.
"""

from datetime import date
from itertools import pairwise, permutations
from typing import Any

from compute.months import Month

# data.md C.2, "Graph": None is the state before the first event.
LAWFUL: dict[str | None, tuple[str, ...]] = {
    None: ("Lead", "Trial", "Active"),
    "Lead": ("Trial", "Active", "Cancelled"),
    "Trial": ("Active", "Expired", "Cancelled"),
    "Active": ("Past Due", "Suspended", "Expired", "Cancelled"),
    "Past Due": ("Active", "Suspended", "Cancelled"),
    "Suspended": ("Active", "Expired", "Cancelled"),
    "Expired": ("Trial", "Active", "Cancelled"),
    "Cancelled": ("Trial", "Active"),
}
Row = dict[str, Any]


def in_order(rows: list[Row]) -> list[Row]:
    """Order an account's rows, given in order of arrival: by day, within a day by the chain that they make."""
    ordered: list[Row] = []
    for day in sorted({row["change_date"] for row in rows}):
        todays = [row for row in rows if row["change_date"] == day]
        before = ordered[-1]["new_status"] if ordered else None
        chains = [
            list(chain)
            for chain in (permutations(todays) if len(todays) <= 7 else ())
            if all(one["new_status"] == other["previous_status"] for one, other in pairwise(chain))
        ]
        if len(chains) > 1:
            chains = [chain for chain in chains if chain[0]["previous_status"] == before] or chains
        ordered += chains[0] if len(chains) == 1 else todays
    return ordered


def shortest_paths(start: str | None, end: str | None) -> list[list[str]]:
    """Return the shortest ways through the graph, each without its start; none where the jump contradicts."""
    if end is None or (end == "Lead" and start is not None) or start == end:
        return []
    ways: list[list[str]] = [[]]
    for _ in LAWFUL:
        ways = [[*way, to] for way in ways for to in LAWFUL[way[-1] if way else start]]
        if found := [way for way in ways if way[-1] == end]:
            return found
    return []


def verdict(start: str | None, end: str | None) -> str:
    return {0: "contradiction", 1: "impute"}.get(len(shortest_paths(start, end)), "ambiguous")


def gaps(rows: list[Row]) -> list[tuple[Any, ...]]:
    """Return the cases of an account: kind, from, to, verdict, imputed, candidates, earliest, event date."""
    found = []
    state: str | None = None
    earlier: date | None = None
    for index, row in enumerate(in_order(rows)):
        previous, new, on = row["previous_status"], row["new_status"], row["change_date"]
        if index == 0 and previous not in (None, "Lead", "Trial"):
            found.append(_case("missing_start", None, previous, earlier, on))
        if index > 0 and previous != state:
            found.append(_case("chain_break", state, previous, earlier, on))
        if new not in LAWFUL[previous]:
            found.append(_case("illegal_edge", previous, new, earlier, on))
        state, earlier = new, on
    return found


def _case(kind: str, start: str | None, end: str | None, earlier: date | None, on: date) -> tuple[Any, ...]:
    paths = shortest_paths(start, end)
    imputed = paths[0][: -1 if kind == "illegal_edge" else None] if len(paths) == 1 else []
    between = sorted({state for path in paths for state in path[:-1]}) if len(paths) > 1 else []
    jump = (start or "(none)", end or "(none)", verdict(start, end))
    return (kind, *jump, " > ".join(imputed), " | ".join(between), earlier, on)


def status_on(rows: list[Row], day: date) -> str:
    """Return S(a,d) of an account, Unknown without status rows."""
    ordered = in_order(rows)
    past = [row for row in ordered if row["change_date"] <= day]
    if not past:
        return "Unknown"
    state = str(past[-1]["new_status"])
    after = ordered[len(past) : len(past) + 1]
    # A gap holds from the row before, the end of that day included, to the day before the row after.
    is_gap = any(
        row["previous_status"] != state and verdict(state, row["previous_status"]) != "impute" for row in after
    )
    return "Unknown" if is_gap else state


def split(amount: int, weights: dict[str, int]) -> dict[str, int]:
    """Share cents by weight: floors, then a cent each to the largest remainders, ties by key."""
    whole = sum(weights.values())
    shares = {key: amount * weight // whole for key, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda key: (-(amount * weights[key] % whole), key))
    for key in by_remainder[: amount - sum(shares.values())]:
        shares[key] += 1
    return shares


def days_of(amount: int, month: Month, paying: list[date]) -> dict[date, int]:
    """Share a month's cents over its paying days, over all days when there is none."""
    every = [month.first.replace(day=day) for day in range(1, month.days + 1)]
    shares = split(amount, {str(day): 1 for day in paying or every})
    return {day: shares.get(str(day), 0) for day in every}
