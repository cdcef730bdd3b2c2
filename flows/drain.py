"""The drain of a broker's topic into bronze: planned here, read by tasks, committed once."""

from compute.cluster import choose, is_running, run
from flows.job import Job, Stopwatch, say
from storage.catalog import BRONZE
from storage.kafka.broker import Broker
from storage.kafka.drain import commit, drain, shares_of
from storage.kafka.plan import plan_drain
from storage.landing import Landing


def drain_topic(job: Job, broker: Broker, topic: str) -> Landing:
    """Add to bronze the records between the offsets in Delta and the topic's end, with the next offsets.

    Raises:
        LakeBusy: when another run drained it meanwhile; nothing was added.
    """
    watch, plan = Stopwatch(job, BRONZE[topic].name), plan_drain(job.lake, broker, topic)
    if not plan.is_news:
        return Landing(0, 0, 0, {})
    plan.table.created()
    shares = shares_of(job.lake, broker, plan, as_of=job.as_of, now=job.started_at)
    executor, why = choose(job.executor, sum(map(len, plan.ranges)), is_running=is_running())
    files = run(executor, drain, shares)
    rows = sum(file.rows for file in files)
    commit(broker, plan, files, watch.work(rows=rows, executor=executor, tasks=len(shares)))
    say(f"{topic}: {len(shares)} tasks on {executor} ({why})", rows=rows)
    return Landing(len(files), rows, 0, {})
