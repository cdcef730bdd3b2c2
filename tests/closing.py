"""A close without a lake: drafts whose gates are said, people of every role, a log that grows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from compute.closing import Drafted, Person, judge, sign, waiting_for
from compute.company_promises import Role, Roles
from compute.gates import Gate
from compute.lifecycle import SIGNING, Log

NOON = datetime(2024, 2, 5, 12, tzinfo=UTC)
ROLES = Roles(
    finance=("fin", "fin.two"), accounts=("acc",), product=("prod",), analytics=("ana",), cfo=("cfo",),
    operations=("ops",),
)  # fmt: skip
PEOPLE: Mapping[Role, str] = {
    "finance": "fin", "accounts": "acc", "product": "prod", "analytics": "ana", "cfo": "cfo",
}  # fmt: skip
PASSES = (Gate("completeness", "pass", "all there", ()), Gate("RC-2", "pass", "within", ()))
FAILS = (PASSES[0], Gate("RC-2", "FAIL", "not within", ("finance",), "techflow reconcile"))


def draft(month: str = "2024-01", number: int = 1, **more: Any) -> Drafted:
    """Return a draft whose hash tells its month and number."""
    digest = f"{month.replace('-', '')}{number:02d}".ljust(64, "0")
    return Drafted(month, f"{month}-d{number}", digest, frozenset({"runner"}), more.pop("gates", PASSES), **more)


class Close:
    """A log, the newest drafts of its months, and a clock that goes on by a minute an act."""

    def __init__(self, *drafts: Drafted) -> None:
        self.log, self.now, self.months = Log(), NOON, dict[str, Drafted]()
        for each in drafts:
            self.bring(each)

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def bring(self, new: Drafted) -> None:
        """Take a draft as its month's newest, and judge it."""
        self.months[new.month] = new
        self.log = judge(self.log, new, self.tick())

    def gates(self, month: str, gates: tuple[Gate, ...]) -> None:
        """Let the gates of a month's newest draft say something else."""
        self.bring(replace(self.months[month], gates=gates))

    def sign(self, month: str, role: Role, by: str = "", seen: str = "") -> None:
        person = Person(by or PEOPLE[role], role, self.tick())
        self.log = sign(
            self.log, self.months, month, person, seen=seen or self.months[month].content_hash, roles=ROLES,
            kept={name: {"snapshot/figure": f"{name}-kept"} for name in self.months},
        )  # fmt: skip

    def sign_all(self, month: str) -> None:
        for role in SIGNING:
            self.sign(month, role)

    def state(self, month: str, number: int = 1) -> str:
        return self.log.life(month, f"{month}-d{number}").state

    def waits(self, month: str) -> list[str]:
        return waiting_for(self.log, self.months, month)
