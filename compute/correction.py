"""A held record as people see it and correct it: personal values masked, and only what changes given.

What is not changed keeps its text, numbers included: nothing passes through a float. Source: `data.md` A.0, A.11.
"""

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from compute.contracts.contract import Contract, Field
from compute.reading import NoRecord, Number, parse_record
from compute.releases import BadRelease

MASK = "•••"  # stands for a personal value; in a fix it keeps the value that is there
_TEXTS = ("text", "account", "date", "month", "instant")


def shown_record(payload: bytes, contract: Contract) -> dict[str, Any]:
    """Return a record's members as people may see them: personal values are masked, those of unknown members too.

    Raises:
        BadRelease: when there is no readable record.
    """
    open_names = {field.name for field in contract.fields if field.kept is None and not field.is_user}
    return {name: value if name in open_names or value is None else MASK for name, value in _members(payload).items()}


def as_text(value: Any) -> str:
    """Return a JSON value as people write it: text without quotes, numbers as they came."""
    return str(value) if isinstance(value, str) else token(value)


def token(value: Any) -> str:
    """Return a JSON value as JSON; numbers as they came.

    >>> token({"cost": Number("8.00"), "parts": [Number("1e2"), None]})
    '{"cost": 8.00, "parts": [1e2, null]}'
    """
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {token(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(token(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def changed_record(payload: bytes, contract: Contract, changes: Mapping[str, str]) -> bytes:
    """Return a record with some members changed: text as it is given, numbers, lists and objects as JSON.

    Args:
        payload: the record.
        contract: its contract.
        changes: field → new value; `null` empties it.

    Raises:
        BadRelease: when the record cannot be read, or a change cannot; names the field.
    """
    fields = {field.name: field for field in contract.fields}
    members = _members(payload)
    for name, text in changes.items():
        if name not in fields:
            raise BadRelease(f"'{name}' is no field of {contract.dataset}: the fields are {', '.join(fields)}.")
        members[name] = _new_value(fields[name], text)
    return token(members).encode()


def _new_value(field: Field, text: str) -> Any:
    if text in ("null", MASK):
        return None if text == "null" else text
    if field.kind in _TEXTS:
        return text
    with contextlib.suppress(NoRecord):
        members = parse_record(f'{{"value": {text}}}'.encode())
        if len(members) == 1:
            return members["value"]
    example = {"list": '["Dashboard", "Reports"]', "map": '{"cloud": 5000.00}'}.get(field.kind, "1250.00")
    raise BadRelease(f"'{text}' is no {field.kind} for {field.name}: write it as {example}.")


def unmasked(fixed: bytes, source: bytes) -> bytes:
    """Return a fixed record with the masks in it replaced by the values of the record that it corrects.

    Raises:
        BadRelease: when it is no record, or a mask stands where there was nothing.
    """
    members = _members(fixed)
    masked = [name for name, value in members.items() if value == MASK]
    if not masked:
        return fixed
    known = _members(source)
    for name in masked:
        if known.get(name) is None:
            raise BadRelease(f"{MASK} keeps a value, and {name} had none: give it one, or null.")
        members[name] = known[name]
    return token(members).encode()


def _members(payload: bytes) -> dict[str, Any]:
    try:
        return parse_record(payload)
    except NoRecord as error:
        raise BadRelease(f"the record cannot be read: {error}.") from error
