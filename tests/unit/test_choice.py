"""Where heavy work runs, and that both ways are one."""

import pytest

from compute.cluster import COLD_BREAK_EVEN_ROWS, WARM_BREAK_EVEN_ROWS, choose, run_here
from compute.connection import NoCluster, connect


@pytest.mark.parametrize(
    ("executor", "rows", "is_running", "expected"),
    [
        ("auto", COLD_BREAK_EVEN_ROWS - 1, False, "inline"),
        ("auto", COLD_BREAK_EVEN_ROWS, False, "ray"),
        ("auto", WARM_BREAK_EVEN_ROWS - 1, True, "inline"),
        ("auto", WARM_BREAK_EVEN_ROWS, True, "ray"),
        ("ray", 1, False, "ray"),
        ("inline", 10**9, True, "inline"),
    ],
)
def test_the_executor_is_chosen_by_size_unless_it_is_forced(
    executor: str, rows: int, is_running: bool, expected: str
) -> None:
    chosen, why = choose(executor, rows, is_running=is_running)  # type: ignore[arg-type]

    assert expected == chosen
    assert why


def test_results_stand_in_the_order_of_the_shards() -> None:
    assert [9, 1, 4] == run_here(lambda shard: shard * shard, [3, 1, 2])


def test_an_address_where_nobody_is_is_one_sentence_at_once(free_port: int) -> None:
    with pytest.raises(NoCluster, match=f"^No Ray cluster answers at 127.0.0.1:{free_port} .*, correct RAY_ADDRESS"):
        connect(f"127.0.0.1:{free_port}")
