"""The order in which the status rows of an account happened, those of one day among them.

Source: `data.md` C.2, "Order of events" (U-36).
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import polars as pl

from compute.contracts.contract import ORDER
from compute.statuses import NO_STATUS

MOST_ROWS_OF_A_DAY = 7  # more are kept in order of arrival
_ACCOUNT = "account_id"
_RUN = ["_before", "_day", "_edge"]


def order_of_events(rows: pl.DataFrame) -> pl.DataFrame:
    """Put each account's rows in the order in which they happened.

    Args:
        rows: current accepted status rows: `account_id`, `change_date`, `previous_status`, `new_status`, ORDER.

    Returns:
        The rows sorted by account and event, with `previous_status` never null, and `is_ambiguous_day` where
        the day's order is the order of arrival because the rows do not say better (STA-W03).

    Source: `data.md` C.2, "Order of events" (U-36).
    """
    arrived = rows.with_columns(pl.col("previous_status").fill_null(NO_STATUS)).sort(_ACCOUNT, "change_date", *ORDER)
    indexed = arrived.with_columns(_index=pl.int_range(pl.len(), dtype=pl.Int64))
    places = _places(_runs(indexed))
    return (
        indexed.join(places, on="_index", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("_place", "_index").alias("_place"), pl.col("is_ambiguous_day").fill_null(value=False)
        )
        .sort("_place")
        .drop("_index", "_place")
    )


def _runs(indexed: pl.DataFrame) -> pl.DataFrame:
    """Return the stretches of days with several rows each: what was before, and by row its day, edge and index.

    What an account did before such a stretch stands in order already, so a stretch is ordered by itself.
    """
    is_busy = pl.len().over(_ACCOUNT, "change_date") > 1
    begins = pl.col("_is_busy") & ~pl.col("_is_busy").shift(fill_value=False).over(_ACCOUNT)
    is_other_day = (pl.col("change_date") != pl.col("change_date").shift()).fill_null(value=True)
    return (
        indexed.with_columns(_is_busy=is_busy, _before=pl.col("new_status").shift().over(_ACCOUNT))
        .with_columns(_run=begins.cum_sum())
        .filter("_is_busy")
        .group_by("_run", maintain_order=True)
        .agg(
            pl.col("_before").first().fill_null(NO_STATUS),
            pl.col("_index"),
            _day=is_other_day.cum_sum(),
            _edge=pl.concat_list("previous_status", "new_status"),
        )
    )


def _places(runs: pl.DataFrame) -> pl.DataFrame:
    """Return where each row of a run belongs: `_index, _place, is_ambiguous_day`.

    Runs that look alike have one order: however many accounts there are, few are solved.
    """
    kinds = runs.select(_RUN).unique().with_row_index("_kind")
    solved = [_order_of_run(before, days, edges) for _, before, days, edges in kinds.iter_rows()]
    orders = pl.DataFrame(
        {
            "_kind": kinds.get_column("_kind"),
            "_order": [order for order, _ in solved],
            "is_ambiguous_day": [ambiguous for _, ambiguous in solved],
        },
        schema={"_kind": pl.UInt32, "_order": pl.List(pl.Int64), "is_ambiguous_day": pl.List(pl.Boolean)},
    )
    return (
        runs.join(kinds, on=_RUN)
        .join(orders, on="_kind")
        .select("is_ambiguous_day", _place="_index", _index=pl.col("_index").list.gather(pl.col("_order")))
        .explode("_index", "_place", "is_ambiguous_day")
    )


def _order_of_run(before: str, days: Sequence[int], edges: Sequence[Sequence[str]]) -> tuple[list[int], list[bool]]:
    """Return a run's rows in order of events, and whether each one's day is ambiguous."""
    state, order, ambiguous = before, list[int](), list[bool]()
    for _, numbers in groupby(range(len(days)), key=lambda number: days[number]):
        rows = list(numbers)
        chain = order_of_day([(edges[row][0], edges[row][1]) for row in rows], state)
        for position in range(len(rows)) if chain is None else chain:
            order.append(rows[position])
            ambiguous.append(chain is None)
            state = edges[rows[position]][1]
    return order, ambiguous


def order_of_day(edges: list[tuple[str, str]], before: str) -> tuple[int, ...] | None:
    """Return the only order in which each previous status equals the new one before it, or None.

    Of several orders those count that start from the status before the day, if any do.

    >>> order_of_day([("Past Due", "Active"), ("Active", "Past Due")], "Active")
    (1, 0)
    >>> order_of_day([("Trial", "Active"), ("Lead", "Trial")], "Unheard")
    (1, 0)
    """
    if len(edges) == 1:
        return (0,)
    if len(edges) > MOST_ROWS_OF_A_DAY:
        return None
    chains = list(_chains(edges, ()))
    from_before = [chain for chain in chains if edges[chain[0]][0] == before]
    chosen = from_before if len(chains) > 1 and from_before else chains
    return chosen[0] if len(chosen) == 1 else None


def _chains(edges: list[tuple[str, str]], taken: tuple[int, ...]) -> Any:
    if len(taken) == len(edges):
        yield taken
        return
    for index, (previous, _) in enumerate(edges):
        if index not in taken and (not taken or edges[taken[-1]][1] == previous):
            yield from _chains(edges, (*taken, index))
