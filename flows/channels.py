"""Automations that tell people, though the worker may be gone: the server itself sends to the channels' blocks."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

from compute.errors import BadSetting
from compute.notice_words import SOURCE

_WEBHOOK = "webhook"


def with_channels(automation: Mapping[str, Any], channels: Sequence[str], client: SyncPrefectClient) -> AutomationCore:
    """Return an automation with each action `tell` made into one for every channel; into none without channels.

    Args:
        automation: as declared.
        channels: blocks of the server, as type/name.
        client: of the server.

    Raises:
        BadSetting: when a channel is no block of the server.
    """
    actions = [
        action
        for declared in automation["actions"]
        for action in (_told(declared, channels, client) if declared["type"] == "tell" else [declared])
    ]
    return AutomationCore.model_validate({**automation, "actions": actions or [{"type": "do-nothing"}]})


def _told(declared: Mapping[str, str], channels: Sequence[str], client: SyncPrefectClient) -> list[dict[str, Any]]:
    found = []
    for channel in channels:
        kind, _, name = channel.partition("/")
        try:
            block = client.read_block_document_by_name(name, kind, include_secrets=False)
        except ObjectNotFound as error:
            raise BadSetting(
                f"TECHFLOW_NOTIFY: {channel} is no block of the Prefect server: make it there, or correct the setting."
            ) from error
        text = {"subject": declared["subject"], "body": declared["body"]}
        if kind == _WEBHOOK:
            found.append({"type": "call-webhook", "block_document_id": block.id, "payload": _event(text)})
        else:
            found.append({"type": "send-notification", "block_document_id": block.id, **text})
    return found


def _event(text: Mapping[str, str]) -> str:
    """Return a CloudEvent whose id and time are those of the firing of the automation."""
    return json.dumps({
        "specversion": "1.0",
        "id": "{{ firing.id }}",
        "source": SOURCE,
        "type": "techflow.watch.silent",
        "time": "{{ firing.triggered.isoformat() }}",
        "datacontenttype": "application/json",
        "data": {"title": text["subject"], "evidence": text["body"]},
    })  # fmt: skip
