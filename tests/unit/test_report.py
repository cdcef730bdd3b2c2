"""The investor report in all its forms, from a snapshot in memory.

Source: `operations.md` E.1, E.2; AT-80, AT-82, AT-83, AT-84.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from compute.anchors import parse_anchor
from compute.company import Company
from compute.incidents import Incident, Problem
from compute.lifecycle import SIGNING
from compute.months import Month
from compute.report.document import Chart, Document, Prose, Table
from compute.report.figures import Certificate, Header, Signature, Source
from compute.report.html import html
from compute.report.markdown import markdown
from compute.report.report import report
from compute.retention import cohort_members
from compute.sla import LEVELS, Facts
from compute.statement import cohort_cells, lines, mature_trials, public_names
from storage.reports import public_figures
from storage.standing import standing_of
from tests.company import Books, bill, change, click, cost, team

JAN, FEB = Month(2024, 1), Month(2024, 2)
NOON = datetime(2024, 2, 5, 12, tzinfo=UTC)
NULLS = re.compile(r"\b(None|nan|NaN|inf)\b|missing_input|zero_denominator|insufficient_history")


def header(month: Month, **changes: Any) -> Header:
    given = Header(
        company="TechFlow Solutions", currency="USD", month=month, state="DRAFT", number=1,
        snapshot_id=f"{month}-d1", content_hash="a" * 64, as_of=datetime(2024, 6, 1, tzinfo=UTC),
        created_at=datetime(2024, 6, 1, tzinfo=UTC), created_by="somebody", manifest={"definitions": {"M-01": "1.0.0"}},
    )  # fmt: skip
    return replace(given, **changes)


def source(books: Books, month: Month, statement: Mapping[str, Sequence[Any]] | None = None, **changes: Any) -> Source:
    figures = books.figure_table(str(month))
    earlier = [books.figure_table(str(each)) for each in books.months if each < month]
    company = [
        each.filter((pl.col("grain") == "company_month") & (pl.col("grain_key") == "company")) for each in earlier
    ]
    told = {
        "history": lines(pl.concat(company)) if company else [],
        "names": public_names(books.company).to_dicts(),
        **(statement or {}),
    }
    return Source(header(month, **changes), figures, told)


@pytest.fixture
def one_account() -> Books:
    """One account of 100.00 with 5 licences, a cost of 40.00, one engineer at 30.00; no trial, no use (AT-84)."""
    records = {
        "revenue": [bill("ACC_1", f"{month}-15", 100.0, user_licenses=5) for month in (JAN, FEB)],
        "account_status_changes": [change("ACC_1", "2024-01-01", None, "Active")],
        "expenses": [cost("ACC_1", f"{month}-20", 40.0) for month in (JAN, FEB)],
        "salaries": [team("ENG_1", "Data Engineering", str(month), 30.0, 1) for month in (JAN, FEB)],
    }
    return Books(records, (JAN, FEB))


def parts_of(document: Document, block: str) -> tuple[Any, ...]:
    return next(each.parts for each in document.blocks if each.name == block)


def table(document: Document, block: str, caption: str) -> dict[str, list[str]]:
    """Return a table of a block by the name of its lines."""
    for part in parts_of(document, block):
        found = part.table if isinstance(part, Chart) else part
        if isinstance(found, Table) and found.caption.startswith(caption):
            return {row[0].text: [cell.text for cell in row[1:]] for row in found.rows}
    raise AssertionError(f"no table {caption} in {block}")


def tiles(document: Document) -> dict[str, tuple[str, str, str]]:
    found = parts_of(document, "headline")[0].tiles
    return {tile.name: (tile.now.text, tile.before.text, tile.change.text) for tile in found}


def test_the_first_month_of_one_account_renders_with_reasons_and_without_blanks(one_account: Books) -> None:
    """AT-84, first month."""
    document = report(source(one_account, JAN))
    page, text = html(document), markdown(document)

    assert ("100.00", "–", "–") == tiles(document)["Closing MRR"]
    assert "n/m (not enough months)" == tiles(document)["Net new MRR"][0]
    assert ["60.00"] == table(document, "profit", "Contribution and loaded profit")["Contribution"][:1]
    assert {"smaller teams": ["1 too small to publish"]} == table(document, "profit", "Cost per engineer")
    assert "n/m (nothing to divide by)" == tiles(document)["Stickiness"][0]
    assert "cannot be drawn: net new MRR is n/m (not enough months)" in page
    for form in (page, text):
        assert not NULLS.search(re.sub(r'title="[^"]*"', "", form))
    assert not re.search(r"<td[^>]*>\s*</td>|<td[^>]*><span>\s*</span></td>", page)
    lines_of_tables = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|  |")]
    assert [] == [line for line in lines_of_tables if re.search(r"\|\s*\|", line)]


def test_the_second_month_of_one_account_has_a_flat_waterfall(one_account: Books) -> None:
    """AT-84, second month."""
    document = report(source(one_account, FEB))

    assert ("100.00", "100.00", "±0.00") == tiles(document)["Closing MRR"]
    assert ["n/m (not enough months)", "0.00"] == table(document, "mrr", "MRR bridge")["+ New"]
    assert ["100.0 %", "n/m (not enough months)"] == [
        table(document, "retention", "Net and gross")[month][0] for month in ("2024-02", "2024-01")
    ]
    assert ["n/m (nothing was lost)", "n/m (not enough months)"] == table(document, "retention", "Churn")["Quick ratio"]


def test_the_same_snapshot_gives_the_same_bytes(one_account: Books) -> None:
    """AT-80."""
    first, second = (report(source(one_account, FEB)) for _ in range(2))

    assert html(first) == html(second)
    assert markdown(first) == markdown(second)


@pytest.mark.parametrize(("state", "mark"), [("DRAFT", "DRAFT"), ("VALIDATED", "DRAFT"), ("SUPERSEDED", "SUPERSEDED")])
def test_a_report_is_marked_until_it_is_certified(one_account: Books, state: str, mark: str) -> None:
    """AT-82: a validated draft is a draft still."""
    document = report(source(one_account, JAN, state=state))

    assert mark == document.mark
    assert f'<div class="mark">{mark}</div>' in html(document)
    assert markdown(document).startswith(f"**{mark}**")


def certified(**changes: Any) -> dict[str, Any]:
    """Return what a header says of a certified snapshot."""
    given = Certificate(1, NOON, "cfo")
    signed = tuple(Signature(role, f"{role}.lead", NOON, "a" * 64) for role in SIGNING)
    return {"state": "CERTIFIED", "signatures": signed, "certificate": replace(given, **changes)}


def test_a_revision_says_what_it_supersedes_why_and_what_changed(one_account: Books) -> None:
    difference = ({"metric": "M-01", "old": "100", "new": "100.5", "delta": "0.5", "share": "0.5000"},
                  {"metric": "M-10", "old": "", "new": "0.995", "delta": "", "share": ""})  # fmt: skip
    changes = certified(revision=2, reason="LATE_DATA", narrative="a bill came late", difference=difference)
    document = report(source(one_account, JAN, **changes))

    facts, changed, why = parts_of(document, "header")
    told = {name: cell.text for name, cell in facts.pairs}
    assert ("2, supersedes revision 1", "2024-02-05 12:00Z by cfo") == (told["Revision"], told["Certified"])
    assert [["100.00", "100.50", "+0.50", "+0.50 %"], ["–", "99.5 %", "–", "–"]] == [
        [cell.text for cell in row[1:]] for row in changed.rows
    ]
    assert "Late data: a bill came late" == why.text
    assert 'id="fig:M-01:2024-01:r2"' in html(document)


def test_the_sign_offs_of_a_certified_report_name_person_time_and_hash(one_account: Books) -> None:
    signed = table(report(source(one_account, JAN, **certified())), "sign-offs", "Sign-offs")
    assert {role: [f"{role}.lead", "2024-02-05 12:00Z", "a" * 64] for role in SIGNING} == signed
    unsigned = table(report(source(one_account, JAN)), "sign-offs", "Sign-offs")
    assert {role: ["not signed", "–", "–"] for role in SIGNING} == unsigned


def test_what_waits_for_the_next_revision_is_disclosed(one_account: Books) -> None:
    waits = [{"month": "2024-01", "revision": 1, "metric_id": name, "grain_key": "company", "old": "100.00",
              "new": "100.10", "delta": "0.10", "cause": "LATE_DATA"} for name in ("M-01", "M-20")]  # fmt: skip
    found = table(report(source(one_account, FEB, {"pending": waits})), "quality", "Pending restatements")
    assert {"2024-01 revision 1: Closing MRR": ["100.00", "100.10", "late data"]} == found


def test_a_waiver_is_a_footnote(one_account: Books) -> None:
    waived = {"definitions": {}, "waivers": {"waiver_gaps": "ᵂ The gate 'gaps' is waived by acc (accounts): agreed"}}
    document = report(source(one_account, JAN, manifest=waived))
    assert ("ᵂ", "The gate 'gaps' is waived by acc (accounts): agreed") in document.footnotes


def test_a_certified_report_has_no_mark(one_account: Books) -> None:
    document = report(source(one_account, JAN, state="CERTIFIED"))

    assert 'class="mark"' not in html(document).partition("<h1>")[0].partition("<main>")[2]


def test_a_month_that_is_not_over_is_never_drawn_as_final(one_account: Books) -> None:
    whole, partial = (
        report(source(one_account, FEB, as_of=datetime(2024, day[0], day[1], tzinfo=UTC))) for day in ((3, 1), (2, 29))
    )

    assert "The month is not over" in markdown(partial)
    assert "The month is not over" not in markdown(whole)
    svg = parts_of(partial, "headline")[0].tiles[0].svg
    assert svg != parts_of(whole, "headline")[0].tiles[0].svg


def leaky() -> Books:
    people = {"sales_rep": "Ines Example"}
    records = {
        "revenue": [bill(f"ACC_{number}", f"{month}-15", 100.0 * number) for number in (71, 72) for month in (JAN, FEB)],
        "account_status_changes": [change("ACC_71", "2024-01-01", None, "Active", **people)],
        "expenses": [cost("ACC_71", "2024-02-20", 40.0)],
        "salaries": [team("TEAM_A", "Data Engineering", "2024-02", 17_345.67, 2),
                     team("TEAM_B", "Frontend", "2024-02", 30_000.0, 3)],
        "click_events": [click("ACC_71", "USER_9", "2024-02-03T10:00:00Z", "S1", feature_name="Reports"),
                         click("ACC_71", "USER_9", "2024-02-03T10:01:00Z", "S1", feature_name="Dashboard of ACC_71")],
    }  # fmt: skip
    return Books(records, (JAN, FEB))


def test_no_name_and_no_small_team_leaves_the_house() -> None:
    """AT-83: accounts, users, sales reps, and the salaries of two people."""
    books = leaky()
    given = source(books, FEB)
    user = next(iter(books.user_days.get_column("user_id")))
    secret = ["ACC_71", "ACC_72", "USER_9", user, "Ines", "17345", "17,345", "8672", "8,672", "TEAM_A"]

    assert books.figure_table("2024-02").filter(pl.col("grain_key").str.contains("ACC_71")).height
    forms = (html(report(given)), markdown(report(given)), public_figures(given).write_csv())
    assert [] == [word for word in secret for form in forms if word in form]
    assert "10,000.00" in forms[0]
    assert all("Reports" in form for form in forms)
    assert {"company_day", "company_month", "team_month"} == set(public_figures(given).get_column("grain"))


def test_every_figure_has_an_address_and_each_stands_in_the_page_once() -> None:
    page = html(report(source(leaky(), FEB)))
    ids, links = re.findall(r'\bid="([^"]+)"', page), set(re.findall(r'href="#([^"]+)"', page))

    assert len(ids) == len(set(ids))
    assert links <= set(ids)
    addresses = [parse_anchor(each) for each in ids if each.startswith("fig:")]
    assert {("d1", FEB)} == {(each.stand, each.month) for each in addresses}
    assert {"M-01", "M-08", "M-20", "M-40", "M-45", "M-49.top1"} <= {each.metric_id for each in addresses}


def test_the_page_needs_nothing_beside_it() -> None:
    page = html(report(source(leaky(), FEB)))

    assert not re.search(r"<script|<link|<img|@import|https?://|url\((?!#)", page)


def test_a_cohort_of_few_accounts_is_hatched_and_its_mrr_withheld() -> None:
    accounts = [f"ACC_{number}" for number in range(1, 7)]
    records = {
        "revenue": [bill(account, "2024-01-15", 100.0) for account in accounts]
        + [bill(account, "2024-02-15", 100.0) for account in accounts[:5]]
        + [bill("ACC_9", "2024-02-15", 77.0)],
        "account_status_changes": [change(account, "2024-01-01", None, "Active") for account in accounts]
        + [change("ACC_6", "2024-02-10", "Active", "Cancelled"), change("ACC_9", "2024-02-01", None, "Active")],
    }
    books = Books(records, (JAN, FEB))
    rows = books.existing.lazy()

    cells = cohort_cells(rows, cohort_members(rows).collect(), FEB)

    assert [("2024-01", "2024-01", 6, 6, "600.00"), ("2024-01", "2024-02", 6, 5, "500.00"),
            ("2024-02", "2024-02", 1, 1, "77.00")] == cells.rows()  # fmt: skip
    document = report(source(books, FEB, {"cohorts": cells.to_dicts()}))
    found = table(document, "retention", "Cohorts")
    assert ["6 of 6 · 600", "5 of 6 · 500", "·"] == found["2024-01"][:3]
    assert ["n < 5", "·"] == found["2024-02"][:2]
    assert "77" not in markdown(document).partition("Cohorts by age")[2].partition("## 4")[0]


def test_conversion_is_shown_of_the_newest_cohort_that_is_mature() -> None:
    """M-16: mature when the last day of the cohort's month + N days lies in the report's month or before."""
    records = {
        "account_status_changes": [
            change("ACC_1", "2023-12-05", None, "Trial"), change("ACC_2", "2023-12-06", None, "Trial"),
            change("ACC_1", "2023-12-20", "Trial", "Active"), change("ACC_3", "2024-01-05", None, "Trial"),
        ],
    }  # fmt: skip
    books = Books(records, (JAN, FEB))

    # December 31 + 30 days is January 30; + 90 days it is March 30, and October had no trial.
    found = mature_trials(books.steps, JAN).select("metric_id", "month", "value", "null_reason").to_dicts()

    assert [("M-16", "2023-12", "0.5000000000", ""), ("M-16.n90", "2023-10", "None", "zero_denominator")] == [
        (each["metric_id"], each["month"], str(each["value"]), each["null_reason"]) for each in found
    ]


def test_open_incidents_and_service_levels_stand_in_the_quality_statement(one_account: Books) -> None:
    """E.1, block 8: an unresolved incident is listed with what it blocks."""
    known = [
        Incident(
            f"INC-{check_id}", Problem(check_id, "profit", "", "Late.", 3, (month,), NOON, ""), kind, "finance",
            NOON, detected_at=NOON, last_at=NOON, status=status,
        )
        for check_id, month, kind, status in (
            ("L-10", "2024-02", "investor_report", "open"), ("L-12", "2024-02", "standard", "acknowledged"),
            ("RC-2", "2024-01", "investor_report", "open"), ("RC-3", "2024-02", "investor_report", "resolved"),
        )
    ]  # fmt: skip
    standing = standing_of(Facts(NOON, Company(), incidents=known), "2024-02")

    told, nothing = report(source(one_account, FEB, standing)), report(source(one_account, FEB))

    assert {
        "INC-L-10": ["investor report", "Late.", "2024-02-05T12:00:00+00:00", "certification of 2024-02"],
        "INC-L-12": ["standard", "Late.", "2024-02-05T12:00:00+00:00", "nothing"],
    } == table(told, "quality", "Open incidents")
    board = table(told, "quality", "Service levels at 2024-02-05T12:00:00+00:00")
    assert ["no run has finished yet", "not known"] == board["L-10: profit within a day"][1:]
    assert len(LEVELS) == len(board)
    texts = [part.text for part in parts_of(nothing, "quality") if isinstance(part, Prose)]
    assert "Incidents: no register was kept when this draft was made." in texts
