"""The screen that commands print to: what fits is a table, what does not is told line by line.

A terminal has a width, a pipe has none: there a row is one line, however long, so that other tools can read it.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 10_000  # nothing is ever cut or wrapped in a pipe
_GAP = 2


def screen(*, stderr: bool = False) -> Console:
    """Return a console for people; plain lines when it is no terminal."""
    console = Console(highlight=False, stderr=stderr)
    return console if console.is_terminal else Console(highlight=False, stderr=stderr, width=_PIPE_WIDTH)


def show_table(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str = "",
    least: Sequence[str] = (),
) -> None:
    """Print rows as a table, numbers to the right; never cut, never wrapped.

    On a terminal that is too narrow the least needed columns go first; when that is not enough each row is told
    by itself, a column a line.

    Args:
        console: the screen.
        columns: the heads.
        rows: values; None is shown as nothing.
        title: printed above.
        least: columns that may go, the first of them first.
    """
    values = [list(row) for row in rows]
    shown, gone = list(range(len(columns))), list[str]()
    for name in least:
        if _width(columns, values, shown) <= console.width:
            break
        shown.remove(list(columns).index(name))
        gone.append(name)
    if title:
        console.print(Text(title, style="bold"))
    if _width(columns, values, shown) <= console.width:
        _print_rows(console, columns, values, shown)
        if gone:
            console.print(Text(f"on a wider screen: {', '.join(gone)}", style="dim"))
    else:
        _print_records(console, columns, values)


def _print_rows(console: Console, columns: Sequence[str], rows: list[list[Any]], shown: list[int]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, _GAP, 0, 0))
    for index in shown:
        is_number = any(isinstance(row[index], int | float | Decimal) for row in rows)
        table.add_column(columns[index], justify="right" if is_number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_text(row[index])) for index in shown))  # a file may be named [red]
    console.print(table)


def _print_records(console: Console, columns: Sequence[str], rows: list[list[Any]]) -> None:
    name_width = max(map(cell_len, columns)) + _GAP
    for number, row in enumerate(rows, start=1):
        console.print(Text(f"─ {number} ".ljust(min(console.width, 40), "─"), style="dim"))
        table = Table.grid(padding=0)
        table.add_column(width=name_width, no_wrap=True)
        table.add_column(overflow="fold")
        for column, value in zip(columns, row, strict=True):
            if _text(value):
                table.add_row(Text(column, style="bold"), Text(_text(value)))
        console.print(table)


def _width(columns: Sequence[str], rows: list[list[Any]], shown: list[int]) -> int:
    widths = [max([cell_len(columns[index]), *(cell_len(_text(row[index])) for row in rows)]) for index in shown]
    return sum(widths) + _GAP * (len(widths) - 1)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
