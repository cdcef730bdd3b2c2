"""Engines in turn on the same files, several rounds, each in a process of its own; answers compared, a table printed."""

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import polars as pl

from tests.benchmarks.results import PLACE
from tests.benchmarks.tree import Taken, measure

FLOOR = "floor"
LIMIT_SECONDS = 2400.0
WRONG = ("DIFFERENT", "FAILED")
TRIES = 3  # Ray gives a node 30 s to start, which no setting changes
Answer = Mapping[str, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Race:
    """What engines do.

    Attributes:
        title: as it is printed.
        size: how much of it, in `unit`.
        command: what runs an engine; it gets a folder for the answer.
        answer: reads an engine's answer, from that folder or from the lake.
    """

    title: str
    size: int
    unit: str
    command: Callable[[str, Path], list[str]]
    answer: Callable[[str, Path], Answer]


@dataclass(slots=True)
class Outcome:
    """What came of a race, by engine; what failed says so in `failed`."""

    race: Race
    taken: dict[str, list[Taken]]
    answers: dict[str, Answer] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def median(self, engine: str, of: str) -> float | None:
        """Return the median of one of the figures of `Taken`; None where there is none."""
        found = [getattr(each, of) for each in self.taken.get(engine, ())]
        return statistics.median(found) if found and None not in found else None

    def best_other(self) -> float | None:
        """Return the least median of wall seconds of the engines that are not ours."""
        walls = [self.median(each, "wall") for each in self.taken if each != FLOOR and not is_ours(each)]
        return min((wall for wall in walls if wall is not None), default=None)

    def verdict(self, engine: str) -> str:
        """Return whether an engine answers as the first one does, and in how many rows."""
        if engine in self.failed:
            return self.failed[engine]
        if engine not in self.answers:  # the floor has none
            return ""
        rows = sum(height for height, _ in self.answers[engine].values())
        is_equal = rows and self.answers[engine] == next(iter(self.answers.values()))
        return f"{'equal' if is_equal else 'DIFFERENT'}, {rows:,} rows"

    def wrong(self) -> list[str]:
        """Return a line for each engine that failed or answered otherwise."""
        verdicts = {engine: self.verdict(engine) for engine in self.taken}
        what = f"{self.race.title} of {self.race.size:,} {self.race.unit}"
        return [f"{what}: {engine} {told}" for engine, told in verdicts.items() if told.startswith(WRONG)]

    def figures(self) -> dict[str, object]:
        """Return what is kept as JSON."""
        taken = {engine: [asdict(each) for each in every] for engine, every in self.taken.items()}
        return {"title": self.race.title, self.race.unit: self.race.size, "taken": taken,
                "answers": self.answers, "failed": self.failed}  # fmt: skip


def is_ours(engine: str) -> bool:
    """Tell whether an engine is this project."""
    return engine.startswith("ours")


def run(race: Race, engines: Sequence[str], rounds: int, once: Sequence[str] = ()) -> Outcome:
    """Let the engines run in turn; those of `once` in the first round only. Prints the table."""
    outcome = Outcome(race, {engine: [] for engine in engines})
    for round_ in range(rounds):
        for engine in engines:
            if engine in outcome.failed or (round_ and engine in once):
                continue
            _tell(f"  {race.title}, {race.size:,} {race.unit}, round {round_ + 1} of {rounds}: {engine} …", end="")
            with tempfile.TemporaryDirectory(dir=PLACE) as folder:
                _run_once(outcome, engine, Path(folder).resolve())
    print("\n".join(_table(outcome, rounds)), flush=True)  # noqa: T201
    return outcome


def _run_once(outcome: Outcome, engine: str, out: Path) -> None:
    for left in reversed(range(TRIES)):
        log = PLACE / "logs" / f"{engine.replace(', ', '-')}-{TRIES - left}.log"
        log.parent.mkdir(exist_ok=True)
        try:
            taken = measure(outcome.race.command(engine, out), environment(), log, LIMIT_SECONDS)
        except (RuntimeError, TimeoutError) as error:
            outcome.failed[engine] = f"FAILED: {error}"
            is_last = not left or isinstance(error, TimeoutError)
            _tell(f" {'given up' if is_last else 'tried again'}: {error}", end="\n" if is_last else "")
            if is_last:
                return
            continue
        outcome.failed.pop(engine, None)
        outcome.taken[engine].append(taken)
        if engine != FLOOR:
            outcome.answers[engine] = outcome.race.answer(engine, out)
        _tell(f" {taken.wall:.2f} s, {taken.cpu:.2f} s of processor, {taken.peak_mib:.0f} MiB")
        return


def environment() -> dict[str, str]:
    """Return the environment of an engine: nothing of it leaves this machine."""
    return {**os.environ, "PYTHONPATH": str(Path.cwd()), "PREFECT_HOME": str((PLACE / "prefect").resolve()),
            "PREFECT_LOGGING_LEVEL": "ERROR", "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "RAY_USAGE_STATS_ENABLED": "0", "RAY_ADDRESS": "local",
            "DAFT_ANALYTICS_ENABLED": "0", "DO_NOT_TRACK": "1", "SPARK_LOCAL_IP": "127.0.0.1"}  # fmt: skip


def hashed(rows: pl.LazyFrame) -> list[int]:
    """Return how many rows there are, and a hash of them that does not depend on their order."""
    total = height = 0
    for part in rows.collect_batches(chunk_size=1_000_000, maintain_order=False):
        total = (total + sum(part.hash_rows(7).to_list())) % (1 << 64)
        height += part.height
    return [height, total]


def _table(outcome: Outcome, rounds: int) -> list[str]:
    race, best, floor = outcome.race, outcome.best_other(), outcome.median(FLOOR, "cpu")
    heads = ("wall s", "/ best other", "cpu s", "/ floor", "MiB", "start s", "again s")
    lines = [f"\n{race.title}: {race.size:,} {race.unit}, medians of up to {rounds} runs in turn",
             f"{'engine':<14}" + "".join(f"{head:>13}" for head in heads) + "  answer"]  # fmt: skip
    for engine in outcome.taken:
        wall, cpu, mib, start, again = (outcome.median(engine, of) for of in Taken.__dataclass_fields__)
        numbers = (
            (wall, 3), (_ratio(wall, best), 2), (cpu, 2), (_ratio(cpu, floor), 1), (mib, 0), (start, 2), (again, 3)
        )  # fmt: skip
        shown = "".join(f"{'' if number is None else f'{number:,.{digits}f}':>13}" for number, digits in numbers)
        lines.append(f"{engine:<14}{shown}  {outcome.verdict(engine)}")
    return lines


def _ratio(number: float | None, beside: float | None) -> float | None:
    return number / beside if number is not None and beside else None


def _tell(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)  # noqa: T201


def spec_file(out: Path, spec: Mapping[str, object]) -> str:
    """Write what a peer is to do into its folder; returns the file's path."""
    place = out / "spec.json"
    place.write_text(json.dumps(spec), encoding="utf-8")
    return str(place)
