"""From judged rows to current ones: refused batches, duplicates, revisions, codes of the current state.

A pure function of one judged month: order, batching and restarts cannot matter.
Source: `data.md` A.0, steps 5 and 6; "Identity, duplicates, revisions"; "Batch refusal" (U-13).
"""

from datetime import date

import polars as pl

from compute.buckets import with_bucket
from compute.company import Company
from compute.contracts.contract import Contract
from compute.judging import PLACE, quality, verdict
from compute.schema import Schema

ORDER = ("_arrival", "_file", "_batch_id", "_row")  # the digest only parts two contents under one name
LEAST_BATCH = 100

DISPOSITION: Schema = {
    "dataset": pl.String,
    "month": pl.String,
    "disposition": pl.String,
    "code": pl.String,
    "rows": pl.Int64,
}


def silver_schema(contract: Contract) -> Schema:
    """Return the columns of a silver table: typed fields, then place, quality and codes."""
    return {
        **contract.columns,
        **{name: PLACE[name] for name in ("_arrival", "_file", "_batch_id", "_row")},
        "_quality": pl.String,
        "_codes": pl.List(pl.String),
        "_bucket": pl.Int32,
        "month": pl.String,
    }


def refused_days(judged: pl.DataFrame, company: Company) -> frozenset[date]:
    """Return the arrival dates whose rows are refused together.

    From 100 rows up, (rejected + quarantined) / received above `max_bad_ratio` refuses the rows of a dataset
    and arrival date, however they were batched.

    Args:
        judged: all judged rows of one dataset: `_arrival`, `_verdict`.
        company: for `max_bad_ratio`.
    """
    ratio = company.limits.max_bad_ratio
    bad = (pl.col("_verdict") != "accepted").sum()
    days = judged.group_by(day=pl.col("_arrival").dt.date()).agg(received=pl.len(), bad=bad)
    return frozenset(
        row["day"]
        for row in days.filter(pl.col("received") >= LEAST_BATCH).iter_rows(named=True)
        if row["bad"] > ratio * row["received"]
    )


def settle(judged: pl.DataFrame, contract: Contract, company: Company, refused: frozenset[date]) -> pl.DataFrame:
    """Give every judged row its disposition.

    Args:
        judged: all judged rows of one or more whole months.
        contract: the dataset's contract.
        company: the company's choices.
        refused: arrival dates whose rows are refused.

    Returns:
        The rows in order, with `_disposition` (accepted, superseded, duplicate, quarantined, rejected) and
        `_codes` complete.
    """
    rows = judged.sort(ORDER).with_columns(
        _codes=pl.when(pl.col("_arrival").dt.date().is_in(sorted(refused)))
        .then(pl.concat_list("_codes", pl.lit([contract.code("Q99")], dtype=pl.List(pl.String))))
        .otherwise("_codes")
    )
    rows = rows.with_columns(_verdict=verdict())
    accepted = _deduplicated(rows.filter(pl.col("_verdict") == "accepted"), contract)
    held = rows.filter(pl.col("_verdict") != "accepted").with_columns(_disposition=pl.col("_verdict"))
    current = _with_current_codes(accepted.filter(pl.col("_disposition") == "accepted"), contract, company)
    return pl.concat([held, accepted.filter(pl.col("_disposition") != "accepted"), current]).sort(ORDER)


def _deduplicated(accepted: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Tell duplicates, superseded and current rows apart, within each key, in order."""
    key = list(contract.key)
    is_new = pl.col("_identity").is_first_distinct().over(key)
    position = pl.col("_is_new").cum_sum().over(key)
    versions = pl.col("_is_new").sum().over(key)
    ruled = accepted.with_columns(_is_new=is_new).with_columns(_position=position, _versions=versions)
    disposition = (
        pl.when(~pl.col("_is_new")).then(pl.lit("duplicate"))
        .when(pl.col("_position") < pl.col("_versions")).then(pl.lit("superseded"))
        .otherwise(pl.lit("accepted"))
    )  # fmt: skip
    revised = pl.lit([contract.code("W90")], dtype=pl.List(pl.String))
    return (
        ruled.with_columns(_disposition=disposition)
        .with_columns(
            _codes=pl.when((pl.col("_disposition") == "accepted") & (pl.col("_versions") > 1))
            .then(pl.concat_list("_codes", revised))
            .otherwise("_codes")
        )
        .drop("_is_new", "_position", "_versions")
    )


def _with_current_codes(current: pl.DataFrame, contract: Contract, company: Company) -> pl.DataFrame:
    found = [
        pl.when(rule.when.fill_null(value=False)).then(pl.lit(rule.code)) for rule in contract.current_rules(company)
    ]
    if not found:
        return current
    return current.with_columns(_codes=pl.concat_list("_codes", pl.concat_list(found).list.drop_nulls()))


def silver_rows(settled: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return the current accepted rows, in order, as silver keeps them."""
    current = settled.filter(pl.col("_disposition") == "accepted").with_columns(_quality=quality())
    return with_bucket(current, contract.account).select(list(silver_schema(contract))).sort("_bucket", *ORDER)


def count_dispositions(settled: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Count rows per month, disposition and code; code is empty for the total of a disposition."""
    rows = settled.select("month", disposition="_disposition", code="_codes")
    totals = rows.group_by("month", "disposition").agg(rows=pl.len()).with_columns(code=pl.lit(""))
    coded = rows.explode("code").drop_nulls("code").group_by("month", "disposition", "code").agg(rows=pl.len())
    return (
        pl.concat([totals, coded], how="diagonal")
        .with_columns(pl.lit(contract.dataset).alias("dataset"), pl.col("rows").cast(pl.Int64))
        .select(list(DISPOSITION))
        .sort(list(DISPOSITION))
    )
