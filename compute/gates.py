"""The gates of a draft: what keeps a month from being certified, whose move it is, and what moves it on.

Source: `operations.md` C.4 "Gates of a draft".
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from compute.company_promises import Owners, Role
from compute.lifecycle import Act

Verdict = Literal["pass", "FAIL", "waived", "unverified"]
PASSES: tuple[Verdict, ...] = ("pass", "waived")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the gates of a month are judged by.

    Attributes:
        month: the period.
        broken: identities that do not hold, a sentence each; `mrr_quality`: accounts by how their MRR is known.
        completeness: COMPLETENESS rows.
        reconciliation: RC-1 to RC-5 and "second bill": gate → verdict and evidence.
        cases: gap cases that touch the month, a short name each.
        incidents: the unresolved ones that block the month, by id with their title.
        waivers: those in force.
    """

    month: str
    broken: Sequence[str]
    mrr_quality: Mapping[str, int]
    completeness: Sequence[Mapping[str, Any]]
    reconciliation: Mapping[str, tuple[Verdict, str]]
    cases: Sequence[str]
    incidents: Mapping[str, str]
    waivers: Sequence[Act] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate as it stands.

    Attributes:
        evidence: what it was judged by, in a sentence.
        owner: the roles that move it on.
        then: the command that shows or does what moves it on; none of one that passes.
        waiver: who may waive it; nobody when empty.
    """

    name: str
    verdict: Verdict
    evidence: str
    owner: tuple[Role, ...]
    then: str = ""
    waiver: Role | None = None

    @property
    def is_passed(self) -> bool:
        """Whether it passes or is waived."""
        return self.verdict in PASSES


Judged = tuple[Verdict, str, Collection[str]]  # verdict, evidence, names whose owners move it on


def _completeness(given: Evidence) -> Judged:
    lacking = [row for row in given.completeness if row["quarantined"] + row["missing"]]
    if not given.completeness:
        return "FAIL", "not counted yet", ("completeness",)
    if not lacking:
        return "pass", f"{sum(row['accepted'] for row in given.completeness):,} accepted, nothing held or missing", ()
    told = "; ".join(f"{row['dataset']} {row['quarantined']:,} held, {row['missing']:,} missing" for row in lacking)
    return "FAIL", told, [row["dataset"] for row in lacking]


def _reconciled(gate: str) -> Callable[[Evidence], Judged]:
    def judge(given: Evidence) -> Judged:
        verdict, told = given.reconciliation.get(gate, ("unverified", "not compared yet"))
        return verdict, told, () if verdict == "pass" else ("reconciliation",)

    return judge


def _identities(given: Evidence) -> Judged:
    if given.broken:
        return "FAIL", "; ".join(given.broken), ("identities",)
    return "pass", "the bridges and the sums close exactly", ()


def _quality(given: Evidence) -> Judged:
    weak = {name: count for name, count in given.mrr_quality.items() if count}
    if not weak:
        return "pass", "every MRR is billed", ()
    return "FAIL", ", ".join(f"{count:,} MRR {name.replace('_', ' ')}" for name, count in weak.items()), ("quality",)


def _listed(what: str, names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{len(names):,} {what}: {shown}{' …' if len(names) > 3 else ''}"


def _gaps(given: Evidence) -> Judged:
    return ("FAIL", _listed("open status gaps", given.cases), ("gaps",)) if given.cases else ("pass", "none open", ())


def _incidents(given: Evidence) -> Judged:
    if given.incidents:
        return (
            "FAIL",
            _listed("unresolved", [f"{name} {title}" for name, title in given.incidents.items()]),
            ("incidents",),
        )
    return "pass", "none blocks the month", ()


@dataclass(frozen=True, slots=True)
class Rule:
    """How a gate is judged, who may waive it, and the command that shows what moves it on."""

    name: str
    judge: Callable[[Evidence], Judged]
    then: str
    waiver: Role | None = None


RULES: tuple[Rule, ...] = (
    Rule("completeness", _completeness, "techflow export completeness {month} --format table"),
    Rule("RC-1", _reconciled("RC-1"), "techflow reconcile {month}"),
    Rule("RC-2", _reconciled("RC-2"), "techflow reconcile {month}"),
    Rule("RC-3", _reconciled("RC-3"), "techflow reconcile {month}"),
    Rule("RC-4", _reconciled("RC-4"), "techflow reconcile {month}"),
    Rule("RC-5", _reconciled("RC-5"), "techflow reconcile {month}"),
    Rule("identities", _identities, "techflow why M-01 {month}"),
    Rule("quality", _quality, "techflow explain M-01 {month}", waiver="cfo"),
    Rule("gaps", _gaps, "techflow gaps {month}", waiver="accounts"),
    Rule("second bill", _reconciled("second bill"), "techflow reconcile {month}"),
    Rule("incidents", _incidents, "techflow incidents list", waiver="cfo"),
)  # fmt: skip
WAIVERS: Mapping[str, Role] = {rule.name: rule.waiver for rule in RULES if rule.waiver}


def gates(given: Evidence, owners: Owners) -> tuple[Gate, ...]:
    """Return every gate of a month, judged; a waived one says by whom and until when."""
    return tuple(_judged(rule, given, owners) for rule in RULES)


def _judged(rule: Rule, given: Evidence, owners: Owners) -> Gate:
    verdict, told, names = rule.judge(given)
    roles = tuple(sorted({owners.of(name) for name in names}))
    if verdict == "pass":
        return Gate(rule.name, verdict, told, roles)
    waiver = next((each for each in given.waivers if each.gate == rule.name), None)
    if waiver and _may_be_waived(rule.name, given):
        until = f" until {waiver.expires_at:%Y-%m-%d}" if waiver.expires_at else ""
        return Gate(rule.name, "waived", f"{told}; waived by {waiver.by}{until}: {waiver.reason}", roles)
    return Gate(rule.name, verdict, told, roles, rule.then.format(month=given.month), rule.waiver)


def _may_be_waived(gate: str, given: Evidence) -> bool:
    """Tell whether a waiver counts: an MRR that is NULL is never waived."""
    return gate in WAIVERS and (gate != "quality" or not given.mrr_quality.get("null"))


def is_open(judged: Sequence[Gate]) -> bool:
    """Tell whether nothing keeps the month from being validated."""
    return all(gate.is_passed for gate in judged)
