"""The ledger's side of the reconciliation: which of its rows count, what they add up to, what pins them.

Source: `data.md` A.0a "Ledger" (U-27); `operations.md` C.3 "Sides" (U-120), RC-5.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal

import polars as pl

from compute.errors import BadLedger
from compute.money import MONEY, SUM, to_cents
from compute.reconciliation import Gate, few
from compute.schema import Schema, typed

LEDGER: Schema = {
    "account_id": pl.String,
    "period": pl.String,
    "amount": pl.String,
    "ledger_version": pl.String,
}
LEDGER_ROW: Schema = {
    "month": pl.String,
    "account_id": pl.String,
    "ledger_version": pl.String,
    "line": pl.Int64,
    "amount": pl.String,
}
LEDGER_AMOUNT: Schema = {
    "account_id": pl.String,
    "ledger": MONEY,
    "ledger_version": pl.String,
    "ledger_sha256": pl.String,
}
NO_DECIMAL, TOO_LARGE = "is no decimal", "is 10¹⁶ or more"

_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?")
_LONGEST = 60  # characters of an amount; no NUMERIC(18,2) and no double comes near
_WIDE = Context(prec=_LONGEST)
_SHOWN = 3


def received_hash(received: pl.DataFrame) -> str:
    """Return a digest of rows as received, whatever their order: while it stays, nothing new is there to compare.

    Args:
        received: LEDGER rows, those of older versions and those that cannot be read too.
    """
    return hashlib.sha256(received.sort(list(LEDGER)).write_csv().encode()).hexdigest()


def ledger_rows(ledger: pl.DataFrame, month: str) -> pl.DataFrame:
    """Return the rows of a month that count: per account those of its highest version (U-120).

    Args:
        ledger: LEDGER rows; `amount` the text of a decimal.
        month: the period.

    Returns:
        LEDGER_ROW rows in the order of their key; `amount` exact and always written the same way, so that the rows
        are the same from every database. Lines of an account count from 1, the least amount first.

    Raises:
        BadLedger: when a row names no account, or one that counts has no amount; names the first of them.
    """
    newest = _newest(ledger.filter(pl.col("period") == month))
    amounts = {text: _amount(text) for text in newest.get_column("amount").unique()}
    _require_readable(newest, month, amounts)
    exact = {text: amount for text, amount in amounts.items() if isinstance(amount, Decimal)}
    ranks = {text: rank for rank, text in enumerate(sorted(exact, key=lambda text: exact[text]))}
    ordered = newest.with_columns(_each("amount", newest, ranks, pl.Int64).alias("_rank")).sort("account_id", "_rank")
    plain = {text: f"{amount:f}" for text, amount in exact.items()}
    return ordered.with_columns(
        _each("amount", ordered, plain, pl.String),
        month=pl.lit(month),
        line=pl.int_range(1, pl.len() + 1).over("account_id"),
    ).pipe(typed, LEDGER_ROW)


def _each(
    column: str, rows: pl.DataFrame, values: Mapping[str, object], dtype: pl.DataType | type[pl.DataType]
) -> pl.Series:
    """Return what each value of a column stands for; also of no rows, for which `replace_strict` forgets the type."""
    return pl.Series(column, [values[each] for each in rows.get_column(column)], dtype=dtype)


def _newest(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the highest version of each account; runs of digits compare as numbers."""
    filled = rows.with_columns(pl.col("account_id", "amount", "ledger_version").fill_null(""))
    versions = filled.get_column("ledger_version").unique().to_list()
    ranks = {version: rank for rank, version in enumerate(sorted(versions, key=version_key))}
    ranked = filled.with_columns(_each("ledger_version", filled, ranks, pl.Int64).alias("_version"))
    return ranked.filter(pl.col("_version") == pl.col("_version").max().over("account_id"))


def version_key(version: str) -> tuple[tuple[int, str | int], ...]:
    """Return what orders ledger versions: runs of digits are numbers.

    >>> sorted(["v10", "v9", "v1.2"], key=version_key)
    ['v1.2', 'v9', 'v10']
    """
    parts = re.split(r"([0-9]+)", version)
    return tuple((1, int(part)) if index % 2 else (0, part) for index, part in enumerate(parts))


