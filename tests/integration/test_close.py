"""A month is closed, restated and revoked on a real lake. Source: `operations.md` C.4 (AT-60 to AT-67).

The company of the clean fixture, whose January and February 2024 pass every gate.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable

from compute.anchors import BadAnchor
from compute.company import Company as Rules
from compute.company import parse_company
from compute.errors import BadMonth
from compute.lifecycle import SIGNING, CloseRefused
from compute.money import MONEY
from compute.months import Month
from flows.commands.close import write_workbook
from flows.commands.report import write_report
from flows.draft import are_drafted
from storage.book_file import FRONT
from storage.catalog import LATE_EVENTS, SILVER
from storage.certified import (
    CERTIFIED_FIGURE,
    LIFECYCLE,
    PENDING_RESTATEMENT,
    append_acts,
    keep_month,
    tampered,
)
from storage.copies import KEPT_AS
from storage.digest import digest_facts
from storage.editions import details_as, edition, figures_as
from storage.errors import LakeBusy, VersionGone
from storage.inputs import INPUTS
from storage.snapshots import details_of
from storage.work import Work
from tests.integration.closed import BOTH, FEB, JAN, Company
from tests.integration.sheets import checks, computed, differing
from tests.property.lakes import plain_flows

pytestmark = pytest.mark.integration
CENT = Decimal("0.01")


@pytest.fixture(scope="module", autouse=True)
def flows_without_prefect() -> Iterator[None]:
    with plain_flows():
        yield


def test_a_month_whose_gates_pass_is_validated_by_the_run_and_certified_by_the_fifth_signature(before: Company) -> None:
    assert [("VALIDATED", None)] == before.states(JAN)
    for role in SIGNING[:-1]:
        before.sign(JAN, role)
        assert [("VALIDATED", None)] == before.states(JAN)
    assert f"{JAN}-d1 certified as revision 1 (cfo) by cfo" in before.sign(JAN, "cfo")
    assert [("CERTIFIED", 1)] == before.states(JAN)


def test_a_rerun_of_a_certified_month_makes_no_draft_and_no_act(closed: Company) -> None:
    acts = len(closed.log.acts)
    closed.clock += timedelta(days=40)
    closed.bring()
    assert (1, 1, acts) == (closed.draft_number(JAN), closed.draft_number(FEB), len(closed.log.acts))
    assert {} == closed.pending(JAN)


def test_a_certified_month_keeps_its_own_as_of(closed: Company) -> None:
    """S-4: a run as of another instant, by which the trials of January have not matured, changes nothing."""
    closed.clock += timedelta(minutes=1)
    assert "" == closed.run("aggregated", BOTH, datetime(2024, 3, 5, tzinfo=UTC))
    assert (1, 1) == (closed.draft_number(JAN), closed.draft_number(FEB))
    assert {} == closed.pending(JAN) | closed.pending(FEB)


def test_changed_figures_void_the_sign_offs(before: Company) -> None:
    before.sign(JAN, "finance")
    before.spend(10.00)
    before.bring()

    assert 2 == before.draft_number(JAN)
    life = before.log.life(JAN, f"{JAN}-d2")
    assert ("VALIDATED", SIGNING) == (life.state, life.unsigned)


def test_small_changes_wait_and_add_up_to_a_revision(closed: Company) -> None:
    """AT-62: each alone moves the gross margin by less than 0.5 %, together they do not."""
    small = float((abs(closed.figure(JAN, "M-27") * closed.figure(JAN, "M-20")) * Decimal("0.003")).quantize(CENT))

    closed.spend(small, 29)
    closed.bring()
    assert (1, [("CERTIFIED", 1)]) == (closed.draft_number(JAN), closed.states(JAN))
    handed = digest_facts(closed.lake, parse_company("", source="company.toml"), closed.clock, timedelta(days=7))
    assert {JAN: len(closed.pending(JAN))} == handed.pending
    assert {JAN, FEB} == set(handed.certified)
    old, new = closed.pending(JAN)["M-29"]
    assert Decimal(str(small)) == Decimal(old) - Decimal(new)
    assert f"M-29 {Decimal(old).normalize():f} to {Decimal(new).normalize():f}" in closed.months()[JAN].waiting

    closed.spend(small, 30)
    closed.bring()
    assert 2 == closed.draft_number(JAN)
    assert [("CERTIFIED", 1), ("VALIDATED", None)] == closed.states(JAN)
    assert ["M-27", "M-29"] == [row["metric"] for row in closed.months()[JAN].difference]

    closed.restate(JAN)
    closed.sign_all(JAN)
    assert [("SUPERSEDED", 1), ("CERTIFIED", 2)] == closed.states(JAN)
    closed.bring()
    assert {} == closed.pending(JAN)
    assert 2 == closed.draft_number(JAN)


def test_a_month_whose_changes_wait_is_drafted_until_something_else_comes(closed: Company) -> None:
    """What has materialised starts no run that would find what the last one found."""
    months = (Month.parse(JAN), Month.parse(FEB))

    def settled() -> bool:
        return are_drafted(closed.act("start", "aggregated", module="job"), months)

    assert settled()
    closed.spend(0.01, 29)
    closed.bring()
    assert (1, True) == (closed.draft_number(JAN), settled())
    assert closed.pending(JAN)

    closed.spend(0.02, 30)
    closed.clock += timedelta(minutes=1)
    assert "" == closed.run("profit", JAN)
    assert not settled()
    closed.bring()
    assert settled()
    closed.restate(JAN)
    assert not settled()


def test_a_restated_month_takes_the_later_ones_along_in_one_commit(closed: Company) -> None:
    """AT-67: an invoice makes January's revision due, a corrected bill moves February's opening by a little."""
    bill = bills(closed, "2024-01")[0]
    more = float(Decimal(str(bill["total_monthly_revenue"])) * Decimal("1.009"))
    closed.land("revenue", bill | {"monthly_revenue": round(more, 2) - bill["feature_revenue"],
                                   "total_monthly_revenue": round(more, 2)})  # fmt: skip
    closed.spend(50_000.00)
    closed.bring()
    assert (2, 2) == (closed.draft_number(JAN), closed.draft_number(FEB))

    for month in (JAN, FEB):
        closed.restate(month)
    closed.sign_all(JAN)
    assert [("CERTIFIED", 1), ("VALIDATED", None)] == closed.states(JAN)
    commits = closed.lake.open(LIFECYCLE).version
    for role in SIGNING[:-1]:
        closed.sign(FEB, role)
    closed.sign(FEB, "cfo")
    assert commits + len(SIGNING) == closed.lake.open(LIFECYCLE).version
    assert [("SUPERSEDED", 1), ("CERTIFIED", 2)] == closed.states(JAN) == closed.states(FEB)

    assert closed.figure(FEB, "M-02.opening") == closed.figure(JAN, "M-01")


def bills(home: Company, month: str) -> list[dict[str, Any]]:
    """Return the month's bills as they were landed."""
    lines = [line for file in sorted((home.root / "landing" / "revenue").glob("*.ndjson"))
             for line in file.read_text().splitlines()]  # fmt: skip
    return [bill for bill in map(json.loads, lines) if bill["billing_date"].startswith(month)]


