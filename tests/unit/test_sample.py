"""The sample company: equal seeds give equal bytes, and its feeds agree with one another."""

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from compute.company import parse_company
from compute.errors import BadSetting
from compute.months import parse_months
from compute.sample.company import SampleCompany, company_file, sample_company
from compute.sample.faults import FaultyDays, parse_kinds, put_in
from compute.sample.request import Request
from compute.sample.topics import arriving, days_made
from compute.sample.truth import TABLES, Found, compare, missed
from storage.sample import require_empty, write_sample


def request(seed: int = 5, months: str = "2023-11..2024-01", accounts: int = 60) -> Request:
    return Request(seed, parse_months(months), accounts, 3)


@pytest.fixture(scope="module")
def company() -> SampleCompany:
    return sample_company(request())


def digests(folder: Path, asked: Request) -> dict[str, str]:
    write_sample(sample_company(asked), folder, lambda *_: None)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_equal_seeds_give_equal_bytes_and_other_seeds_other_ones(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
    one, two = digests(tmp_path / "one", request()), digests(tmp_path / "two", request())
    three = digests(tmp_path / "three", request(seed=6))

    assert one == two
    same = {name for name, digest in one.items() if three.get(name) == digest}
    assert {"company.toml"} == same


def test_the_ledger_adds_up_to_the_bills(company: SampleCompany) -> None:
    billed = company.feeds["revenue"].get_column("total_monthly_revenue").sum()
    posted = company.ledger.get_column("amount").cast(pl.Decimal(18, 2)).sum()

    assert billed == int(posted * 100)


def test_a_month_that_ends_paying_has_one_bill(company: SampleCompany) -> None:
    for life in company.lives:
        months = [bill.on.strftime("%Y-%m") for bill in life.bills]
        assert len(months) == len(set(months))
        for month in company.request.months:
            is_paying = any(start <= month.last and (end is None or end > month.last) for start, end in life.paid)
            assert not is_paying or str(month) in months


def test_every_bill_has_the_seats_of_the_last_change(company: SampleCompany) -> None:
    for life in company.lives:
        for bill in life.bills:
            assert bill.seats == [each.new for each in life.seat_changes if each.effective_on <= bill.on][-1]


def test_statuses_chain_from_the_first_on_and_no_bill_is_written_while_nobody_pays(company: SampleCompany) -> None:
    for life in company.lives:
        assert [each.previous for each in life.events] == [None, *(each.new for each in life.events)][:-1]
        assert [each.on for each in life.events] == sorted(each.on for each in life.events)
        for bill in life.bills:
            assert any(start <= bill.on and (end is None or bill.on < end) for start, end in life.paid)


def test_a_contract_begins_with_the_value_that_the_last_one_had(company: SampleCompany) -> None:
    for life in company.lives:
        signed = [(each.on, None, each.value_cents) for each in life.events if each.value_cents is not None]
        renewed = [(each.on, each.previous_cents, each.new_cents) for each in life.renewals]
        value = 0
        for _, previous, new in sorted([*signed, *renewed], key=lambda each: each[0]):
            assert previous in (None, value)
            value = new


def test_every_click_lies_in_a_session_of_its_user_and_no_two_of_them_overlap(company: SampleCompany) -> None:
    days = list(days_made(company))
    sessions = pl.concat([day.use.sessions for day in days])
    clicks = pl.concat([day.use.clicks for day in days])
    held = clicks.join(sessions.select("session", "user", "account", "begin", "end"), on=["session", "user", "account"])
    ordered = sessions.sort("user", "begin")

    assert held.height == clicks.height
    assert held.filter(~pl.col("at").is_between("begin", "end")).is_empty()
    assert ordered.filter((pl.col("end").shift() > pl.col("begin")).over("user")).is_empty()
    assert clicks.select("user", "at", "kind", "feature").is_unique().all()
    assert sessions.filter(
        pl.from_epoch("begin", time_unit="ms").dt.month() != pl.from_epoch("end", time_unit="ms").dt.month()
    ).is_empty()


def test_no_more_users_are_active_than_seats_are_paid(company: SampleCompany) -> None:
    sessions = pl.concat([day.use.sessions for day in days_made(company)])
    monthly = (
        sessions.with_columns(month=pl.from_epoch("begin", time_unit="ms").dt.strftime("%Y-%m"))
        .group_by("account", "month")
        .agg(pl.col("user").n_unique())
    )
    for account, month, users in monthly.rows():
        seats = {bill.on.strftime("%Y-%m"): bill.seats for bill in company.lives[account].bills}
        assert users <= seats[month]


def test_a_late_record_waits_for_its_time_and_offsets_follow_the_broker_time(company: SampleCompany) -> None:
    desk = put_in(company, frozenset({"late"}))
    faulty = FaultyDays(desk, frozenset({"late"}))
    clicks = pl.concat([
        records
        for topic, records in arriving(faulty.of(days_made(company)), company.request.last.last)
        if topic == "click_events"
    ])  # fmt: skip

    assert len(desk.entries) == 3
    for _, rows in clicks.group_by("partition", maintain_order=True):
        assert rows.get_column("at").is_sorted()
        assert rows.get_column("offset").to_list() == list(range(rows.height))


def test_faults_leave_every_other_line_as_it_is(tmp_path: Path) -> None:
    plain, faulty = tmp_path / "plain", tmp_path / "faulty"
    for folder, kinds in ((plain, frozenset[str]()), (faulty, frozenset({"missing_bill"}))):
        folder.mkdir()
        write_sample(sample_company(request()), folder, lambda *_: None, kinds)
    told = json.loads((faulty / "truth.json").read_text(encoding="utf-8"))["faults"]

    changed = {
        path.relative_to(plain).parent.name
        for path in plain.rglob("*.*")
        if path.is_file() and path.read_bytes() != (faulty / path.relative_to(plain)).read_bytes()
    }
    assert {"revenue", ""} == changed
    assert ["missing_bill"] == [fault["kind"] for fault in told]


def test_an_unknown_kind_of_fault_is_refused_by_name() -> None:
    with pytest.raises(BadSetting, match="There is no fault 'gremlin'"):
        parse_kinds("gap,gremlin")
    assert frozenset() == parse_kinds("none")
    assert "gap" in parse_kinds("all")


def test_what_is_stated_and_not_found_and_what_is_found_and_not_stated_are_told_apart() -> None:
    told = {
        "rows": {"revenue": 2},
        "faults": [
            {
                "kind": "gap",
                "expect": {"gaps": [["ACC_1", "chain_break", "Active", "Trial", "ambiguous", "2024-01-01"]]},
            },
            {"kind": "late", "expect": {"dispositions": [["click_events", "accepted", "CLK-W01", 1]]}},
        ],
    }
    found = Found(
        dispositions=pl.DataFrame({"dataset": ["revenue"], "disposition": ["accepted"], "code": [""], "rows": [2]}),
        findings=pl.DataFrame({"month": ["2024-01"], "code": ["XR-5"], "key": ["ACC_2 2024-01"]}),
        gaps=pl.DataFrame(schema=dict.fromkeys(TABLES["gaps"], pl.String)),
        reconciliation=pl.DataFrame({"month": ["2024-01"], "account_id": ["ACC_2"], "class": ["matched"]}),
        late_events=pl.DataFrame(schema=dict.fromkeys(TABLES["late_events"], pl.String)),
    )

    verdicts = compare(told, found)

    assert [
        ("(not stated)", "dispositions", 0, 1), ("(not stated)", "findings", 0, 1), ("gap", "gaps", 1, 0),
        ("late", "dispositions", 1, 0),
    ] == verdicts.rows()  # fmt: skip
    assert verdicts.equals(missed(verdicts))


def test_the_company_file_is_one() -> None:
    assert "Reports" in parse_company(company_file(), source="company.toml").features.core


def test_a_company_without_accounts_or_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()

    with pytest.raises(BadSetting, match="too small"):
        request(accounts=3)
    with pytest.raises(BadSetting, match="not empty"):
        require_empty(tmp_path)
