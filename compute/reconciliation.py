"""Revenue against the accounting ledger: classes by account, gates over all of them.

Compare decimals, never divide first. Source: `operations.md` C.3.
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import inf
from typing import Literal

import polars as pl

from compute.company_promises import Close
from compute.money import MONEY, SUM
from compute.schema import Schema, typed

RECONCILIATION: Schema = {
    "month": pl.String,
    "account_id": pl.String,
    "pipeline": MONEY,
    "ledger": MONEY,
    "delta": MONEY,
    "class": pl.String,
    "ledger_version": pl.String,
    "ledger_sha256": pl.String,
}
GATE: Schema = {"month": pl.String, "gate": pl.String, "verdict": pl.String, "evidence": pl.String}
GATES = ("RC-1", "RC-2", "RC-3", "RC-4")
CLASSES = (
    "matched", "missing_in_pipeline", "missing_in_ledger", "zero_ledger", "within_tolerance", "mismatch",
)  # fmt: skip
AGREED = ("matched", "within_tolerance")  # a row of another class is open
Verdict = Literal["pass", "FAIL", "unverified"]
UNVERIFIED: Verdict = "unverified"

_CENT = Decimal("0.01")
_EXACT = pl.Decimal(38, 6)
_PIPELINE, _LEDGER = pl.col("pipeline").cast(SUM), pl.col("ledger").cast(SUM)
_DELTA = pl.col("delta").cast(SUM)
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate's verdict, and what it was judged by in a sentence."""

    gate: str
    verdict: Verdict
    evidence: str


@dataclass(frozen=True, slots=True)
class Variance:
    """How far both sides of a month are apart, all rows together; an absent side counts as 0."""

    pipeline: Decimal
    ledger: Decimal
    net: Decimal
    gross: Decimal


def reconcile(month: str, rows: pl.DataFrame, ledger: pl.DataFrame, close: Close) -> pl.DataFrame:
    """Compare each account's billed revenue with the ledger.

    Args:
        month: the month.
        rows: its ACCOUNT_MONTH rows; those with a state bill take part (U-121).
        ledger: its LEDGER_AMOUNT rows.
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
        .when(_share(_LEDGER, tolerance) >= _DELTA.abs().cast(_EXACT)).then(pl.lit("within_tolerance"))
        .otherwise(pl.lit("mismatch"))
    )  # fmt: skip


def _share(of: pl.Expr, share: Decimal) -> pl.Expr:
    """Return a share of an amount's magnitude, without rounding the product."""
    return of.abs().cast(_EXACT) * pl.lit(share, dtype=_EXACT)


def is_open() -> pl.Expr:
    """Return whether a RECONCILIATION row is open: its sides do not agree."""
    return ~pl.col("class").is_in(AGREED)


def must_be_explained(close: Close) -> pl.Expr:
    """Return whether a RECONCILIATION row keeps RC-4 from passing until it is explained."""
    material = pl.max_horizontal(
        _share(_LEDGER, close.account_materiality), pl.lit(close.account_materiality_amount, dtype=_EXACT)
    )
    is_material = pl.col("class").is_in(("mismatch", "zero_ledger")) & (_DELTA.abs().cast(_EXACT) >= material)
    return pl.col("class").str.starts_with("missing_") | is_material


def variance(rows: pl.DataFrame) -> Variance:
    """Return the sums of RECONCILIATION rows: `net` is Σ Δ with its sign, `gross` Σ |Δ|."""
    sums = rows.select(
        _PIPELINE.sum(), _LEDGER.sum(), net=_DELTA.sum(), gross=_DELTA.abs().sum()
    ).row(0)  # fmt: skip
    return Variance(*sums)


def shares(sums: Variance) -> tuple[Fraction | float, Fraction | float]:
    """Return |net| and gross as shares of |ledger|, as RC-2 and RC-3 weigh them; infinite of an empty ledger."""
    whole = abs(Fraction(sums.ledger))

    def share(part: Decimal) -> Fraction | float:
        return abs(Fraction(part)) / whole if whole else inf if part else Fraction(0)

    return share(sums.net), share(sums.gross)


def gates(rows: pl.DataFrame, close: Close, explained: Collection[str] = ()) -> tuple[Gate, ...]:
    """Judge RC-1 to RC-4 of a month.

    Args:
        rows: its RECONCILIATION rows, all of them.
        close: for `tolerance` and what is material of an account.
        explained: accounts whose difference finance has explained; RC-4 alone asks for them.
    """
    sums = variance(rows)
    limit = close.tolerance * abs(sums.ledger)
    against = f"against {(close.tolerance * 100).normalize():f} % of {sums.ledger}"
    unclassed = rows.get_column("class").null_count()
    blocking = rows.filter(must_be_explained(close)).select("account_id", "delta").sort("account_id").rows()
    unexplained = [f"{account} {delta}" for account, delta in blocking if account not in set(explained)]
    told = f"{len(unexplained)} unexplained of {len(blocking)} that ask for it"
    return (
        _gate("RC-1", f"{rows.height - unclassed} of {rows.height} accounts have a class", passes=not unclassed),
        _gate("RC-2", f"net {sums.net} {against}", passes=abs(sums.net) <= limit),
        _gate("RC-3", f"gross {sums.gross} {against}", passes=sums.gross <= limit),
        _gate("RC-4", ": ".join(filter(None, (told, few(unexplained)))), passes=not unexplained),
    )


def _gate(name: str, evidence: str, *, passes: bool) -> Gate:
    return Gate(name, "pass" if passes else "FAIL", evidence)


def few(names: Collection[str]) -> str:
    """Return the first of some names, and how many more there are.

    >>> few(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    first = ", ".join(list(names)[:_SHOWN])
    return first if len(names) <= _SHOWN else f"{first} and {len(names) - _SHOWN} more"


def unverified(problem: str) -> tuple[Gate, ...]:
    """Return RC-1 to RC-4 of a month whose ledger cannot be read: none passes, and each says why."""
    return tuple(Gate(name, UNVERIFIED, problem) for name in GATES)


def gate_rows(month: str, found: Collection[Gate]) -> pl.DataFrame:
    """Return gates as GATE rows."""
    rows = [(month, each.gate, each.verdict, each.evidence) for each in found]
    return pl.DataFrame(rows, schema=GATE, orient="row")
