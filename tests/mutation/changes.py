"""The small changes that are made to a module, one at a time: operators, constants, flags, steps of an expression.

Names of columns, messages, annotations and decorators stay as they are: a wrong one fails at once, or only reads badly.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
TWINS = {
    "min": "max", "first": "last", "any": "all", "min_horizontal": "max_horizontal", "any_horizontal": "all_horizontal",
    "month_start": "month_end", "cum_max": "cum_min", "floor": "ceil", "is_null": "is_not_null", "head": "tail",
}  # fmt: skip
TWIN_NAMES = {**TWINS, **{right: left for left, right in TWINS.items()}}
TWIN_WORDS = {
    "keep": {"last": "first", "first": "last"},
    "how": {"left": "inner", "inner": "left", "anti": "semi", "semi": "anti", "full": "left"},
    "strategy": {"backward": "forward", "forward": "backward"},
    "closed": {"left": "right", "right": "left", "both": "left", "none": "both"},
}
# Steps of a chain that change rows or values, and can be left out.
STEPS = frozenset(
    ("filter", "sort", "unique", "fill_null", "abs", "drop_nulls", "shift", "over", "strip", "strip_chars", "lower",
     "round", "clip", "cum_sum")
)  # fmt: skip

UNCHANGED = -1


@dataclass(frozen=True, slots=True)
class Change:
    """One change: where, the text before and after, and how it is made in a freshly parsed tree."""

    line: int
    before: str
    after: str
    number: int


def changes(source: str) -> list[Change]:
    """Return every change that a module's text can have, in the order of its text."""
    found: list[Change] = []
    for number, place in enumerate(_places(ast.parse(source))):
        before = ast.unparse(place.node)
        undo = place.apply()
        after = ast.unparse(place.shown())
        undo()
        if before != after:
            found.append(Change(place.line, before, after, number))
    return sorted(found, key=lambda change: (change.line, change.number))


def changed(source: str, number: int) -> ast.Module:
    """Return the tree of a module with its change of that number made; UNCHANGED makes none."""
    tree = ast.parse(source)
    if number == UNCHANGED:
        return tree
    for index, place in enumerate(_places(tree)):
        if index == number:
            place.apply()
            return ast.fix_missing_locations(tree)
    raise IndexError(number)


@dataclass(frozen=True, slots=True)
class _Place:
    """A node that can be changed: `set` puts a new value there."""

    node: ast.AST
    line: int
    shown: Callable[[], ast.AST]
    apply: Callable[[], Callable[[], None]]


def _set(owner: ast.AST, name: str, new: object, node: ast.AST | None = None, index: int | None = None) -> _Place:
    """Return a place where an attribute of `owner`, or an item of it, becomes `new`; None deletes an item."""

    def apply() -> Callable[[], None]:
        old = getattr(owner, name)
        changed_to: object = new
        if index is not None:
            changed_to = [*old[:index], *([] if new is None else [new]), *old[index + 1 :]]
        setattr(owner, name, changed_to)
        return lambda: setattr(owner, name, old)

    seen = node or owner
    return _Place(seen, getattr(seen, "lineno", 0), lambda: seen, apply)


def _swap(parent: ast.AST, field: str, index: int | None, node: ast.AST, new: ast.AST) -> _Place:
    """Return a place where a whole node gives way to another."""
    place = _set(parent, field, new, node, index)
    return _Place(node, place.line, lambda: new, place.apply)


def _places(tree: ast.Module) -> Iterator[_Place]:
    yield from _visit(_Spot(tree, tree, "body", None), is_top=True)


