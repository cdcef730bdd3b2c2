"""How a check is shown: for people in colour and columns, in a pipe a line a line, for machines as JSON or CSV."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import polars as pl
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from compute.checking import HELD, LINE, Checked, only_refused
from compute.support import Support, spans
from flows.commands.check_report import Report
from flows.commands.screen import screen

Format = Literal["table", "json", "csv"]
_COLOURS = {"rejected": "bold red", "quarantined": "red", "warned": "yellow", "unreadable": "bold red"}
_SHOWN = 100  # lines on a terminal, the worst ones; a pipe gets them all


def show(report: Report, form: Format, *, every: bool) -> None:
    """Write a report to standard output.

    Args:
        report: what was found.
        form: table for people, json or csv for machines.
        every: list the plainly accepted lines too.
    """
    if form == "json":
        typer.echo(json.dumps(_as_object(report, every=every), ensure_ascii=False, indent=1))
    elif form == "csv":
        typer.echo(_as_csv(report, every=every), nl=False)
    else:
        _show_text(screen(), report, every=every)


def listed(report: Report, *, every: bool) -> pl.DataFrame:
    """Return the lines to list: those that are not plainly accepted, or all; unreadable files among them."""
    unreadable: list[dict[str, Any]] = [
        {"feed": dataset, "file": file, "line": None, "verdict": "unreadable", "codes": [], "reason": problem}
        for dataset, came in report.received.items()
        for file, problem in came.problems.items()
    ]
    lines = pl.concat([pl.DataFrame(unreadable, schema=LINE), *(each.lines for each in report.checked.values())])
    return lines if every else lines.filter(pl.col("verdict") != "accepted")


def _as_csv(report: Report, *, every: bool) -> str:
    return listed(report, every=every).with_columns(pl.col("codes").list.join(" ")).write_csv()


def _as_object(report: Report, *, every: bool) -> dict[str, Any]:
    """Return files, lines, counts, supports and notes, as JSON has them."""
    return {
        "ok": report.is_good,
        "files": [
            {"file": file, "feed": dataset, "lines": came.lines.get(file, 0), "problem": came.problems.get(file)}
            for dataset, came in report.received.items()
            for file in sorted({**came.lines, **came.problems})
        ],
        "lines": listed(report, every=every).to_dicts(),
        "counts": [_counts(each) for each in report.checked.values()],
        "supports": [
            {"pipeline": each.pipeline, "months": [str(month) for month in each.months], "figures": each.figures,
             "missing": each.lack or None, "effect": each.effect or None}
            for each in report.supports
        ],
        "notes": list(report.notes),
    }  # fmt: skip


def _counts(checked: Checked) -> dict[str, Any]:
    codes = [
        {"code": code, "lines": count, "meaning": checked.meanings[code]} for code, count in checked.codes().items()
    ]
    return {"feed": checked.contract.dataset, "lines": checked.lines.height, **checked.verdicts(), "codes": codes}


def _show_text(console: Console, report: Report, *, every: bool) -> None:
    lines = listed(report, every=every)
    lines = lines.filter(~only_refused(lines))
    if console.is_terminal:
        _show_grouped(console, lines, every=every)
    else:
        typer.echo("".join(f"{line}\n" for line in _plain(lines)), nl=False)
    for day, code in _refusals(report):
        _say(console, f"arrived on {day}: too many lines are bad, so all of that day are refused ({code}).", "red")
    for note in report.notes:
        _say(console, note, "dim")
    if lines.height or report.notes:
        console.print()
    for checked in report.checked.values():
        _show_feed(console, checked)
    console.print()
    _show_support(console, report.supports)
    console.print()
    _show_end(console, report)


def _plain(lines: pl.DataFrame) -> Iterator[str]:
    """Yield `file:line: verdict codes: reason`, as compilers say it and editors and CI read it."""
    for row in lines.iter_rows(named=True):
        if row["verdict"] == "unreadable":
            yield row["reason"]  # it names the file
            continue
        words = (f"{row['file']}:{row['line']}", " ".join((row["verdict"], *row["codes"])), row["reason"])
        yield ": ".join(filter(None, words))


def _show_grouped(console: Console, lines: pl.DataFrame, *, every: bool) -> None:
    left = 0
    if not every and lines.height > _SHOWN:
        rank = pl.col("verdict").replace_strict(
            {"unreadable": -1, "warned": 2, "duplicate": 3, "superseded": 3, "accepted": 4}, default=0
        )
        left = lines.height - _SHOWN
        lines = lines.with_row_index("at").sort(rank, "at").head(_SHOWN).sort("at").drop("at")
    for (file,), rows in lines.partition_by("file", as_dict=True, maintain_order=True).items():
        console.print(Text(str(file), style="bold"), soft_wrap=True)
        _show_rows(
            console,
            [
                (Text("" if line is None else str(line).rjust(7), "dim"), Text(verdict, _COLOURS.get(verdict, "")),
                 Text("\n".join(codes)), Text(reason))
                for line, verdict, codes, reason in rows.select("line", "verdict", "codes", "reason").iter_rows()
            ],
            (7, 11, 7),
        )  # fmt: skip
    if left:
        console.print(f"… and {left:,} more lines, none of them worse: --all lists every line", style="dim")


def _refusals(report: Report) -> Iterator[tuple[str, str]]:
    for checked in report.checked.values():
        for day in sorted(checked.refused):
            yield f"{day} ({checked.contract.dataset})", checked.contract.code("Q99")


def _show_feed(console: Console, checked: Checked) -> None:
    """Print a feed's counts on one line, then its codes."""
    counts = {verdict: count for verdict, count in checked.verdicts().items() if count}
    text = Text.assemble((checked.contract.dataset, "bold"), f"  {_number(checked.lines.height, 'line')}")
    if set(counts) == {"accepted"}:
        text.append(", all accepted", "green")
    else:
        for at, verdict in enumerate(counts):
            text.append(": " if at == 0 else ", ").append(f"{counts[verdict]:,} {verdict}", _COLOURS.get(verdict, ""))
    console.print(text)
    rows = [
        (Text(f"{count:,}".rjust(7)), Text(code), Text(checked.meanings[code]))
        for code, count in checked.codes().items()
    ]
    _show_rows(console, rows, (7, 7))


