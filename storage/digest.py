"""What the lake tells of a hand-over. Source: `operations.md` I-8."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from compute.company import Company
from compute.digest import DigestFacts
from compute.sla import scoreboard
from storage.certified import PENDING_RESTATEMENT
from storage.facts import gather_facts
from storage.lake import Lake
from storage.quarantine import all_cases


def digest_facts(lake: Lake, company: Company, now: datetime, span: timedelta) -> DigestFacts:
    """Return what is handed over at an instant."""
    facts = gather_facts(lake, company, now)
    broken = [row for row in scoreboard(facts) if row["verdict"] == "breached"]
    return DigestFacts(
        now=now,
        span=span,
        company=company,
        incidents=facts.incidents,
        held=_held(lake),
        pending=_pending(lake),
        drafts=facts.drafts,
        certified=facts.certified,
        broken=[(str(row["sla"]), str(row["name"]), str(row["measured"])) for row in broken],
    )


def _pending(lake: Lake) -> Mapping[str, int]:
    """Return by certified month how many of the company's figures wait for the next revision."""
    rows = lake.read(PENDING_RESTATEMENT, pl.col("grain") == "company_month", ["month"])
    return dict(rows.group_by("month").len().sort("month").rows())


def _held(lake: Lake) -> Mapping[tuple[str, str], int]:
    cases = all_cases(lake).filter("is_open").group_by("dataset", "month").agg(pl.len())
    return {(dataset, month): count for dataset, month, count in cases.rows()}
