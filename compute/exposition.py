"""The figures that a monitoring system reads, as OpenMetrics text: base units, ratios from 0 to 1, no account.

What nobody knows has no sample; a missing sample never reads as well. Source: `operations.md` D.4.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from compute.due import IncidentClass

Sample = tuple[Sequence[str], float]
_UNITS = ("seconds", "ratio")


@dataclass(frozen=True, slots=True)
class Gauges:
    """What stands at an instant.

    Attributes:
        heartbeat: when the watch last evaluated.
        interval_seconds: how often it is to.
        freshness: pipeline → seconds since the end of the oldest day, week or month that could be out and is not.
        lag: topic and partition → age of the oldest unread record in seconds; of those that are known.
        rows: dataset and disposition → rows.
        run_seconds: pipeline → how long its last run took.
        variance: net and gross variance of the latest month whose draft is due, as shares of the ledger; infinite
            where it has nothing.
        completeness: dataset and month → share that is accepted.
        incidents: class → how many wait for a resolution.
    """

    heartbeat: datetime | None = None
    interval_seconds: int = 0
    freshness: Mapping[str, float] = field(default_factory=dict)
    lag: Mapping[tuple[str, int], float] = field(default_factory=dict)
    rows: Mapping[tuple[str, str], int] = field(default_factory=dict)
    run_seconds: Mapping[str, float] = field(default_factory=dict)
    variance: Mapping[str, Fraction | float] = field(default_factory=dict)
    completeness: Mapping[tuple[str, str], Fraction] = field(default_factory=dict)
    incidents: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Family:
    """A metric.

    Attributes:
        name: as D.4 has it.
        labels: the names of its labels.
        samples: of the gauges, the values of its labels and the value.
    """

    name: str
    meaning: str
    labels: tuple[str, ...]
    samples: Callable[[Gauges], Iterable[Sample]]


def _by_name(values: Mapping[str, float]) -> list[Sample]:
    return [((name,), value) for name, value in sorted(values.items())]


FAMILIES: tuple[Family, ...] = (
    Family("techflow_watch_heartbeat_timestamp_seconds", "When the watch last evaluated, seconds since 1970.", (),
           lambda of: [((), of.heartbeat.timestamp())] if of.heartbeat else []),
    Family("techflow_watch_interval_seconds", "How often the watch is to evaluate.", (),
           lambda of: [((), float(of.interval_seconds))]),
    Family("techflow_freshness_seconds", "Age of the oldest ended day, week or month that is not out yet; 0 if none.",
           ("pipeline",), lambda of: _by_name(of.freshness)),
    Family("techflow_kafka_lag_seconds", "Age of the oldest unread record of a partition; 0 when caught up.",
           ("topic", "partition"),
           lambda of: [((topic, str(each)), age) for (topic, each), age in sorted(of.lag.items())]),
    Family("techflow_rows_total", "Rows received, by what became of them; a released row moves to another disposition.",
           ("dataset", "disposition"), lambda of: [(key, float(count)) for key, count in sorted(of.rows.items())]),
    Family("techflow_run_duration_seconds", "How long the last run of a pipeline that ended well took.",
           ("pipeline",), lambda of: _by_name(of.run_seconds)),
    Family("techflow_reconciliation_variance_ratio", "Billed revenue against the ledger, latest month with draft due.",
           ("kind",), lambda of: [((kind,), float(share)) for kind, share in sorted(of.variance.items())]),
    Family("techflow_completeness_ratio", "Accepted of accepted, quarantined and missing rows of a month.",
           ("dataset", "period"), lambda of: [(key, float(share)) for key, share in sorted(of.completeness.items())]),
    Family("techflow_incidents_open", "Incidents that wait for a resolution.", ("class",),
           lambda of: [((kind,), float(of.incidents.get(kind, 0))) for kind in get_args(IncidentClass)]),
)  # fmt: skip


class Exposition(Collector):
    """The families, with what is read at each scrape."""

    def __init__(self, read: Callable[[], Gauges]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        """Return the families with their samples."""
        gauges = self._read()
        for family in FAMILIES:
            make = CounterMetricFamily if family.name.endswith("_total") else GaugeMetricFamily
            unit = next((each for each in _UNITS if family.name.endswith(f"_{each}")), "")
            metric = make(family.name, family.meaning, labels=family.labels, unit=unit)
            for labels, value in family.samples(gauges):
                metric.add_metric(labels, value)
            yield metric


def exposition(gauges: Gauges) -> str:
    """Return the OpenMetrics text, which readers of the older Prometheus text understand too."""
    text: bytes = generate_latest(Exposition(lambda: gauges))  # type: ignore[no-untyped-call]
    return text.decode()
