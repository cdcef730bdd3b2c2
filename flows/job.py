"""A job: what one flow run knows from its start, and how it tells what it does."""

import getpass
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from prefect import get_run_logger
from pydantic import SecretStr

from compute.cluster import Executor
from compute.company import Company
from compute.errors import TransientError
from compute.months import Month, parse_months, spelt_out
from flows.settings import Settings, load_company, load_pseudonym_key, load_settings, parse_instant
from storage.lake import Lake
from storage.work import Work

if TYPE_CHECKING:  # the client of a broker would slow the start of runs that have none
    from storage.kafka.broker import Broker


@dataclass(frozen=True, slots=True)
class Job:
    """What a flow run works with. The clock is read once, at its start.

    Attributes:
        as_of: `--as-of`, or the start of the run.
        is_as_of_given: the as-of was asked for; only then may it decide a figure (M-16).
        is_rebuild: silver and gold are computed anew from bronze.
        broker: where the topics are; without one, in the file event log.
        ray_address: where heavy work runs; without one, on a Ray of this process.
        is_lake_shared: the lake's folder is mounted on every node of the cluster.
    """

    flow: str
    company: Company
    lake_root: str
    landing: str
    ledger: SecretStr
    pseudonym_key: SecretStr
    executor: Executor
    started_at: datetime
    as_of: datetime
    is_as_of_given: bool
    is_rebuild: bool = False
    broker: "Broker | None" = None
    ray_address: str = ""
    is_lake_shared: bool = False

    @property
    def lake(self) -> Lake:
        """The lake of this job."""
        return Lake(self.lake_root)

    @property
    def rules(self) -> str:
        """What every figure depends on beside its records: the company file and the rules' version."""
        return f"{self.company.fingerprint()} {self.code_version}"

    @property
    def code_version(self) -> str:
        """The version of the code that runs."""
        return version("techflow-pipelines")

    @property
    def run_by(self) -> str:
        """Who started the run."""
        return getpass.getuser()


def start(flow: str, as_of: str | None = None, *, is_rebuild: bool = False) -> Job:
    """Read settings, company file and clock.

    Raises:
        BadSetting: when one of them is wrong.
        LakeUnwritable: when the lake cannot be written.
        LakeFormat: when another program's tables are in it.
    """
    settings = load_settings()
    now = datetime.now(UTC)
    job = Job(
        flow=flow,
        company=load_company(settings),
        lake_root=settings.lake_place,
        landing=settings.landing_place,
        ledger=settings.ledger_place,
        pseudonym_key=load_pseudonym_key(settings),
        executor=settings.executor,
        started_at=now,
        as_of=parse_instant(as_of) if as_of else now,
        is_as_of_given=as_of is not None,
        is_rebuild=is_rebuild,
        broker=_broker(settings),
        ray_address=settings.ray_address,
        is_lake_shared=settings.lake_shared,
    )
    job.lake.require_writable()
    return job


def _broker(settings: Settings) -> "Broker | None":
    if not settings.kafka:
        return None
    from storage.kafka.broker import Broker  # noqa: PLC0415

    return Broker(settings.kafka, settings.kafka_security)


def asked_months(job: Job, text: str) -> tuple[Month, ...]:
    """Read the months that a run is asked for; `last` and `this` are those of the as-of.

    Raises:
        BadMonth: when it is neither a month nor a range.
    """
    return parse_months(spelt_out(text, job.as_of.date()))


class Stopwatch:
    """Measures one unit of work and describes it for the commit."""

    def __init__(self, job: Job, dataset: str, months: tuple[Month, ...] = ()) -> None:
        self._job, self._dataset, self._months = job, dataset, months
        self._begin = time.perf_counter()

    def work(
        self,
        *,
        rows: int,
        executor: str = "inline",
        tasks: int = 0,
        inputs: Mapping[str, int] | None = None,
        dataset: str = "",
    ) -> Work:
        """Return what is recorded with the commit, as of now; of one work on several tables, the table too."""
        return Work(
            flow=self._job.flow,
            dataset=dataset or self._dataset,
            months=month_span(self._months),
            executor=executor,
            tasks=tasks,
            rows=rows,
            seconds=round(time.perf_counter() - self._begin, 3),
            finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
            code_version=self._job.code_version,
            inputs=inputs or {},
        )


def month_span(months: tuple[Month, ...]) -> str:
    """Return months as people write them: one, or first..last.

    >>> month_span((Month(2024, 1), Month(2024, 2)))
    '2024-01..2024-02'
    """
    if not months:
        return ""
    return str(months[0]) if len(months) == 1 else f"{months[0]}..{months[-1]}"


def say(message: str, **facts: object) -> None:
    """Log one line of the run: what was done, then facts as key=value."""
    tail = " ".join(f"{name}={value}" for name, value in facts.items())
    get_run_logger().info(f"{message}  {tail}".rstrip(), extra={"is_progress": True})


def warn(message: str) -> None:
    """Log what went wrong and was mended."""
    get_run_logger().warning(message, extra={"is_progress": True})


def is_transient(_task: object, _run: object, state: Any) -> bool:
    """Tell Prefect whether to try a failed task again: only when the world may have changed."""
    try:
        state.result()
    except TransientError:
        return True
    except BaseException:
        return False
    return False


RETRY: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": [1, 5, 20],
    "retry_jitter_factor": 0.5,  # two runs that met on one table do not meet again at the next try
    "retry_condition_fn": is_transient,
}
