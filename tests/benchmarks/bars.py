"""What the heavy path is held to, and what a run of the benchmarks has shown of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.benchmarks.race import FLOOR, Outcome
from tests.benchmarks.rollup import BARE, INLINE, RAY, SLOW, fastest

Rollups = Mapping[int, Outcome]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar.

    Attributes:
        what: what is measured, sizes included.
        limit: at most, or at least, as `is_most` says.
        shown: None where it was not measured.
    """

    what: str
    limit: float
    shown: float | None
    is_most: bool = True

    def verdict(self) -> str:
        """Return whether it is held."""
        if self.shown is None:
            return "not measured"
        is_held = self.shown <= self.limit if self.is_most else self.shown >= self.limit
        return "held" if is_held else "NOT HELD"

    def figures(self) -> dict[str, object]:
        """Return what is kept as JSON."""
        return asdict(self) | {"verdict": self.verdict()}


def held(rollups: Rollups, lake: Sequence[Any], ingest: Sequence[Any]) -> list[Bar]:
    """Return the bars; ratios are those of one run, at the largest size that all engines had.

    Args:
        rollups: by clicks.
        lake: what `lake_costs` found, when it ran.
        ingest: what `ingest` found, when it ran.
    """
    large = max((size for size, each in rollups.items() if SLOW[0] in each.taken), default=0)
    bars = _rollup(large, rollups[large]) if large else []
    bars += [*_small(rollups), *_grown(rollups)]
    for costs in lake:
        share = costs["contract"]["cpu"] / costs["rollup"]["cpu"]
        bars.append(Bar("seconds of a commit of 10,000 files", 1.0, costs["commit"]["wall"]))
        bars.append(Bar("contract's check, share of the rollup's CPU", 0.15, share))
    for line in (line for lines in ingest for line in lines if (line["way"], line["stage"]) == ("blocks", "both")):
        bars.append(Bar(f"MB/s of {line['feed']}, {line['kind']} lines", 100.0, line["mb_per_s"], is_most=False))
    return bars


def _rollup(size: int, outcome: Outcome) -> list[Bar]:
    wall = outcome.median(RAY, "wall")
    bars = [
        Bar(f"{size:,} clicks on a running Ray, wall / best other", 1.1, _ratio(wall, outcome.best_other())),
        Bar(
            f"{size:,} clicks on Ray, CPU / floor", 8.0, _ratio(*(outcome.median(each, "cpu") for each in (RAY, FLOOR)))
        ),
        Bar("seconds of a rerun that has nothing to do", 1.0, outcome.median(RAY, "again")),
    ]
    return bars + [
        Bar(f"{size:,} clicks, {each} / ours on Ray", 8.0, _ratio(outcome.median(each, "wall"), wall), is_most=False)
        for each in SLOW
    ]


def _small(rollups: Rollups) -> list[Bar]:
    if not rollups:
        return []
    start = rollups[min(rollups)].median(BARE, "start")
    first = fastest({size: each for size, each in rollups.items() if size < break_even(rollups)})
    behind = sum(engine not in {BARE, INLINE} for engine in first.values())
    told = ", ".join(f"{engine} at {size:,}" for size, engine in first.items())
    return [
        Bar("s until the in-process executor has started and rolled up 5,000 clicks", 1.0, start),
        Bar(f"sizes up to break-even at which others are faster ({told})", 0.0, behind if first else None),
    ]


def break_even(rollups: Rollups) -> float:
    """Return the least size at which a Ray that must first be started answers before this process; or infinity."""
    for size, outcome in sorted(rollups.items()):
        inline, ray = (_from_start(outcome, engine) for engine in (INLINE, RAY))
        if inline is not None and ray is not None and ray < inline:
            return size
    return float("inf")


def _from_start(outcome: Outcome, engine: str) -> float | None:
    start, wall = outcome.median(engine, "start"), outcome.median(engine, "wall")
    return None if start is None or wall is None else start + wall


def _grown(rollups: Rollups) -> list[Bar]:
    ten, fifty = 10_000_000, 50_000_000
    if fifty not in rollups:
        return []
    bars = [Bar("MiB of 50 million clicks on Ray, whole process tree", 3072.0, rollups[fifty].median(RAY, "peak_mib"))]
    if ten in rollups:
        walls = (rollups[size].median(RAY, "wall") for size in (fifty, ten))
        bars.append(Bar("seconds of 50 million clicks / of 10 million", 5.3, _ratio(*walls)))
    return bars


def _ratio(number: float | None, beside: float | None) -> float | None:
    return number / beside if number is not None and beside else None


def table(bars: list[Bar]) -> list[str]:
    """Return the lines of the table."""
    wide = max(len(bar.what) for bar in bars) + 1 if bars else 0
    lines = [f"\n{'bar':<{wide}}{'':>12}{'shown':>10}"]
    for bar in bars:
        shown = "" if bar.shown is None else f"{bar.shown:,.2f}"
        limit = f"{'≤' if bar.is_most else '≥'} {bar.limit:,.2f}"
        lines.append(f"{bar.what:<{wide}}{limit:>12}{shown:>10}  {bar.verdict()}")
    return lines
