"""Closing a month: who may do what to it, and when. Source: `operations.md` C.4 (AT-61 to AT-64, AT-67)."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from compute.closing import Person, judge, restate, revoke, waive
from compute.footnotes import waiver_notes
from compute.gates import Gate
from compute.lifecycle import SIGNING, Act, CloseRefused, Life, Log, as_of, as_reported, fold, follow
from tests.closing import FAILS, NOON, PASSES, ROLES, Close, draft

JAN, FEB = "2024-01", "2024-02"
CFO, FIN = Person("cfo", "cfo", NOON + timedelta(days=9)), Person("fin", "finance", NOON + timedelta(days=9))


def certified(*months: str) -> Close:
    close = Close(*(draft(month) for month in months or (JAN,)))
    for month in months or (JAN,):
        close.sign_all(month)
    return close


def revised(close: Close, month: str = JAN, number: int = 2) -> Close:
    """Bring a new draft of a certified month, with a reason."""
    close.bring(draft(month, number))
    person = Person("fin", "finance", close.tick())
    close.log = restate(close.log, month, person, ROLES, reason="LATE_DATA", narrative="clicks came late")
    return close


def test_a_draft_whose_gates_pass_is_validated_and_one_whose_gates_fail_again_is_a_draft() -> None:
    close = Close(draft())
    assert "VALIDATED" == close.state(JAN)

    close.gates(JAN, FAILS)
    assert "DRAFT" == close.state(JAN)
    assert ["validated", "invalidated"] == [act.kind for act in close.log.acts]


def test_gates_that_say_nothing_new_are_no_act() -> None:
    close = Close(draft())
    assert judge(close.log, close.months[JAN], close.tick()) is close.log


def test_the_fifth_sign_off_certifies() -> None:
    close = Close(draft())
    for role in SIGNING[:-1]:
        close.sign(JAN, role)
        assert "VALIDATED" == close.state(JAN)
    close.sign(JAN, "cfo")

    life = close.log.life(JAN, f"{JAN}-d1")
    assert ("CERTIFIED", 1) == (life.state, life.revision)
    assert life.certified is not None
    assert ("cfo", draft().content_hash) == (life.certified.by, life.certified.content_hash)
    assert {"snapshot/figure": f"{JAN}-kept"} == json.loads(life.certified.evidence)["kept"]


@pytest.mark.parametrize(
    ("role", "by", "seen", "said"),
    [
        ("finance", "acc", "", "not among"),
        ("finance", "runner", "", "not among"),
        ("finance", "fin", "0123456789", "have the hash"),
        ("finance", "fin", "2024", "have the hash"),
        ("cfo", "cfo", "", "signs last"),
        ("operations", "ops", "", "not for operations"),
    ],
)
def test_a_sign_off_is_refused(role: str, by: str, seen: str, said: str) -> None:
    close = Close(draft())
    with pytest.raises(CloseRefused, match=said):
        close.sign(JAN, role, by, seen)  # type: ignore[arg-type]
    assert 1 == len(close.log.acts)


def test_who_started_the_run_or_wrote_the_code_neither_signs_nor_waives() -> None:
    close = Close(draft())
    roles = ROLES.model_copy(update={"accounts": ("runner",)})
    person = Person("runner", "accounts", close.tick())
    with pytest.raises(CloseRefused, match="neither sign nor waive"):
        waive(close.log, close.months[JAN], "gaps", person, roles, reason="so", expires_at=None)
    close.months[JAN] = draft(gates=PASSES)
    object.__setattr__(close.months[JAN], "authors", frozenset({"fin"}))
    with pytest.raises(CloseRefused, match="neither sign nor waive"):
        close.sign(JAN, "finance")
    close.sign(JAN, "finance", "fin.two")


def test_a_second_sign_off_of_a_role_is_refused_and_names_the_first() -> None:
    close = Close(draft())
    close.sign(JAN, "finance")
    with pytest.raises(CloseRefused, match=r"^fin has signed 2024-01 for finance"):
        close.sign(JAN, "finance", "fin.two")


def test_a_draft_that_is_not_validated_is_not_signed() -> None:
    with pytest.raises(CloseRefused, match="2024-01 is DRAFT: RC-2"):
        Close(draft(gates=FAILS)).sign(JAN, "finance")


def test_changed_figures_void_the_sign_offs() -> None:
    close = Close(draft())
    for role in SIGNING[:-1]:
        close.sign(JAN, role)
    close.bring(draft(number=2))

    assert SIGNING == close.log.life(JAN, f"{JAN}-d2").unsigned
    with pytest.raises(CloseRefused, match="signs last"):
        close.sign(JAN, "cfo")
    with pytest.raises(CloseRefused, match="have the hash"):
        close.sign(JAN, "finance", seen=draft().content_hash)


def test_a_gate_that_fails_takes_back_the_cfo_s_sign_off_alone() -> None:
    close = revised(certified(JAN))
    close.bring(draft(FEB))
    close.sign_all(FEB)  # waits for the revision of January
    assert "VALIDATED" == close.state(FEB)

    close.gates(FEB, FAILS)
    close.gates(FEB, PASSES)
    assert ("cfo",) == close.log.life(FEB, f"{FEB}-d1").unsigned


def test_a_revision_takes_a_reason_and_fresh_sign_offs_and_supersedes() -> None:
    close = certified(JAN)
    close.bring(draft(number=2))
    for role in SIGNING:
        close.sign(JAN, role)
    assert ["2024-01: a reason (techflow restate 2024-01)"] == close.waits(JAN)
    assert "CERTIFIED" == close.state(JAN)

    close = revised(certified(JAN))
    close.sign_all(JAN)
    first, second = close.log.revisions(JAN)
    assert [("SUPERSEDED", 2), ("CERTIFIED", None)] == [(each.state, each.superseded_by) for each in (first, second)]
    assert second.certified is not None
    assert ("LATE_DATA", "clicks came late", 2) == (
        second.certified.reason, second.certified.note, second.certified.revision,
    )  # fmt: skip


def test_months_that_change_together_are_certified_in_one_commit() -> None:
    close = certified(JAN, FEB)
    revised(close, JAN)
    revised(close, FEB)
    close.sign_all(JAN)
    assert ["CERTIFIED", "CERTIFIED"] == [close.state(JAN), close.state(FEB)]  # the first revisions, both

    acts = len(close.log.acts)
    for role in SIGNING[:-1]:
        close.sign(FEB, role)
    assert "CERTIFIED" == close.state(JAN)
    close.sign(FEB, "cfo")

    last = [(act.kind, act.month) for act in close.log.acts[acts + 4 :]]
    assert [("signed", FEB), ("superseded", JAN), ("certified", JAN), ("superseded", FEB), ("certified", FEB)] == last
    assert 1 == len({act.at for act in close.log.acts[acts + 4 :]})


def test_a_first_revision_waits_for_the_revision_of_a_month_before() -> None:
    close = revised(certified(JAN))
    close.bring(draft(FEB))
    close.sign_all(FEB)

    assert "VALIDATED" == close.state(FEB)
    assert {f"{JAN}: the sign-off of {role}" for role in SIGNING} == set(close.waits(FEB))
    close.sign_all(JAN)
    assert ["CERTIFIED", "CERTIFIED"] == [close.state(JAN, 2), close.state(FEB)]


@pytest.mark.parametrize(
    ("gate", "person", "reason", "until", "said"),
    [
        ("completeness", CFO, "so", None, "never waived"),
        ("RC-3", CFO, "so", None, "never waived"),
        ("quality", FIN, "so", None, "not for finance"),
        ("quality", CFO, " ", None, "in words"),
        ("incidents", CFO, "so", CFO.at, "gone already"),
    ],
)
def test_a_waiver_is_refused(gate: str, person: Person, reason: str, until: datetime | None, said: str) -> None:
    with pytest.raises(CloseRefused, match=said):
        waive(Log(), draft(), gate, person, ROLES, reason=reason, expires_at=until)


def test_a_waiver_is_a_footnote_until_it_expires() -> None:
    until = CFO.at + timedelta(days=1)
    log = waive(Log(), draft(), "quality", CFO, ROLES, reason="one estimate, agreed", expires_at=until)

    text = "ᵂ The gate 'quality' is waived by cfo (cfo) until 2024-02-15: one estimate, agreed"
    assert {"waiver_quality": text} == waiver_notes(log, JAN, CFO.at)
    assert {} == waiver_notes(log, JAN, until)
    assert {} == waiver_notes(log, FEB, CFO.at)


def test_a_restatement_takes_a_certified_month_and_a_reason_of_the_list() -> None:
    with pytest.raises(CloseRefused, match="never certified"):
        restate(Log(), JAN, FIN, ROLES, reason="LATE_DATA", narrative="so")
    with pytest.raises(CloseRefused, match="no reason for a revision"):
        restate(certified().log, JAN, FIN, ROLES, reason="BECAUSE", narrative="so")


def test_a_change_that_was_undone_is_no_revision() -> None:
    """AT-61: a second revision equal to the first is none, and holds nothing up."""
    close = revised(certified())
    close.bring(replace(draft(number=3), content_hash=draft().content_hash))
    with pytest.raises(CloseRefused, match="those of the revision in force"):
        close.sign(JAN, "finance")
    close.bring(draft(FEB))
    close.sign_all(FEB)
    assert ["CERTIFIED", "CERTIFIED"] == [close.state(JAN), close.state(FEB)]


def test_a_reason_holds_for_one_revision() -> None:
    close = revised(certified())
    assert close.log.restatement(JAN) is not None
    close.sign_all(JAN)
    assert close.log.restatement(JAN) is None


def test_the_revision_before_returns_when_one_is_revoked() -> None:
    close = revised(certified())
    close.sign_all(JAN)
    log = revoke(close.log, JAN, CFO, frozenset(), ROLES, reason="a bill counted twice")
    assert ["CERTIFIED", "REVOKED"] == [life.state for life in log.revisions(JAN)]

    log = revoke(log, JAN, CFO, frozenset(), ROLES, reason="all wrong")
    assert log.certified(JAN) is None
    with pytest.raises(CloseRefused, match="No revision of 2024-01 is in force"):
        revoke(log, JAN, CFO, frozenset(), ROLES, reason="again")
    assert 2 == len(log.revisions(JAN))


def test_only_the_cfo_revokes_and_not_what_the_cfo_made() -> None:
    log = certified().log
    with pytest.raises(CloseRefused, match="not for finance"):
        revoke(log, JAN, FIN, frozenset(), ROLES, reason="so")
    with pytest.raises(CloseRefused, match="neither sign nor waive"):
        revoke(log, JAN, CFO, frozenset({"cfo"}), ROLES, reason="so")


def test_a_number_is_never_given_again() -> None:
    close = certified()
    close.log = revoke(close.log, JAN, Person("cfo", "cfo", close.tick()), frozenset(), ROLES, reason="all wrong")
    close.bring(draft(number=2))
    close.sign_all(JAN)
    assert [(1, "REVOKED"), (2, "CERTIFIED")] == [(life.revision, life.state) for life in close.log.revisions(JAN)]


def test_what_was_known_at_an_instant() -> None:
    close = certified()
    first = close.now
    revised(close)
    close.sign_all(JAN)
    second = close.now
    close.log = revoke(close.log, JAN, Person("cfo", "cfo", close.tick()), frozenset(), ROLES, reason="wrong")

    def known(at: datetime) -> int | None:
        life = as_of(close.log, JAN, at)
        return life.revision if life else None

    assert [None, 1, 1, 2, 1] == [
        known(at) for at in (NOON, first, second - timedelta(seconds=1), second, close.now)
    ]  # fmt: skip
    told = as_reported(close.log, JAN)
    assert told is not None
    assert 1 == told.revision


def test_an_act_before_the_last_one_is_refused() -> None:
    close = Close(draft())
    with pytest.raises(CloseRefused, match="clock set back"):
        judge(close.log, draft(FEB), NOON)


@pytest.mark.parametrize("kind", ["certified", "superseded", "revoked", "reinstated", "signed", "invalidated"])
def test_any_other_move_is_refused(kind: str) -> None:
    act = Act(1, NOON, kind, JAN, "x", snapshot_id=f"{JAN}-d1")  # type: ignore[arg-type]
    with pytest.raises(CloseRefused, match="is DRAFT and cannot be"):
        follow(Log(), act)


def test_the_log_folds_to_the_same_from_its_rows_in_any_order() -> None:
    close = revised(certified())
    close.sign_all(JAN)
    assert close.log == fold(reversed(close.log.acts))
    assert Life(JAN, "x") == close.log.life(JAN, "x")


def test_an_incident_gate_is_taken_as_it_stands_at_the_last_signature() -> None:
    close = Close(draft())
    for role in SIGNING[:-1]:
        close.sign(JAN, role)
    waits = Gate("incidents", "FAIL", "1 unresolved", ("operations",))
    object.__setattr__(close.months[JAN], "gates", (*PASSES, waits))
    close.sign(JAN, "cfo")

    assert "VALIDATED" == close.state(JAN)
    assert ["2024-01: incidents"] == close.waits(JAN)
