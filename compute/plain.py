"""The plain way of reading: lines as producers write them, by columns.

A producer writes all its records in one shape: the same members in the same order. The shape of a line is learned
once, all lines of that shape are cut into the tokens of their members by one regular expression, and each distinct
token is read once, by the readers that the exact way uses. A line that fits no shape, because it is broken, because a
string in it has an escape, or because its kind is rare, goes the exact way (`compute.exact`), one by one. A property
test holds the two ways to the same values and codes.
"""

import re
from collections.abc import Sequence

import polars as pl

from compute.company import Company
from compute.contracts.contract import DTYPES, NO_ENVELOPE, Contract, Field
from compute.exact import CURRENCIES, WORDS, said
from compute.reading import NoRecord, members_of, parse_value, read_field

NAMES = pl.List(pl.String)
MOST_SHAPES = 8  # after these a line is read one by one
_W = r"[ \t\r\n]*"
_TEXT = r'"[^"\\\x00-\x1f]*"'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_LIST = rf"\[{_W}(?:{_TEXT}{_W}(?:,{_W}{_TEXT}{_W})*)?\]"
_FLAT = rf"(?:null|true|false|{_NUMBER}|{_TEXT}|{_LIST})"
_MAP = rf"\{{{_W}(?:{_TEXT}{_W}:{_W}{_FLAT}{_W}(?:,{_W}{_TEXT}{_W}:{_W}{_FLAT}{_W})*)?\}}"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# The instants that nearly every producer writes; all others are read one by one.
_INSTANT = r'\A"[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?Z"\z'


