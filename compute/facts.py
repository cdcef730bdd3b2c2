"""The facts that service levels and checks are judged from: what the lake tells at an instant.

What nobody knows is empty or None, and reads as met nowhere. Source: `operations.md` D.1, D.2.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from compute.accuracy import SignOff
from compute.alerts import Judged
from compute.calendar import close_due
from compute.company import Company
from compute.incidents import Incident
from compute.lag import Lag
from compute.months import Month
from compute.outages import Silence
from compute.publication import Run
from compute.timings import Timing
from compute.volume import Judgement

WINDOW = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the lake tells.

    Attributes:
        now: the wall clock.
        drafts: month → when its first draft was made.
        hashes: month → content hash of its live draft.
        sign_offs: month → what was signed of it; None where nothing keeps sign-offs.
        gates: month → gate → verdict of the reconciliation.
        variances: month → net and gross variance of the reconciliation, as shares of the ledger.
        open_rows: month → dataset → rows quarantined and missing.
        incidents: the current view.
        latest_event: the greatest accepted event time of the topics, not later than now.
        refused: dataset and month → rows of refused batches.
        volumes: dataset, or dataset/partition → judgements, oldest date first.
        silences: hours without clicks that were judged, and `judged_hours` all that were.
        alerts: the readings of data quality with their verdicts.
        ray_jobs, validations, queries: how long they took.
        lag: what the last look at the broker showed; None without a broker.
        heartbeat: when the watch last evaluated.
    """

    now: datetime
    company: Company
    runs: Sequence[Run] = ()
    drafts: Mapping[str, datetime] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    sign_offs: Mapping[str, Sequence[SignOff]] | None = None
    gates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variances: Mapping[str, tuple[Fraction | float, Fraction | float]] = field(default_factory=dict)
    open_rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    incidents: Sequence[Incident] = ()
    latest_event: datetime | None = None
    refused: Mapping[tuple[str, str], int] = field(default_factory=dict)
    volumes: Mapping[str, Sequence[Judgement]] = field(default_factory=dict)
    silences: Sequence[Silence] = ()
    judged_hours: frozenset[datetime] = frozenset()
    alerts: Sequence[Judged] = ()
    ray_jobs: Sequence[Timing] = ()
    validations: Sequence[Timing] = ()
    queries: Sequence[Timing] = ()
    lag: Lag | None = None
    heartbeat: datetime | None = None

    @property
    def processing(self) -> list[Timing]:
        """How long each run took, by flow (L-20)."""
        return [
            Timing(run.flow, run.finished_at, (run.finished_at - run.started_at).total_seconds()) for run in self.runs
        ]

    @property
    def silence(self) -> timedelta:
        """How long the watch may be silent: two of its intervals."""
        return 2 * timedelta(minutes=self.company.sla.watch_minutes)

    def due(self, month: str) -> datetime:
        """Return when the draft of a month is due."""
        return close_due(Month.parse(month), self.company.close.draft_due, self.company.calendar.holidays)

    def closing(self) -> list[tuple[Month, datetime, datetime | None]]:
        """Return the months whose draft was due since the first run, or is next: month, due, when it was made."""
        first = min((run.started_at for run in self.runs if run.finished_at <= self.now), default=None)
        if first is None:
            return []
        months = Month.of(first.date()).plus(-1).until(Month.of(self.now.date()))
        dues = ((month, self.due(str(month))) for month in months)
        return [(month, due, self.drafts.get(str(month))) for month, due in dues if due >= first]
