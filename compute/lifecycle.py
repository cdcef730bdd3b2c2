"""The life of a snapshot: an append-only log of acts, and the states that it folds to.

A snapshot is a draft until one commit of the log certifies it. What may happen next is in `compute.closing`.
Source: `operations.md` C.4, T1 to T7, S-7, S-8, S-11, S-13.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from compute.company_promises import Role
from compute.errors import PermanentError

Kind = Literal[
    "validated", "invalidated", "signed", "certified", "superseded", "revoked", "reinstated", "waived", "restated"
]
State = Literal["DRAFT", "VALIDATED", "CERTIFIED", "SUPERSEDED", "REVOKED"]
SYSTEM = "system"  # who acts when no person does
SIGNING: tuple[Role, ...] = ("finance", "accounts", "product", "analytics", "cfo")  # the cfo signs last (S-10)

# What an act makes of a snapshot: from which states, and to which.
MOVES: Mapping[Kind, tuple[tuple[State, ...], State]] = {
    "validated": (("DRAFT",), "VALIDATED"),
    "invalidated": (("VALIDATED",), "DRAFT"),
    "signed": (("VALIDATED",), "VALIDATED"),
    "certified": (("VALIDATED",), "CERTIFIED"),
    "superseded": (("CERTIFIED",), "SUPERSEDED"),
    "revoked": (("CERTIFIED",), "REVOKED"),
    "reinstated": (("SUPERSEDED",), "CERTIFIED"),
}


class CloseRefused(PermanentError):
    """What the state of a month, its log or its people do not allow; the message says what does."""


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the log.

    Attributes:
        sequence: place in the log, from 1.
        month: the period.
        by: a person, or `system`.
        snapshot_id: of which snapshot; none of a waiver and a restatement, which speak of a month.
        content_hash: of exactly the figures that the act stands on.
        role: as whom the person acts.
        revision: of `certified` the number given, of `superseded` the one that takes its place.
        gate, scope: of a waiver.
        reason: of a restatement a code of S-5, of a revocation or a waiver a sentence.
        note: a statement or narrative.
        expires_at: of a waiver.
        evidence: JSON: gates as they stood, or the difference from the revision before.
    """

    sequence: int
    at: datetime
    kind: Kind
    month: str
    by: str
    snapshot_id: str = ""
    content_hash: str = ""
    role: str = ""
    revision: int | None = None
    gate: str = ""
    scope: str = ""
    reason: str = ""
    note: str = ""
    expires_at: datetime | None = None
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """A snapshot as the log leaves it.

    Attributes:
        signatures: role → the act of signing that stands.
        certified, revoked: the act, if it was.
        superseded_by: the revision that took its place.
    """

    month: str
    snapshot_id: str
    state: State = "DRAFT"
    signatures: Mapping[str, Act] = field(default_factory=dict)
    certified: Act | None = None
    revoked: Act | None = None
    superseded_by: int | None = None

    @property
    def revision(self) -> int | None:
        """The number given when it was certified."""
        return self.certified.revision if self.certified else None

    @property
    def unsigned(self) -> tuple[Role, ...]:
        """The roles whose sign-off does not stand, in the order in which they sign."""
        return tuple(role for role in SIGNING if role not in self.signatures)


@dataclass(frozen=True, slots=True)
class Log:
    """All that was done, folded.

    Attributes:
        lives: by snapshot id, those that something was done to.
        acts: as appended.
    """

    lives: Mapping[str, Life] = field(default_factory=dict)
    acts: tuple[Act, ...] = ()

    @property
    def next_sequence(self) -> int:
        """The place of the next act."""
        return len(self.acts) + 1

    def life(self, month: str, snapshot_id: str) -> Life:
        """Return a snapshot's life; one that nothing was done to is a draft."""
        return self.lives.get(snapshot_id) or Life(month, snapshot_id)

    def certified(self, month: str) -> Life | None:
        """Return the revision of a month that is in force, or None."""
        return next((each for each in self.revisions(month) if each.state == "CERTIFIED"), None)

    def revisions(self, month: str) -> list[Life]:
        """Return all revisions of a month, the first one first."""
        given = (each for each in self.lives.values() if each.month == month and each.certified)
        return sorted(given, key=lambda each: each.revision or 0)

    def months(self) -> set[str]:
        """Return the months that have a certified revision in force."""
        return {each.month for each in self.lives.values() if each.state == "CERTIFIED"}

    def waivers(self, month: str, at: datetime) -> list[Act]:
        """Return the waivers of a month that are in force at an instant; an expired one is gone (S-13)."""
        granted = (act for act in self.acts if act.kind == "waived" and act.month == month)
        latest = {(act.gate, act.scope): act for act in granted}
        return [act for act in latest.values() if act.at <= at and (act.expires_at is None or at < act.expires_at)]

    def restatement(self, month: str) -> Act | None:
        """Return why the next revision of a month is made, as a person said since the last one was certified."""
        for act in reversed(self.acts):
            if act.month == month and act.kind in ("certified", "restated"):
                return act if act.kind == "restated" else None
        return None


def fold(acts: Iterable[Act]) -> Log:
    """Return the log of acts.

    Raises:
        CloseRefused: when one of them is none that can follow.
    """
    log = Log()
    for act in sorted(acts, key=lambda each: each.sequence):
        log = follow(log, act)
    return log


def follow(log: Log, act: Act) -> Log:
    """Return the log after one more act.

    Raises:
        CloseRefused: when the state does not allow it, or the clock was set back.
    """
    if log.acts and act.at < log.acts[-1].at:
        raise CloseRefused(
            f"The last act of the log is of {log.acts[-1].at:%Y-%m-%dT%H:%M:%SZ}, after now "
            f"({act.at:%Y-%m-%dT%H:%M:%SZ}): clock set back; correct it and try again."
        )
    told = replace(log, acts=(*log.acts, act))
    if act.kind not in MOVES:
        return told
    life, (states, state) = log.life(act.month, act.snapshot_id), MOVES[act.kind]
    if life.state not in states:
        raise CloseRefused(f"{life.snapshot_id} is {life.state} and cannot be {act.kind}.")
    return replace(told, lives={**log.lives, life.snapshot_id: _after(replace(life, state=state), act)})


def _after(life: Life, act: Act) -> Life:
    changes: dict[Kind, dict[str, Any]] = {
        "signed": {"signatures": {**life.signatures, act.role: act}},
        # The figures are the same, so the others stay (T3).
        "invalidated": {"signatures": {role: each for role, each in life.signatures.items() if role != "cfo"}},
        "certified": {"certified": act},
        "superseded": {"superseded_by": act.revision},
        "revoked": {"revoked": act},
        "reinstated": {"superseded_by": None},
    }
    return replace(life, **changes.get(act.kind, {}))


def as_of(log: Log, month: str, at: datetime) -> Life | None:
    """Return the revision that was in force at an instant, as the log stood then (S-7).

    It is the one certified last by then and not revoked by then; None before the first, or with all revoked.
    """
    known = (
        each for each in log.revisions(month)
        if each.certified and each.certified.at <= at and not (each.revoked and each.revoked.at <= at)
    )  # fmt: skip
    return max(known, key=lambda each: each.revision or 0, default=None)


def as_reported(log: Log, month: str) -> Life | None:
    """Return revision 1 of a month: what was told first (S-7)."""
    return next(iter(log.revisions(month)), None)
