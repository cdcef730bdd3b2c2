"""All benchmarks in one go, on a machine that does nothing else: `make bench`, or `python -m tests.benchmarks.bench`.

Every engine reads the same files, in a process of its own, engines in turn; start-up and a warm-up on a small lake are
shown apart. Answers are compared row by row. Tables are printed as they come, progress goes to stderr, and all figures
are kept as one JSON file in `.benchmarks/results`.
"""

import sys
import time
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial
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
    """Run all parts; returns how many failed or answered otherwise, which does not stop the others."""
    results, began = Results(), time.monotonic()
    peers()
    about = machine()
    print("\n".join(f"{name}: {told}" for name, told in about.items()), flush=True)  # noqa: T201
    results.keep("machine", about)
    found, wrong, every = defaultdict[str, list[Any]](list), list[str](), list(_parts(sizes, rounds, lines))
    for number, (name, part) in enumerate(every, start=1):
        minutes = (time.monotonic() - began) / 60
        print(f"[{number}/{len(every)}] {name}, {minutes:.0f} min gone", file=sys.stderr, flush=True)  # noqa: T201
        try:
            found[name].append(part())
        except Exception as error:  # what one part lacks must not cost the others, hours of them
            wrong.append(f"{name}: {error!r}")
            print(f"\n{wrong[-1]}", flush=True)  # noqa: T201
        results.keep(name, [each.figures() if isinstance(each, Outcome) else each for each in found[name]])
    _end(found, results)
    wrong += [line for each in (*found["rollup"], *found["gaps"], *found["join"]) for line in each.wrong()]
    minutes = (time.monotonic() - began) / 60
    print("\n".join(["", *wrong, f"Made in {minutes:.0f} min: {results.file}; engines' logs are in {PLACE / 'logs'}."]))  # noqa: T201
    return len(wrong)


def _parts(sizes: Mapping[str, list[int]], rounds: int, lines: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield what is measured, by the name under which it is kept; the largest last."""
    for size in sizes["small"]:
        yield "rollup", partial(rollup.measured, size, rounds)
    for size in sizes["clicks"]:
        yield "rollup", partial(rollup.measured, size, rounds, slow=True)
        yield "gaps", partial(rollup.measured, size, rounds, named=0.0)
    yield "lake", partial(lake_costs.measured, rounds)
    yield "ingest", partial(ingest.measured, lines, rounds)
    for size in sizes["accounts"]:
        yield "join", partial(revenue_join.measured, size, rounds)
    for size in sizes["curve"]:
        yield "rollup", partial(rollup.measured, size, 1)


def _end(found: Mapping[str, list[Any]], results: Results) -> None:
    """Print what is told over all sizes, and the bars."""
    rollups = {outcome.race.size: outcome for outcome in found["rollup"]}
    for of, unit, digits in (("peak_mib", "MiB of the whole process tree", 0), ("wall", "seconds", 3),
                             ("start", "seconds to start, a first small rollup included", 2)):  # fmt: skip
        print("\n".join(rollup.curve(rollups, of, unit, digits)))  # noqa: T201
    held = bars.held(rollups, found["lake"], found["ingest"])
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
