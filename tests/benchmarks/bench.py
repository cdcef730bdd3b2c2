"""All benchmarks in one go, on a machine that does nothing else: `make bench`, or `python -m tests.benchmarks.bench`.

Every engine reads the same files, in a process of its own, engines in turn; start-up and a warm-up on a small lake are
shown apart. Answers are compared row by row. Tables are printed as they come, progress goes to stderr, and all figures
are kept as one JSON file in `.benchmarks/results`.
"""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from tests.benchmarks import bars, ingest, lake_costs, revenue_join, rollup
from tests.benchmarks.race import Outcome
from tests.benchmarks.results import PLACE, Results, machine, peers

SIZES: Mapping[str, tuple[int, ...]] = {
    "clicks": (1_000_000, 10_000_000),
    "small": (10_000, 100_000),
    "curve": (3_000_000, 30_000_000, 50_000_000),
    "accounts": (100_000, 1_000_000),
}
HELP = {
    "clicks": "months that all engines roll up",
    "small": "months that the quick engines roll up too: where does the in-process executor stop being the fastest",
    "curve": "months that the quick engines roll up once: how do memory and time grow",
    "accounts": "companies whose records are joined over 24 months",
}


def main(sizes: Mapping[str, list[int]], rounds: int, lines: int) -> int:
    """Run all parts; returns how many of them failed, which does not stop the others."""
    PLACE.mkdir(exist_ok=True)
    results, began, failed = Results(), time.monotonic(), list[str]()
    peers()
    about = machine()
    print("\n".join(f"{name}: {told}" for name, told in about.items()), flush=True)  # noqa: T201
    results.keep("machine", about)
    races: dict[str, dict[int, Outcome]] = {"rollup": {}, "gaps": {}, "join": {}}

    def race(name: str, run: Callable[[], dict[int, Outcome]]) -> Callable[[], object]:
        def part() -> object:
            races[name] |= run()
            return [outcome.figures() for outcome in races[name].values()]

        return part

    parts: list[tuple[str, Callable[[], object]]] = [
        ("rollup", race("rollup", lambda: rollup.measured(sizes["small"], rounds))),
        ("rollup", race("rollup", lambda: rollup.measured(sizes["clicks"], rounds, slow=True))),
        ("gaps", race("gaps", lambda: rollup.measured(sizes["clicks"], rounds, named=0.0))),
        ("join", race("join", lambda: revenue_join.measured(sizes["accounts"], rounds))),
        ("lake", lambda: lake_costs.measured(rounds)),
        ("ingest", lambda: ingest.measured(lines, rounds)),
        ("rollup", race("rollup", lambda: rollup.measured(sizes["curve"], 1))),
    ]
    found: dict[str, Any] = {}
    for number, (name, part) in enumerate(parts, start=1):
        minutes = (time.monotonic() - began) / 60
        print(f"[{number}/{len(parts)}] {name}, {minutes:.0f} min gone", file=sys.stderr, flush=True)  # noqa: T201
        try:
            found[name] = part()
        except Exception as error:  # what one part lacks must not cost the night's others
            failed.append(f"{name}: {error}")
            print(f"\n{failed[-1]}", flush=True)  # noqa: T201
            continue
        results.keep(name, found[name])
    _end(races, found, results, sizes)
    failed += [f"{outcome.race.title} of {size:,}: {engine} {why}" for sort in races.values()
               for size, outcome in sort.items() for engine, why in outcome.wrong().items()]  # fmt: skip
    print("\n".join(["", *failed, f"Made in {(time.monotonic() - began) / 60:.0f} min: {results.file}; logs of the "  # noqa: T201
                     f"engines in {PLACE / 'logs'}; inputs, made once, in {PLACE}."]))  # fmt: skip
    return len(failed)


def _end(
    races: Mapping[str, Mapping[int, Outcome]], found: Mapping[str, Any], results: Results, sizes: Mapping[str, Any]
) -> None:
    """Print what is told over all sizes, and the bars."""
    for of, unit, digits in (("peak_mib", "MiB of the whole process tree", 0), ("wall", "seconds", 3),
                             ("start", "seconds to start, a first small rollup included", 2)):  # fmt: skip
        print("\n".join(rollup.curve(races["rollup"], of, unit, digits)))  # noqa: T201
    held = bars.held(races, found)
    results.keep("bars", [each.figures() for each in held])
    print("\n".join(bars.table(held)))  # noqa: T201


def _arguments() -> tuple[dict[str, list[int]], int, int]:
    asked = ArgumentParser(description=__doc__)
    for name, sizes in SIZES.items():
        asked.add_argument(f"--{name}", nargs="*", type=int, default=list(sizes), help=HELP[name])
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--lines", type=int, default=300_000, help="lines of each topic's log")
    given = vars(asked.parse_args())
    return {name: given[name] for name in SIZES}, given["rounds"], given["lines"]


if __name__ == "__main__":
    sys.exit(min(1, main(*_arguments())))
