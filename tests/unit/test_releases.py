"""Releases: what fix, accept and discard make of a held row (AT-05)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from compute.company import Company
from compute.completeness import CompletenessInput, completeness
from compute.contracts.contract import Contract
from compute.contracts.feeds import BY_NAME
from compute.current import ALONE, Beside, refused_days, settle, silver_rows
from compute.dispositions import count_dispositions, held_rows
from compute.judging import judge
from compute.lateness import late_events
from compute.months import Month
from compute.releases import RELEASE, fixed_rows, is_accepted_as_is, refused_accepts, release_marks
from tests.unit.records import ARRIVAL, KEY, received, record

AT = datetime(2024, 3, 1, tzinfo=UTC)
BAD = record("revenue", total_monthly_revenue=1.00)  # REV-Q01
GOOD = record("revenue")


def released(
    verdict: str, place: dict[str, Any], payload: bytes | None = None, hours: int = 0, **more: Any
) -> dict[str, Any]:
    empty = dict.fromkeys(RELEASE)
    return empty | {
        "release_id": f"{hours:032x}", "dataset": "revenue", "verdict": verdict, "payload": payload, "by": "finance",
        "why": "asked", "at": AT + timedelta(hours=hours), **place, **more,
    }  # fmt: skip


def settled(
    rows: pl.DataFrame, releases: list[dict[str, Any]], contract: Contract = BY_NAME["revenue"]
) -> pl.DataFrame:
    frame = pl.DataFrame(releases, schema=RELEASE)
    both = pl.concat([rows, fixed_rows(frame, contract).select(rows.columns)])
    judged = judge(both, contract, Company(), KEY)
    return settle(
        judged, contract, Company(), refused_days(judged, Company()), Beside(ALONE.accounts, ALONE.as_of, frame)
    )


def counts(rows: pl.DataFrame, contract: Contract = BY_NAME["revenue"]) -> dict[str, tuple[int, int]]:
    totals = count_dispositions(rows, contract).filter(pl.col("code") == "")
    return {name: (count, closed) for name, count, closed in totals.select("disposition", "rows", "closed").rows()}


def place_of(rows: pl.DataFrame, nth: int = 0) -> dict[str, Any]:
    return {"batch_id": rows.get_column("_batch_id")[nth], "row": rows.get_column("_row")[nth]}


def topic_place(rows: pl.DataFrame) -> dict[str, Any]:
    return {"partition": rows.get_column("_partition")[0], "offset": rows.get_column("_offset")[0],
            "payload_sha256": rows.get_column("_payload_sha256")[0], "dataset": "click_events"}  # fmt: skip


def test_an_accepted_row_keeps_its_codes_and_its_arrival_and_enters_silver() -> None:
    rows = received("revenue", BAD)

    done = settled(rows, [released("accept", place_of(rows))])

    assert {"accepted": (1, 0)} == counts(done)
    silver = silver_rows(done, BY_NAME["revenue"]).filter(is_accepted_as_is())
    assert [["REV-Q01"]] == silver.get_column("_codes").to_list()
    assert [datetime.fromisoformat(ARRIVAL)] == silver.get_column("_arrival").to_list()


def test_a_discarded_row_stays_quarantined_and_its_case_is_closed() -> None:
    rows = received("revenue", BAD)

    done = settled(rows, [released("discard", place_of(rows))])

    assert {"quarantined": (1, 1)} == counts(done)
    assert [True] == held_rows(done, BY_NAME["revenue"]).get_column("is_closed").to_list()


def test_a_fixed_record_is_received_and_arrives_with_the_release() -> None:
    rows = received("revenue", BAD)

    done = settled(rows, [released("fix", place_of(rows), GOOD)])

    assert {"quarantined": (1, 1), "accepted": (1, 0)} == counts(done)
    assert [AT] == silver_rows(done, BY_NAME["revenue"]).get_column("_arrival").to_list()


def test_a_bad_fix_is_held_like_any_other_row_and_can_be_fixed_again() -> None:
    rows = received("revenue", BAD)
    first = released("fix", place_of(rows), record("revenue", payment_status="Maybe"))
    assert {"quarantined": (2, 1)} == counts(settled(rows, [first]))

    second = released("fix", {"batch_id": first["release_id"], "row": 1}, GOOD, hours=1)

    assert {"quarantined": (2, 2), "accepted": (1, 0)} == counts(settled(rows, [first, second]))


def test_the_last_release_stands_whatever_the_order_and_the_repetition() -> None:
    rows = received("revenue", BAD)
    early, late = released("discard", place_of(rows)), released("accept", place_of(rows), hours=1)

    for releases in ([early, late], [late, early], [late, early, late]):
        assert {"accepted": (1, 0)} == counts(settled(rows, releases))


def test_a_fix_replaced_by_another_is_no_longer_received() -> None:
    rows = received("revenue", BAD)
    wrong = released("fix", place_of(rows), record("revenue", account_id="ACC_002"))
    right = released("fix", place_of(rows), GOOD, hours=1)

    current = silver_rows(settled(rows, [wrong, right]), BY_NAME["revenue"])

    assert ["ACC_001"] == current.get_column("account_id").to_list()


def test_a_release_of_a_row_that_is_good_by_now_changes_nothing() -> None:
    rows = received("revenue", GOOD)

    assert {"accepted": (1, 0)} == counts(settled(rows, [released("discard", place_of(rows))]))


def test_rows_of_a_refused_day_can_be_accepted_one_by_one() -> None:
    rows = received("revenue", *(record("revenue", account_id=f"ACC_{n}") for n in range(94)), *(BAD for _ in range(6)))
    assert {"quarantined": (100, 0)} == counts(settled(rows, []))

    assert {"quarantined": (99, 0), "accepted": (1, 0)} == counts(settled(rows, [released("accept", place_of(rows))]))


def test_a_click_is_released_by_its_offset() -> None:
    contract = BY_NAME["click_events"]
    rows = received("click_events", record("click_events", event_type="feature_click", feature_name=None))
    fix = released(
        "fix", topic_place(rows), record("click_events", event_type="feature_click", feature_name="Dashboard")
    )

    done = settled(rows, [fix], contract)

    assert {"quarantined": (1, 1), "accepted": (1, 0)} == counts(done, contract)
    assert [-3] == silver_rows(done, contract).get_column("_partition").to_list()


@pytest.mark.parametrize(
    ("codes", "kept_back"),
    [
        (["REV-Q01"], []),
        (["REV-Q91", "REV-Q01"], ["REV-Q91"]),
        (["REV-R00"], ["REV-R00"]),
        (["REV-Q99"], []),
        (["REV-R01"], ["REV-R01"]),
        (["REV-Q92"], ["REV-Q92"]),
        (["REV-Q93"], ["REV-Q93"]),
    ],
)
def test_what_leaves_no_value_cannot_be_accepted(codes: list[str], kept_back: list[str]) -> None:
    assert kept_back == refused_accepts(codes, BY_NAME["revenue"])


def test_a_release_marks_the_month_of_its_row_alone() -> None:
    contract = BY_NAME["revenue"]
    rows = received("revenue", BAD, record("revenue", total_monthly_revenue=1.00, billing_date="2024-02-01"))
    judged = judge(rows, contract, Company())
    releases = pl.DataFrame([released("accept", place_of(rows))], schema=RELEASE)

    assert {"2024-01": releases.get_column("release_id")[0]} == release_marks(judged, releases, contract)


def test_the_marks_of_a_month_do_not_depend_on_the_order_of_its_rows() -> None:
    contract = BY_NAME["revenue"]
    rows = received(
        "revenue", *(record("revenue", account_id=f"ACC_{n}", total_monthly_revenue=1.00) for n in range(9))
    )
    judged = judge(rows, contract, Company())
    releases = [released("accept", place_of(rows, nth), hours=nth, release_id=f"{9 - nth:032x}") for nth in range(9)]

    expected = {"2024-01": " ".join(f"{number:032x}" for number in range(1, 10))}
    for order in (releases, releases[::-1]):
        assert expected == release_marks(judged, pl.DataFrame(order, schema=RELEASE), contract)


def test_a_release_of_another_feed_is_none_of_this_one() -> None:
    rows = received("revenue", BAD)

    assert {"quarantined": (1, 0)} == counts(settled(rows, [released("discard", place_of(rows), dataset="expenses")]))


def test_a_fixed_record_of_a_topic_has_a_number_whatever_its_release_is_called() -> None:
    contract = BY_NAME["click_events"]
    rows = received("click_events", record("click_events", feature_name=None))
    names = ["f" * 32, "f" * 14 + "e" + "f" * 17]
    fixes = [
        released("fix", topic_place(rows) | {"offset": nth}, record("click_events"), release_id=name)
        for nth, name in enumerate(names)
    ]

    offsets = fixed_rows(pl.DataFrame(fixes, schema=RELEASE), contract).get_column("_offset").sort().to_list()

    assert [2**60 - 2, 2**60 - 1] == offsets


def test_a_good_row_is_no_case() -> None:
    rows = received("revenue", BAD, record("revenue", account_id="ACC_002"))

    assert [1] == held_rows(settled(rows, []), BY_NAME["revenue"]).get_column("row").to_list()


def test_every_held_row_has_an_id_of_its_own() -> None:
    rows = received("revenue", *(record("revenue", total_monthly_revenue=float(n)) for n in range(1, 50)))

    ids = held_rows(settled(rows, []), BY_NAME["revenue"]).get_column("case_id")

    assert 49 == ids.n_unique()
    assert ids.str.contains(r"^REV-[0-9a-f]{8}$").all()
    assert json.dumps(sorted(ids)) == json.dumps(
        sorted(held_rows(settled(rows, []), BY_NAME["revenue"]).get_column("case_id"))
    )


def test_an_accept_does_not_stand_once_the_row_has_no_value() -> None:
    rows = received("revenue", record("revenue", billing_date="2024-13-01"))  # Q92: there is no date to accept

    done = settled(rows, [released("accept", place_of(rows))])

    assert {"quarantined": (1, 0)} == counts(done)
    assert [False] == held_rows(done, BY_NAME["revenue"]).get_column("is_closed").to_list()


def test_an_accepted_row_stays_among_the_cases_closed_so_that_it_can_be_decided_otherwise() -> None:
    rows = received("revenue", BAD)
    accepted = released("accept", place_of(rows))
    assert [True] == held_rows(settled(rows, [accepted]), BY_NAME["revenue"]).get_column("is_closed").to_list()

    done = settled(rows, [accepted, released("discard", place_of(rows), hours=1)])

    assert {"quarantined": (1, 1)} == counts(done)


def test_what_was_decided_of_a_fixed_record_falls_with_its_fix() -> None:
    rows = received("revenue", BAD)
    first = released("fix", place_of(rows), record("revenue", payment_status="?"))
    of_first = released("fix", {"batch_id": first["release_id"], "row": 1}, record("revenue", account_id="ACC_7"), 1)
    of_second = released(
        "fix", {"batch_id": of_first["release_id"], "row": 1}, record("revenue", account_id="ACC_8"), 2
    )
    instead = released("fix", place_of(rows), GOOD, hours=3)
    chain = [first, of_first, of_second]

    for releases in ([*chain, instead], [instead, *reversed(chain)]):
        done = settled(rows, releases)

        assert {"quarantined": (1, 1), "accepted": (1, 0)} == counts(done)
        assert ["ACC_001"] == silver_rows(done, BY_NAME["revenue"]).get_column("account_id").to_list()


def test_a_fixed_click_can_be_fixed_again() -> None:
    contract = BY_NAME["click_events"]
    rows = received("click_events", record("click_events", event_type="feature_click", feature_name=None))
    first = released("fix", topic_place(rows), record("click_events", ip_address="nowhere"))
    held = fixed_rows(pl.DataFrame([first], schema=RELEASE), contract)
    second = released("fix", topic_place(held), record("click_events"), hours=1)

    assert {"quarantined": (2, 1)} == counts(settled(rows, [first], contract), contract)
    assert {"quarantined": (2, 2), "accepted": (1, 0)} == counts(settled(rows, [second, first], contract), contract)


@pytest.mark.parametrize(
    ("verdict", "expected"), [("accept", {"accepted": (1, 0)}), ("discard", {"quarantined": (1, 1)})]
)
def test_a_click_of_an_unknown_account_can_be_accepted_or_discarded(
    verdict: str, expected: dict[str, tuple[int, int]]
) -> None:
    contract = BY_NAME["click_events"]
    rows = received("click_events", record("click_events"))
    releases = pl.DataFrame([released(verdict, topic_place(rows))], schema=RELEASE)
    judged = judge(rows, contract, Company(), KEY)

    held = settle(judged, contract, Company(), frozenset(), Beside(ALONE.accounts, AT))
    done = settle(judged, contract, Company(), frozenset(), Beside(ALONE.accounts, AT, releases))

    assert [["CLK-Q03"]] == held.get_column("_codes").to_list()
    assert expected == counts(done, contract)


def test_an_old_click_that_is_accepted_is_late_and_stands_once_in_the_audit() -> None:
    contract = BY_NAME["click_events"]
    rows = received("click_events", record("click_events", timestamp="2020-01-15T10:00:00Z"))
    judged = judge(rows, contract, Company(), KEY)

    def classes(releases: list[dict[str, Any]]) -> list[str]:
        current = silver_rows(settled(rows, releases, contract), contract).select("_partition", "_offset")
        return late_events(judged, current, contract, Company()).get_column("class").to_list()

    assert ["unusable"] == classes([])
    assert ["late"] == classes([released("accept", topic_place(rows))])


def test_completeness_counts_a_held_row_until_its_case_is_closed() -> None:
    rows = received("revenue", BAD, record("revenue", account_id="ACC_002", billing_date="2024-13-01"))

    def held(releases: list[dict[str, Any]]) -> int:
        counted = count_dispositions(settled(rows, releases), BY_NAME["revenue"])
        empty = pl.DataFrame(
            schema={"is_existing": pl.Boolean, "status": pl.String, "bill_total": pl.Float64, "account_id": pl.String}
        )
        none = pl.DataFrame(schema={"account_id": pl.String, "team_id": pl.String, "headcount": pl.Int64})
        given = CompletenessInput(counted, empty, none, none, none, 0)
        return int(completeness(given, Month(2024, 1)).filter(pl.col("dataset") == "revenue")["quarantined"][0])

    dated, undated = released("discard", place_of(rows)), released("discard", place_of(rows, 1), hours=1)
    assert [2, 1, 1, 0] == [held(each) for each in ([], [dated], [undated], [dated, undated])]
