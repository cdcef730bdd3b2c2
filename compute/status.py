"""The status timeline of accounts: steps, gap cases, imputed steps, and the status on a day.

Source: `data.md` C.2. Imputed steps live here and never in the source table.
"""

from itertools import groupby
from typing import Any

import polars as pl

from compute.contracts.contract import ORDER
from compute.schema import Schema, typed
from compute.statuses import NO_STATUS, UNKNOWN, Graph, jump_frame

STEP: Schema = {
    "account_id": pl.String,
    "step": pl.Int64,
    "change_date": pl.Date,
    "from_status": pl.String,
    "status": pl.String,
    "is_imputed": pl.Boolean,
    "earliest": pl.Date,
    "latest": pl.Date,
    "_bucket": pl.Int32,
}
CASE: Schema = {
    "account_id": pl.String,
    "kind": pl.String,
    "from": pl.String,
    "to": pl.String,
    "verdict": pl.String,
    "imputed": pl.String,
    "candidates": pl.String,
    "earliest": pl.Date,
    "latest": pl.Date,
    "event_date": pl.Date,
}
MOST_ROWS_OF_A_DAY = 7  # more are kept in order of arrival
_STARTS = (NO_STATUS, "Lead", "Trial")  # a first row from these opens no case (U-31)


def order_of_events(rows: pl.DataFrame) -> pl.DataFrame:
    """Put each account's rows in the order in which they happened.

    Args:
        rows: current accepted status rows: `account_id`, `change_date`, `previous_status`, `new_status`, ORDER.

    Returns:
        The rows sorted by account and event, with `previous_status` never null, and `is_ambiguous_day` where
        the day's order is the order of arrival because the rows do not say better (STA-W03).

    Source: `data.md` C.2, "Order of events" (U-36).
    """
    sorted_rows = rows.with_columns(pl.col("previous_status").fill_null(NO_STATUS)).sort(
        "account_id", "change_date", *ORDER
    )
    day = pl.len().over("account_id", "change_date")
    busy = sorted_rows.filter((day > 1).any().over("account_id"))
    ranked = sorted_rows.with_columns(_index=pl.int_range(pl.len()), is_ambiguous_day=pl.lit(value=False))
    if busy.is_empty():
        return ranked.drop("_index")
    positions = ranked.filter((day > 1).any().over("account_id"))
    order, ambiguous = _order_busy_accounts(positions.select(
        "account_id", "change_date", "previous_status", "new_status", "_index"
    ).rows())  # fmt: skip
    places = pl.DataFrame(
        {"_index": order, "_place": sorted(order), "_ambiguous": ambiguous},
        schema={"_index": pl.Int64, "_place": pl.Int64, "_ambiguous": pl.Boolean},
    )
    return (
        ranked.join(places, on="_index", how="left", maintain_order="left")
        .with_columns(
            _place=pl.coalesce("_place", "_index"), is_ambiguous_day=pl.coalesce("_ambiguous", "is_ambiguous_day")
        )
        .sort("_place")
        .drop("_index", "_place", "_ambiguous")
    )


def _order_busy_accounts(rows: list[tuple[Any, ...]]) -> tuple[list[int], list[bool]]:
    """Return the rows' indexes in order of events, and whether each one's day is ambiguous."""
    order: list[int] = []
    ambiguous: list[bool] = []
    for _, account in groupby(rows, key=lambda row: row[0]):
        state = NO_STATUS
        for _, day in groupby(account, key=lambda row: row[1]):
            events = list(day)
            edges = [(row[2], row[3]) for row in events]
            chain = order_of_day(edges, state)
            for position in range(len(events)) if chain is None else chain:
                order.append(events[position][4])
                ambiguous.append(chain is None)
                state = events[position][3]
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


