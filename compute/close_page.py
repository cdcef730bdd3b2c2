"""The close page of a month: every gate and sign-off, its state, whose move it is, until when, and what moves it on.

Source: `operations.md` F.2, C.4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compute.calendar import close_due
from compute.closing import Drafted, is_in_force, open_revisions
from compute.company import Company
from compute.lifecycle import SIGNING, Life, Log
from compute.months import Month

COLUMNS = ("step", "state", "evidence", "owner", "due", "next")
_SIGNED = {
    "finance": "the profit",
    "accounts": "the growth",
    "product": "the engagement",
    "analytics": "the whole",
    "cfo": "the whole, last",
}
_SHOWN = 8  # digits of a hash that name figures to a person


@dataclass(frozen=True, slots=True)
class Page:
    """What the page of a month says.

    Attributes:
        title: month, state, draft or revision.
        facts: what is known beside the steps, name → text.
        rows: a row per step, COLUMNS.
        then: what comes next, in a sentence.
    """

    title: str
    facts: Mapping[str, str]
    rows: Sequence[Mapping[str, str]]
    then: str

    @property
    def is_signed_next(self) -> bool:
        """Whether a sign-off is what it waits for."""
        return any(row["step"].startswith("sign-off") and row["next"] for row in self.rows)


def close_page(log: Log, months: Mapping[str, Drafted], month: str, company: Company) -> Page:
    """Return the close page of a month that has a draft."""
    draft, due = months[month], close_due(Month.parse(month), company.close.certify_due, company.calendar.holidays)
    life, until = log.life(month, draft.snapshot_id), f"{due:%Y-%m-%d %H:%M}Z"
    rows = [
        dict(zip(COLUMNS, (f"gate {gate.name}", gate.verdict, gate.evidence, ", ".join(gate.owner), until,
                           _gate_next(gate.then, gate.waiver, month)), strict=True))
        for gate in draft.gates
    ]  # fmt: skip
    is_same = is_in_force(log, draft)
    rows += [_sign_row(role, life, draft, company, until, is_same=is_same) for role in SIGNING]
    if month in open_revisions(log, months):
        rows.append(_reason_row(log, month, until))
    facts = {
        "snapshot": draft.snapshot_id,
        "hash": draft.content_hash,
        "due": f"certified by {until}",
        "with it": ", ".join(name for name in open_revisions(log, months) if name != month),
        "waits": draft.waiting if is_same else "",
        "waivers": "; ".join(f"{act.gate} by {act.by}" for act in log.waivers(month, due)),
    }
    then, known = _then(log, life, rows, is_same=is_same), {name: text for name, text in facts.items() if text}
    return Page(_title(log, life, draft), known, rows, then)


def _gate_next(then: str, waiver: str | None, month: str) -> str:
    return f"{then}; or the {waiver} waives it: techflow waive {month} …" if then and waiver else then


def _title(log: Log, life: Life, draft: Drafted) -> str:
    if life.revision is not None:
        return f"{life.month}: {life.state}, revision {life.revision}"
    in_force = log.certified(life.month)
    beside = f"; revision {in_force.revision} is in force" if in_force else ""
    return f"{life.month}: {life.state}, {draft.snapshot_id}{beside}"


def _sign_row(role: str, life: Life, draft: Drafted, company: Company, until: str, *, is_same: bool) -> dict[str, str]:
    people = ", ".join(getattr(company.roles, role)) or f"nobody: name persons in [roles] {role}"
    act, step = life.signatures.get(role), f"sign-off {role}"
    if act:
        told = (step, "signed", f"{_SIGNED[role]}, {act.at:%Y-%m-%d %H:%M}Z", act.by, until, "")
        return dict(zip(COLUMNS, told, strict=True))
    waits = life.state != "VALIDATED" or is_same or (role == "cfo" and life.unsigned != ("cfo",))
    then = f"techflow sign-off {life.month} --role {role} --by … --hash {draft.content_hash[:_SHOWN]}"
    told = (step, "waits" if waits else "open", _SIGNED[role], people, until, "" if waits else then)
    return dict(zip(COLUMNS, told, strict=True))


def _reason_row(log: Log, month: str, until: str) -> dict[str, str]:
    act = log.restatement(month)
    if act:
        return dict(zip(COLUMNS, ("reason", "given", f"{act.reason}: {act.note}", act.by, until, ""), strict=True))
    then = f"techflow restate {month} --reason … --because …"
    told = ("reason", "open", "why this revision is made", ", ".join(SIGNING), until, then)
    return dict(zip(COLUMNS, told, strict=True))


def _then(log: Log, life: Life, rows: Sequence[Mapping[str, str]], *, is_same: bool) -> str:
    if is_same and (in_force := log.certified(life.month)):
        return f"Nothing to do: revision {in_force.revision} is in force; what is not material waits for the next."
    if life.revision is not None:
        return f"Revision {life.revision} is {life.state.casefold()}: the next run after a correction drafts another."
    waiting = [row for row in rows if row["next"]]
    if not waiting:
        return "The gates pass; the next run validates the draft."
    first = waiting[0]
    return f"{len(waiting)} to do. First: {first['step']}, by {first['owner']}: {first['next']}"
