"""From received rows to judged ones: parse, type, own rules. Each row once, whatever comes beside it.

Source: `data.md` A.0, "A row is judged in this order" (U-11), steps 1 to 3.
"""

import hashlib
import re
from typing import Any

import polars as pl

from compute.company import Company
from compute.contracts.contract import DTYPES, NO_ENVELOPE, Contract, Field, Rule
from compute.months import month_of
from compute.privacy import pseudonym
from compute.reading import NoRecord, Reading, parse_record, read_field
from compute.schema import Schema, typed

UNDATED = "undated"  # the month of a row whose date cannot be read
VERDICT: Schema = {
    "_contract_version": pl.String,
    "_identity": pl.String,
    "_verdict": pl.String,
    "_codes": pl.List(pl.String),
    "_detail": pl.String,
    "month": pl.String,
}
ROWS_AT_ONCE = 100_000  # bounds what is held as Python values
NO_KEY = b""
# What an own rule cannot be judged beside: there is no typed value to judge.
_UNTYPED = ("R01", "Q91", "Q92", "Q93")


def judged_schema(contract: Contract) -> Schema:
    """Return the columns of a judged table: place, typed fields, verdict."""
    return {**contract.place, **contract.columns, **VERDICT}


def judge(received: pl.DataFrame, contract: Contract, company: Company, key: bytes = NO_KEY) -> pl.DataFrame:
    """Give every received row its typed values, its codes and a verdict.

    Args:
        received: rows as landed: the contract's place columns and `payload`, bytes.
        contract: the dataset's contract.
        company: the company's choices.
        key: makes pseudonyms; needed where the contract names users.

    Returns:
        One row per received row, columns of `judged_schema`; `_verdict` accepted, quarantined or rejected;
        `month` of the dated field, or `undated`; `_identity` digests the typed record of an accepted row.
    """
    parts = [_judge(part, contract, company, key) for part in received.iter_slices(ROWS_AT_ONCE)]
    return pl.concat(parts) if parts else pl.DataFrame(schema=judged_schema(contract))


def _judge(received: pl.DataFrame, contract: Contract, company: Company, key: bytes) -> pl.DataFrame:
    has_record = (received.get_column("_source") != NO_ENVELOPE).to_list()
    payloads = received.get_column("payload").to_list()
    columns, codes, details = _type_rows(list(zip(payloads, has_record, strict=True)), contract, company)
    untyped = {contract.code(suffix) for suffix in (*_UNTYPED, "R00")}
    frame = received.drop("payload").with_columns(
        *columns,
        pl.Series("_codes", codes, dtype=pl.List(pl.String)),
        pl.Series("_detail", details, dtype=pl.String),
        pl.Series("_is_typed", [untyped.isdisjoint(row) for row in codes], dtype=pl.Boolean),
        pl.lit(contract.version).alias("_contract_version"),
    )
    ruled = _apply_rules(frame, contract.rules(company))
    return (
        ruled.with_columns(_verdict=verdict(), month=_month(contract))
        .with_columns(_identity=pl.Series(_identities(ruled, contract), dtype=pl.String))
        .with_columns(_kept(ruled, contract, key))
        .pipe(typed, judged_schema(contract))
    )


def _kept(ruled: pl.DataFrame, contract: Contract, key: bytes) -> list[pl.Series]:
    """Return what silver keeps instead of personal fields, each distinct text reduced once."""
    reductions = [
        (name, each.name, function) for each in contract.fields if each.kept for name, function in each.kept.items()
    ]
    reductions += [
        (each.name, each.name, lambda user: pseudonym(user, key)) for each in contract.fields if each.is_user
    ]
    columns = []
    for name, source, function in reductions:
        texts = ruled.get_column(source)
        distinct = texts.drop_nulls().unique()
        reduced = pl.Series([function(text) for text in distinct.to_list()], dtype=pl.String)
        columns.append(texts.replace_strict(distinct, reduced, default=None, return_dtype=pl.String).alias(name))
    return columns


def verdict() -> pl.Expr:
    """Return the worst disposition of a row's `_codes`."""
    letters = pl.col("_codes").list.eval(pl.element().str.extract(r"-([RQW])"))
    return (
        pl.when(letters.list.contains("R")).then(pl.lit("rejected"))
        .when(letters.list.contains("Q")).then(pl.lit("quarantined"))
        .otherwise(pl.lit("accepted"))
    )  # fmt: skip