def _show_rows(console: Console, rows: Sequence[tuple[Text, ...]], widths: tuple[int, ...]) -> None:
    """Print rows of words in columns; the last one wraps on a terminal and ends the line in a pipe."""
    if not console.is_terminal:
        for row in rows:
            padded = (each.plain.ljust(width) for each, width in zip(row, (*widths, 0), strict=True))
            typer.echo("  ".join(padded).rstrip())
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    for width in widths:
        grid.add_column(min_width=width, max_width=width)
    grid.add_column()
    for row in rows:
        grid.add_row(*row)
    if rows:
        console.print(grid)


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _show_support(console: Console, supports: tuple[Support, ...]) -> None:
    console.print(Text("what the data can support", style="bold"))
    rows = []
    for each in supports:
        months = spans(each.months) or "none"
        if each.lack:
            name = "" if each.months else each.pipeline
            rows.append((Text(name, "yellow"), Text(months, "dim"), Text(f"{each.lack}: {each.consequence}")))
        else:
            rows.append((Text(each.pipeline, "green"), Text(months), Text(each.figures)))
    _show_rows(console, rows, (10, 16))


def _show_end(console: Console, report: Report) -> None:
    total = sum(each.lines.height for each in report.checked.values())
    held = sum(each.verdicts()[verdict] for each in report.checked.values() for verdict in HELD)
    bad_files = sum(len(came.problems) for came in report.received.values())
    if report.is_good:
        _say(console, f"ok: none of {_number(total, 'line')} is quarantined or rejected.", "green")
        return
    found = [f"{held:,} of {_number(total, 'line')} quarantined or rejected"] if held else []
    found += [f"{_number(bad_files, 'file')} unreadable"] if bad_files else []
    _say(console, f"not ok: {', '.join(found)}.", "bold red")


def _say(console: Console, words: str, style: str) -> None:
    console.print(Text(words, style), soft_wrap=True)
