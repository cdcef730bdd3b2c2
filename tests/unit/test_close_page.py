"""The close page: every step with its state and the one thing that moves it on. Source: `operations.md` F.2."""

from compute.close_page import Page, close_page
from compute.closing import Person, restate, revoke
from compute.company import Company
from tests.closing import FAILS, ROLES, SIGNING, Close, draft

JAN = "2024-01"
COMPANY = Company(roles=ROLES)


def page(close: Close) -> Page:
    return close_page(close.log, close.months, JAN, COMPANY)


def states(close: Close) -> dict[str, str]:
    return {row["step"]: row["state"] for row in page(close).rows}


def test_a_failing_gate_comes_first_with_its_owner_and_command() -> None:
    found = page(Close(draft(gates=FAILS)))
    assert "1 to do. First: gate RC-2, by finance: techflow reconcile" == found.then
    assert {"waits"} == {row["state"] for row in found.rows if row["step"].startswith("sign-off")}
    assert ("certified by 2024-02-07 18:00Z", False) == (found.facts["due"], found.is_signed_next)


def test_the_cfo_waits_for_the_four() -> None:
    close = Close(draft())
    assert ["open"] * 4 + ["waits"] == [states(close)[f"sign-off {role}"] for role in SIGNING]
    for role in SIGNING[:-1]:
        close.sign(JAN, role)
    assert ["signed"] * 4 + ["open"] == [states(close)[f"sign-off {role}"] for role in SIGNING]
    assert page(close).then.startswith("1 to do. First: sign-off cfo, by cfo: techflow sign-off 2024-01 --role cfo")


def test_a_certified_month_waits_for_nothing() -> None:
    close = Close(draft())
    close.sign_all(JAN)
    assert ("2024-01: CERTIFIED, revision 1", False) == (page(close).title, page(close).is_signed_next)
    assert page(close).then.startswith("Nothing to do: revision 1 is in force; what is not material waits")


def test_what_is_too_little_for_a_revision_is_told_on_the_page_of_the_one_in_force() -> None:
    small = "M-35.mau 412 to 413 (+1); 61 figures since 2024-03-04"
    close = Close(draft(waiting=small))
    assert "waits" not in page(close).facts
    close.sign_all(JAN)
    assert small == page(close).facts["waits"]


def test_a_revision_asks_for_its_reason_and_names_the_months_beside_it() -> None:
    close = Close(draft(), draft("2024-02"))
    for month in (JAN, "2024-02"):
        close.sign_all(month)
    for month in (JAN, "2024-02"):
        close.bring(draft(month, 2))
    assert ("open", "2024-02") == (states(close)["reason"], page(close).facts["with it"])
    assert "2024-01: VALIDATED, 2024-01-d2; revision 1 is in force" == page(close).title

    person = Person("fin", "finance", close.tick())
    close.log = restate(close.log, JAN, person, ROLES, reason="BUG_FIX", narrative="rounding")
    assert "given" == states(close)["reason"]


def test_a_revoked_month_says_what_comes_next() -> None:
    close = Close(draft())
    close.sign_all(JAN)
    close.log = revoke(close.log, JAN, Person("cfo", "cfo", close.tick()), frozenset(), ROLES, reason="wrong")
    assert ("2024-01: REVOKED, revision 1", False) == (page(close).title, page(close).is_signed_next)
    assert "Revision 1 is revoked" in page(close).then


def test_an_empty_role_says_where_persons_are_named() -> None:
    close = Close(draft())
    found = close_page(close.log, close.months, JAN, Company())
    assert "nobody: name persons in [roles] finance" in {row["owner"] for row in found.rows}
