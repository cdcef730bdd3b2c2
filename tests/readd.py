"""Re-add figures from their explanations alone, by another program's hand: standard library only, exact fractions.

    techflow explain M-08 2024-01 --format json | python tests/readd.py
    python tests/readd.py explanations/*.json explanation.csv

Every sum is added from its rows, every figure on the way computed from its formula, and both compared with what the
explanation says. Prints a line per difference; the exit code is 1 when there is one, 0 when all agree.
"""

import csv
import io
import json
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

PLACES = 10  # of a stored value, rounded once, HALF_EVEN


@dataclass
class Explained:
    """What an explanation claims: figures by name with formula and value, sums by name, amounts of their rows."""

    anchor: str
    account: str | None
    figures: dict[str, tuple[str, str | None]]
    sums: dict[str, str | None]
    rows: dict[str, list[str | None]]


def read(text: str) -> Explained:
    """Read an explanation, JSON or CSV."""
    return _of_json(json.loads(text)) if text.lstrip().startswith("{") else _of_csv(text)


def _of_json(told: dict) -> Explained:
    rows = defaultdict(list)
    for row in told["rows"]:
        rows[row["sum"]].append(row["amount"])
    steps = [told["figure"], *told["derived_from"]]
    figures = {step["name"]: (step["formula"], step["value"]) for step in steps}
    return Explained(
        told["anchor"], told["account"], figures, {each["name"]: each["value"] for each in told["sums"]}, rows
    )


def _of_csv(text: str) -> Explained:
    lines = list(csv.DictReader(io.StringIO(text)))
    rows = defaultdict(list)
    for line in lines:
        if line["kind"] == "row":
            rows[line["name"]].append(line["value"] or None)
    figures = {each["name"]: (each["formula"], each["value"] or None)
               for each in lines if each["kind"] in ("figure", "metric")}  # fmt: skip
    sums = {each["name"]: each["value"] or None for each in lines if each["kind"] == "sum"}
    accounts = [line["key"] for line in lines if line["kind"] == "account"]
    return Explained(lines[0]["key"], accounts[0] if accounts else None, figures, sums, rows)


def differences(told: Explained) -> list[str]:
    """Return a sentence for everything that does not come out."""
    if told.account is not None:
        return [f"{told.anchor}: shows {told.account} alone, so nothing can be added; explain it without --account"]
    found = []
    for name, claimed in told.sums.items():
        added = add(told.rows[name])
        if added != (None if claimed is None else Fraction(claimed)):
            found.append(f"{told.anchor}: the rows of {name} come to {shown(added)}, not {claimed}")
    for name, (formula, claimed) in told.figures.items():
        computed = compute(formula, told)
        if claimed is not None and (computed is None or rounded(computed) != Decimal(claimed)):
            found.append(f"{told.anchor}: {name} = {formula} comes to {shown(computed)}, not {claimed}")
    return found


def add(amounts: list[str | None]) -> Fraction | None:
    """Return the sum; None when an amount is unknown."""
    return None if None in amounts else sum((Fraction(each) for each in amounts), Fraction(0))


def compute(formula: str, told: Explained) -> Fraction | None:
    """Return what a formula comes to; None without one, by an unknown operand, or a division by 0."""
    if not formula:
        return None
    tokens = re.findall(r"[()]|[^\s()]+", formula)[::-1]
    try:
        return _terms(tokens, told)
    except (_Unknown, ZeroDivisionError):
        return None


class _Unknown(Exception):
    pass


def _terms(tokens: list[str], told: Explained) -> Fraction:
    value = _factors(tokens, told)
    while tokens and tokens[-1] in "+-":
        sign = tokens.pop()
        other = _factors(tokens, told)
        value = value + other if sign == "+" else value - other
    return value


def _factors(tokens: list[str], told: Explained) -> Fraction:
    value = _operand(tokens, told)
    while tokens and tokens[-1] in "*/":
        sign = tokens.pop()
        other = _operand(tokens, told)
        value = value * other if sign == "*" else value / other
    return value


def _operand(tokens: list[str], told: Explained) -> Fraction:
    token = tokens.pop()
    if token == "(":
        value = _terms(tokens, told)
        tokens.pop()
        return value
    if token.isdecimal():
        return Fraction(token)
    # A sum is what its rows add up to, whatever is claimed; a metric is computed from its own formula.
    found = compute(told.figures[token][0], told) if token in told.figures else add(told.rows[token])
    if found is None:
        raise _Unknown
    return found


def rounded(value: Fraction) -> Decimal:
    """Return the value as it is stored: rounded once, half to even."""
    return Decimal(round(value * 10**PLACES)).scaleb(-PLACES)


def shown(value: Fraction | None) -> str:
    """Return a value for a sentence."""
    return "nothing" if value is None else f"{rounded(value):f}"


def main(places: list[str]) -> int:
    """Re-add the explanations in files, or the one on standard input; returns the exit code."""
    texts = [Path(place).read_text(encoding="utf-8") for place in places] or [sys.stdin.read()]
    if not all(text.strip() for text in texts):
        sys.stdout.write("an explanation is empty: nothing to re-add\n")
        return 1
    told = [read(text) for text in texts]
    found = [line for each in told for line in differences(each)]
    lines = [*found, f"{len(told)} figures re-added, {len(found)} differences"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
