"""How long work took, read back from the commits that it ended with. Source: `operations.md` L-23, L-26."""

import json
from datetime import UTC, datetime
from typing import Any

from compute.contracts.feeds import GROWTH_FEEDS
from compute.timings import Timing
from compute.validation import Commit
from compute.validation import validations as waited
from storage.catalog import ACCOUNT_MONTH_TABLE, BRONZE, JUDGED, USER_DAY_TABLE
from storage.lake import Lake
from storage.runs import runs_of_table


def ray_jobs(lake: Lake) -> list[Timing]:
    """Return how long each Ray job took, from its submission to its commit, by the table that it made."""
    done = [run for each in (ACCOUNT_MONTH_TABLE, USER_DAY_TABLE) for run in runs_of_table(lake, each)]
    return [
        Timing(run["dataset"], datetime.fromisoformat(run["finished_at"]), run["seconds"])
        for run in done
        if run["executor"] == "ray"
    ]


def validations(lake: Lake, since: datetime, now: datetime) -> list[Timing]:
    """Return how long each batch of growth rows that landed between two instants waited for its verdict."""
    found: list[Timing] = []
    for feed in GROWTH_FEEDS:
        bronze, judged = BRONZE[feed.dataset], JUDGED[feed.dataset]
        landed = [
            Commit(commit["version"], _committed(commit))
            for commit in lake.open(bronze).history()
            if json.loads(commit.get("techflow.rows", "0")) and since <= _committed(commit) <= now
        ]
        verdicts = [
            Commit(json.loads(commit["techflow.inputs"]).get(bronze.name, -1), _committed(commit))
            for commit in reversed(lake.open(judged).history())
            if "techflow.inputs" in commit and _committed(commit) <= now
        ]
        found += waited(feed.dataset, landed, verdicts, now)
    return found


def _committed(commit: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(commit["timestamp"] / 1000, UTC)