def _amount(text: str) -> Decimal | str:
    """Return the exact decimal of a text, or what is wrong with it."""
    if len(text) > _LONGEST or not _DECIMAL.fullmatch(text):
        return NO_DECIMAL
    amount = _WIDE.normalize(Decimal(text))
    if abs(amount) >= 10**16:
        return TOO_LARGE
    return amount or Decimal(0)  # a negative zero is a zero


def _require_readable(rows: pl.DataFrame, month: str, amounts: dict[str, Decimal | str]) -> None:
    wrong = sorted(text for text, amount in amounts.items() if isinstance(amount, str))
    bad = rows.filter((pl.col("account_id") == "") | pl.col("amount").is_in(wrong)).sort("account_id", "amount")
    if bad.is_empty():
        return
    told = [
        f"{account} version {version or '(none)'}: the amount '{text}' {amounts[text]}"
        if account else f"a row of version {version or '(none)'} names no account"
        for account, version, text in bad.head(_SHOWN).select("account_id", "ledger_version", "amount").rows()
    ]  # fmt: skip
    more = f"; and {bad.height - _SHOWN} more" if bad.height > _SHOWN else ""
    raise BadLedger(
        f"{bad.height} of the ledger's {rows.height} rows of {month} cannot be compared "
        f"({'; '.join(told)}{more}): correct them there."
    )


def ledger_amounts(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what the ledger says of each account: LEDGER_AMOUNT rows.

    `ledger_sha256` is the content hash of the account's rows: SHA-256 of the UTF-8 JSON array of account, version
    and exact amounts, the least first. It knows no order of rows and no database.

    Args:
        rows: LEDGER_ROW rows of a month, all that count.

    Raises:
        BadLedger: when an account's rows add up to more than a decimal(18,2) holds.
    """
    cents = {text: to_cents(Decimal(text)) for text in rows.get_column("amount").unique()}
    of_account = (
        rows.with_columns(_each("amount", rows, cents, SUM).alias("_cents"))
        .sort("account_id", "line")
        .group_by("account_id", maintain_order=True)
        .agg(pl.col("_cents").sum().alias("ledger"), pl.col("ledger_version").first(), "amount")
    )
    if (too_large := of_account.filter(pl.col("ledger").abs() >= 10**16)).height:
        raise BadLedger(f"The ledger's rows of {too_large.item(0, 'account_id')} add up to 10¹⁶ or more: correct them.")
    contents = of_account.select("account_id", "ledger_version", "amount").iter_rows()
    pins = [_digest([account, version, *amounts]) for account, version, amounts in contents]
    return of_account.with_columns(ledger_sha256=pl.Series(pins, dtype=pl.String)).pipe(typed, LEDGER_AMOUNT)


def ledger_hash(pins: Iterable[str]) -> str:
    """Return the content hash of all rows that were compared, from those of the accounts, whatever their order."""
    return _digest(sorted(pins))


def pin_gate(compared: pl.DataFrame, kept: pl.DataFrame, drafted: pl.DataFrame) -> Gate:
    """Judge RC-5: what was compared is pinned, row by row, and is what the draft says.

    Args:
        compared: RECONCILIATION rows of a month.
        kept: its LEDGER_ROW rows.
        drafted: `account_id, revenue` (M-20) of the draft.
    """
    pins = ["account_id", "ledger", "ledger_version", "ledger_sha256"]
    pinned = compared.filter(pl.col("ledger_sha256").is_not_null()).select(pins)
    again = ledger_amounts(kept)
    other = pl.concat([pinned.join(again, on=pins, how="anti"), again.join(pinned, on=pins, how="anti")])
    billed = compared.select("account_id", revenue=pl.col("pipeline").fill_null(0).cast(SUM))
    told = drafted.select("account_id", revenue=pl.col("revenue").fill_null(0).cast(SUM))
    both = billed.join(told, on="account_id", how="full", coalesce=True, suffix="_drafted").fill_null(0)
    stale = both.filter(pl.col("revenue") != pl.col("revenue_drafted"))
    for rows, words in ((other, "the ledger rows that are kept are not those compared"),
                        (stale, "the draft has other revenue than was compared, run the month")):  # fmt: skip
        if rows.height:
            return Gate("RC-5", "FAIL", f"{words}: {few(rows.get_column('account_id').unique().sort().to_list())}")
    digest = ledger_hash(pinned.get_column("ledger_sha256"))
    return Gate("RC-5", "pass", f"{pinned.height} accounts pinned by version and content, together {digest[:12]}")


def _digest(parts: list[str]) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
