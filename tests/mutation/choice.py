"""Which tests can notice a change: those that run its line, or, for a table, that run a line that names the table."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from coverage import CoverageData

# Seconds of near tests, with other plain ones, with laws: after those a change counts as survivor.
BRIEF, LONG = (3.0, 5.0, 5.0), (6.0, 10.0, 24.0)
FEWER_EXAMPLES = 6  # a property test tries a sixth of its examples


class Choice:
    """The tests by line, how long each takes, and which have noticed changes so far: those go first."""

    def __init__(self, root: Path, coverage: Path, seconds: Mapping[str, float]) -> None:
        self._data = CoverageData(str(coverage))
        self._data.read()
        self._seconds = seconds
        self._root = root
        self._noticed: dict[str, Counter[str]] = {}
        self._trees = {path: ast.parse(path.read_text("utf-8")) for path in (root / "compute").rglob("*.py")}
        self._by_line = {path: self._tests_of(path) for path in self._trees}
        self._sites = self._named_where()

    def _tests_of(self, path: Path) -> dict[int, frozenset[str]]:
        lines = self._data.contexts_by_lineno(self._measured(path))
        return {
            line: frozenset(
                name for name in (context.rpartition("|")[0] for context in contexts) if name in self._seconds
            )
            for line, contexts in lines.items()
        }

    def _measured(self, path: Path) -> str:
        tail = path.relative_to(self._root).as_posix()
        return next((file for file in self._data.measured_files() if file.endswith("/" + tail)), "")

    def _named_where(self) -> dict[str, list[tuple[Path, ast.stmt]]]:
        """Return, by name, the statements that use it."""
        sites: dict[str, list[tuple[Path, ast.stmt]]] = {}
        for path, tree in self._trees.items():
            for statement in _simple(tree):
                for name in _used(statement):
                    sites.setdefault(name, []).append((path, statement))
        return sites

    def tests(self, path: Path, line: int) -> frozenset[str]:
        """Return the tests that can notice a change of that line."""
        found = [each for each in _simple(self._trees[path]) if each.lineno <= line <= _end(each)]
        statement = max(found, key=lambda each: each.lineno, default=None)
        return self._reached(path, statement, set()) if statement else frozenset()

    def _reached(self, path: Path, statement: ast.stmt, seen: set[str]) -> frozenset[str]:
        own = self._by_line[path]
        tests = frozenset().union(
            *(own.get(line, frozenset()) for line in range(statement.lineno, _end(statement) + 1))
        )
        if tests:
            return tests
        for name in _bound(statement, self._trees[path]) - seen:
            seen.add(name)
            tests |= self._naming(name) if name.isupper() else frozenset()
            for other, site in self._sites.get(name, []):
                if site is not statement:
                    tests |= self._reached(other, site, seen)
        return tests

    def _naming(self, name: str) -> frozenset[str]:
        """Return the tests of the files that name a table themselves."""
        files = {test.partition("::")[0] for test in self._seconds if test.startswith("tests/")}
        naming = {file for file in files if re.search(rf"\b{name}\b", (self._root / file).read_text("utf-8"))}
        return frozenset(test for test in self._seconds if test.partition("::")[0] in naming)

    def ordered(self, path: Path, line: int, seconds: tuple[float, float, float]) -> list[str]:
        """Return the tests in the order of running: those that noticed changes of the module, one a function, others."""
        tests = self.tests(path, line)
        noticed = self._noticed.get(str(path), Counter())
        plain = sorted(
            (test for test in tests if not test.startswith("tests/property")), key=lambda test: (self._cost(test), test)
        )
        near = sorted(plain, key=lambda test: (-noticed[test], -noticed[_function(test)], path.stem not in test))
        firsts = {_function(test): test for test in reversed(plain)}
        wide = sorted(plain, key=lambda test: firsts[_function(test)] != test)
        # A law that compares with a second implementation notices most.
        laws = sorted(
            tests.difference(plain), key=lambda test: (-noticed[test], "naive" not in test, self._cost(test), test)
        )
        taken = self._within([], near, seconds[0])
        return self._within(self._within(taken, wide, seconds[1]), laws, seconds[2])

    def _within(self, start: list[str], tests: Iterable[str], limit: float) -> list[str]:
        taken, spent = list(start), sum(map(self._cost, start))
        for test in tests:
            if test not in taken and spent + self._cost(test) <= limit:
                taken.append(test)
                spent += self._cost(test)
        return taken

    def _cost(self, test: str) -> float:
        seconds = self._seconds.get(test, 1.0) + 0.01
        return seconds / FEWER_EXAMPLES if test.startswith("tests/property") else seconds

    def remember(self, path: Path, test: str) -> None:
        """Let a test that noticed a change go first on the next one of the module."""
        self._noticed.setdefault(str(path), Counter()).update([test, _function(test)])


def _function(test: str) -> str:
    return test.partition("[")[0]


def _simple(tree: ast.AST) -> list[ast.stmt]:
    return [each for each in ast.walk(tree) if isinstance(each, ast.stmt)]


def _end(statement: ast.stmt) -> int:
    """Return the last line of a statement, of its head where it has a body."""
    body = getattr(statement, "body", None)
    if isinstance(body, list) and body:
        return max(statement.lineno, int(body[0].lineno) - 1)
    return statement.end_lineno or statement.lineno


def _used(statement: ast.stmt) -> set[str]:
    body = {
        id(each) for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt) for each in ast.walk(child)
    }
    nodes = [each for each in ast.walk(statement) if id(each) not in body]
    names = {each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
    return names | {each.attr for each in nodes if isinstance(each, ast.Attribute)}


def _bound(statement: ast.stmt, tree: ast.Module) -> set[str]:
    """Return what a statement names: its targets, and the class or function around it."""
    names = {each.id for each in ast.walk(statement) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    for outer in ast.walk(tree):
        if isinstance(outer, ast.ClassDef | ast.FunctionDef) and outer.lineno <= statement.lineno <= (
            outer.end_lineno or 0
        ):
            names.add(outer.name)
    return names
