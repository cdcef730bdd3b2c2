"""Service levels of a month's close and of incidents: drafted, complete, signed, agreed with the ledger, resolved.

Source: `operations.md` D.1, L-13 to L-18, L-22.
"""

from compute.accuracy import missing_roles
from compute.calendar import close_due
from compute.due import IncidentClass
from compute.facts import WINDOW, Facts
from compute.months import Month
from compute.score import Measure, Score, Verdict, hours


def drafted(facts: Facts) -> Score:
    """Return whether drafts were made when they were due (L-13)."""
    found = facts.closing()
    if not found:
        return Score("no run has finished yet", "no_data")
    late = [due for _, due, made in found if (made or facts.now) > due]
    waiting = [due for _, due, made in found if made is None and due >= facts.now]
    told = [f"{month} {f'drafted {made:%Y-%m-%dT%H:%MZ}' if made else 'has no draft'}" for month, _, made in found]
    is_decided = len(found) > len(waiting)
    verdict: Verdict = "breached" if late else "met" if is_decided else "open"
    return Score(f"{told[-1]}; nothing is certified yet", verdict, min(late, default=None), min(waiting, default=None))


def complete(facts: Facts) -> Score:
    """Return what is quarantined and missing of the newest month, per dataset (L-14)."""
    if not facts.open_rows:
        return Score("no month has been drafted yet", "no_data")
    month = max(facts.open_rows)
    waiting = {dataset: count for dataset, count in sorted(facts.open_rows[month].items()) if count}
    named = ", ".join(f"{count} of {dataset}" for dataset, count in waiting.items())
    return _by_draft(facts, month, f"{month}: {named or 'no'} rows quarantined or missing", is_good=not waiting)


def accurate(facts: Facts) -> Score:
    """Return whether revenue agrees with the ledger in the newest month (L-22)."""
    if not facts.gates:
        return Score("no month has been reconciled yet", "no_data")
    month = max(facts.gates)
    verdicts = {gate: facts.gates[month].get(gate, "unverified") for gate in ("RC-2", "RC-3")}
    told = f"{month}: " + ", ".join(f"{gate} {verdict}" for gate, verdict in verdicts.items())
    if "unverified" in verdicts.values():
        return Score(told, "no_data")
    if month in facts.variances:
        net, gross = map(float, facts.variances[month])
        told = f"{told}; net {net:.2%}, gross {gross:.2%}"
    return _by_draft(facts, month, told, is_good=set(verdicts.values()) == {"pass"})


def signed(facts: Facts) -> Score:
    """Return who has not signed the newest draft (L-15); due when the month is to be certified."""
    if facts.sign_offs is None or not facts.hashes:
        return Score("nobody can sign yet" if facts.sign_offs is None else "no month has been drafted yet", "no_data")
    month = max(facts.hashes)
    missing = missing_roles(facts.sign_offs.get(month, ()), facts.hashes[month])
    if not missing:
        return Score(f"{month}: all five have signed", "met")
    due = close_due(Month.parse(month), facts.company.close.certify_due, facts.company.calendar.holidays)
    told = f"{month}: {', '.join(missing)} missing"
    return Score(told, "breached", since=due) if facts.now > due else Score(told, "open", next_due=due)


def _by_draft(facts: Facts, month: str, told: str, *, is_good: bool) -> Score:
    """Judge what a month must have when its draft is due."""
    due = facts.due(month)
    if is_good:
        return Score(told, "met")
    return Score(told, "breached", since=due) if facts.now > due else Score(told, "open", next_due=due)


def resolved(kind: IncidentClass) -> Measure:
    """Return the measure of how incidents of a class are resolved (L-16 to L-18)."""

    def measure(facts: Facts) -> Score:
        ours = [each for each in facts.incidents if each.kind_of == kind and not each.merged_into]
        recent = [
            each for each in ours if each.is_unresolved or (each.resolved_at or facts.now) >= facts.now - WINDOW
        ]  # fmt: skip
        late = [each.due_at for each in recent if each.sla_met(facts.now) is False]
        waiting = [each.due_at for each in recent if each.is_unresolved]
        next_due = min((due for due in waiting if due >= facts.now), default=None)
        left = f"; {hours(next_due - facts.now)} left" if next_due else ""
        told = f"{len(waiting)} open, {len(recent) - len(waiting)} resolved in 28 days, {len(late)} late{left}"
        verdict: Verdict = "breached" if late else "open" if waiting else "met"
        return Score(told, verdict, min(late, default=None), next_due)

    return measure