def _type_rows(
    payloads: list[tuple[bytes, bool]], contract: Contract, company: Company
) -> tuple[list[pl.Series], list[list[str]], list[str | None]]:
    records: list[dict[str, Any] | None] = []
    codes: list[list[str]] = [[] for _ in payloads]
    details: list[list[str]] = [[] for _ in payloads]
    for index, (payload, has_record) in enumerate(payloads):
        try:
            records.append(_record(payload, has_record=has_record))
        except NoRecord as error:
            records.append(None)
            codes[index].append(contract.code("R00"))
            details[index].append(str(error))
    pattern = re.compile(company.company.account_id_pattern)
    series = [_read_column(field, records, codes, details, contract, pattern) for field in contract.fields]
    _judge_currency(records, codes, details, contract, company)
    unique = [list(dict.fromkeys(row)) if len(row) > 1 else row for row in codes]
    return series, unique, ["; ".join(row) or None for row in details]


def _record(payload: bytes, *, has_record: bool) -> dict[str, Any]:
    if not has_record:
        raise NoRecord("no envelope of a record")
    return parse_record(payload)


def _read_column(
    field: Field,
    records: list[dict[str, Any] | None],
    codes: list[list[str]],
    details: list[list[str]],
    contract: Contract,
    pattern: re.Pattern[str],
) -> pl.Series:
    values: list[Any] = []
    known: dict[tuple[type, Any], Reading] = {}  # a text and a number of the same digits are not the same value
    for index, record in enumerate(records):
        raw = None if record is None else record.get(field.name)
        if record is None:
            value, code = None, None
        elif isinstance(raw, list | dict):
            value, code = read_field(field, raw, pattern)
        elif (type(raw), raw) in known:
            value, code = known[type(raw), raw]
        else:
            value, code = known[type(raw), raw] = read_field(field, raw, pattern)
        values.append(value)
        if code:
            codes[index].append(contract.code(code))
            details[index].append(f"{field.name} {_WORDS[code].format(kind=field.kind)}")
    return pl.Series(field.name, values, dtype=DTYPES[field.kind], strict=False)


_WORDS = {
    "R01": "is missing and names the row",
    "Q91": "is missing",
    "Q92": "is no readable {kind}",
    "Q93": "has no offset, and local time is never assumed",
    "W92": "was rounded to cents",
}


def _judge_currency(
    records: list[dict[str, Any] | None],
    codes: list[list[str]],
    details: list[list[str]],
    contract: Contract,
    company: Company,
) -> None:
    own = company.company.reporting_currency
    for index, record in enumerate(records):
        for name in ("currency", "currency_code"):
            if record is not None and name in record and record[name] is not None and record[name] != own:
                codes[index].append(contract.code("Q90"))
                details[index].append(f"{name} is not {own}")


def _apply_rules(frame: pl.DataFrame, rules: tuple[Rule, ...]) -> pl.DataFrame:
    """Append every code whose condition holds to `_codes`, on rows that are typed."""
    open_rows = pl.col("_is_typed")
    found: list[pl.Expr] = []
    for rule in rules:
        holds = rule.when.fill_null(value=False)
        found.append(pl.when(open_rows & holds).then(pl.lit(rule.code)))
        if rule.is_last:
            open_rows = open_rows & ~holds
    if not found:
        return frame
    return frame.with_columns(_codes=pl.concat_list("_codes", pl.concat_list(found).list.drop_nulls()))


def _month(contract: Contract) -> pl.Expr:
    dated = next(field for field in contract.fields if field.name == contract.dated)
    month = pl.col(dated.name) if dated.kind == "month" else month_of(pl.col(dated.name))
    return month.fill_null(UNDATED)


def _identities(frame: pl.DataFrame, contract: Contract) -> list[str]:
    """Digest each typed record; equal digests are identical rows (U-03).

    Without revisions the key alone decides: the values as received, before anything is stripped (U-17).
    """
    names = contract.key if not contract.has_revisions else tuple(field.name for field in contract.fields)
    columns = [_comparable(frame.get_column(name)).to_list() for name in names]
    return [hashlib.sha256(repr(record).encode()).hexdigest() for record in zip(*columns, strict=True)]


def _comparable(column: pl.Series) -> pl.Series:
    return column.to_physical() if column.dtype == DTYPES["instant"] else column


def quality() -> pl.Expr:
    """Return `warn` for a row that carries a code, else `ok`; meant for accepted rows."""
    return pl.when(pl.col("_codes").list.len() > 0).then(pl.lit("warn")).otherwise(pl.lit("ok"))
