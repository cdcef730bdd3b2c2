"""Releasing quarantined rows: a flow, so that what was decided has a history."""

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel, SecretStr

from flows.job import RETRY, Job, Stopwatch, say, start
from storage.catalog import RELEASES
from storage.quarantine import Decision, release


class CaseDecision(BaseModel):
    """A decision as the flow takes it.

    Prefect keeps the parameters of a run. A new record may hold personal values, so it is a secret there: the lake
    alone keeps it (A.11).
    """

    case_id: str
    verdict: str
    why: str
    payload: SecretStr | None = None

    @classmethod
    def of(cls, decision: Decision) -> "CaseDecision":
        """Return a decision with its new record hidden."""
        payload = None if decision.payload is None else SecretStr(decision.payload.decode("utf-8", "surrogateescape"))
        return cls(case_id=decision.case_id, verdict=decision.verdict, why=decision.why, payload=payload)

    def decision(self) -> Decision:
        """Return it with its new record."""
        payload = self.payload.get_secret_value().encode("utf-8", "surrogateescape") if self.payload else None
        return Decision(self.case_id, self.verdict, self.why, payload)


@flow(name="release", flow_run_name="release by {by}")
def release_cases(decisions: list[CaseDecision], by: str) -> tuple[str, ...]:
    """Release quarantined rows, all or none of them; the next run brings the figures up to date.

    Args:
        decisions: what is decided, a case each.
        by: who decides.

    Returns:
        The months of the cases.
    """
    return append_releases(start("release"), decisions, by)


@task(task_run_name="append releases", cache_policy=NO_CACHE, **RETRY)
def append_releases(job: Job, decisions: list[CaseDecision], by: str) -> tuple[str, ...]:
    """Add the releases in one commit; returns the months of the cases."""
    watch = Stopwatch(job, RELEASES.name)
    decided = [each.decision() for each in decisions]
    months = release(job.lake, decided, by=by, at=job.started_at, work=watch.work(rows=0))
    say(f"{len(decided)} cases released by {by}")
    return months
