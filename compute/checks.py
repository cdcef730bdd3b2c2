"""The checks of the watch, as a table: how severe a failure is, what it may be a mere consequence of, where it is told.

Source: `operations.md` D.3, "Class"; I-4.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from compute.alerts import ALERTING
from compute.incidents import Problem

# As the dataset of a cause: the dataset that fails.
SAME = "="  # of the same check, an earlier scope
WITHIN = "in"  # and the cause began within the time that the failure speaks of


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
OUTAGE = "L-5"

_NO_BROKER = ("L-25-broker", "kafka")
_ENGAGEMENT = (("L-19", "engagement"), _NO_BROKER)
_PUBLICATION = (("L-10", "profit"), ("L-11", "growth"), ("L-12", "engagement"))

# A cause stands before what it explains: both may be new in one evaluation.
CHECKS: Mapping[str, Check] = {
    check.check_id: check
    for check in (
        Check("watch", 1, "the-watch-was-silent"),
        Check("L-25-broker", 3, "no-broker-answers"),
        Check("L-25-lost", 1, "records-of-a-topic-are-lost"),
        Check("L-25", 3, "kafka-lag"),
        Check("refused-batch", 1, "a-refused-batch"),
        # A missed run of engagement while nobody answers is the broker's.
        Check("L-19", 3, "a-scheduled-run-is-missing", (_NO_BROKER,)),
        Check(OUTAGE, 1, "an-outage"),
        # A day without rows after another one, or after an outage that was told while it lasted, is the same silence.
        Check("L-21-zero", 1, "volume", (("L-21-zero", SAME), (OUTAGE, WITHIN))),
        Check("L-21", 3, "volume"),
        Check("L-6", 3, "stale-engagement", (("L-21-zero", "click_events"), (OUTAGE, "click_events"), *_ENGAGEMENT)),
        Check("L-10", 3, "late-publication", (("L-19", "profit"),)),
        Check("L-11", 3, "late-publication", (("L-19", "growth"),)),
        Check("L-12", 3, "late-publication", _ENGAGEMENT),
        Check("L-12-mature", 3, "late-publication", (("L-12", "engagement"), *_ENGAGEMENT)),
        Check("L-24", 3, "late-publication", (("L-12", "engagement"), *_ENGAGEMENT)),
        Check("L-13", 3, "late-publication", (("L-19", "aggregated"), *_PUBLICATION)),
        Check("L-14", 3, "an-incomplete-month",
              (("refused-batch", SAME), ("L-12", "engagement"), ("L-12-mature", "engagement"))),
        Check("L-20", 3, "something-takes-too-long"),
        Check("L-23", 3, "something-takes-too-long"),
        Check("L-26", 3, "something-takes-too-long"),
        Check("L-27", 3, "something-takes-too-long"),
        Check("S-1", 1, "a-certified-month-was-changed"),
        Check("S-5", 2, "a-revision-is-due"),
        Check("RC-2", 1, "reconciliation-fails", (("refused-batch", "revenue"),)),
        # Who fails net fails gross too.
        Check("RC-3", 1, "reconciliation-fails", (("refused-batch", "revenue"), ("RC-2", "reconciliation"))),
        *(Check(alert.check_id, 3, "data-quality-alerts") for alert in ALERTING),
    )
}  # fmt: skip


def problem(
    check_id: str, dataset: str, scope: str, title: str, *, since: datetime, evidence: str, periods: Iterable[str] = ()
) -> Problem:
    """Return a failure of a check, as severe as the table says.

    Args:
        check_id: the check.
        dataset: dataset or pipeline.
        scope: what of it.
        title: one sentence.
        since: when it began, as far as is known.
        evidence: the numbers.
        periods: months affected.
    """
    return Problem(check_id, dataset, scope, title, CHECKS[check_id].severity, tuple(periods), since, evidence)
