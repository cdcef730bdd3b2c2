"""The status timeline of accounts: steps, gap cases, imputed steps, and the status on a day.

Source: `data.md` C.2. Imputed steps live here and never in the source table.
"""

import polars as pl

from compute.schema import Schema, typed
from compute.status_order import order_of_events
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
_STARTS = (NO_STATUS, "Lead", "Trial")  # a first row from these opens no case (U-31)


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
