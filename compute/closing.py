"""What may be done to a month that closes: validate, sign, certify, waive, restate, revoke.

Each act takes the log and returns it with what was added, or refuses in a sentence that says what would do. The
acts of one call are one commit: it certifies all of them or none.
Source: `operations.md` C.4, T1 to T7, S-5, S-6, S-10 to S-13.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from compute.company_promises import Role, Roles
from compute.gates import WAIVERS, Gate, is_open
from compute.lifecycle import SIGNING, SYSTEM, Act, CloseRefused, Kind, Life, Log, follow

REASONS = (
    "LATE_DATA", "CORRECTED_SOURCE", "LEDGER_ADJUSTMENT", "METHOD_CHANGE", "BUG_FIX", "RECLASSIFICATION",
    "IMPUTATION_REPLACED",
)  # fmt: skip
NOTHING_KEPT: Mapping[str, Mapping[str, str]] = {}
_DIGITS = 8  # of a hash, where people read it; fewer do not name figures


@dataclass(frozen=True, slots=True)
class Drafted:
    """The newest snapshot of a month, as those who close it see it.

    Attributes:
        authors: who started its run and who wrote the code that made it; neither signs nor waives (S-12).
        gates: as they stand now.
        difference: from the revision in force, a row per headline figure; empty for a first one.
        waiting: what would be otherwise in the revision in force, too little for another one, in a line.
    """

    month: str
    snapshot_id: str
    content_hash: str
    authors: frozenset[str]
    gates: Sequence[Gate]
    difference: Sequence[Mapping[str, Any]] = ()
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, as whom, when."""

    name: str
    role: Role
    at: datetime


def judge(log: Log, draft: Drafted, at: datetime) -> Log:
    """Validate a draft whose gates pass, and take a validated one back whose gates fail again (T2, T3)."""
    life, opened = log.life(draft.month, draft.snapshot_id), is_open(draft.gates)
    kind: Kind | None = {("DRAFT", True): "validated", ("VALIDATED", False): "invalidated"}.get((life.state, opened))  # type: ignore[assignment]
    if kind is None:
        return log
    return _add(log, draft, kind, at, SYSTEM, evidence=json.dumps({"gates": _told(draft.gates)}))


def sign(
    log: Log,
    months: Mapping[str, Drafted],
    month: str,
    person: Person,
    *,
    seen: str,
    roles: Roles,
    statement: str = "",
    kept: Mapping[str, Mapping[str, str]] = NOTHING_KEPT,
) -> Log:
    """Sign a month's figures; the last signature certifies them, with every revision that waits beside them (T4, S-6).

    Args:
        log: the lifecycle log.
        months: the newest snapshot of every month that may be certified with this one.
        month: the period.
        person: who signs.
        seen: the content hash of the figures that were shown, or its first digits.
        roles: who may act as what.
        statement: what the person says.
        kept: by month the names of the copies that a certified revision is read from.

    Raises:
        CloseRefused: when that cannot be signed; nothing is added then.
    """
    draft = months[month]
    life = log.life(month, draft.snapshot_id)
    _require_role(person, roles, SIGNING)
    _require_stranger(person, draft)
    if len(seen) < _DIGITS or not draft.content_hash.startswith(seen):
        raise CloseRefused(
            f"The figures of {month} have the hash {draft.content_hash[:_DIGITS]}, not '{seen[:64]}': "
            f"look at them with `techflow close {month}` and sign what you see."
        )
    if is_in_force(log, draft):
        raise CloseRefused(f"The figures of {month} are those of the revision in force: nothing waits for a signature.")
    if person.role in life.signatures:
        first = life.signatures[person.role]
        raise CloseRefused(f"{first.by} has signed {month} for {first.role} at {first.at:%Y-%m-%d %H:%M}Z already.")
    if life.state != "VALIDATED":
        raise CloseRefused(f"{month} is {life.state}: {_what_keeps(draft)}")
    if missing := [role for role in life.unsigned if role != "cfo"] if person.role == "cfo" else []:
        raise CloseRefused(f"The cfo signs last: {month} waits for {', '.join(missing)}.")
    signed = _add(log, draft, "signed", person.at, person.name, role=person.role, note=statement)
    waits = waiting_for(signed, months, month) if person.role == "cfo" else ["the cfo"]
    return signed if waits else _certify(signed, months, month, person, kept)


