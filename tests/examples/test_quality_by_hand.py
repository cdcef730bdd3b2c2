"""What a figure rests on: its quality and its footnotes, as the smallest books that show them.

Source: `metrics.md` §1.4, §5 (U-130), M-50.
"""

from typing import Any

import pytest

from compute.months import Month
from tests.company import Books, bill, change

ACTIVE = change("ACC_1", "2023-01-01", None, "Active")


def noted(month: str, **lines: Any) -> dict[tuple[str, str], tuple[str, str]]:
    """Return quality and footnotes by metric id and grain key."""
    table = Books(lines, (Month.parse(month),)).figure_table(month)
    columns = ("metric_id", "grain_key", "quality", "footnote_ids")
    return {(name, key): (quality, notes) for name, key, quality, notes in table.select(columns).rows()}


def bills(*months: str) -> list[dict[str, Any]]:
    return [bill("ACC_1", f"{month}-15", 100.0 + number) for number, month in enumerate(months)]


@pytest.mark.parametrize(
    ("months", "mrr", "movement"),
    [
        (("2023-12", "2024-01", "2024-02"), "billed", "billed"),
        (("2023-12", "2024-01"), "carried_forward", "carried_forward"),  # February is carried forward
        (("2023-12", "2024-02"), "billed", "carried_forward"),  # January was
    ],
)
def test_a_movement_rests_on_both_its_months_and_mrr_on_its_own(
    months: tuple[str, ...], mrr: str, movement: str
) -> None:
    found = noted("2024-02", revenue=bills(*months), account_status_changes=[ACTIVE])

    for key in ("ACC_1", "company"):
        assert mrr == found["M-01", key][0]
        assert movement == found["M-02.net_new", key][0]


def test_an_imputed_step_is_a_footnote_of_the_movement_that_it_explains() -> None:
    known = {"revenue": [*bills("2023-12", "2024-01"), bill("ACC_2", "2024-01-15", 100.0)]}
    began = change("ACC_2", "2024-01-05", None, "Trial")
    jump, step = change("ACC_2", "2024-01-10", "Active", "Past Due"), change("ACC_2", "2024-01-10", "Trial", "Active")
    # ACC_3 has an imputed step too, and no movement.
    other = [change("ACC_3", "2024-01-05", None, "Lead"), change("ACC_3", "2024-01-20", "Trial", "Expired")]

    imputed = noted("2024-01", **known, account_status_changes=[ACTIVE, began, jump])
    plain = noted("2024-01", **known, account_status_changes=[ACTIVE, began, step, *other])

    assert "imputed_step" == imputed["M-50", "company"][1]
    assert "" == plain["M-50", "company"][1]
