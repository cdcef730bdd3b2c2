"""The checks of the watch, as a table: how severe a failure is, what it may be a mere consequence of, where it is told.

Source: `operations.md` D.3, "Class"; I-4.
"""

from collections.abc import Mapping
from dataclasses import dataclass

SAME = "="  # as the dataset of a cause: the dataset that fails; of the same check, an earlier scope


@dataclass(frozen=True, slots=True)
class Check:
    """What is known of a check before it runs.

    Attributes:
        severity: 1 to 4, before the class decides.
        causes: check and dataset of problems that explain a failure of this one while they are open.
        heading: where `docs/runbook.md` says what to do.
    """

    check_id: str
    severity: int
    heading: str
    causes: tuple[tuple[str, str], ...] = ()


VOLUME_CHECKS = ("L-21-zero", "L-21")

_PUBLICATION = (("L-10", "profit"), ("L-11", "growth"), ("L-12", "engagement"))

CHECKS: Mapping[str, Check] = {
    check.check_id: check
    for check in (
        Check("watch", 1, "the-watch-was-silent"),
        Check("refused-batch", 1, "a-refused-batch"),
        # A day without rows after another one is the same silence.
        Check("L-21-zero", 1, "volume", (("L-21-zero", SAME),)),
        Check("L-21", 3, "volume"),
        Check("L-6", 3, "stale-engagement", (("L-21-zero", "click_events"),)),
        Check("L-10", 3, "late-publication"),
        Check("L-11", 3, "late-publication"),
        Check("L-12", 3, "late-publication"),
        Check("L-12-mature", 3, "late-publication", (("L-12", "engagement"),)),
        Check("L-24", 3, "late-publication", (("L-12", "engagement"),)),
        Check("L-13", 3, "late-publication", _PUBLICATION),
        Check("RC-2", 1, "reconciliation-fails", (("refused-batch", "revenue"),)),
        # Who fails net fails gross too.
        Check("RC-3", 1, "reconciliation-fails", (("refused-batch", "revenue"), ("RC-2", "reconciliation"))),
    )
}  # fmt: skip
