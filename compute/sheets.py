"""Sheets of a workbook with live formulas: the columns of a table, and checks that compare what stands in them.

A formula names cells of its own row by their column, `[MRR]`, and cells elsewhere as `Sheet` gives them: where cells
are is decided here, so that sheets can speak of one another before any is written.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import polars as pl

Form = Literal["text", "money", "ratio", "count", "day"]
SUM_ROW, HEAD_ROW = 2, 3  # counted from 1, as formulas do; what the sheet is stands above them
_PLACE = re.compile(r"\[([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet.

    Attributes:
        name: what formulas call it, and the frame's column that it shows unless it has a formula.
        formula: of every row, the text after `=`; a row in which a value that it names is null has none.
        is_summed: its sum stands above it.
        is_check: every cell must read 0.00; above it stands how far they are from it in all, so that none makes up for
            another.
        head: what is written above it; the name without one.
    """

    name: str
    form: Form = "text"
    formula: str = ""
    is_summed: bool = False
    is_check: bool = False
    head: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table.

    Attributes:
        told: what it is, in a sentence.
        rows: the frame; its columns beside those that are shown are values that formulas name.
        frozen: how many columns stay in sight.
    """

    name: str
    told: str
    columns: tuple[Column, ...]
    rows: pl.DataFrame
    frozen: int = 1

    @property
    def last_row(self) -> int:
        """The last row of the table; of an empty one the row that would be its first."""
        return HEAD_ROW + max(1, self.rows.height)

    def letter(self, name: str) -> str:
        """Return the letters of a column."""
        return letters([column.name for column in self.columns].index(name))

    def span(self, name: str) -> str:
        """Return the cells of a column, as a formula of any sheet names them."""
        letter = self.letter(name)
        return f"{self.name}!${letter}${HEAD_ROW + 1}:${letter}${self.last_row}"

    def total(self, name: str) -> str:
        """Return the cell above a column, as a formula of any sheet names it."""
        return f"{self.name}!${self.letter(name)}${SUM_ROW}"


@dataclass(frozen=True, slots=True)
class Check:
    """Two values that must be equal: their difference is a cell that must read 0.00.

    Attributes:
        told: what is checked, in a sentence.
        at: the cell to look at, as `Sheet.total` names it.
        here: a formula, the text after `=`.
        there: a formula or a figure; None where there is none.
        reason: why there is none.
    """

    told: str
    at: str
    here: str
    there: str | Decimal | None
    reason: str = ""


def letters(place: int) -> str:
    """Return the letters of a column that counts from 0.

    >>> letters(0), letters(25), letters(26), letters(702)
    ('A', 'Z', 'AA', 'AAA')
    """
    text, rest = "", place + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        text = chr(65 + digit) + text
    return text


def formula_of(column: Column, cells: Mapping[str, str], values: Mapping[str, Any]) -> str | None:
    """Return a column's formula in one row; None where a value that it names is null.

    >>> formula_of(Column("left", "money", "[mrr]-Shares!B[place]"), {"mrr": "C7"}, {"place": 9})
    '=C7-Shares!B9'
    """
    named = {name: cells.get(name, values.get(name)) for name in _PLACE.findall(column.formula)}
    if None in named.values():
        return None
    return "=" + _PLACE.sub(lambda found: str(named[found[1]]), column.formula)