def test_a_certified_row_cannot_be_replaced_and_a_changed_byte_is_found(closed: Company) -> None:
    """AT-60."""
    assert [] == tampered(closed.lake, closed.log)
    table = closed.lake.open(CERTIFIED_FIGURE)
    with pytest.raises(Exception, match="append-only"):
        DeltaTable(table.location).delete("metric_id = 'M-01'")

    (name,) = [name for name in table.partitions() if name.startswith(JAN)]
    (file,) = (Path(table.location) / f"kept_as={name}").glob("*.parquet")
    size, rows = file.stat().st_size, pl.read_parquet(file)
    rows.with_columns(value=pl.when(metric_id="M-01").then(pl.col("value") + 1).otherwise("value")).write_parquet(file)
    assert [f"{JAN}-d1"] == tampered(closed.lake, closed.log)  # a file that is damaged

    for entry in (Path(table.location) / "_delta_log").glob("*.json"):
        entry.write_text(entry.read_text().replace(f'"size":{size},', f'"size":{file.stat().st_size},'))
    assert [f"{JAN}-d1"] == tampered(closed.lake, closed.log)  # a file that can be read and says something else


def test_a_crash_between_the_copies_and_the_decision_certifies_nothing_and_the_next_try_finds_them(
    before: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in SIGNING[:-1]:
        before.sign(JAN, role)
    with monkeypatch.context() as patch:
        patch.setattr("flows.close.append_acts", killed)
        with pytest.raises(KeyboardInterrupt):
            before.sign(JAN, "cfo")
    assert [("VALIDATED", None)] == before.states(JAN)
    copies = before.lake.open(CERTIFIED_FIGURE).version

    before.sign(JAN, "cfo")
    assert ([("CERTIFIED", 1)], copies) == (before.states(JAN), before.lake.open(CERTIFIED_FIGURE).version)


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_of_two_who_act_at_once_the_second_judges_anew(before: Company) -> None:
    """AT-64: one sign-off per role."""
    log = before.log
    before.sign(JAN, "finance")
    with pytest.raises(LakeBusy):
        append_acts(before.lake, log, before.log, Work(flow="test", dataset=LIFECYCLE.name))
    with pytest.raises(CloseRefused, match="fin has signed"):
        before.sign(JAN, "finance")


def test_a_copy_of_something_else_stands_beside_the_first(before: Company) -> None:
    work = Work(flow="test", dataset="")
    first = keep_month(before.lake, JAN, f"{JAN}-d1", work)
    before.spend(10.00)
    before.bring()
    second = keep_month(before.lake, JAN, f"{JAN}-d1", work)

    assert first["snapshot/figure"] == second["snapshot/figure"]
    assert first["gold/account_month"] != second["gold/account_month"]


def test_a_clock_that_was_set_back_is_named(closed: Company) -> None:
    closed.clock -= timedelta(days=1)
    with pytest.raises(CloseRefused, match="clock set back"):
        closed.restate(JAN)


def test_a_waiver_is_footnoted_and_changes_the_hash(before: Company) -> None:
    first = before.months()[JAN].content_hash
    before.clock += timedelta(minutes=1)
    before.act("waive_gate", JAN, "gaps", "accounts", "acc", "agreed with sales", "2030-01-01")
    before.bring()

    assert first != before.months()[JAN].content_hash
    assert (2, 1) == (before.draft_number(JAN), before.draft_number(FEB))


def test_a_late_click_of_a_certified_month_is_audited_and_waits(closed: Company) -> None:
    """C.1: it is merged into gold; the certified figures stay, and what it changes is pending."""
    assert {} == closed.pending(JAN)
    topic = closed.root / "landing" / "topics" / "click_events.jsonl"
    envelopes = [json.loads(line) for line in topic.read_text().splitlines()]
    last = max((each for each in envelopes if each["partition"] == 0), key=lambda each: each["offset"])
    click = json.loads(last["payload"]) | {
        "timestamp": "2024-01-17T10:30:00Z", "user_id": "USER_9999", "session_id": "S9", "event_type": "page_view",
    }  # fmt: skip
    late = last | {"offset": last["offset"] + 1, "payload": json.dumps(click)}
    with topic.open("a") as log:
        log.write(json.dumps(late) + "\n")
    closed.bring()

    rows = closed.lake.read(LATE_EVENTS, (pl.col("month") == JAN) & (pl.col("class") == "late_to_certified"))
    assert [last["offset"] + 1] == rows.get_column("offset").to_list()
    assert {"LATE_DATA"} == set(closed.lake.read(PENDING_RESTATEMENT).get_column("cause"))
    old, new = closed.pending(JAN)["M-41.mau"]
    assert 1 == Decimal(new) - Decimal(old)


def test_each_edition_of_a_month_stays_readable(closed: Company) -> None:
    """AT-63: as reported, as of, latest; a revoked one is passed over, and shown as what it is."""
    first, month = closed.clock, Month.parse(JAN)
    one = closed.figure(JAN, "M-29")
    closed.spend(50_000.00)
    closed.bring()
    drafted = figures_as(closed.lake, edition(closed.lake, month, "draft"))
    closed.restate(JAN)
    for month_name in (JAN, *(name for name in (FEB,) if closed.draft_number(name) > 1)):
        closed.sign_all(month_name)
    second, two = closed.clock, closed.figure(JAN, "M-29")
    assert [Decimal("-50000.00"), two] == [two - one, result(drafted)]

    closed.clock += timedelta(minutes=1)
    closed.act("revoke_revision", JAN, "cfo", "counted twice")
    found = {
        name: edition(closed.lake, month, *asked)
        for name, asked in {
            "as reported": ("r1",), "second": ("r2",), "latest": (), "at the first": (None, first),
            "at the second": (None, second), "after the revocation": (None, closed.clock),
        }.items()
    }  # fmt: skip
    assert {
        "as reported": ("CERTIFIED", 1), "second": ("REVOKED", 2), "latest": ("CERTIFIED", 1),
        "at the first": ("CERTIFIED", 1), "at the second": ("REVOKED", 2), "after the revocation": ("CERTIFIED", 1),
    } == {name: (each.life.state, each.life.revision) for name, each in found.items()}  # fmt: skip
    assert (one, two) == (
        result(figures_as(closed.lake, found["latest"])),
        result(figures_as(closed.lake, found["second"])),
    )
    with pytest.raises(BadMonth, match="No revision of 2024-01 was in force"):
        edition(closed.lake, month, at=first - timedelta(days=1))
    with pytest.raises(BadAnchor, match="has no revision 3; 2 were certified"):
        edition(closed.lake, month, "r3")
    with pytest.raises(BadAnchor, match="'first' is no edition"):
        edition(closed.lake, month, "first")


def result(figures: pl.DataFrame) -> Decimal:
    of_company = (pl.col("metric_id") == "M-29") & (pl.col("grain_key") == "company")
    value: Decimal = figures.filter(of_company).get_column("value").item()
    return value


def test_the_report_of_a_certified_month_keeps_its_bytes_when_records_change(closed: Company, tmp_path: Path) -> None:
    def written(name: str, stand: str | None = None) -> dict[str, bytes]:
        found = edition(closed.lake, Month.parse(JAN), stand)
        paths = write_report(closed.lake, found, tmp_path / name, "TechFlow Solutions", "USD")
        return {path.suffix: path.read_bytes() for path in paths}

    before = written("before")
    closed.spend(50_000.00)
    closed.clock += timedelta(days=3)
    closed.bring()
    assert before == written("after")
    draft = written("draft", "draft")
    assert before[".html"] != draft[".html"]
    assert b"2024-01,1,M-29" in before[".csv"]
    assert b"2024-01,,M-29" in draft[".csv"]
    assert b'class="mark"' in draft[".html"].partition(b"<main>")[2]


def test_a_certified_edition_keeps_its_workbook_and_a_draft_has_its_own(closed: Company, tmp_path: Path) -> None:
    rules = Rules()

    def book(name: str, stand: str) -> Path:
        write_workbook(closed.lake, rules, Month.parse(JAN), stand, path := tmp_path / name)
        return path

    before = book("before.xlsx", "draft").read_bytes()
    closed.spend(50_000.00)
    closed.bring()
    first, draft = book("r1.xlsx", "r1"), book("d2.xlsx", "draft")
    assert before == first.read_bytes()

    certified, drafted = computed(tmp_path, first, draft)
    assert set() == differing(certified) | differing(drafted)
    told = {
        book[FRONT]["B2"].value: checks(book)["direct cost of all accounts = M-22"][2] for book in (certified, drafted)
    }
    assert ["r1, CERTIFIED; snapshot 2024-01-d1", "d2, VALIDATED; snapshot 2024-01-d2"] == list(told)
    assert 50_000 == round(told["d2, VALIDATED; snapshot 2024-01-d2"] - told["r1, CERTIFIED; snapshot 2024-01-d1"], 2)


def test_the_details_of_a_certified_month_stay_as_they_were(closed: Company) -> None:
    found, month = edition(closed.lake, Month.parse(JAN)), Month.parse(JAN)
    before = details_as(closed.lake, found, month)
    closed.spend(50_000.00)
    closed.bring()
    assert before.sort(before.columns).equals(details_as(closed.lake, found, month).sort(before.columns))
    assert not before.equals(details_of(closed.lake, month))


def test_a_certified_month_is_rebuilt_to_the_same_hash_after_its_records_have_changed(closed: Company) -> None:
    """AT-65."""
    closed.spend(50_000.00)
    closed.bring()
    left = sorted(path.name for path in closed.root.iterdir())
    first, draft = (closed.act("rebuild", JAN, stand, module="rebuild") for stand in ("r1", "draft"))

    assert (first["hash"], 0) == (first["rebuilt"], first["differ"])
    assert (draft["hash"], 0) == (draft["rebuilt"], draft["differ"])
    assert first["hash"] != draft["hash"]
    assert left == sorted(path.name for path in closed.root.iterdir())


def swept(home: Company) -> set[str]:
    """Remove what the newest versions of silver do not name, as a vacuum without our properties does; returns where."""
    found = set()
    for dataset in SILVER.values():
        table = DeltaTable(home.lake.open(dataset).location)
        gone = table.vacuum(0, dry_run=False, enforce_retention_duration=False)
        found |= {f"{dataset.name} {name.partition('/')[0]}" for name in gone}
    return found


def test_a_version_that_was_vacuumed_is_read_from_the_copies_and_the_rebuild_says_so(closed: Company) -> None:
    """AT-65, S-9: files are gone for real, and the revision still comes out with the hash that was signed."""
    version = closed.lake.open(SILVER["expenses"]).version
    closed.spend(50_000.00)
    closed.bring()
    assert {f"silver/expenses month={JAN}"} == swept(closed)

    told = closed.act("rebuild", JAN, "r1", module="rebuild")
    assert (told["hash"], 0) == (told["rebuilt"], told["differ"])
    assert [f"silver/expenses version {version} of {JAN}"] == told["copies"]
    draft = closed.act("rebuild", JAN, "draft", module="rebuild")
    assert (draft["hash"], []) == (draft["rebuilt"], draft["copies"])


def test_what_two_certifications_copy_alike_is_there_once(closed: Company) -> None:
    """February was certified after January and pins the same records."""
    copies = {name: closed.lake.open(kept.target).partitions() for name, kept in INPUTS.items()}
    months = {name: closed.lake.open(kept.source).partitions() for name, kept in INPUTS.items()}
    assert {name: len(found) for name, found in months.items()} == {name: len(found) for name, found in copies.items()}
    for name, kept in INPUTS.items():
        rows = [closed.lake.read(each).drop(KEPT_AS, strict=False) for each in (kept.source, kept.target)]
        assert rows[0].sort(kept.source.key).equals(rows[1].sort(kept.source.key)), name


def test_a_rebuild_names_the_version_that_is_gone_and_was_never_copied(before: Company) -> None:
    version = before.lake.open(SILVER["expenses"]).version
    before.spend(50_000.00)
    before.bring()
    swept(before)
    with pytest.raises(VersionGone, match=f"Version {version} of silver/expenses is gone"):
        before.act("rebuild", JAN, "d1", module="rebuild")


def test_what_can_no_longer_be_kept_is_not_certified(before: Company) -> None:
    for role in SIGNING[:-1]:
        before.sign(JAN, role)
    version = before.lake.open(SILVER["expenses"]).version
    (file,) = (Path(before.lake.open(SILVER["expenses"]).location) / f"month={JAN}").glob("*.parquet")
    file.unlink()
    with pytest.raises(VersionGone, match=f"Version {version} of silver/expenses is gone"):
        before.sign(JAN, "cfo")
    assert [("VALIDATED", None)] == before.states(JAN)


def test_a_rebuild_tells_what_was_changed_in_place(closed: Company) -> None:
    table = closed.lake.open(SILVER["expenses"])
    (file,) = (Path(table.location) / f"month={JAN}").glob("*.parquet")
    size = file.stat().st_size
    more = (pl.col("monthly_cost") + 1).cast(MONEY)
    pl.read_parquet(file).with_columns(more).write_parquet(file)
    for entry in (Path(table.location) / "_delta_log").glob("*.json"):
        entry.write_text(entry.read_text().replace(f'"size":{size},', f'"size":{file.stat().st_size},'))
    told = closed.act("rebuild", JAN, "r1", module="rebuild")
    assert told["hash"] != told["rebuilt"]
    assert told["differ"] > 1
