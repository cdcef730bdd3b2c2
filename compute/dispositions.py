"""What became of rows: counts of every disposition, the rows that are held, the members that no field reads.

Source: `data.md` A.0, "Conservation" (AT-03), W91 (U-14).
"""

from collections.abc import Sequence

import polars as pl

from compute.contracts.contract import INSTANT, Contract
from compute.releases import case_id, is_accepted_as_is
from compute.schema import Schema, typed

DISPOSITION: Schema = {
    "dataset": pl.String,
    "month": pl.String,
    "disposition": pl.String,
    "code": pl.String,
    "rows": pl.Int64,
    "closed": pl.Int64,
}


UNKNOWN_FIELD: Schema = {
    "dataset": pl.String,
    "month": pl.String,
    "field": pl.String,
    "rows": pl.Int64,
}
HELD: Schema = {
    "dataset": pl.String,
    "month": pl.String,
    "case_id": pl.String,
    "arrival": INSTANT,
    "batch_id": pl.String,
    "file": pl.String,
    "partition": pl.Int64,
    "row": pl.Int64,
    "payload_sha256": pl.String,
    "codes": pl.List(pl.String),
    "reason": pl.String,
    "is_closed": pl.Boolean,
}


def count_dispositions(settled: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Count rows per month, disposition and code, and those of them whose case is closed: DISPOSITION rows.

    The code is empty for the total of a disposition.
    """
    rows = settled.select("month", disposition="_disposition", code="_codes", is_closed=is_closed())
    counted = {"rows": pl.len(), "closed": pl.col("is_closed").sum()}
    totals = rows.group_by("month", "disposition").agg(**counted).with_columns(code=pl.lit(""))
    coded = rows.explode("code").drop_nulls("code").group_by("month", "disposition", "code").agg(**counted)
    return (
        pl.concat([totals, coded], how="diagonal")
        .with_columns(dataset=pl.lit(contract.dataset))
        .pipe(typed, DISPOSITION)
        .sort(list(DISPOSITION))
    )


def count_unknown_fields(settled: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Count the current rows of each month that carry a member which no field reads (W91): UNKNOWN_FIELD rows."""
    odd = settled.filter(pl.col("_disposition") == "accepted", pl.col("_unknown").list.len() > 0)
    counted = odd.select("month", field="_unknown").explode("field").group_by("month", "field").agg(rows=pl.len())
    return counted.with_columns(dataset=pl.lit(contract.dataset)).pipe(typed, UNKNOWN_FIELD).sort("month", "field")


def added_up(counts: Sequence[pl.DataFrame], schema: Schema) -> pl.DataFrame:
    """Add up the counts of several parts of a dataset: of one line each is made, in order."""
    numbers = [name for name, dtype in schema.items() if dtype == pl.Int64]
    lines = [name for name in schema if name not in numbers]
    whole = pl.concat([pl.DataFrame(schema=schema), *counts])
    return whole.group_by(lines).agg(pl.col(numbers).sum()).select(list(schema)).sort(lines)


def is_closed() -> pl.Expr:
    """Return where the case of a settled row is closed: held, and fixed or discarded by somebody."""
    return (pl.col("_disposition") == "quarantined") & is_released("fix", "discard")


def is_released(*verdicts: str) -> pl.Expr:
    """Return where a release with one of the verdicts stands."""
    return pl.col("_release").is_in(verdicts).fill_null(value=False)


def held_rows(settled: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return the rows that are held or were until accepted, as HELD keeps them: place, codes, reason, is it closed."""
    is_held = pl.col("_disposition") == "quarantined"
    held = settled.filter(is_held | (is_released("accept") & is_accepted_as_is()))
    ids = [case_id(place, contract) for place in held.select(contract.row_key).iter_rows()]
    file, row = ("_topic", "_offset") if contract.is_topic else ("_file", "_row")
    return typed(
        held.select(
            "month",
            pl.Series("case_id", ids, dtype=pl.String),
            dataset=pl.lit(contract.dataset),
            arrival="_arrival",
            batch_id="_batch_id",
            file=file,
            partition=pl.col("_partition") if contract.is_topic else pl.lit(None),
            row=row,
            payload_sha256="_payload_sha256",
            codes="_codes",
            reason=pl.col("_detail").fill_null(""),
            is_closed=is_closed() | ~is_held,
        ),
        HELD,
    )
