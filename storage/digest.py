"""What the lake tells of a hand-over. Source: `operations.md` I-8."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from compute.company import Company
from compute.digest import DigestFacts
from compute.sla import scoreboard
from storage.facts import gather_facts
from storage.lake import Lake
from storage.quarantine import all_cases


def digest_facts(lake: Lake, company: Company, now: datetime, span: timedelta) -> DigestFacts:
    """Return what is handed over at an instant; nothing waits for a restatement while no month is certified."""
    facts = gather_facts(lake, company, now)
    broken = [row for row in scoreboard(facts) if row["verdict"] == "breached"]
    return DigestFacts(
        now=now,
        span=span,
        company=company,
        incidents=facts.incidents,
        held=_held(lake),
        drafts=facts.drafts,
        broken=[(str(row["sla"]), str(row["name"]), str(row["measured"])) for row in broken],
    )


def _held(lake: Lake) -> Mapping[tuple[str, str], int]:
    cases = all_cases(lake).filter("is_open").group_by("dataset", "month").agg(pl.len())
    return {(dataset, month): count for dataset, month, count in cases.rows()}