def typed_plainly(lines: pl.DataFrame, contract: Contract, company: Company) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the lines of known shapes, and their typed fields with `_codes`, `_detail`, `_unknown`, row by row.

    Args:
        lines: `_index`, `_source` and `payload`.
        contract: the dataset's contract.
        company: the company's choices.
    """
    names = tuple(dict.fromkeys((*(field.name for field in contract.fields), *CURRENCIES)))
    has_record = lines.filter(pl.col("_source") != NO_ENVELOPE)
    texts = has_record.select("_index", text=texts_of(has_record.get_column("payload"))).drop_nulls("text")
    cut = tokens(texts, names, [field.name for field in contract.fields if field.kind == "map"])
    accounts = re.compile(company.company.account_id_pattern)
    read = [_read(cut.get_column(field.name), field, accounts) for field in contract.fields]
    coded = pl.DataFrame([code.alias(field.name) for field, (_, code, _) in zip(contract.fields, read, strict=True)])
    coded = coded.with_columns(_foreign(cut, name, company) for name in CURRENCIES if name not in coded.columns)
    values = [*(value for value, _, _ in read), *_codes_and_details(coded, contract, company)]
    rows = pl.DataFrame([*values, cut.get_column("_unknown")])
    # A member that is twice inside a map makes no record: such a line goes the exact way, which says so.
    is_broken = pl.DataFrame([broken.alias(str(index)) for index, (_, _, broken) in enumerate(read)])
    is_whole = ~is_broken.select(pl.any_horizontal(pl.all())).to_series()
    return cut.select("_index").filter(is_whole), rows.filter(is_whole)


def tokens(texts: pl.DataFrame, names: Sequence[str], maps: Sequence[str]) -> pl.DataFrame:
    """Cut the lines of the first shapes found into tokens.

    Args:
        texts: `_index` and `text`.
        names: the members wanted; of others `_unknown` keeps the name alone.
        maps: those of them that may hold an object.

    Returns:
        `_index`, the token of every member wanted, null where it is absent, and the names of the other members in
        `_unknown`, sorted; lines of no shape are left out.
    """
    found = [pl.DataFrame(schema={"_index": pl.UInt32, **dict.fromkeys(names, pl.String), "_unknown": NAMES})]
    rest = texts
    for _ in range(MOST_SHAPES):
        if rest.is_empty():
            break
        shape = _shape(rest.get_column("text")[0])
        groups = rest.select("_index", "text", _cut=pl.col("text").str.extract_groups(_pattern(shape, maps)))
        first = pl.col("_cut").struct.field("1")
        fitting = groups.filter(first.is_not_null())
        found.append(
            fitting.select(
                "_index",
                *(pl.col("_cut").struct.field(str(shape.index(name) + 1)).alias(name) if name in shape
                  else pl.lit(None, dtype=pl.String).alias(name) for name in names),
                pl.lit(sorted(set(shape).difference(names)), dtype=NAMES).alias("_unknown"),
            )
        )  # fmt: skip
        # The first line is done with even when it has no shape that can be learned.
        rest = groups.filter(first.is_null()).slice(0 if fitting.height else 1).select("_index", "text")
    return pl.concat(found)


def _shape(text: str) -> tuple[str, ...]:
    """Return the member names of a line in their order; none when they are twice, or are no plain names."""
    try:
        names = members_of(text)
    except NoRecord:
        return ()
    return names if all(_NAME.fullmatch(name) for name in names) else ()


def _pattern(shape: tuple[str, ...], maps: Sequence[str]) -> str:
    values = {name: rf"{_FLAT}|{_MAP}" if name in maps else _FLAT for name in shape}
    members = rf"{_W},{_W}".join(rf'"{name}"{_W}:{_W}({value})' for name, value in values.items())
    # Without members nothing fits: the group never takes part.
    return rf"\A{_W}\{{{_W}{members}{_W}\}}{_W}\z" if shape else r"\A\z([^\s\S])"


def texts_of(payloads: pl.Series) -> pl.Series:
    """Return bytes as text; null where the bytes are not UTF-8."""
    try:
        return payloads.cast(pl.String)
    except pl.exceptions.ComputeError:
        return pl.Series([_text(payload) for payload in payloads.to_list()], dtype=pl.String)


def _text(payload: bytes) -> str | None:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        return None


def _foreign(cut: pl.DataFrame, name: str, company: Company) -> pl.Series:
    own = f'"{company.company.reporting_currency}"'
    token = pl.col(name)
    return cut.select(pl.when((token != "null") & (token != own)).then(pl.lit("Q90")).alias(name)).to_series()


def _codes_and_details(coded: pl.DataFrame, contract: Contract, company: Company) -> list[pl.Series]:
    """Return `_codes` and `_detail` from the code suffixes of every member; most rows have none."""
    names = coded.columns
    bad = coded.with_row_index("_nth").filter(pl.any_horizontal(pl.col(names).is_not_null()))
    kinds = {field.name: {code: said(field, code) for code in WORDS} for field in contract.fields}
    foreign = f"is not {company.company.reporting_currency}"
    words = [
        pl.col(name).replace_strict(kinds.get(name, {"Q90": f"{name} {foreign}"}), return_dtype=pl.String)
        for name in names
    ]
    prefixed = [pl.lit(f"{contract.prefix}-") + pl.col(name) for name in names]
    said_of = bad.select(
        "_nth",
        _codes=pl.concat_list(prefixed).list.drop_nulls().list.unique(maintain_order=True),
        _detail=pl.concat_str(words, separator="; ", ignore_nulls=True),
    )
    every = coded.select(_nth=pl.int_range(pl.len(), dtype=pl.UInt32))
    joined = every.join(said_of, on="_nth", how="left", maintain_order="left")
    nothing = pl.lit([], dtype=pl.List(pl.String))
    return [joined.select(pl.col("_codes").fill_null(nothing)).to_series(), joined.get_column("_detail")]


def _read(cut: pl.Series, field: Field, accounts: re.Pattern[str]) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Read the tokens of a field, each distinct one once.

    Returns:
        The typed values; the code suffixes, null where there is none; and where the token is no record.
    """
    every = cut.alias("token").to_frame()
    quick = every.select(_quick(field)).to_series()
    if not quick.null_count():
        nothing = pl.repeat(None, cut.len(), dtype=pl.String, eager=True)
        return quick.alias(field.name), nothing, pl.repeat(value=False, n=cut.len(), eager=True)
    distinct = cut.filter(quick.is_null()).unique()
    values, codes, broken = [], [], []
    for token in distinct.to_list():
        try:
            value, code = read_field(field, parse_value(token), accounts)
            is_broken = False
        except NoRecord:
            value, code, is_broken = None, None, True
        values.append(value)
        codes.append(code)
        broken.append(is_broken)
    read = pl.DataFrame(
        {
            "token": distinct,
            "value": pl.Series(values, dtype=DTYPES[field.kind], strict=False),
            "code": pl.Series(codes, dtype=pl.String),
            "broken": pl.Series(broken, dtype=pl.Boolean),
        }
    )
    joined = every.join(read, on="token", how="left", nulls_equal=True, maintain_order="left")
    value = quick.zip_with(quick.is_not_null(), joined.get_column("value"))
    return value.alias(field.name), joined.get_column("code"), joined.get_column("broken").fill_null(value=False)


def _quick(field: Field) -> pl.Expr:
    """Read what nearly every producer writes, for all rows at once; null where a token is to be looked at."""
    if field.kind == "instant":
        return _instants()
    if field.kind != "text" or field.synonyms:
        return pl.lit(None, dtype=DTYPES[field.kind])
    token = pl.col("token")
    is_text = token.str.starts_with('"') & (token != '""')
    return pl.when(is_text).then(token.str.head(-1).str.tail(-1))


def _instants() -> pl.Expr:
    """Read the instants that end in Z, to the microsecond, further digits cut; null where the token is none."""
    text = pl.col("token")
    fraction = text.str.extract(r"\.([0-9]{1,6})").fill_null("0").str.pad_end(6, "0").cast(pl.Int64)
    second = text.str.slice(1, 19).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    instant = (second + pl.duration(microseconds=fraction)).dt.replace_time_zone("UTC")
    return pl.when(text.str.contains(_INSTANT)).then(instant)
