"""What the watch sees of the broker: how far every partition is read, or why nobody answers. Source: L-25."""

from datetime import datetime, timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from compute.contracts.feeds import ENGAGEMENT_FEEDS
from compute.lag import Lag, PartitionLag
from flows.job import RETRY, Job, Stopwatch, say
from storage.kafka.broker import Broker
from storage.kafka.errors import BrokerAway, BrokerSilent, NoTopic
from storage.kafka.lag import lag_of
from storage.lag import keep_lag
from storage.watched import LAG


@task(task_run_name="look at the broker", cache_policy=NO_CACHE, **RETRY)
def keep_what_is_seen(job: Job, broker: Broker, now: datetime) -> None:
    """Keep what the broker shows; one that does not answer is what the watch has to tell, not its own failure."""
    watch = Stopwatch(job, LAG.name)
    lag = look(job, broker, now)
    keep_lag(job.lake, lag, watch.work(rows=len(lag.partitions)))
    say("kafka", partitions=len(lag.partitions), problem=lag.problem or "none")


def look(job: Job, broker: Broker, now: datetime) -> Lag:
    """Return the lag of every partition; of what answered at least, with the reason why the rest did not."""
    seen: list[PartitionLag] = []
    limit = timedelta(seconds=job.company.sla.kafka_lag_seconds)
    try:
        for contract in ENGAGEMENT_FEEDS:
            rows = lag_of(job.lake, broker, contract.dataset, now, is_exact=True, limit=limit)
            known = rows.select("topic", "partition", "unread", "state", seconds="lag_seconds")
            seen += [PartitionLag(**row) for row in known.iter_rows(named=True)]
    except (BrokerAway, BrokerSilent, NoTopic) as error:
        return Lag(now, tuple(seen), str(error))
    return Lag(now, tuple(seen))
