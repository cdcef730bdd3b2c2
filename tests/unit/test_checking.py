"""Reasons in words, line by line: what reading found, then the rules, then the other line."""

from datetime import UTC, datetime

import polars as pl

from compute.checking import HELD, Checked, check, only_refused
from compute.company import Company
from compute.contracts.feeds import BY_NAME
from tests.unit.records import ABSENT, KEY, received, record

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def checked(dataset: str, *lines: bytes, accounts: pl.Series | None = None) -> Checked:
    rows = received(dataset, *lines).with_columns(
        file=pl.lit("a"), line=pl.int_range(1, len(lines) + 1, dtype=pl.Int64)
    )
    return check(rows, BY_NAME[dataset], Company(), accounts=accounts, as_of=NOW, key=KEY)


def said(dataset: str, *lines: bytes, accounts: pl.Series | None = None) -> list[tuple[str, str]]:
    return checked(dataset, *lines, accounts=accounts).lines.select("verdict", "reason").rows()


def test_a_revision_and_a_repetition_name_the_other_line() -> None:
    bill, other = record("revenue"), record("revenue", user_licenses=7)

    assert [
        ("superseded", "replaced by line 3"),
        ("duplicate", "the same record as line 1"),
        ("warned", "the row replaces an earlier different one"),
    ] == said("revenue", bill, bill, other)


def test_each_key_has_its_own_other_line() -> None:
    lines = [record("revenue", account_id=name, user_licenses=seats) for seats in (5, 6) for name in ("ACC_2", "ACC_1")]

    assert [
        ("superseded", "replaced by line 3"),
        ("superseded", "replaced by line 4"),
        ("warned", "the row replaces an earlier different one"),
        ("warned", "the row replaces an earlier different one"),
    ] == said("revenue", *lines)


def test_what_reading_found_is_said_with_its_field() -> None:
    lines = [record("salaries", team_id=ABSENT), record("salaries", monthly_salary_total="1")]

    assert ["team_id is missing and names the row", "monthly_salary_total is no readable money"] == [
        reason for _, reason in said("salaries", *lines)
    ]


def test_a_rule_that_shares_its_code_with_reading_says_its_own_meaning() -> None:
    address, currency = {"ip_address": "x"}, {"ip_address": "x", "currency": "EUR"}

    assert ["ip_address is no IPv4 or IPv6 address", "currency is not USD; ip_address is no IPv4 or IPv6 address"] == [
        reason
        for _, reason in said("click_events", record("click_events", **address), record("click_events", **currency))
    ]


def test_an_unknown_account_is_one_only_when_the_accounts_are_known() -> None:
    click, nobody = record("click_events"), pl.Series(["ACC_009"])

    assert [("accepted", "")] == said("click_events", click)
    ((verdict, reason),) = said("click_events", click, accounts=nobody)
    assert ("quarantined", "no file feed names the account, for more than unknown_account_days") == (verdict, reason)


def test_of_a_refused_day_the_lines_without_a_fault_of_their_own_are_told() -> None:
    lines = [record("revenue", account_id=f"ACC_{each}", user_licenses=-1 if each < 6 else 5) for each in range(100)]

    found = checked("revenue", *lines)

    assert 94 == only_refused(found.lines).sum()
    assert {"licences are negative, or 0 with revenue"} == set(found.lines.head(6).get_column("reason"))
    assert {"REV-Q06": 6, "REV-Q99": 100} == found.codes()
    assert 100 == found.verdicts()["quarantined"]


def test_a_warning_beside_a_refused_day_does_not_make_a_line_bad() -> None:
    codes = [["REV-Q99"], ["REV-W02", "REV-Q99"], ["REV-W02"], ["REV-Q99", "REV-Q06"], []]
    lines = pl.DataFrame({"codes": codes}, schema={"codes": pl.List(pl.String)})

    assert [True, True, False, False, False] == only_refused(lines).to_list()


def test_two_verdicts_fail_a_check() -> None:
    assert ("quarantined", "rejected") == HELD


def test_no_line_is_no_verdict() -> None:
    assert checked("revenue").lines.is_empty()
    assert checked("click_events").lines.is_empty()
