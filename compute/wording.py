"""Sentences made of columns."""

import polars as pl


def worded(template: str, *values: pl.Expr | str) -> pl.Expr:
    """Return a template with the values of columns in place of its `{}`; null where one of them is.

    In place of `pl.format`, which panics in polars 2.1 when a column's first chunk is empty, as a filter leaves it
    now and then. Remove when tests/unit/test_wording.py passes with it.

    >>> pl.DataFrame({"seats": [3]}).select(worded("{} seats of {}", "seats", pl.lit("A"))).item()
    '3 seats of A'
    """
    texts = [pl.lit(text) for text in template.split("{}")]
    columns = [pl.col(value) if isinstance(value, str) else value for value in values]
    if len(texts) != len(columns) + 1:
        raise ValueError(f"'{template}' does not hold {len(columns)} values.")
    parts = [part for pair in zip(texts, columns, strict=False) for part in pair]
    return pl.concat_str([part.cast(pl.String) for part in (*parts, texts[-1])])


def escaped(text: str) -> str:
    """Return a text as it stands between the quotes of SQL.

    >>> escaped("O'Hara")
    "O''Hara"
    """
    return text.replace("'", "''")
