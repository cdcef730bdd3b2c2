"""Clicks with one in a hundred late, one in a hundred twice, one in a thousand no record: counts that are known."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.integration.broker import Sent

START, HOUR = 1_704_067_200_000, 3_600_000  # 2024-01-01T00:00Z


def click(number: int, at: int, users: int = 50) -> bytes:
    """Return a page view at a time, in milliseconds; a session is thirty of them in a row."""
    instant = datetime.fromtimestamp(at / 1000, UTC).isoformat().replace("+00:00", "Z")
    record = {"user_id": f"USER_{number % users}", "account_id": "ACC_001", "event_type": "page_view",
              "session_id": f"S{number // 30}", "timestamp": instant, "page_url": f"/page/{number}"}  # fmt: skip
    return json.dumps(record).encode()


def mixture(clicks: int, milliseconds: int, partitions: int = 2) -> Iterator[Sent]:
    """Yield so many clicks, one each so many milliseconds from 2024-01-01 on, with their faults."""
    for number in range(clicks):
        at, place = START + number * milliseconds, number % partitions
        is_late = number % 100 == 7
        yield Sent(click(number, at), place, at + (49 * HOUR if is_late else 1_000))
        if number % 100 == 11:  # the second time in the other partition
            yield Sent(click(number, at), (number + 1) % partitions, at + 2_000)
        if number % 1_000 == 13:
            yield Sent(b'{"user_id": "cut off', place, at)


def counted(clicks: int) -> dict[str, int]:
    """Return how many of a mixture come out as what."""
    return {"accepted": clicks, "duplicate": clicks // 100, "rejected": clicks // 1_000}
