"""Revenue against the accounting ledger: classes by account, gates over all of them.

Compare decimals, never divide first. Source: `operations.md` C.3.
"""

import re
from decimal import Decimal, InvalidOperation

import polars as pl

from compute.company_promises import Close
from compute.errors import BadLedger
from compute.money import MONEY, SUM, to_cents
from compute.schema import Schema, typed

LEDGER: Schema = {
    "account_id": pl.String,
    "period": pl.String,
    "amount": pl.String,
    "ledger_version": pl.String,
}
RECONCILIATION: Schema = {
    "month": pl.String,
    "account_id": pl.String,
    "pipeline": MONEY,
    "ledger": MONEY,
    "delta": MONEY,
    "class": pl.String,
    "ledger_version": pl.String,
}
GATE: Schema = {"month": pl.String, "gate": pl.String, "verdict": pl.String}
GATES = ("RC-1", "RC-2", "RC-3", "RC-4")
UNVERIFIED = "unverified"

_CENT = Decimal("0.01")
_PIPELINE, _LEDGER = pl.col("pipeline").cast(SUM), pl.col("ledger").cast(SUM)
_DELTA = pl.col("delta").cast(SUM)


def ledger_amounts(ledger: pl.DataFrame, month: str) -> pl.DataFrame:
    """Return the ledger's amount of each account of a month: `account_id, ledger, ledger_version`.

    Per account the highest version wins, runs of digits compared as numbers; its rows add up (U-120).

    Args:
        ledger: LEDGER rows; `amount` the text of a decimal.
        month: the period.

    Raises:
        BadLedger: when an amount is no decimal.
    """
    rows = ledger.filter(pl.col("period") == month)
    amounts = [_amount(text) for text in rows.get_column("amount")]
    versions = rows.get_column("ledger_version").fill_null("").unique().to_list()
    ranks = {version: rank for rank, version in enumerate(sorted(versions, key=version_key))}
    ranked = rows.with_columns(
        pl.Series("amount", amounts, dtype=SUM),
        pl.col("ledger_version").fill_null(""),
    ).with_columns(_rank=pl.col("ledger_version").replace_strict(ranks, return_dtype=pl.Int64))
    newest = ranked.filter(pl.col("_rank") == pl.col("_rank").max().over("account_id"))
    return newest.group_by("account_id").agg(
        ledger=pl.col("amount").sum(), ledger_version=pl.col("ledger_version").first()
    )


def _amount(text: str | None) -> Decimal:
    try:
        amount = Decimal(text or "")
        if amount.is_finite():
            return to_cents(amount)
    except InvalidOperation:
        pass
    raise BadLedger(f"The ledger's amount '{text}' is no decimal: correct it there.")


def version_key(version: str) -> tuple[tuple[int, str | int], ...]:
    """Return what orders ledger versions: runs of digits are numbers.

    >>> sorted(["v10", "v9", "v1.2"], key=version_key)
    ['v1.2', 'v9', 'v10']
    """
    parts = re.split(r"([0-9]+)", version)
    return tuple((1, int(part)) if index % 2 else (0, part) for index, part in enumerate(parts))


def reconcile(month: str, rows: pl.DataFrame, ledger: pl.DataFrame, close: Close) -> pl.DataFrame:
    """Compare each account's billed revenue with the ledger.

    Args:
        month: the month.
        rows: its ACCOUNT_MONTH rows; those with a state bill take part (U-121).
        ledger: its `ledger_amounts`.
        close: for `tolerance`.

    Returns:
        RECONCILIATION rows by account: every account of either side has a class (RC-1).
    """
    billed = rows.filter(pl.col("bill_total").is_not_null()).select("account_id", pipeline="revenue")
    both = billed.join(ledger, on="account_id", how="full", coalesce=True).with_columns(
        month=pl.lit(month), delta=_PIPELINE.fill_null(0) - _LEDGER.fill_null(0)
    )
    return both.with_columns(_class(close.tolerance).alias("class")).pipe(typed, RECONCILIATION).sort("account_id")


def _class(tolerance: Decimal) -> pl.Expr:
    """Return the class; the first that fits (U-122)."""
    is_one_sided = _PIPELINE.is_null() | _LEDGER.is_null()
    is_matched = pl.when(is_one_sided).then(_DELTA == 0).otherwise(_DELTA.abs() <= _CENT)
    return (
        pl.when(is_matched).then(pl.lit("matched"))
        .when(_PIPELINE.is_null()).then(pl.lit("missing_in_pipeline"))
        .when(_LEDGER.is_null()).then(pl.lit("missing_in_ledger"))
        .when(_LEDGER == 0).then(pl.lit("zero_ledger"))
        .when(_within(_DELTA.abs(), tolerance, _LEDGER.abs())).then(pl.lit("within_tolerance"))
        .otherwise(pl.lit("mismatch"))
    )  # fmt: skip


def _within(amount: pl.Expr, share: Decimal, of: pl.Expr) -> pl.Expr:
    """Return whether amount ≤ share × of, without rounding the product."""
    return amount.cast(pl.Decimal(38, 6)) <= of.cast(pl.Decimal(38, 6)) * pl.lit(share, dtype=pl.Decimal(38, 6))


def gates(month: str, reconciliation: pl.DataFrame | None, close: Close) -> pl.DataFrame:
    """Judge RC-1 to RC-4 of a month; all `unverified` without a readable ledger.

    Args:
        month: the month.
        reconciliation: its RECONCILIATION rows, or None without a ledger.
        close: for `tolerance` and what is material of an account.
    """
    verdicts = dict.fromkeys(GATES, UNVERIFIED)
    if reconciliation is not None:
        passes = _passes(reconciliation, close)
        verdicts = {gate: "pass" if passes[gate] else "FAIL" for gate in GATES}
    rows = [{"month": month, "gate": gate, "verdict": verdict} for gate, verdict in verdicts.items()]
    return pl.DataFrame(rows, schema=GATE)


def _passes(rows: pl.DataFrame, close: Close) -> dict[str, bool]:
    ledger = sum(rows.get_column("ledger").drop_nulls().to_list(), Decimal(0))
    deltas = rows.get_column("delta").to_list()
    net, gross = abs(sum(deltas, Decimal(0))), sum((abs(delta) for delta in deltas), Decimal(0))
    limit = close.tolerance * abs(ledger)
    material = pl.max_horizontal(
        _LEDGER.abs().cast(pl.Decimal(38, 6)) * pl.lit(close.account_materiality, dtype=pl.Decimal(38, 6)),
        pl.lit(close.account_materiality_amount, dtype=pl.Decimal(38, 6)),
    )
    kind = pl.col("class")
    blocking = rows.filter(
        kind.str.starts_with("missing_")
        | (kind.is_in(("mismatch", "zero_ledger")) & (_DELTA.abs().cast(pl.Decimal(38, 6)) >= material))
    )
    return {
        "RC-1": rows.get_column("class").null_count() == 0,
        "RC-2": net <= limit,
        "RC-3": gross <= limit,
        "RC-4": blocking.is_empty(),
    }
