"""The quarantine as people work it off: its cases, their records, and what was decided of them.

A run decides what is held (`judged/held`); a release stands from the moment it is written (`bronze/release`), so a
case that somebody decided is no longer open, and can be decided otherwise. Source: `data.md` A.0 "Release" (AT-05).
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from compute.contracts.contract import Contract
from compute.contracts.feeds import BY_NAME
from compute.correction import unmasked
from compute.dispositions import HELD
from compute.judging import UNDATED
from compute.releases import (
    RELEASE,
    RELEASED,
    VERDICTS,
    BadRelease,
    case_id,
    fixed_rows,
    has_value,
    refused_accepts,
    with_release,
)
from storage.catalog import BRONZE, HELD_ROW, RELEASES
from storage.lake import Lake
from storage.work import Work

_LONG = 16  # digits of an id whose first eight another case has too
_COLUMNS = {"_batch_id": "batch_id", "_row": "row", "_partition": "partition", "_offset": "row",
            "_payload_sha256": "payload_sha256"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decides of a case.

    Attributes:
        verdict: fix, accept or discard.
        payload: of a fix, the whole new record; a mask in it keeps the value that is there.
    """

    case_id: str
    verdict: str
    why: str
    payload: bytes | None = None


def all_cases(lake: Lake) -> pl.DataFrame:
    """Return every case, closed ones too: HELD rows with `decided`, the verdict that stands, `is_open`, `is_waiting`.

    A case is waiting when it is decided and no run has used the decision yet.
    """
    held, releases = lake.read(HELD_ROW), lake.read(RELEASES)
    parts = [_decided(mine, releases, BY_NAME[str(name)]) for (name,), mine in held.group_by("dataset")]
    if not parts:
        return _decided(held, releases, next(iter(BY_NAME.values())))
    return _told_apart(pl.concat(parts)).sort("dataset", "month", "case_id")


