"""From received rows to judged ones: parse, type, own rules. Each row once, whatever comes beside it.

Source: `data.md` A.0, "A row is judged in this order" (U-11), steps 1 to 3.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from compute.buckets import with_bucket
from compute.company import Company
from compute.contracts.contract import DTYPES, Contract, Field, Rule
from compute.digests import digests
from compute.exact import typed_exactly
from compute.months import month_of
from compute.plain import typed_plainly
from compute.privacy import pseudonym
from compute.schema import Schema, typed

UNDATED = "undated"  # the month of a row whose date cannot be read
VERDICT: Schema = {
    "_contract_version": pl.String,
    "_identity": pl.String,
    "_verdict": pl.String,
    "_codes": pl.List(pl.String),
    "_detail": pl.String,
    "_unknown": pl.List(pl.String),
    "_bucket": pl.Int32,
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
        `month` of the dated field, or `undated`; `_identity` digests the typed record of an accepted row;
        `_unknown` names the members that no field of the contract reads (W91).
    """
    parts = [_judge(part, contract, company, key) for part in received.iter_slices(ROWS_AT_ONCE)]
    return pl.concat(parts) if parts else pl.DataFrame(schema=judged_schema(contract))


def _judge(received: pl.DataFrame, contract: Contract, company: Company, key: bytes) -> pl.DataFrame:
    rows = pl.concat([received.drop("payload"), _typed_rows(received, contract, company)], how="horizontal")
    rows = rows.with_columns(_reduced(rows, [(each, each.known) for each in contract.fields]))
    untyped = [contract.code(suffix) for suffix in (*_UNTYPED, "R00")]
    ruled = _apply_rules(
        rows.with_columns(
            _is_typed=pl.col("_codes").list.set_intersection(untyped).list.len() == 0,
            _contract_version=pl.lit(contract.version),
        ),
        contract.rules(company),
    )
    return (
        ruled.with_columns(_verdict=verdict(), month=_month(contract))
        .with_columns(_identity=_identities(ruled, contract))
        .with_columns(_kept(ruled, contract, key))
        .pipe(with_bucket, contract.spread_by)
        .pipe(typed, judged_schema(contract))
    )


def _typed_rows(received: pl.DataFrame, contract: Contract, company: Company) -> pl.DataFrame:
    """Return typed fields, `_codes`, `_detail`, `_unknown`: plain lines by columns, the others one by one."""
    lines = received.select("_source", "payload").with_row_index("_index")
    plain, rows = typed_plainly(lines, contract, company)
    others = lines.join(plain, on="_index", how="anti", maintain_order="left")
    exact = typed_exactly(others, contract, company)
    indices = pl.concat([plain, others.select("_index")])
    both = pl.concat([indices, pl.concat([rows, exact])], how="horizontal")
    in_order = both if indices.get_column("_index").is_sorted() else both.sort("_index")
    return in_order.drop("_index")


def _kept(ruled: pl.DataFrame, contract: Contract, key: bytes) -> list[pl.Series]:
    """Return what silver keeps instead of personal fields."""
    kept = [(each, each.kept) for each in contract.fields if each.kept]
    users = [(each, {each.name: lambda user: pseudonym(user, key)}) for each in contract.fields if each.is_user]
    return _reduced(ruled, [*kept, *users])


def _reduced(
    rows: pl.DataFrame, reductions: Sequence[tuple[Field, Mapping[str, Callable[[str], str]]]]
) -> list[pl.Series]:
    """Return columns made from the text of fields, each distinct text reduced once."""
    columns = []
    for each, functions in reductions:
        texts = rows.get_column(each.name)
        distinct = texts.drop_nulls().unique() if functions else texts
        for name, function in functions.items():
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
    # Most rows carry no code, so lists are made for those alone that do.
    codes = frame.select(each.alias(str(index)) for index, each in enumerate(found)).with_row_index("_nth")
    some = codes.filter(pl.any_horizontal(pl.exclude("_nth").is_not_null()))
    listed = some.select("_nth", _found=pl.concat_list(pl.exclude("_nth")).list.drop_nulls())
    every = frame.select("_codes", _nth=pl.int_range(pl.len(), dtype=pl.UInt32))
    joined = every.join(listed, on="_nth", how="left", maintain_order="left")
    both = pl.when(pl.col("_found").is_null()).then("_codes").otherwise(pl.concat_list("_codes", "_found"))
    return frame.with_columns(joined.select(_codes=both))


def _month(contract: Contract) -> pl.Expr:
    dated = next(field for field in contract.fields if field.name == contract.dated)
    month = pl.col(dated.name) if dated.kind == "month" else month_of(pl.col(dated.name))
    return month.fill_null(UNDATED)


def _identities(frame: pl.DataFrame, contract: Contract) -> pl.Series:
    """Digest each typed record; equal digests are identical rows (U-03).

    Without revisions the key alone decides: the values as received, before anything is stripped (U-17).
    """
    names = contract.key if not contract.has_revisions else tuple(field.name for field in contract.fields)
    parts = [_encoded(pl.col(name), frame.schema[name]) for name in names]
    texts = frame.select(pl.concat_str(parts, separator=";").cast(pl.Binary)).to_series()
    return pl.Series(digests(texts.to_arrow(compat_level=pl.CompatLevel.oldest())), dtype=pl.String)


def _encoded(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Encode a value as text that no other value has: null, texts by their length, lists member by member."""
    if isinstance(dtype, pl.List):
        inner = value.list.eval(_encoded(pl.element(), _instance(dtype.inner)))
        text = pl.concat_str(value.list.len().cast(pl.String), pl.lit("["), inner.list.join(";"))
    elif isinstance(dtype, pl.Struct):
        members = [_encoded(value.struct.field(each.name), _instance(each.dtype)) for each in dtype.fields]
        text = pl.concat_str(members, separator="=")
    elif dtype == pl.String:
        text = pl.concat_str(value.str.len_bytes().cast(pl.String), pl.lit(":"), value)
    elif dtype == DTYPES["instant"]:
        text = value.to_physical().cast(pl.String)
    else:
        text = value.cast(pl.String)
    return pl.when(value.is_not_null()).then(text).otherwise(pl.lit("~"))


def _instance(dtype: Any) -> pl.DataType:
    """Return a type that polars may hand out as its class."""
    instance: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    return instance


def quality() -> pl.Expr:
    """Return `warn` for a row that carries a code, else `ok`; meant for accepted rows."""
    return pl.when(pl.col("_codes").list.len() > 0).then(pl.lit("warn")).otherwise(pl.lit("ok"))
