"""From judged rows to current ones: refused batches, duplicates, revisions, codes of the current state.

A pure function of a judged month, or of some whole buckets of it: order, batching and restarts cannot matter.
Source: `data.md` A.0, steps 5 and 6; "Identity, duplicates, revisions"; "Batch refusal" (U-13).
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import polars as pl

from compute.company import Company
from compute.contracts.contract import Contract
from compute.dispositions import is_released
from compute.judging import quality, verdict
from compute.releases import NO_RELEASES, has_value, with_release
from compute.schema import Schema

LEAST_BATCH = 100


@dataclass(frozen=True, slots=True)
class Beside:
    """What decides about rows beside the rows themselves.

    Attributes:
        accounts: the accounts that the file feeds name.
        as_of: the run's as-of; it decides the age of unknown accounts and of open sessions, nothing else.
        releases: RELEASE rows.
    """

    accounts: pl.Series
    as_of: datetime
    releases: pl.DataFrame = field(default_factory=NO_RELEASES.clone)


# Before all time nothing has waited and nothing is old; nobody has released anything.
ALONE = Beside(pl.Series([], dtype=pl.String), datetime(1970, 1, 1, tzinfo=UTC))


def silver_schema(contract: Contract) -> Schema:
    """Return the columns of a silver table: typed fields, then place, quality and codes."""
    return {
        **contract.columns,
        **{name: contract.place[name] for name in contract.order},
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
    bad = (pl.col("_verdict") != "accepted").sum()
    return refused_of(judged.group_by(day=pl.col("_arrival").dt.date()).agg(received=pl.len(), bad=bad), company)


def refused_of(days: pl.DataFrame, company: Company) -> frozenset[date]:
    """Return the arrival dates whose rows are refused together.

    Args:
        days: of one dataset, by date of arrival: `day`, `received`, `bad`.
        company: for `max_bad_ratio`.
    """
    ratio = company.limits.max_bad_ratio
    return frozenset(
        row["day"]
        for row in days.filter(pl.col("received") >= LEAST_BATCH).iter_rows(named=True)
        if row["bad"] > ratio * row["received"]
    )


def strangers(named: pl.Series, contract: Contract, company: Company, beside: Beside) -> pl.Expr:
    """Return where an accepted row's account is known to nobody, for longer than `unknown_account_days` (U-19).

    Args:
        named: the accounts that the rows name.
        contract: of the rows.
        company: for `unknown_account_days`.
        beside: the accounts that are known, and the as-of.
    """
    if contract.unknown_account is None:
        return pl.lit(value=False)
    waited = pl.lit(beside.as_of) - pl.col("_arrival") > timedelta(days=company.limits.unknown_account_days)
    unknown = named.filter(~named.is_in(beside.accounts.implode()))
    return (pl.col("_verdict") == "accepted") & waited & pl.col("account_id").is_in(unknown.implode())


def accounts_in(rows: pl.LazyFrame) -> pl.Series:
    """Return the accounts that rows name."""
    return rows.select(pl.col("account_id").drop_nulls().unique()).collect(engine="streaming").to_series()


def settle(
    judged: pl.DataFrame, contract: Contract, company: Company, refused: frozenset[date], beside: Beside = ALONE
) -> pl.DataFrame:
    """Give every judged row its disposition.

    Args:
        judged: all judged rows of one or more whole months, or of whole buckets of them.
        contract: the dataset's contract.
        company: the company's choices.
        refused: arrival dates whose rows are refused.
        beside: the known accounts and the as-of; topics need them.

    Returns:
        The rows in order, with `_disposition` (accepted, superseded, duplicate, quarantined, rejected), `_codes`
        complete, and `_release`, the verdict of a release that stands.
    """
    rows = with_release(judged, beside.releases, contract).sort(contract.order)
    if contract.unknown_account is not None:
        rows = _coded(rows, strangers(accounts_in(judged.lazy()), contract, company, beside), contract.unknown_account)
    rows = _coded(rows, pl.col("_arrival").dt.date().is_in(sorted(refused)), contract.code("Q99"))
    is_accepted = (verdict() == "quarantined") & is_released("accept") & has_value(contract)
    rows = rows.with_columns(_verdict=pl.when(is_accepted).then(pl.lit("accepted")).otherwise(verdict()))
    accepted = _deduplicated(rows.filter(pl.col("_verdict") == "accepted"), contract)
    held = rows.filter(pl.col("_verdict") != "accepted").with_columns(_disposition=pl.col("_verdict"))
    current = _with_current_codes(
        accepted.filter(pl.col("_disposition") == "accepted"), contract, company, beside.as_of
    )
    return pl.concat([held, accepted.filter(pl.col("_disposition") != "accepted"), current]).sort(contract.order)


def _coded(rows: pl.DataFrame, when: pl.Expr, code: str) -> pl.DataFrame:
    """Append a code to the rows of a condition."""
    added = pl.concat_list("_codes", pl.lit([code], dtype=pl.List(pl.String)))
    return rows.with_columns(_codes=pl.when(when).then(added).otherwise("_codes"))


def _deduplicated(accepted: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Tell duplicates, superseded and current rows apart, within each key, in order."""
    if not contract.has_revisions:
        is_first = pl.col("_identity").is_first_distinct()
        return accepted.with_columns(
            _disposition=pl.when(is_first).then(pl.lit("accepted")).otherwise(pl.lit("duplicate"))
        )
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


def _with_current_codes(current: pl.DataFrame, contract: Contract, company: Company, as_of: datetime) -> pl.DataFrame:
    found = [
        pl.when(rule.when.fill_null(value=False)).then(pl.lit(rule.code))
        for rule in contract.current_rules(company, as_of)
    ]
    if not found:
        return current
    return current.with_columns(_codes=pl.concat_list("_codes", pl.concat_list(found).list.drop_nulls()))


def silver_rows(settled: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return the current accepted rows, in order, as silver keeps them."""
    current = settled.filter(pl.col("_disposition") == "accepted").with_columns(_quality=quality())
    # A user's rows lie together and in time, which is how they are read and what compresses best.
    within = () if contract.user is None else (contract.account or "", contract.user, contract.dated)
    return current.select(list(silver_schema(contract))).sort("_bucket", *within, *contract.order)


def named_accounts(judged: pl.DataFrame) -> pl.Series:
    """Return the accounts that judged rows of a file feed name readably, accepted or quarantined (U-19)."""
    return judged.filter(pl.col("_verdict") != "rejected").get_column("account_id").drop_nulls().unique()