def waiting_for(log: Log, months: Mapping[str, Drafted], month: str) -> list[str]:
    """Return what keeps a month from being certified now, a phrase each; nothing when nothing does.

    A month and the certified ones that it changes are certified in one commit (S-6), so all of them must be ready.
    """
    found = []
    for name in together(log, months, month):
        draft = months[name]
        life = log.life(name, draft.snapshot_id)
        found += [f"{name}: {gate.name}" for gate in draft.gates if not gate.is_passed]
        found += [f"{name}: the sign-off of {role}" for role in life.unsigned]
        if log.certified(name) and log.restatement(name) is None:
            found.append(f"{name}: a reason (techflow restate {name})")
    return found


def open_revisions(log: Log, months: Mapping[str, Drafted]) -> list[str]:
    """Return the certified months whose newest draft has other figures, oldest first: their next revisions."""
    return sorted(name for name, draft in months.items() if log.certified(name) and not is_in_force(log, draft))


def is_in_force(log: Log, draft: Drafted) -> bool:
    """Tell whether a snapshot says what the revision in force says: it is that one, or a change was undone since."""
    life = log.certified(draft.month)
    return life is not None and life.certified is not None and life.certified.content_hash == draft.content_hash


def together(log: Log, months: Mapping[str, Drafted], month: str) -> list[str]:
    """Return the months that are certified in one commit with a month.

    They are those whose next revisions wait (S-6), and those that have every sign-off and waited for these.
    """
    waited = {
        name for name, draft in months.items()
        if (life := log.life(name, draft.snapshot_id)).state == "VALIDATED" and not life.unsigned
        and is_open(draft.gates)
    }  # fmt: skip
    return sorted({month, *open_revisions(log, months), *waited})


def _certify(
    log: Log, months: Mapping[str, Drafted], month: str, person: Person, kept: Mapping[str, Mapping[str, str]]
) -> Log:
    for name in together(log, months, month):
        draft, before, why = months[name], log.certified(name), log.restatement(name)
        number = len(log.revisions(name)) + 1
        told = {"gates": _told(draft.gates), "difference": list(draft.difference), "kept": dict(kept.get(name, {}))}
        if before:
            log = _again(log, before, "superseded", person.at, SYSTEM, revision=number)
        log = _add(
            log, draft, "certified", person.at, person.name, role=person.role, revision=number,
            evidence=json.dumps(told), reason=why.reason if why else "", note=why.note if why else "",
        )  # fmt: skip
    return log


def waive(
    log: Log, draft: Drafted, gate: str, person: Person, roles: Roles, *, reason: str, expires_at: datetime | None
) -> Log:
    """Waive a gate of a month; a footnote says so, so it comes before the sign-offs (S-13).

    Raises:
        CloseRefused: when it cannot be waived, not by this person, or without a reason.
    """
    if gate not in WAIVERS:
        raise CloseRefused(f"The gate '{gate}' is never waived; those that can be: {', '.join(sorted(WAIVERS))}.")
    _require_role(person, roles, (WAIVERS[gate],))
    _require_stranger(person, draft)
    _require_words(reason, "A waiver")
    if expires_at is not None and expires_at <= person.at:
        raise CloseRefused(f"A waiver until {expires_at:%Y-%m-%d} is gone already: give a later day.")
    if log.life(draft.month, draft.snapshot_id).certified:
        raise CloseRefused(f"{draft.month} is certified: there is nothing to waive.")
    act = Act(
        log.next_sequence, person.at, "waived", draft.month, person.name, role=person.role, gate=gate, scope="month",
        reason=reason.strip(), expires_at=expires_at,
    )  # fmt: skip
    return follow(log, act)


