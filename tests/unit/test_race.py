"""What the benchmarks conclude from figures and answers: issue 10, "Show"."""

import os
import time
from pathlib import Path

import polars as pl
import pytest

from tests.benchmarks.bars import Bar, break_even, held
from tests.benchmarks.race import Outcome, Race, hashed
from tests.benchmarks.tree import Taken, measure

RACE = Race("rollup", 3, "clicks", lambda _engine, _out: [], lambda _engine, _out: {})


def outcome(start: float = 1.0, **walls: float) -> Outcome:
    """Return a race's outcome; Ray takes so long to start, the others a second."""
    taken = {name.replace("_", ", "): wall for name, wall in walls.items()}
    starts = {"ours, ray": start}
    return Outcome(RACE, {name: [Taken(wall, 1.0, 1.0, starts.get(name, 1.0), None)] for name, wall in taken.items()})


def test_an_answer_is_the_same_in_any_order_and_another_when_a_value_is() -> None:
    rows = pl.DataFrame({"account": ["A", "B", "C"], "clicks": [1, 2, 3]})

    assert hashed(rows.lazy()) == hashed(rows.reverse().lazy())
    assert hashed(rows.lazy()) != hashed(rows.with_columns(clicks=pl.Series([1, 2, 4])).lazy())
    assert hashed(rows.lazy()) != hashed(pl.concat([rows, rows]).lazy())


def test_an_engine_that_answers_otherwise_or_nothing_or_fails_is_told() -> None:
    raced = outcome(ours_ray=1.0, duckdb=2.0, polars=3.0, daft=4.0)
    raced.answers |= {"ours, ray": {"days": [3, 7]}, "duckdb": {"days": [3, 7]}, "polars": {"days": [3, 8]}}
    raced.failed["daft"] = "FAILED: ended with 1"

    assert "equal, 3 rows" == raced.verdict("duckdb")
    assert ["rollup of 3 clicks: polars DIFFERENT, 3 rows", "rollup of 3 clicks: daft FAILED: ended with 1"] == (
        raced.wrong()
    )

    nothing = outcome(duckdb=1.0)
    nothing.answers["duckdb"] = {"days": [0, 0]}
    assert "DIFFERENT, 0 rows" == nothing.verdict("duckdb")


def test_the_best_other_is_neither_ours_nor_the_floor() -> None:
    assert outcome(floor=0.1, ours_bare=0.5, duckdb=2.0, polars=3.0).best_other() == 2.0


def test_break_even_is_where_a_ray_that_must_first_be_started_answers_first() -> None:
    small, large = (outcome(9.0, ours_inline=wall, ours_ray=wall / 2) for wall in (4.0, 20.0))

    assert break_even({10: small, 100: large, 1000: large}) == 100
    assert break_even({10: small}) == float("inf")


def test_in_process_is_behind_at_the_sizes_below_break_even_at_which_another_engine_is_faster() -> None:
    behind = outcome(9.0, ours_bare=2.0, ours_inline=3.0, ours_ray=0.5, polars=1.0)
    ahead = outcome(9.0, ours_bare=2.0, ours_inline=3.0, ours_ray=1.0, polars=2.5)
    beyond = outcome(9.0, ours_bare=20.0, ours_inline=30.0, ours_ray=9.0, polars=1.0)

    [bar] = [each for each in held({10: behind, 20: ahead, 30: beyond}, [], []) if "others" in each.what]
    assert ("sizes up to break-even at which others are faster (polars at 10, ours, bare at 20)", 1) == (
        bar.what, bar.shown,
    )  # fmt: skip
    [bar] = [each for each in held({30: beyond}, [], []) if "others" in each.what]
    assert "not measured" == bar.verdict()


def test_a_bar_is_held_at_its_limit_and_not_measured_without_a_figure() -> None:
    assert ["held", "NOT HELD", "held", "NOT HELD", "not measured"] == [
        Bar("s", 1.0, 1.0).verdict(), Bar("s", 1.0, 1.1).verdict(), Bar("MB/s", 1.0, 1.0, is_most=False).verdict(),
        Bar("MB/s", 1.0, 0.9, is_most=False).verdict(), Bar("s", 1.0, None).verdict(),
    ]  # fmt: skip


def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    with pytest.raises(TimeoutError, match=r"^took more than 3 s"):
        measure(["sh", "-c", f"sleep 600 & echo $! > {pid}; wait"], dict(os.environ), tmp_path / "log", 3.0)

    stat, end = Path(f"/proc/{pid.read_text().strip()}/stat"), time.monotonic() + 10
    while stat.exists() and ") Z " not in stat.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