def _decided(held: pl.DataFrame, releases: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    rows = with_release(_placed(held, contract).with_columns(_codes="codes"), releases, contract)
    # An accept does not stand once a rule has taken the row's value away.
    stands = pl.col("_release").is_in(["fix", "discard"]) | ((pl.col("_release") == "accept") & has_value(contract))
    is_decided = stands.fill_null(value=False)
    return rows.select(
        *HELD,
        decided="_release",
        is_open=~pl.col("is_closed") & ~is_decided,
        is_waiting=~pl.col("is_closed") & is_decided,
    )


def _placed(cases: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Add the contract's row key."""
    return cases.with_columns(pl.col(_COLUMNS[name]).alias(name) for name in contract.row_key)


def _told_apart(cases: pl.DataFrame) -> pl.DataFrame:
    """Give longer ids to cases that share one."""
    shared = cases.get_column("case_id").is_duplicated()
    ids = cases.get_column("case_id").to_list()
    for index in shared.arg_true().to_list():
        case = cases.row(index, named=True)
        contract = BY_NAME[case["dataset"]]
        ids[index] = case_id(tuple(case[_COLUMNS[name]] for name in contract.row_key), contract, _LONG)
    return cases.with_columns(case_id=pl.Series(ids, dtype=pl.String))


def open_cases(lake: Lake, months: Sequence[str] = (), dataset: str | None = None) -> pl.DataFrame:
    """Return the open cases, by feed, month and id.

    Args:
        lake: where they are.
        months: only those that count in them; one whose date cannot be read counts in every month.
        dataset: only those of the feed.
    """
    return cases_in(all_cases(lake).filter("is_open"), months, dataset)


def cases_in(cases: pl.DataFrame, months: Sequence[str], dataset: str | None) -> pl.DataFrame:
    """Return the cases of months and of a feed; all of them where none is named."""
    if months:
        cases = cases.filter(pl.col("month").is_in([*months, UNDATED]))
    return cases.filter(pl.col("dataset") == dataset) if dataset else cases


def plain_id(typed: str) -> str:
    """Return a case's id as it is stored, however it was typed.

    >>> plain_id(" rev-1A2B3C4D ")
    'REV-1a2b3c4d'
    """
    prefix, dash, digits = typed.strip().partition("-")
    return prefix.upper() + dash + digits.lower()


def find_cases(lake: Lake, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the cases of ids, closed ones too, by id; an id that names none is not there."""
    wanted = sorted({plain_id(each) for each in ids})
    found = all_cases(lake).filter(pl.col("case_id").is_in(wanted))
    return {case["case_id"]: case for case in found.iter_rows(named=True)}


def require_case(cases: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """Return the case of an id.

    Raises:
        BadRelease: when there is none.
    """
    case = cases.get(plain_id(name))
    if case is None:
        raise BadRelease(f"{name} names no case: `techflow quarantine list` shows the open ones.")
    return case


def payloads_of(lake: Lake, cases: Iterable[Mapping[str, Any]]) -> dict[str, bytes]:
    """Return the bytes of held rows by case, as received or as fixed; each feed is read once."""
    frame = pl.DataFrame([{name: case[name] for name in HELD} for case in cases], schema=HELD)
    releases, found = lake.read(RELEASES), dict[str, bytes]()
    for (dataset,), mine in frame.group_by("dataset"):
        contract = BY_NAME[str(dataset)]
        placed, key = _placed(mine, contract).select("case_id", *contract.row_key), list(contract.row_key)
        at_places = pl.all_horizontal(pl.col(name).is_in(placed.get_column(name).unique().to_list()) for name in key)
        received = lake.read(BRONZE[contract.dataset], at_places, [*key, "payload"])
        rows = pl.concat([received, fixed_rows(releases, contract).select(*key, "payload")])
        found |= dict(placed.join(rows, on=key).select("case_id", "payload").rows())
    return found


def decisions_of(lake: Lake, case: Mapping[str, Any]) -> pl.DataFrame:
    """Return what was ever decided of a case, oldest first: RELEASE rows; the last one stands."""
    contract = BY_NAME[case["dataset"]]
    columns = {"_row": "row", "_partition": "partition", "_offset": "offset", "_batch_id": "batch_id",
               "_payload_sha256": "payload_sha256"}  # fmt: skip
    here = pl.all_horizontal(pl.col(columns[name]) == case[_COLUMNS[name]] for name in contract.row_key)
    return lake.read(RELEASES, (pl.col("dataset") == contract.dataset) & here).sort("at", "release_id")


def require_sound(case: Mapping[str, Any], decision: Decision) -> None:
    """Refuse a decision that cannot stand.

    Raises:
        BadRelease: an unknown verdict, no reason, nothing to accept, no new record.
    """
    contract, name = BY_NAME[case["dataset"]], case["case_id"]
    if decision.verdict not in VERDICTS:
        raise BadRelease(f"the verdict is one of {', '.join(VERDICTS)}.")
    if not decision.why.strip():
        raise BadRelease(f"{name}: say why; a release keeps its reason.")
    if decision.verdict == "accept" and (untyped := refused_accepts(case["codes"], contract)):
        raise BadRelease(f"{name} leaves no value to accept ({', '.join(untyped)}): fix or discard it.")
    if (decision.verdict == "fix") != (decision.payload is not None):
        raise BadRelease(f"{name}: a fix needs a new record, and a new record needs the verdict fix.")


def release(lake: Lake, decisions: Sequence[Decision], *, by: str, at: datetime, work: Work) -> tuple[str, ...]:
    """Add releases, all or none of them; returns the months of the cases.

    Raises:
        BadRelease: no such case, a decision that cannot stand, a case decided twice; nothing was released.
        LakeBusy: another release was added meanwhile; nothing was released.
    """
    table = lake.open(RELEASES)
    known = find_cases(lake, [each.case_id for each in decisions])
    cases = [require_case(known, each.case_id) for each in decisions]
    if twice := [name for name, times in Counter(case["case_id"] for case in cases).items() if times > 1]:
        raise BadRelease(f"{', '.join(twice)}: decided twice; decide each case once.")
    for case, decision in zip(cases, decisions, strict=True):
        require_sound(case, decision)
    fixes = [case for case, each in zip(cases, decisions, strict=True) if each.payload is not None]
    sources = payloads_of(lake, fixes)
    rows = [_row(case, each, sources, by, at) for case, each in zip(cases, decisions, strict=True)]
    table.append(pl.DataFrame(rows, schema=RELEASE), replace(work, dataset=RELEASES.name, rows=len(rows)))
    return tuple(sorted({case["month"] for case in cases} - {UNDATED}))


def _row(
    case: Mapping[str, Any], decision: Decision, sources: Mapping[str, bytes], by: str, at: datetime
) -> dict[str, Any]:
    is_topic, name = BY_NAME[case["dataset"]].is_topic, case["case_id"]
    try:
        # The record that a fallen fix made is gone, and with it what a mask could keep.
        payload = unmasked(decision.payload, sources.get(name, b"{}")) if decision.payload is not None else None
    except BadRelease as error:
        raise BadRelease(f"{name}: {error}") from error
    return {
        "release_id": uuid.uuid4().hex,
        "dataset": case["dataset"],
        "batch_id": case["batch_id"],
        "row": None if is_topic else case["row"],
        "partition": case["partition"],
        "offset": case["row"] if is_topic else None,
        "payload_sha256": case["payload_sha256"],
        "verdict": decision.verdict,
        "payload": payload,
        "by": by,
        "why": decision.why.strip(),
        "at": at,
    }


def place_in_words(case: Mapping[str, Any]) -> str:
    """Return where a held row stood."""
    if case["file"] == RELEASED or (case["partition"] or 0) < 0:
        return "a fixed record"
    if case["partition"] is not None:
        return f"{case['file']} partition {case['partition']} offset {case['row']}"
    return f"{case['file']} line {case['row']}"
