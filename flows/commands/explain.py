"""`techflow explain`: a figure down to the records that it is made of, without Prefect and without Ray.

Internal: it names accounts, teams and payloads. Source: `operations.md` F.2, E.2 "Provenance" (AT-81).
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import polars as pl
import typer
from rich.markup import escape

from compute.anchors import COMPANY_MONTH, BadAnchor, parse_anchor
from compute.exchange import plain, to_csv
from compute.figures import Reason
from compute.footnotes import FOOTNOTES
from compute.metrics import BY_ID
from compute.money import stored
from compute.months import Month
from flows.commands.screen import screen, show_table
from flows.settings import load_settings
from storage.explanation import Explanation, Question, Step, Sum, explain
from storage.lake import Lake

Format = Literal["table", "json", "csv"]
_SHOWN = 20  # rows of a list on the screen; the other formats have all
# What a line of the CSV form may hold; JSON has the same under its own headings.
COLUMNS = (
    "kind", "name", "key", "value", "unit", "quality", "null_reason", "formula", "table", "filter", "input_rows",
    "place", "arrival", "payload_sha256", "text",
)  # fmt: skip


def explain_figure(
    figure: Annotated[
        str, typer.Argument(help="A metric (M-08), or an anchor of the report.", metavar="METRIC|ANCHOR")
    ],
    month: Annotated[str | None, typer.Argument(help="2024-01; an anchor says it itself.", metavar="[MONTH]")] = None,
    account: Annotated[
        str | None, typer.Option(help="Of one account: its figure, or its part in the company's.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="table, json or csv.")] = "table",
) -> None:
    """Follow a figure to tables, accounts and received records. For people inside: it names accounts.

    Example: techflow explain M-08 2024-01, or techflow explain fig:M-08:2024-01:d3
    """
    explanation = explain(Lake(load_settings().lake_place), question(figure, month, account))
    if form == "table":
        _print(explanation)
    elif form == "json":
        typer.echo(json.dumps(as_json(explanation), ensure_ascii=False, indent=1))
    else:
        typer.echo(as_csv(explanation), nl=False)


def question(figure: str, month: str | None, account: str | None) -> Question:
    """Return what is asked for.

    Raises:
        BadAnchor: when it is neither a metric with a month nor an anchor without one.
    """
    if figure.startswith("fig:"):
        place = parse_anchor(figure)
        if month is not None and Month.parse(month) != place.month:
            raise BadAnchor(f"{figure} is a figure of {place.month}: leave the month out.")
        if account is not None and place.grain != COMPANY_MONTH:
            raise BadAnchor(f"{figure} names what it is a figure of: leave out --account.")
        return Question.of(place, account)
    if month is None:
        raise BadAnchor(f"{figure} needs a month: techflow explain {figure} 2024-01.")
    return Question(figure, Month.parse(month), account=account)


def as_json(explanation: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON values; numbers are text, so that no reader makes floats of them."""
    snapshot, metric = explanation.snapshot, BY_ID[explanation.figure["metric_id"]]
    return {
        "anchor": explanation.anchor,
        "account": explanation.account,
        "snapshot": {
            "snapshot_id": snapshot.snapshot_id,
            "content_hash": snapshot.content_hash,
            "as_of": snapshot.as_of.isoformat(),
        },
        "definition": {"id": metric.metric_id, "name": metric.name, "formula": metric.definition,
                       "label": metric.label, "version": metric.version},
        "figure": _step(explanation.steps[0]) | {"grain": explanation.figure["grain"],
                                                 "grain_key": explanation.figure["grain_key"],
                                                 "footnotes": _footnotes(explanation.figure)},
        "source": {"table": explanation.source, "filter": explanation.filter, "input_rows": 1},
        "derived_from": [_step(step) for step in explanation.steps[1:]],
        "sums": [_sum(each) for each in explanation.sums],
        "rows": [row for each in explanation.sums for row in _rows(each, explanation.account)],
        "records": [row | {"arrival": row["arrival"].isoformat()}
                    for row in explanation.records.iter_rows(named=True)],
    }  # fmt: skip


def _step(step: Step) -> dict[str, Any]:
    row = step.figure
    return {
        "name": step.metric_id,
        "formula": step.formula,
        "value": None if row["value"] is None else number(row["value"]),
        "unit": row["unit"],
        "quality": row["quality"],
        "null_reason": row["null_reason"],
    }


def _footnotes(figure: Mapping[str, Any]) -> dict[str, str]:
    return {name: FOOTNOTES[name] for name in figure["footnote_ids"].split(";") if name}


