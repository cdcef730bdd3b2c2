"""What an operator decides of a topic's next offsets: a loss is accepted, reading goes on elsewhere."""

from dataclasses import replace

from compute.errors import BadSetting
from storage.catalog import BRONZE
from storage.contents import key_number
from storage.kafka.broker import Broker
from storage.kafka.plan import LIFE, Bounds, position_name, positions_of
from storage.lake import Lake
from storage.topics import TOPIC_ID
from storage.work import Work


def accept(lake: Lake, broker: Broker, topic: str, work: Work) -> dict[int, tuple[int | None, int]]:
    """Go on with what the broker holds, whatever of it was never read.

    Returns:
        By partition the next offset before, if there was one, and now; of those alone that changed.

    Raises:
        LakeBusy: when a drain committed meanwhile; nothing was changed.
    """
    table, bounds = lake.open(BRONZE[topic]), Bounds.of(broker, topic)
    stored = {each: table.position(position_name(bounds.topic_id, each)) for each in bounds.end}
    moved = {
        each: (offset, min(max(offset or 0, bounds.beginning[each]), bounds.end[each]))
        for each, offset in stored.items()
        if offset is None or not bounds.beginning[each] <= offset <= bounds.end[each]
    }
    if not moved:
        return {}
    is_reborn = table.position(TOPIC_ID) not in (None, key_number(bounds.topic_id))
    is_shorter = any(before is not None and before > now for before, now in moved.values())
    life = (table.position(LIFE) or 0) + int(is_reborn or is_shorter)
    positions = positions_of(bounds.topic_id, {each: now for each, (_, now) in moved.items()}, bounds.end)
    table.append_files((), {TOPIC_ID: key_number(bounds.topic_id), LIFE: life, **positions}, replace(work, rows=0))
    return moved


def move(lake: Lake, broker: Broker, topic: str, partition: int, offset: int, work: Work) -> int | None:
    """Go on at an offset; returns the one before. Records behind it are received once more, as other ones.

    Raises:
        BadSetting: when the topic has no such place, or was never read.
        LakeBusy: when a drain committed meanwhile; nothing was changed.
    """
    table, bounds = lake.open(BRONZE[topic]), Bounds.of(broker, topic)
    if table.position(TOPIC_ID) != key_number(bounds.topic_id):
        raise BadSetting(f"{topic} as it is now was never read: run first, or `techflow offsets accept {topic}`.")
    if not bounds.beginning.get(partition, 0) <= offset <= bounds.end.get(partition, -1):
        held = ", ".join(f"{each}: {bounds.beginning[each]} to {end}" for each, end in sorted(bounds.end.items()))
        raise BadSetting(f"{topic} has no offset {offset} in partition {partition}: it goes on at one of {held}.")
    name = position_name(bounds.topic_id, partition)
    before = table.position(name)
    life = (table.position(LIFE) or 0) + int(before is not None and offset < before)
    table.append_files((), {LIFE: life, **positions_of(bounds.topic_id, {partition: offset}, bounds.end)}, work)
    return before
