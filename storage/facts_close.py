"""What the lifecycle log tells of the service levels: who signed, what is certified, which revisions wait.

Source: `operations.md` L-13, L-15, S-1, S-5.
"""

from dataclasses import replace
from typing import Any

from compute.accuracy import SignOff
from compute.facts import Facts
from compute.lifecycle import as_reported
from storage.catalog import SNAPSHOT
from storage.certified import read_log, tampered
from storage.lake import Lake


def facts_of_close(lake: Lake) -> dict[str, Any]:
    """Return the fields of Facts that the log tells."""
    log, signed = read_log(lake), dict[str, list[SignOff]]()
    for each in log.lives.values():
        signed.setdefault(each.month, []).extend(
            SignOff(role, act.content_hash) for role, act in each.signatures.items()
        )
    first = {month: life.certified.at for month in log.months() if (life := as_reported(log, month)) and life.certified}
    newest = lake.read(SNAPSHOT, columns=["month", "draft", "content_hash", "created_at"]).sort("draft")
    waiting = {
        row["month"]: row["created_at"]
        for row in newest.unique("month", keep="last").sort("month").iter_rows(named=True)
        if (life := log.certified(row["month"])) and life.certified
        and life.certified.content_hash != row["content_hash"]
    }  # fmt: skip
    return {"sign_offs": signed, "certified": first, "revisions_due": waiting}


def with_tampering(lake: Lake, facts: Facts) -> Facts:
    """Return facts with the certified snapshots that do not have their hash; looked at once a day (S-1)."""
    if facts.heartbeat is not None and facts.heartbeat.date() == facts.now.date():
        return facts
    return replace(facts, tampered=tampered(lake, read_log(lake)))