def _sum(each: Sum) -> dict[str, Any]:
    value, part = each.of.value, each.of.part
    return {
        "name": each.of.name,
        "table": each.table,
        "filter": each.of.filter,
        "amount": part.amount,
        "input_rows": each.of.input_rows,
        "value": None if isinstance(value, Reason) else number(stored(value)),
    }


def _rows(each: Sum, account: str | None) -> list[dict[str, Any]]:
    rows = each.of.rows if account is None else each.of.rows.filter(pl.col("account_id") == account)
    amounts = rows.with_columns(amount=plain(pl.col("amount"), pl.lit("ratio")), is_null=pl.col("amount").is_null())
    return [
        {"sum": each.of.name, "key": row["key"], "amount": None if row["is_null"] else row["amount"],
         "quality": row["quality"]}
        for row in amounts.iter_rows(named=True)
    ]  # fmt: skip


def number(value: Any) -> str:
    """Return a stored decimal in plain notation, without zeros that say nothing."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_csv(explanation: Explanation) -> str:
    """Return an explanation as CSV: a line per figure, metric, sum, row and record, told apart by `kind`."""
    lines = list(_lines(as_json(explanation)))
    return to_csv(pl.DataFrame(lines, schema=dict.fromkeys(COLUMNS, pl.String), strict=False))


def _lines(told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    definition, figure = told["definition"], told["figure"]
    text = "; ".join((f"{definition['name']}: {definition['formula']} (version {definition['version']})",
                      *figure["footnotes"].values()))  # fmt: skip
    yield figure | told["source"] | {"kind": "figure", "key": told["anchor"], "text": text}
    if told["account"]:
        yield {"kind": "account", "key": told["account"], "text": "rows and records of this account alone"}
    for step in told["derived_from"]:
        yield step | {"kind": "metric"}
    for each in told["sums"]:
        yield each | {"kind": "sum", "formula": each["amount"]}
    for row in told["rows"]:
        yield row | {"kind": "row", "name": row["sum"], "value": row["amount"]}
    for record in told["records"]:
        yield record | {"kind": "record", "name": record["dataset"],
                        "key": f"{record['account_id']}|{record['dated']}".strip("|")}  # fmt: skip


def _print(explanation: Explanation) -> None:
    told, console = as_json(explanation), screen()
    figure, definition = told["figure"], told["definition"]
    shown = figure["value"] if figure["value"] is not None else f"null ({figure['null_reason']})"
    console.print(f"[bold]{definition['id']} {definition['name']}[/] = [bold]{shown}[/] {figure['unit']}",
                  f"   quality {figure['quality']}   {escape(figure['grain_key'])}")  # fmt: skip
    console.print(f"{definition['formula']} (definition {definition['version']}"
                  f"{', ' + definition['label'] if definition['label'] else ''})", soft_wrap=True)  # fmt: skip
    for footnote in figure["footnotes"].values():
        console.print(footnote, soft_wrap=True)
    console.print(f"{told['anchor']}   snapshot {told['snapshot']['snapshot_id']}, content "
                  f"{told['snapshot']['content_hash'][:12]}", soft_wrap=True)  # fmt: skip
    console.print(f"{told['source']['table']} where {escape(told['source']['filter'])}: 1 row", "", soft_wrap=True)
    for title, rows in (
        ("how it adds up", [_shown_step(step) for step in (figure, *told["derived_from"]) if step["formula"]]),
        ("sums", [{**each, "amount": f"sum of {each['amount']}"} for each in told["sums"]]),
        ("rows", sorted(told["rows"], key=_largest_first)),
        ("records", [_short(record) for record in told["records"]]),
    ):
        if rows:
            count = f", {_SHOWN} of {len(rows)} (--format csv has all)" if len(rows) > _SHOWN else ""
            show_table(console, list(rows[0]), [list(row.values()) for row in rows[:_SHOWN]], title=title + count)
            console.print()


def _largest_first(row: Mapping[str, Any]) -> tuple[str, Decimal]:
    return row["sum"], -abs(Decimal(row["amount"] or 0))


def _short(record: Mapping[str, Any]) -> dict[str, Any]:
    arrival, digest = record["arrival"][:16] + "Z", f"{record['payload_sha256'][:12]}…"
    return {**record, "arrival": arrival, "payload_sha256": digest}


def _shown_step(step: Mapping[str, Any]) -> dict[str, Any]:
    value = f"null ({step['null_reason']})" if step["value"] is None else step["value"]
    return {"name": step["name"], "value": value, "is": step["formula"]}
