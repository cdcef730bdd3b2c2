"""Whatever people and runs do to two months, the log stays lawful. Source: `operations.md` C.4, T1 to T7, S-7."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from compute.closing import Person, restate, revoke
from compute.lifecycle import SIGNING, CloseRefused, Log, as_of, fold, follow
from tests.closing import FAILS, NOON, PASSES, PEOPLE, ROLES, Close, draft

MONTHS = ("2024-01", "2024-02")


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, str, str]]:
    """Draw what is tried, whether it is allowed or not: a name, a month, and as whom."""
    names = st.sampled_from(["draft", "fail", "pass", "sign", "sign", "sign", "close", "close", "restate", "revoke"])
    return draw(st.lists(st.tuples(names, st.sampled_from(MONTHS), st.sampled_from(SIGNING)), max_size=40))


def tried(close: Close, step: tuple[str, str, str], number: int) -> None:
    """Do a step; one that is refused leaves the log as it was."""
    name, month, role = step
    person = Person(PEOPLE[role], role, close.tick())  # type: ignore[index, arg-type]
    match name:
        case "draft":
            close.bring(draft(month, number))
        case "fail" | "pass":
            close.gates(month, FAILS if name == "fail" else PASSES)
        case "sign":
            close.sign(month, role)  # type: ignore[arg-type]
        case "close":
            for each in SIGNING:
                if each in close.log.life(month, close.months[month].snapshot_id).unsigned:
                    close.sign(month, each)
        case "restate":
            close.log = restate(close.log, month, person, ROLES, reason="BUG_FIX", narrative="so")
        case _:
            cfo = Person("cfo", "cfo", person.at)
            close.log = revoke(close.log, month, cfo, frozenset(), ROLES, reason="so")


@given(steps())
def test_states_are_lawful_whatever_is_tried(tries: list[tuple[str, str, str]]) -> None:
    close = Close(*(draft(month) for month in MONTHS))
    for number, step in enumerate(tries, start=2):
        before = close.log
        try:
            tried(close, step, number)
        except CloseRefused:
            # What was added before the refusal stands by itself: a step may be several acts.
            assert close.log.acts[: len(before.acts)] == before.acts
        for month in MONTHS:
            revisions = close.log.revisions(month)
            assert [life.revision for life in revisions] == list(range(1, len(revisions) + 1))
            assert 1 >= sum(life.state == "CERTIFIED" for life in revisions)
            assert all(not life.unsigned for life in revisions)
            in_force, known = close.log.certified(month), as_of(close.log, month, close.now + timedelta(days=1))
            assert in_force == known
        assert fold(close.log.acts) == close.log


@given(steps(), st.integers(0, 60))
def test_what_was_in_force_at_an_instant_never_changes(tries: list[tuple[str, str, str]], minutes: int) -> None:
    close, at = Close(*(draft(month) for month in MONTHS)), NOON + timedelta(minutes=minutes)
    for number, step in enumerate(tries, start=2):
        try:
            tried(close, step, number)
        except CloseRefused:
            continue
    then = Log()
    for act in close.log.acts:
        if act.at <= at:
            then = follow(then, act)

    for month in MONTHS:
        now, known = as_of(close.log, month, at), then.certified(month)
        assert (now.snapshot_id if now else None) == (known.snapshot_id if known else None)
