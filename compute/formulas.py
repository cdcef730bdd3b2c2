"""Formulas of figures as text that a person can read and a program can add up.

    (M-02.opening + M-02.expansion - M-02.contraction - M-02.churn) / M-02.opening

Names, numbers and signs stand apart by spaces, because a metric's id holds a dash.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from compute.figures import Exact, Reason, divide, negative, total


@dataclass(frozen=True, slots=True)
class Operation:
    """Two formulas and the sign between them: one of + - * /."""

    sign: str
    left: "Formula"
    right: "Formula"


Formula: TypeAlias = Operation | Fraction | str
_Rule: TypeAlias = Callable[[deque[str]], Formula]


def parse(text: str) -> Formula:
    """Read a formula; a name stands for itself.

    >>> parse("12 * M-01")
    Operation(sign='*', left=Fraction(12, 1), right='M-01')
    """
    return _sum(deque(re.findall(r"[()]|[^\s()]+", text)))


def _sum(tokens: deque[str]) -> Formula:
    return _chain(tokens, "+-", _product)


def _product(tokens: deque[str]) -> Formula:
    return _chain(tokens, "*/", _factor)


def _chain(tokens: deque[str], signs: str, operand: _Rule) -> Formula:
    left = operand(tokens)
    while tokens and tokens[0] in signs:
        left = Operation(tokens.popleft(), left, operand(tokens))
    return left


def _factor(tokens: deque[str]) -> Formula:
    token = tokens.popleft()
    if token != "(":
        return Fraction(token) if token.isdecimal() else token
    inner = _sum(tokens)
    tokens.popleft()
    return inner


def names(formula: Formula) -> tuple[str, ...]:
    """Return the names in a formula, each once, in its order."""
    if isinstance(formula, Operation):
        return tuple(dict.fromkeys((*names(formula.left), *names(formula.right))))
    return (formula,) if isinstance(formula, str) else ()


def replaced(formula: Formula, what: Callable[[str], Formula]) -> Formula:
    """Return the formula with every name replaced."""
    if isinstance(formula, Operation):
        return Operation(formula.sign, replaced(formula.left, what), replaced(formula.right, what))
    return what(formula) if isinstance(formula, str) else formula


def evaluate(formula: Formula, values: Mapping[str, Exact]) -> Exact:
    """Return what a formula comes to, exactly, or why it comes to nothing.

    >>> evaluate(parse("(a - b) / a"), {"a": Fraction(4), "b": Fraction(1)})
    Fraction(3, 4)
    """
    if not isinstance(formula, Operation):
        return values[formula] if isinstance(formula, str) else formula
    left, right = evaluate(formula.left, values), evaluate(formula.right, values)
    return _APPLIED[formula.sign](left, right)


def _times(left: Exact, right: Exact) -> Exact:
    return Reason.MISSING_INPUT if isinstance(left, Reason) or isinstance(right, Reason) else left * right


_APPLIED: Mapping[str, Callable[[Exact, Exact], Exact]] = {
    "+": total,
    "-": lambda left, right: total(left, negative(right)),
    "*": _times,
    "/": divide,
}


def weights(formula: Formula) -> Mapping[str, Fraction] | None:
    """Return how often each name counts when the formula is a sum of names; None when it is none.

    >>> weights(parse("12 * (a - b)"))
    {'a': Fraction(12, 1), 'b': Fraction(-12, 1)}
    >>> weights(parse("a / b")) is None
    True
    """
    if isinstance(formula, str):
        return {formula: Fraction(1)}
    if isinstance(formula, Fraction):
        return None
    if formula.sign in "*/":
        return _scaled(formula)
    left, right = weights(formula.left), weights(formula.right)
    if left is None or right is None:
        return None
    sign = 1 if formula.sign == "+" else -1
    return {name: left.get(name, Fraction(0)) + sign * right.get(name, Fraction(0)) for name in {**left, **right}}


def _scaled(formula: Operation) -> Mapping[str, Fraction] | None:
    if formula.sign == "*" and isinstance(formula.left, Fraction):
        factor, rest = formula.left, weights(formula.right)
    elif formula.sign == "/" and isinstance(formula.right, Fraction):
        factor, rest = 1 / formula.right, weights(formula.left)
    else:
        return None
    return None if rest is None else {name: factor * count for name, count in rest.items()}


def text(formula: Formula) -> str:
    """Return a formula as it is read; every operation inside another one in brackets.

    >>> text(parse("(a - b) / a"))
    '(a - b) / a'
    """
    if not isinstance(formula, Operation):
        return str(formula)
    sides = [f"({text(side)})" if isinstance(side, Operation) else text(side) for side in (formula.left, formula.right)]
    return f"{sides[0]} {formula.sign} {sides[1]}"
