"""Records as lines of JSON, a column at a time: each member an expression, each line their concatenation.

Only plain text goes through: names made by the sample hold no quote, no backslash and no control character.
"""

from collections.abc import Mapping

import polars as pl

from compute.wording import worded

CENTS = 100


def line(members: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return each row as a JSON object.

    >>> frame = pl.DataFrame({"name": ["A"], "cents": [105], "seats": [3]})
    >>> members = {"n": text("name"), "m": money("cents"), "s": whole("seats")}
    >>> frame.select(line(members)).item()
    '{"n": "A", "m": 1.05, "s": 3}'
    """
    parts: list[pl.Expr] = []
    for index, (name, value) in enumerate(members.items()):
        parts += [pl.lit(("{" if index == 0 else ", ") + f'"{name}": '), value]
    return pl.concat_str([*parts, pl.lit("}")])


def text(column: str) -> pl.Expr:
    """Return a text member; null where the column is."""
    return worded('"{}"', pl.col(column)).fill_null("null")


def day(column: str) -> pl.Expr:
    """Return a date member."""
    return worded('"{}"', pl.col(column).cast(pl.String))


def whole(column: str) -> pl.Expr:
    """Return a whole number."""
    return pl.col(column).cast(pl.String)


def money(column: str) -> pl.Expr:
    """Return an amount with two decimals, from cents; null where the column is.

    >>> pl.DataFrame({"cents": [-5, 1999, None]}).select(money("cents")).to_series().to_list()
    ['-0.05', '19.99', 'null']
    """
    cents = pl.col(column).cast(pl.Int64)
    sign = pl.when(cents < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    digits = (cents.abs() % CENTS).cast(pl.String).str.zfill(2)
    return pl.concat_str([sign, (cents.abs() // CENTS).cast(pl.String), pl.lit("."), digits]).fill_null("null")


def raw(column: str) -> pl.Expr:
    """Return a member that is JSON already."""
    return pl.col(column)


def quoted(payload: pl.Expr) -> pl.Expr:
    """Return a line as the text member of another: its quotes escaped."""
    return payload.str.replace_all('"', '\\"', literal=True)
