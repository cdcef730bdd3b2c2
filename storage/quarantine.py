"""The quarantine as people work it off: open cases, their records, and what was decided of them.

Source: `data.md` A.0 "Release" (AT-05), A.11.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from compute.contracts.contract import Contract
from compute.contracts.feeds import BY_NAME
from compute.errors import PermanentError
from compute.reading import NoRecord, Number, parse_record
from compute.releases import RELEASE, RELEASED, fixed_rows, refused_accepts
from storage.catalog import BRONZE, HELD_ROW, RELEASES
from storage.lake import Lake
from storage.work import Work

MASK = "•••"  # stands for a personal value


class BadRelease(PermanentError):
    """A release that cannot stand; nothing was released."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decides of a case.

    Attributes:
        verdict: fix, accept or discard.
        payload: of a fix, the whole new record.
    """

    case_id: str
    verdict: str
    why: str
    payload: bytes | None = None


def open_cases(lake: Lake, month: str | None = None, dataset: str | None = None) -> pl.DataFrame:
    """Return the HELD rows whose case is open, by feed, month and case.

    Args:
        lake: where they are.
        month: only those that count in the month; one whose date cannot be read counts in every month.
        dataset: only those of the feed.
    """
    cases = lake.read(HELD_ROW, ~pl.col("is_closed"))
    if month:
        cases = cases.filter(pl.col("month").is_in([month, "undated"]))
    if dataset:
        cases = cases.filter(pl.col("dataset") == dataset)
    return cases.sort("dataset", "month", "case_id")


def find_case(lake: Lake, case_id: str) -> dict[str, Any]:
    """Return the open case of an id.

    Raises:
        BadRelease: when there is none.
    """
    found = open_cases(lake).filter(pl.col("case_id") == case_id)
    if found.height != 1:
        what = "no open case" if found.is_empty() else "more than one open case"
        raise BadRelease(f"{case_id} names {what}: `techflow quarantine list` shows the open ones.")
    return found.row(0, named=True)


def payload_of(lake: Lake, case: Mapping[str, Any]) -> bytes:
    """Return the bytes of a held row, as received or as fixed."""
    contract = BY_NAME[case["dataset"]]
    place = pl.lit(value=True)
    for name, value in _place(case, contract).items():
        place &= pl.col(name) == value
    columns = [*contract.row_key, "payload"]
    received = lake.read(BRONZE[contract.dataset], place, columns)
    fixed = fixed_rows(lake.read(RELEASES), contract).filter(place).select(columns)
    return bytes(pl.concat([received, fixed]).get_column("payload")[0])


def _place(case: Mapping[str, Any], contract: Contract) -> dict[str, Any]:
    values = {
        "_batch_id": case["batch_id"], "_row": case["row"], "_partition": case["partition"], "_offset": case["row"],
        "_payload_sha256": case["payload_sha256"],
    }  # fmt: skip
    return {name: values[name] for name in contract.row_key}


def shown_record(payload: bytes, contract: Contract) -> list[tuple[str, str]]:
    """Return a record's members as people may see them: personal values are masked, unknown members too."""
    open_names = {field.name for field in contract.fields if field.kept is None and not field.is_user}
    try:
        record = parse_record(payload)
    except NoRecord as error:
        return [("(no record)", str(error))]
    return [(name, as_text(value) if name in open_names or value is None else MASK) for name, value in record.items()]


def as_text(value: Any) -> str:
    """Return a JSON value as people write it; numbers as they came."""
    if isinstance(value, Number):
        return str(value)
    return value if isinstance(value, str) else json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Number):
        return json.loads(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def changed_record(payload: bytes, contract: Contract, changes: Mapping[str, str]) -> bytes:
    """Return a record with some members changed; numbers and lists are read as JSON, the rest as text.

    Raises:
        BadRelease: when the record cannot be read, or a change cannot.
    """
    fields = {field.name: field for field in contract.fields}
    try:
        members = {name: _token(value) for name, value in parse_record(payload).items()}
    except NoRecord as error:
        raise BadRelease(f"the record cannot be read ({error}): give the whole record with --fix.") from error
    for name, text in changes.items():
        if name not in fields:
            raise BadRelease(f"'{name}' is no field of {contract.dataset}: the fields are {', '.join(fields)}.")
        is_text = fields[name].kind in ("text", "account", "date", "month", "instant")
        members[name] = "null" if text == "null" else json.dumps(text, ensure_ascii=False) if is_text else text
    line = "{" + ", ".join(f"{json.dumps(name)}: {token}" for name, token in members.items()) + "}"
    try:
        parse_record(line.encode())
    except NoRecord as error:
        raise BadRelease(f"the changes make no readable record ({error}).") from error
    return line.encode()


def _token(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {_token(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_token(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def release(lake: Lake, decisions: Iterable[Decision], *, by: str, at: datetime, work: Work) -> int:
    """Add releases, all or none of them; returns how many.

    Raises:
        BadRelease: a case is not open, a verdict cannot stand; nothing was released.
        LakeBusy: another release was added meanwhile; nothing was released.
    """
    table = lake.open(RELEASES)
    rows = [_row(find_case(lake, each.case_id), each, by, at) for each in decisions]
    frame = pl.DataFrame(rows, schema=RELEASE)
    table.append(frame, replace(work, dataset=RELEASES.name, rows=frame.height))
    return frame.height


def _row(case: Mapping[str, Any], decision: Decision, by: str, at: datetime) -> dict[str, Any]:
    contract = BY_NAME[case["dataset"]]
    if not decision.why.strip():
        raise BadRelease(f"{decision.case_id}: say why; a release keeps its reason.")
    if decision.verdict == "accept" and (untyped := refused_accepts(case["codes"], contract)):
        raise BadRelease(f"{decision.case_id} leaves no value to accept ({', '.join(untyped)}): fix or discard it.")
    if decision.verdict == "fix":
        try:
            parse_record(decision.payload or b"")
        except NoRecord as error:
            raise BadRelease(f"{decision.case_id}: the fixed record cannot be read: {error}.") from error
    return {
        "release_id": uuid.uuid4().hex,
        "dataset": case["dataset"],
        "batch_id": case["batch_id"],
        "row": None if contract.is_topic else case["row"],
        "partition": case["partition"],
        "offset": case["row"] if contract.is_topic else None,
        "payload_sha256": case["payload_sha256"],
        "verdict": decision.verdict,
        "payload": decision.payload if decision.verdict == "fix" else None,
        "by": by,
        "why": decision.why.strip(),
        "at": at,
    }


def place_in_words(case: Mapping[str, Any]) -> str:
    """Return where a held row stood."""
    if case["file"] == RELEASED:
        return "a fixed record"
    if case["partition"] is not None:
        return f"{case['file']} partition {case['partition']} offset {case['row']}"
    return f"{case['file']} line {case['row']}"
