"""A company that is closed month by month on a real lake: that of the clean fixture, whose months pass every gate."""

import json
import shutil
import tarfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from compute.company import parse_company
from compute.lifecycle import SIGNING, Log
from compute.months import Month
from storage.certified import PENDING_RESTATEMENT, certified_figures, read_log
from storage.closing import Drafted, drafted
from storage.snapshots import live_draft
from tests.conftest import EXAMPLES
from tests.property.lakes import Home

JAN, FEB, BOTH = "2024-01", "2024-02", "2024-01..2024-02"
ROLES = """
[roles]
finance = ["fin"]
accounts = ["acc"]
product = ["prod"]
analytics = ["ana"]
cfo = ["cfo"]
operations = ["ops"]
"""
PEOPLE = dict(zip(SIGNING, ("fin", "acc", "prod", "ana", "cfo"), strict=True))


class Company(Home):
    """A home that is closed month by month; the clock goes on by a minute an act."""

    @property
    def log(self) -> Log:
        return read_log(self.lake)

    def months(self) -> dict[str, Drafted]:
        company = parse_company((self.root / "company.toml").read_text(), source="company.toml")
        return drafted(self.lake, self.log, company, self.clock)

    def bring(self, months: str = BOTH) -> None:
        self.clock += timedelta(minutes=1)
        assert "" == self.run("aggregated", months)

    def sign(self, month: str, role: str, by: str = "") -> list[str]:
        self.clock += timedelta(minutes=1)
        seen = self.months()[month].content_hash
        told: list[str] = self.act("sign_off", month, role, by or PEOPLE[role], seen)  # type: ignore[index]
        return told

    def sign_all(self, month: str) -> None:
        for role in SIGNING:
            self.sign(month, role)

    def restate(self, month: str) -> None:
        self.clock += timedelta(minutes=1)
        self.act("restate_month", month, "finance", "fin", "CORRECTED_SOURCE", "an invoice came late")

    def states(self, month: str) -> list[tuple[str, int | None]]:
        """Return state and revision of the month's snapshots that anything was done to."""
        lives = [life for life in self.log.lives.values() if life.month == month]
        return [(life.state, life.revision) for life in sorted(lives, key=lambda life: life.snapshot_id)]

    def draft_number(self, month: str) -> int:
        live = live_draft(self.lake, Month.parse(month))
        assert live
        return live.number

    def figure(self, month: str, metric_id: str) -> Decimal:
        """Return a company figure of the revision in force."""
        life = self.log.certified(month)
        assert life
        rows = certified_figures(self.lake, life)
        of_company = (pl.col("metric_id") == metric_id) & (pl.col("grain_key") == "company")
        value: Decimal = rows.filter(of_company).get_column("value").item()
        return value

    def pending(self, month: str) -> dict[str, tuple[str, str]]:
        """Return the company figures that wait, old and new."""
        rows = self.lake.read(PENDING_RESTATEMENT, (pl.col("month") == month) & (pl.col("grain_key") == "company"))
        return {row["metric_id"]: (row["old"], row["new"]) for row in rows.iter_rows(named=True)}

    def land(self, feed: str, *records: dict[str, Any]) -> None:
        """Let records arrive in a file of the feed."""
        stamp = (self.clock + timedelta(seconds=1)).strftime("%Y%m%dT%H%M%SZ")
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (self.root / "landing" / feed / f"{feed}-{stamp}-99.ndjson").write_text(lines, encoding="utf-8")

    def spend(self, amount: float, day: int = 30) -> None:
        self.land("expenses", {
            "account_id": "ACC_111", "expense_category": "Support", "monthly_cost": amount, "cost_breakdown": {},
            "expense_date": f"2024-01-{day}",
        })  # fmt: skip


def copied(home: Company, to: Path) -> Company:
    copy = Company(to)
    shutil.copytree(home.root, to, dirs_exist_ok=True)
    copy.clock = home.clock
    return copy


def drafted_company(root: Path) -> Company:
    """Return the company in a folder, both months drafted and validated."""
    home = Company(root)
    with tarfile.open(EXAMPLES / "clean.tar.xz") as archive:
        archive.extractall(home.root / "example", filter="data")
    shutil.rmtree(home.root / "landing")
    (found,) = (home.root / "example").rglob("landing")
    for part in ("landing", "ledger.sqlite", "company.toml"):
        shutil.move(found.parent / part, home.root / part)
    with (home.root / "company.toml").open("a") as company:
        company.write(ROLES)
    home.bring()
    return home
