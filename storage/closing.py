"""What the closing of months goes by: the newest snapshots with their gates, as the lake tells.

Source: `operations.md` C.4.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import polars as pl

from compute.closing import Drafted
from compute.company import Company
from compute.contracts.expenses import SHARED
from compute.errors import BadMonth
from compute.figures import COMPANY
from compute.gap_view import touching
from compute.gates import Evidence, Gate, gates
from compute.identities import broken_identities, mrr_quality
from compute.incidents import Incident
from compute.lateness import TO_CERTIFIED
from compute.lifecycle import Life, Log
from compute.months import Month
from compute.restatement import changed_figures, difference, waiting
from storage.catalog import (
    ALLOCATION_LEDGER,
    COMPLETENESS_ROW,
    FIGURES,
    GAP_CASE,
    LATE_EVENTS,
    RECONCILIATION_GATE,
    RECONCILIATION_ROW,
    SILVER,
    SNAPSHOT,
)
from storage.certified import PENDING_RESTATEMENT, certified_figures, kept_rows
from storage.incidents import current_incidents
from storage.lake import Lake
from storage.reconciliations import Comparison
from storage.snapshots import figures_in
from storage.watched import INCIDENT_EVENT


def drafted(lake: Lake, log: Log, company: Company, now: datetime, months: Iterable[str] = ()) -> dict[str, Drafted]:
    """Return the newest snapshot of months, of all that have one by default, each with its gates as they stand."""
    manifests = lake.read(SNAPSHOT).sort("draft").unique("month", keep="last")
    asked = set(months) or set(manifests.get_column("month"))
    evidence = Gathered(lake, log, now, asked)
    return {
        row["month"]: evidence.drafted(row, company)
        for row in manifests.sort("month").iter_rows(named=True) if row["month"] in asked
    }  # fmt: skip


def require_drafted(months: Mapping[str, Drafted], month: str) -> Drafted:
    """Return the newest snapshot of a month.

    Raises:
        BadMonth: when the month has none.
    """
    if month not in months:
        raise BadMonth(f"{month} has no draft yet: make one with `techflow run {month}`.")
    return months[month]


class Gathered:
    """The evidence of all months, read once."""

    def __init__(self, lake: Lake, log: Log, now: datetime, months: Collection[str]) -> None:
        self._lake, self._log, self._now, self._months = lake, log, now, months
        self._comparison = Comparison.read(lake, months)
        self._completeness = lake.read(COMPLETENESS_ROW).sort("dataset")
        self._cases = lake.read(GAP_CASE)
        self._incidents = list(current_incidents(lake.open(INCIDENT_EVENT)).values())

    def drafted(self, row: Mapping[str, Any], company: Company) -> Drafted:
        """Return a snapshot, SNAPSHOT row, with its gates."""
        month, manifest = row["month"], json.loads(row["manifest"])
        life = self._log.certified(month)
        is_open = life is not None and life.snapshot_id != row["snapshot_id"]
        return Drafted(
            month=month,
            snapshot_id=row["snapshot_id"],
            content_hash=row["content_hash"],
            authors=_authors(row),
            gates=self.gates(month, manifest["checks"], company),
            difference=self._difference(life, row["snapshot_id"]) if life and is_open else (),
            waiting=self._waiting(life) if life and not is_open else "",
        )

    def gates(self, month: str, checks: Mapping[str, Any], company: Company) -> tuple[Gate, ...]:
        """Return the gates of a month, judged."""
        of_month = pl.col("month") == month
        compared = self._comparison.gates(month, company, self._now).select("gate", "verdict", "evidence")
        given = Evidence(
            month=month,
            broken=checks["identities"],
            mrr_quality=checks["mrr_quality"],
            completeness=self._completeness.filter(of_month).to_dicts(),
            reconciliation={name: (verdict, told) for name, verdict, told in compared.rows()},
            cases=_cases(self._cases, Month.parse(month)),
            incidents=_blocking(self._incidents, month),
            waivers=self._log.waivers(month, self._now),
        )
        return gates(given, company.owners)

    def _difference(self, life: Life, snapshot_id: str) -> list[dict[str, str]]:
        return difference(changed_figures(certified_figures(self._lake, life), figures_in(self._lake, snapshot_id)))

    def _waiting(self, life: Life) -> str:
        of_life = (pl.col("month") == life.month) & (pl.col("revision") == life.revision)
        return waiting(self._pending.filter(of_life))

    @cached_property
    def _pending(self) -> pl.DataFrame:
        return self._lake.read(PENDING_RESTATEMENT, pl.col("month").is_in(sorted(self._months)))


def authors_of(lake: Lake, snapshot_id: str) -> frozenset[str]:
    """Return who started the run of a snapshot, and who wrote its code (S-12)."""
    return _authors(lake.read(SNAPSHOT, pl.col("snapshot_id") == snapshot_id).row(0, named=True))


def _authors(row: Mapping[str, Any]) -> frozenset[str]:
    return frozenset({row["created_by"], *json.loads(row["manifest"])["code_authors"]})


def _cases(cases: pl.DataFrame, month: Month) -> list[str]:
    """Return the gap cases that touch a month, a short name each."""
    named = touching(cases, month).select(
        pl.concat_str("account_id", "kind", "event_date", separator=" ").alias("case")
    )
    return named.get_column("case").sort().to_list()


def _blocking(incidents: Iterable[Incident], month: str) -> dict[str, str]:
    """Return what blocks the month; that its revision is due does not block the revision (D.3)."""
    blocking = (each for each in incidents if month in each.blocks and each.problem.check_id != "S-5")
    return {each.incident_id: each.problem.title for each in blocking}


def checks_of(lake: Lake, month: Month, figures: pl.LazyFrame) -> dict[str, Any]:
    """Return what is checked of a month's figures when they are merged, as JSON values; a manifest keeps it (S-2).

    Args:
        lake: where the month before and the sources are.
        month: the period.
        figures: FIGURE rows of the month.
    """
    of_month = pl.col("month") == str(month)
    is_before = (pl.col("month") == str(month.plus(-1))) & (pl.col("grain_key") == COMPANY)
    before = [lake.read(dataset, is_before, ["metric_id", "value"]) for dataset in FIGURES.values()]
    salaries = lake.read(SILVER["salaries"], of_month, ["monthly_salary_total"])
    shared = lake.read(SILVER["expenses"], of_month & (pl.col("account_id") == SHARED), ["monthly_cost"])
    return {
        "identities": broken_identities(
            figures,
            dict(pl.concat(before).rows()),
            allocated=_total(lake.read(ALLOCATION_LEDGER, of_month, ["amount"])),
            to_allocate=_total(salaries) + _total(shared),
        ),
        "mrr_quality": mrr_quality(figures),
    }


def _total(amounts: pl.DataFrame) -> Decimal:
    total: Any = amounts.to_series().sum()
    return Decimal(total)


def has_late_events(lake: Lake, month: Month, life: Life) -> bool:
    """Tell whether late events of a certified month have come since a revision was certified (C.1)."""
    place, is_late = ["dataset", "partition", "offset"], pl.col("class") == TO_CERTIFIED
    late = lake.read(LATE_EVENTS, (pl.col("month") == str(month)) & is_late, place)
    return late.join(kept_rows(lake, life, LATE_EVENTS), on=place, how="anti").height > 0


def flipped_gates(lake: Lake, month: Month, life: Life) -> dict[str, tuple[str, str]]:
    """Return the reconciliation gates whose verdict another ledger has changed since a revision: gate → then, now.

    A verdict that changed by time alone, as when an explanation lapsed, is none of them (S-4).
    """
    assert life.certified is not None
    pins = ("account_id", "ledger_version", "ledger_sha256")
    of_month = pl.col("month") == str(month)
    before, after = (
        rows.select(pins).drop_nulls("ledger_sha256").sort(pins)
        for rows in (kept_rows(lake, life, RECONCILIATION_ROW), lake.read(RECONCILIATION_ROW, of_month))
    )
    if before.equals(after):
        return {}
    then = {gate["name"]: gate["verdict"] for gate in json.loads(life.certified.evidence)["gates"]}
    now = dict(lake.read(RECONCILIATION_GATE, of_month).select("gate", "verdict").rows())
    return {name: (then[name], verdict) for name, verdict in now.items() if then.get(name, verdict) != verdict}
