"""Delivery of messages to notification blocks of the Prefect server, each within seconds and none held up by another.

What is said of a failure is made here: the words of a library may hold an address that is a secret.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, cast

from httpx import HTTPStatusError
from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.core import Block
from prefect.blocks.webhook import Webhook

from compute.errors import TransientError

PATIENCE_SECONDS = 10.0
# At a level below a warning these write the address that they call.
_TALKATIVE = ("apprise", "httpcore", "httpx", "urllib3")


class NotTold(TransientError):
    """A channel did not take a message."""


class _NoChannel(Exception):
    """A block that tells nobody."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is told: a webhook gets the event, all others subject and body."""

    subject: str
    body: str
    event: Mapping[str, Any]


@dataclass(slots=True)
class Delivery:
    """How far a channel got.

    Attributes:
        taken: places of the messages that it has taken.
        problem: why it did not take the last one that it did not, in words without any secret; empty when it took all.
    """

    taken: list[int] = field(default_factory=list)
    problem: str = ""


@dataclass(slots=True)
class _Attempt:
    channel: str
    messages: Sequence[Message]
    delivery: Delivery = field(default_factory=Delivery)

    def run(self) -> None:
        """Give the channel its messages in order; one that it does not take is in the way of no other."""
        for place, message in enumerate(self.messages):
            try:
                # Outside a loop it is no coroutine.
                _send(cast(Block, Block.load(self.channel)), message)
                self.delivery.taken.append(place)
            except Exception as error:
                self.delivery.problem = f"{self.channel} {_why(error)}"


def deliver(messages: Mapping[str, Sequence[Message]]) -> dict[str, Delivery]:
    """Give each channel its messages, all channels at once; returns how far each got when the time is over.

    A message that is still on its way then counts as not delivered: it may arrive twice, and is never lost.

    Args:
        messages: by channel, a block of the server as type/name.
    """
    for name in _TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    attempts = [_Attempt(channel, ours) for channel, ours in messages.items()]
    # Nobody waits for a thread that hangs, the end of the process neither.
    threads = [threading.Thread(target=copy_context().run, args=(each.run,), daemon=True) for each in attempts]
    deadline = time.monotonic() + PATIENCE_SECONDS
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {each.channel: _outcome(each, thread) for each, thread in zip(attempts, threads, strict=True)}


def _outcome(attempt: _Attempt, thread: threading.Thread) -> Delivery:
    if not thread.is_alive():
        return attempt.delivery
    return Delivery(list(attempt.delivery.taken), f"{attempt.channel} did not answer within {PATIENCE_SECONDS:.0f} s")


def _send(block: Block, message: Message) -> None:
    if isinstance(block, Webhook):
        asyncio.run(block.call(dict(message.event))).raise_for_status()
    elif isinstance(block, NotificationBlock):
        with block.raise_on_failure():
            block.notify(message.body, message.subject)  # type: ignore[unused-coroutine]
    else:
        raise _NoChannel


def _why(error: Exception) -> str:
    match error:
        case HTTPStatusError():
            return f"answered {error.response.status_code}"
        case NotificationError():
            return "did not take the message"
        case ValueError() if "Unable to find block" in str(error):
            return "is no block of the Prefect server: make it there, or correct TECHFLOW_NOTIFY"
        case _NoChannel():
            return "is no block that tells people: name a webhook or a notification block in TECHFLOW_NOTIFY"
        case _:
            return f"cannot be reached ({type(error).__name__})"