@dataclass(frozen=True, slots=True)
class _Spot:
    """A node with the attribute of its parent that holds it, and its index where that is a list."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None

    def swapped(self, new: ast.AST) -> _Place:
        """Return the place where the node gives way to another."""
        return _swap(self.parent, self.field, self.index, self.node, new)


_STILL = frozenset(("annotation", "returns", "decorator_list"))


def _visit(spot: _Spot, *, is_top: bool) -> Iterator[_Place]:
    node = spot.node
    if isinstance(node, ast.JoinedStr) or _is_docstring(node):
        return
    for kinds, function in _KINDS:
        if isinstance(node, kinds):
            yield from function(spot)
    if is_top and isinstance(node, ast.Tuple | ast.List | ast.Set):
        yield from _members(node)
    for inner in _inside(node):
        yield from _visit(inner, is_top=is_top and not isinstance(node, ast.FunctionDef | ast.Lambda))


def _inside(node: ast.AST) -> Iterator[_Spot]:
    """Return what a node holds, but for types, decorators and the words of an error."""
    for name, value in () if isinstance(node, ast.Raise) else ast.iter_fields(node):
        if name in _STILL or (name == "slice" and _is_type(node)):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(child, ast.AST):
                yield _Spot(child, node, name, index)


def _compare(spot: Any) -> Iterator[_Place]:
    for position, operator in enumerate(spot.node.ops):
        yield _set(spot.node, "ops", COMPARE[type(operator)](), index=position)


def _binary(spot: Any) -> Iterator[_Place]:
    if type(spot.node.op) in BINARY and not _is_text(spot.node):
        yield _set(spot.node, "op", BINARY[type(spot.node.op)]())


def _logic(spot: Any) -> Iterator[_Place]:
    yield _set(spot.node, "op", ast.Or() if isinstance(spot.node.op, ast.And) else ast.And())


def _sign(spot: Any) -> Iterator[_Place]:
    yield spot.swapped(spot.node.operand)


def _branch(spot: Any) -> Iterator[_Place]:
    test = spot.node.test
    if not _is_changed_itself(test):
        yield _swap(spot.node, "test", None, test, ast.UnaryOp(ast.Not(), test))


def _sieve(spot: Any) -> Iterator[_Place]:
    for position, test in enumerate(spot.node.ifs):
        yield _swap(spot.node, "ifs", position, test, ast.Constant(value=True))


def _leap(spot: Any) -> Iterator[_Place]:
    yield spot.swapped(ast.Break() if isinstance(spot.node, ast.Continue) else ast.Pass())


def _constant(spot: Any) -> Iterator[_Place]:
    node = spot.node
    if isinstance(node.value, bool):
        yield _set(node, "value", not node.value)
    elif isinstance(node.value, int):
        yield _set(node, "value", node.value + 1)
    elif isinstance(node.value, str) and node.value.replace(".", "", 1).isdecimal():
        yield _set(node, "value", str(float(node.value) + 1))


def _call(spot: Any) -> Iterator[_Place]:
    node = spot.node
    for keyword in node.keywords:
        words = TWIN_WORDS.get(keyword.arg or "", {})
        if isinstance(keyword.value, ast.Constant) and keyword.value.value in words:
            yield _set(keyword.value, "value", words[keyword.value.value], keyword)
    if isinstance(node.func, ast.Name) and node.func.id in TWIN_NAMES:
        yield _set(node.func, "id", TWIN_NAMES[node.func.id], node)
    if not isinstance(node.func, ast.Attribute):
        return
    name = node.func.attr
    if name in TWIN_NAMES:
        yield _set(node.func, "attr", TWIN_NAMES[name], node)
    if name in STEPS:
        yield spot.swapped(node.func.value)
    if name == "when" and len(node.args) == 1 and not node.keywords and not _is_changed_itself(node.args[0]):
        yield _swap(node, "args", 0, node.args[0], ast.UnaryOp(ast.Invert(), node.args[0]))


def _members(node: ast.Tuple | ast.List | ast.Set) -> Iterator[_Place]:
    """Leave out a member of a table: of words, or of calls such as rules."""
    words = all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in node.elts)
    calls = all(isinstance(each, ast.Call) and isinstance(each.func, ast.Name) for each in node.elts)
    if len(node.elts) > 1 and (words or calls):
        for position, each in enumerate(node.elts):
            place = _set(node, "elts", None, each, position)
            yield _Place(each, place.line, lambda: ast.Name("(left out)"), place.apply)


def _is_changed_itself(test: ast.AST) -> bool:
    """Whether one of its own changes already is the negation."""
    return isinstance(test, ast.UnaryOp) or (
        isinstance(test, ast.Compare) and len(test.ops) == 1 and not _is_order(test)
    )


def _is_order(test: ast.Compare) -> bool:
    return isinstance(test.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_text(node: ast.AST) -> bool:
    return any(isinstance(each, ast.JoinedStr) for each in ast.iter_child_nodes(node))


def _is_type(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and (node.value.id in {"Literal", "Mapping", "Callable", "frozenset"})
    )


_KINDS: tuple[tuple[Any, Callable[[Any], Iterator[_Place]]], ...] = (
    (ast.Compare, _compare),
    (ast.BinOp | ast.AugAssign, _binary),
    (ast.BoolOp, _logic),
    (ast.UnaryOp, _sign),
    (ast.Constant, _constant),
    (ast.Call, _call),
    (ast.If | ast.IfExp | ast.While, _branch),
    (ast.comprehension, _sieve),
    (ast.Raise | ast.Continue, _leap),
)