def restate(log: Log, month: str, person: Person, roles: Roles, *, reason: str, narrative: str) -> Log:
    """Say why the next revision of a month is made; it asks for one, too (T1, S-5).

    Raises:
        CloseRefused: when the month was never certified, or the reason is none of S-5.
    """
    _require_role(person, roles, (*SIGNING, "operations"))
    if not log.revisions(month):
        raise CloseRefused(f"{month} was never certified: its draft follows the records by itself.")
    if reason not in REASONS:
        raise CloseRefused(f"'{reason}' is no reason for a revision: take one of {', '.join(REASONS)}.")
    _require_words(narrative, "A restatement")
    act = Act(
        log.next_sequence, person.at, "restated", month, person.name, role=person.role, reason=reason,
        note=narrative.strip(),
    )  # fmt: skip
    return follow(log, act)


def revoke(log: Log, month: str, person: Person, authors: frozenset[str], roles: Roles, *, reason: str) -> Log:
    """Revoke the revision in force; the highest one that is not revoked returns, if there is one (T6, T7).

    Raises:
        CloseRefused: when none is in force, or this person cannot.
    """
    life = log.certified(month)
    if life is None or life.certified is None:
        raise CloseRefused(f"No revision of {month} is in force: there is nothing to revoke.")
    _require_role(person, roles, ("cfo",))
    if person.name in authors:
        raise CloseRefused(_author(person, month))
    _require_words(reason, "A revocation")
    log = _again(log, life, "revoked", person.at, person.name, role=person.role, reason=reason.strip())
    left = [each for each in log.revisions(month) if each.state == "SUPERSEDED"]
    return _again(log, left[-1], "reinstated", person.at, SYSTEM) if left else log


def _add(log: Log, draft: Drafted, kind: Kind, at: datetime, by: str, **more: Any) -> Log:
    named: dict[str, Any] = {"snapshot_id": draft.snapshot_id, "content_hash": draft.content_hash}
    return follow(log, Act(log.next_sequence, at, kind, draft.month, by, **named, **more))


def _again(log: Log, life: Life, kind: Kind, at: datetime, by: str, **more: Any) -> Log:
    assert life.certified is not None  # only revisions are revoked and reinstated
    named: dict[str, Any] = {"snapshot_id": life.snapshot_id, "content_hash": life.certified.content_hash}
    return follow(log, Act(log.next_sequence, at, kind, life.month, by, **named, **{"revision": life.revision, **more}))


def _told(gates: Sequence[Gate]) -> list[dict[str, Any]]:
    return [{name: value for name, value in asdict(gate).items() if name in _KEPT} for gate in gates]


_KEPT = ("name", "verdict", "evidence")


def _require_role(person: Person, roles: Roles, allowed: Sequence[Role]) -> None:
    if person.role not in allowed:
        raise CloseRefused(f"That is not for {person.role}: it takes {' or '.join(allowed)}.")
    if person.name not in getattr(roles, person.role):
        raise CloseRefused(f"{person.name} is not among [roles] {person.role} of the company file.")


def _require_stranger(person: Person, draft: Drafted) -> None:
    if person.name in draft.authors:
        raise CloseRefused(_author(person, draft.month))


def _author(person: Person, month: str) -> str:
    return (
        f"{person.name} started the run of {month} or wrote the code that made it, and can neither sign nor waive: "
        "another person of the role must."
    )


def _require_words(text: str, what: str) -> None:
    if not text.strip():
        raise CloseRefused(f"{what} needs a reason in words.")


def _what_keeps(draft: Drafted) -> str:
    failing = [gate.name for gate in draft.gates if not gate.is_passed]
    return f"{', '.join(failing) or 'its gates were not judged since'}; `techflow close {draft.month}` says more."