def status_timeline(rows: pl.DataFrame, graph: Graph) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Judge every account's rows against the graph.

    Args:
        rows: current accepted status rows, with `_bucket`.
        graph: the lawful steps.

    Returns:
        STEP rows: every step of every timeline, in order, with imputed steps and steps into Unknown;
        CASE rows: the gaps, one per jump that is not lawful.
    """
    judged = _judged_rows(order_of_events(rows), graph)
    return _steps(judged), _cases(judged)


def _judged_rows(ordered: pl.DataFrame, graph: Graph) -> pl.DataFrame:
    """Add to each row what came before it, and the two jumps that it may show."""
    jumps = jump_frame(graph)
    before = pl.col("new_status").shift().over("account_id")
    is_first = before.is_null()
    kind = (
        pl.when(is_first & ~pl.col("previous_status").is_in(_STARTS)).then(pl.lit("missing_start"))
        .when(~is_first & (pl.col("previous_status") != before)).then(pl.lit("chain_break"))
    )  # fmt: skip
    return (
        ordered.with_columns(
            _row_index=pl.int_range(pl.len(), dtype=pl.Int64),
            _state=before.fill_null(NO_STATUS),
            _earliest=pl.col("change_date").shift().over("account_id"),
            _kind=kind,
        )
        .join(jumps.select(pl.all().name.prefix("chain_")), left_on=["_state", "previous_status"],
              right_on=["chain_jump_from", "chain_jump_to"], how="left", maintain_order="left")
        .join(jumps.select(pl.all().name.prefix("edge_")), left_on=["previous_status", "new_status"],
              right_on=["edge_jump_from", "edge_jump_to"], how="left", maintain_order="left")
    )  # fmt: skip


def _steps(judged: pl.DataFrame) -> pl.DataFrame:
    """Lay the rows' own steps, the imputed ones and those into Unknown in order.

    `_place` orders what one row brings: 0 its Unknown (dated on the row before), 1… the steps that a chain
    break or missing start imputes, 10… those of an illegal edge, 99 the row's own.
    """
    is_chain, imputes = pl.col("_kind").is_not_null(), pl.col("chain_verdict") == "impute"
    bends = ~pl.col("edge_is_lawful") & (pl.col("edge_verdict") == "impute")
    unknown = judged.filter((pl.col("_kind") == "chain_break") & ~imputes).select(
        "account_id", "_bucket", "_row_index", change_date="_earliest", from_status="_state",
        status=pl.lit(UNKNOWN), is_imputed=pl.lit(value=False), _place=pl.lit(0, dtype=pl.Int64),
        earliest="_earliest", latest="change_date",
    )  # fmt: skip
    bridged = _imputed(judged.filter(is_chain & imputes), pl.col("_state"), pl.col("chain_path"), first_place=1)
    between = pl.col("edge_path").list.head(pl.col("edge_path").list.len() - 1)
    bent = _imputed(judged.filter(bends), pl.col("previous_status"), between, first_place=10)
    last_between = pl.col("edge_path").list.get(-2, null_on_oob=True)
    own = judged.select(
        "account_id", "_bucket", "_row_index", "change_date",
        from_status=pl.when(bends).then(last_between).otherwise("previous_status"),
        status="new_status", is_imputed=pl.lit(value=False), _place=pl.lit(99, dtype=pl.Int64),
        earliest="change_date", latest="change_date",
    )  # fmt: skip
    return (
        pl.concat([unknown, bridged, bent, own], how="diagonal")
        .sort("_row_index", "_place")
        .with_columns(step=pl.int_range(pl.len(), dtype=pl.Int64).over("account_id"))
        .pipe(typed, STEP)
    )


def _imputed(rows: pl.DataFrame, start: pl.Expr, path: pl.Expr, *, first_place: int) -> pl.DataFrame:
    """Return a step for every state of each row's path, dated like the row that revealed the gap (U-32)."""
    states = rows.with_columns(_path=path, _start=start).with_columns(
        _from=pl.concat_list(pl.concat_list("_start"), pl.col("_path")).list.head(pl.col("_path").list.len())
    )
    return (
        states.with_columns(_place=pl.int_ranges(first_place, first_place + pl.col("_path").list.len()))
        .explode("_path", "_from", "_place")
        .drop_nulls("_path")
        .select(
            "account_id", "_bucket", "_row_index", "change_date", "_place", from_status="_from", status="_path",
            is_imputed=pl.lit(value=True), earliest="_earliest", latest="change_date",
        )
    )  # fmt: skip


def _cases(judged: pl.DataFrame) -> pl.DataFrame:
    """Return the gap cases; a row may open two (U-35)."""
    chain = judged.filter(pl.col("_kind").is_not_null()).select(
        "account_id", "change_date", "_earliest", kind="_kind", start="_state", end="previous_status",
        verdict="chain_verdict", imputed="chain_path", candidates="chain_candidates",
    )  # fmt: skip
    path = pl.col("edge_path")
    edge = judged.filter(~pl.col("edge_is_lawful")).select(
        "account_id", "change_date", "_earliest", kind=pl.lit("illegal_edge"), start="previous_status",
        end="new_status", verdict="edge_verdict", imputed=path.list.head(path.list.len() - 1),
        candidates="edge_candidates",
    )  # fmt: skip
    return (
        pl.concat([chain, edge])
        .select(
            "account_id", "kind", "verdict",
            pl.col("start").replace(NO_STATUS, "(none)").alias("from"),
            pl.col("end").replace(NO_STATUS, "(none)").alias("to"),
            imputed=pl.col("imputed").list.join(" > "),
            candidates=pl.col("candidates").list.join(" | "),
            earliest="_earliest", latest="change_date", event_date="change_date",
        )
        .select(list(CASE))
        .sort(list(CASE))
    )  # fmt: skip


def end_of_day(steps: pl.DataFrame) -> pl.DataFrame:
    """Return each account's status changes by day: the last step of every day that has one.

    Returns:
        `account_id, change_date, status, is_imputed, until`, sorted; `until` is the day of the next change, or null.
    """
    return (
        steps.sort("account_id", "step")
        .group_by("account_id", "change_date", maintain_order=True)
        .agg(pl.col("status", "is_imputed").last())
        .with_columns(until=pl.col("change_date").shift(-1).over("account_id"))
    )
