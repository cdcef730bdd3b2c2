"""The drain of a broker's topic into bronze: planned here, read by tasks, committed once."""

from functools import partial

from compute.cluster import run
from flows.job import Job, Stopwatch, say, warn
from flows.place import place
from storage.catalog import BRONZE
from storage.kafka.broker import Broker
from storage.kafka.drain import land_topic_of
from storage.kafka.plan import plan_drain
from storage.landing import Landing
from storage.work import Work


def drain_topic(job: Job, broker: Broker, topic: str) -> Landing:
    """Add to bronze the records between the offsets in Delta and the topic's end, with the next offsets.

    Raises:
        LakeBusy: when another run drained it meanwhile; nothing was added.
    """
    watch, plan = Stopwatch(job, BRONZE[topic].name), plan_drain(job.lake, broker, topic)
    records = sum(map(len, plan.ranges))
    executor, why = place(job, records)

    def work(rows: int, tasks: int) -> Work:
        say(f"{topic}: {tasks} tasks on {executor} ({why})", rows=rows)
        return watch.work(rows=rows, executor=executor, tasks=tasks)

    on = partial(run, executor, on_lost=lambda fact: warn(f"{topic}: {fact}"))
    return land_topic_of(broker, plan, on, lake=job.lake, as_of=job.as_of, now=job.started_at, work=work)
