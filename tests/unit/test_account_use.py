"""Use against money: whose licences are known, who is active, what a sum needs."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from compute.account_month import ACCOUNT_MONTH
from compute.account_use import account_use, active_accounts
from compute.allocation import ALLOCATION
from compute.figures import FIGURE


def account(name: str, **more: Any) -> dict[str, Any]:
    money = {"mrr": Decimal(10), "revenue": Decimal(10), "direct_cost": Decimal(1)}
    return {"month": "2024-01", "account_id": name, "licences": 5, **money, **more}


def figure(metric_id: str, key: str, value: str | None) -> dict[str, Any]:
    return {"metric_id": metric_id, "grain_key": key, "value": None if value is None else Decimal(value)}


def active(*figures: dict[str, Any]) -> pl.DataFrame:
    return active_accounts(pl.DataFrame(list(figures), schema=FIGURE))


def used(*accounts: dict[str, Any], figures: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    table = account_use(
        pl.DataFrame(list(accounts), schema=ACCOUNT_MONTH), active(*figures), pl.DataFrame(schema=ALLOCATION)
    )
    return {row["account_id"]: row for row in table.iter_rows(named=True)}


def test_active_users_are_there_without_a_utilisation() -> None:
    rows = active(figure("M-41.mau", "ACC_1", "3"), figure("M-41.mau", "ACC_2", "4"), figure("M-44", "ACC_1", "0.6"),
                  figure("M-40", "ACC_1", "99"))  # fmt: skip

    assert [("ACC_1", 3, Decimal("0.6")), ("ACC_2", 4, None)] == rows.sort("account_id").rows()


@pytest.mark.parametrize(
    ("mrr", "expected"), [(Decimal(0), 5), (Decimal("0.01"), None), (Decimal(1), None), (None, None)]
)
def test_unknown_licences_matter_where_there_is_mrr_u64(mrr: Decimal | None, expected: int | None) -> None:
    found = used(account("ACC_1"), account("ACC_2", licences=None, mrr=mrr), figures=[])

    assert expected == found["company"]["licences"]


def test_a_sum_needs_all_its_parts_and_nobody_active_divides_by_nothing() -> None:
    found = used(account("ACC_1"), account("ACC_2", revenue=None), figures=[figure("M-41.mau", "ACC_1", "2")])

    assert (5, None, None) == tuple(found[name]["revenue_per_active_user"] for name in ("ACC_1", "ACC_2", "company"))
    assert (None, 2) == (found["company"]["revenue"], found["company"]["cost"])
    assert [2, 0, 0] == [found[name]["active_users"] for name in ("ACC_1", "ACC_2", "company")]
