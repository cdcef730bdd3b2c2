"""Change `compute/` in small ways and see whether a test notices: `make mutation`.

Results are kept in `.mutation/`; a second run goes on where the first one ended.
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.mutation.changes import UNCHANGED, Change, changes
from tests.mutation.child import judged, warm
from tests.mutation.choice import BRIEF, LONG, Choice

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".mutation"
COVERAGE, TIMES, RESULTS = KEPT / "coverage", KEPT / "times.json", KEPT / "results.jsonl"
LANES = ("tests/unit", "tests/property", "tests/examples", "compute")
FIRST = 4  # tests that go ahead of the others: most changes end there
SEED = 20_260_101


def main() -> None:
    """Measure once, sample, judge what is not judged yet, print the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument(
        "--share", type=float, default=0.12, help="share of a module's changes that are tried; 1 tries all"
    )
    words.add_argument(
        "--least", type=int, default=20, help="changes tried of every module at least, where it has them"
    )
    words.add_argument("--seed", type=int, default=SEED, help="of the sample; another one finds other gaps")
    words.add_argument("--only", default="", help="modules whose path contains this")
    words.add_argument("--again", choices=["no", "survivors"], default="no", help="judge survivors anew, by more tests")
    words.add_argument("--table", action="store_true", help="print what is known and end")
    given = words.parse_args()
    KEPT.mkdir(exist_ok=True)
    known = _known()
    if not given.table:
        if not (COVERAGE.exists() and TIMES.exists()):
            _measure()
        wanted = [each for each in _sample(given.share, given.least, given.seed) if given.only in str(each[0])]
        if given.again == "survivors":
            wanted = [each for each in wanted if _id(*each) in known]
            known = {name: fact for name, fact in known.items() if fact["noticed"]}
        _judge([each for each in wanted if _id(*each) not in known], is_again=given.again == "survivors")
    sys.stdout.write(table(_known().values()))


def _measure() -> None:
    """Record which tests run which lines, and how long each takes: the quick tests once, with coverage."""
    options = ["-q", "-m", "not integration", "-p", "no:randomly", "-p", "tests.mutation.timing"]
    cover = ["--cov=compute", "--cov-context=test", "--cov-report="]
    surroundings = {**os.environ, "COVERAGE_FILE": str(COVERAGE), "MUTATION_TIMES": str(TIMES)}
    subprocess.run([sys.executable, "-m", "pytest", *options, *cover, *LANES], cwd=ROOT, env=surroundings, check=True)


def _sample(share: float, least: int, seed: int) -> list[tuple[Path, Change]]:
    """Return the changes to try: of each module its share, in a fixed random order over all modules."""
    taken: list[tuple[Path, Change]] = []
    for path in sorted((ROOT / "compute").rglob("*.py")):
        every = changes(path.read_text("utf-8"))
        count = min(len(every), max(least, math.ceil(share * len(every))))
        taken += [(path, each) for each in random.Random(f"{seed}{path.name}").sample(every, count)]
    random.Random(seed).shuffle(taken)
    return taken


def _judge(wanted: list[tuple[Path, Change]], *, is_again: bool) -> None:
    choice = Choice(ROOT, COVERAGE, json.loads(TIMES.read_text("utf-8")))
    for fact in _known().values():
        choice.remember(ROOT / fact["module"], fact["noticed"])
    warm()
    if wanted:
        _prove(wanted[0][0], choice)
    for index, (path, change) in enumerate(wanted, start=1):
        tests = choice.ordered(path, change.line, seconds=LONG if is_again else BRIEF)
        if is_again:  # what plain tests did not notice, laws may
            tests.sort(key=lambda test: not test.startswith("tests/property"))
        noticed = ""
        for part in (tests[:FIRST], tests[FIRST:]):
            if part and not noticed:
                noticed = judged(ROOT, path, change.number, part, seconds=240 if is_again else 90)
        if noticed in tests:
            choice.remember(path, noticed)
        fact = {
            "id": _id(path, change), "module": path.relative_to(ROOT).as_posix(), "line": change.line,
            "before": change.before, "after": change.after, "tests": len(tests), "noticed": noticed,
        }  # fmt: skip
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(fact) + "\n")
        sys.stderr.write(f"{index}/{len(wanted)} {fact['module']}:{change.line} {noticed or 'SURVIVES'}\n")


def _prove(path: Path, choice: Choice) -> None:
    """Run a module without a change: a runner that fails by itself would call every change noticed."""
    tests = choice.ordered(path, len(path.read_text("utf-8").splitlines()), seconds=BRIEF)
    failed = judged(ROOT, path, UNCHANGED, tests, seconds=90) if tests else ""
    if failed:
        sys.exit(f"{path}: {failed} without a change")


def _id(path: Path, change: Change) -> str:
    return f"{path.relative_to(ROOT).as_posix()}:{change.line}:{change.number}:{change.before}:{change.after}"


def _known() -> dict[str, dict[str, Any]]:
    """Return the last judgement of each change; a module that was edited since has new lines, so new ids."""
    if not RESULTS.exists():
        return {}
    facts = [json.loads(line) for line in RESULTS.read_text("utf-8").splitlines()]
    return {fact["id"]: fact for fact in facts}


def table(facts: Iterable[dict[str, Any]]) -> str:
    """Return the score by module and in all, then the survivors."""
    rows = sorted(facts, key=lambda fact: (fact["module"], fact["line"]))
    lines = ["| module | mutants | killed | survived | score |", "|---|---|---|---|---|"]
    lines += [
        _scored(module, [row for row in rows if row["module"] == module])
        for module in sorted({row["module"] for row in rows})
    ]
    lines.append(_scored("all", rows))
    low, high = interval(sum(bool(row["noticed"]) for row in rows), len(rows))
    lines += ["", f"95 % interval of the score: {low:.1%} to {high:.1%}.", ""]
    lines += [
        f"- `{row['module']}:{row['line']}` `{row['before']}` → `{row['after']}`"
        + ("" if row["tests"] else " (no test runs it)")
        for row in rows
        if not row["noticed"]
    ]
    return "\n".join(lines) + "\n"


def _scored(name: str, rows: list[dict[str, Any]]) -> str:
    killed = sum(bool(row["noticed"]) for row in rows)
    score = f"{killed / len(rows):.0%}" if rows else ""
    return f"| {name} | {len(rows)} | {killed} | {len(rows) - killed} | {score} |"


def interval(killed: int, tried: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share."""
    if not tried:
        return 0.0, 1.0
    z, share = 1.96, killed / tried
    middle = (share + z * z / (2 * tried)) / (1 + z * z / tried)
    half = z / (1 + z * z / tried) * math.sqrt(share * (1 - share) / tried + z * z / (4 * tried * tried))
    return middle - half, middle + half


if __name__ == "__main__":
    main()
