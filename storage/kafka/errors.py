"""What a topic of a broker can be found to be, and what to do about it."""

from collections.abc import Mapping

from compute.errors import PermanentError, TransientError


class BrokerAway(TransientError):
    """Nobody answers, or the one who does will not let us in; nothing was read."""

    def __init__(self, *, servers: str, reason: str) -> None:
        super().__init__(
            f"No Kafka broker lets us in at {servers} ({reason}): start it, or correct KAFKA_BOOTSTRAP_SERVERS."
        )


class BrokerSilent(TransientError):
    """The broker stopped answering while a topic was read; nothing was committed."""

    def __init__(self, *, topic: str, reason: str) -> None:
        super().__init__(f"The broker stopped answering while {topic} was read ({reason}): run again, nothing is lost.")


class TopicChanged(TransientError):
    """A topic changed between the plan and the end of its reading; nothing was committed."""

    def __init__(self, *, topic: str) -> None:
        super().__init__(f"{topic} was cut or made anew while it was read: run again to see what is there now.")


class NoTopic(PermanentError):
    """A topic that is not there, or that we may not see; nothing is ever made by asking."""

    def __init__(self, *, topic: str, servers: str) -> None:
        super().__init__(
            f"There is no topic {topic} at {servers} that we may read: create it, "
            "or grant READ on it and on the group techflow."
        )


class TopicRecreated(PermanentError):
    """A topic of the same name that is another one: its offsets begin anew."""

    def __init__(self, *, topic: str) -> None:
        super().__init__(
            f"{topic} was deleted and made anew since it was last read, and what was then unread is gone: "
            f"`techflow offsets accept {topic}` reads the new one from its beginning."
        )


class RecordsLost(PermanentError):
    """Records that nobody read are gone from the topic."""

    def __init__(self, *, topic: str, lost: str) -> None:
        super().__init__(
            f"{topic} no longer holds records that were never read ({lost}): have them sent again, "
            f"then `techflow offsets accept {topic}` goes on with the oldest that are there."
        )


class OffsetPastEnd(PermanentError):
    """The topic is shorter than what was read of it."""

    def __init__(self, *, topic: str, past: str) -> None:
        super().__init__(
            f"{topic} is shorter than what was read of it ({past}): `techflow offsets accept {topic}` goes on at its "
            f"end, `techflow offsets set {topic} PARTITION OFFSET` at the offset from which its records are new."
        )


class RecordUnreadable(PermanentError):
    """Records whose bytes the broker keeps and nobody can read; those before them can be.

    Attributes:
        stops: the offset before which everything was read, by partition.
    """

    def __init__(self, *, topic: str, stops: Mapping[int, int], reason: str) -> None:
        self.stops = stops
        places = ", or ".join(f"partition {partition} from offset {offset} on" for partition, offset in stops.items())
        super().__init__(
            f"{topic} holds a record that cannot be read ({places}: {reason}); what stands before it has landed: have "
            f"it sent again, then `techflow offsets set {topic} PARTITION OFFSET` goes on behind it."
        )
