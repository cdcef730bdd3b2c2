"""The status timeline on literal rows: which step stands on which day, and what each case says.

`test_gaps` has the jumps through a whole company and the order of a day's edges. Source: `data.md` C.2 (U-31 to U-38).
"""

from datetime import UTC, date, datetime
from itertools import product

import polars as pl
import pytest

from compute.status import end_of_day, status_timeline
from compute.status_order import order_of_events
from compute.statuses import DEFAULT_GRAPH, NO_STATUS, STATUSES, Graph

Row = tuple[int, str | None, str]  # day of January, previous, new
Case = tuple[str, str, str, str, str, str]  # kind, from, to, verdict, imputed, candidates
Step = tuple[int, str, str, bool]  # day, from, to, imputed

ILLEGAL: list[tuple[str, str, str, str]] = [  # from, to, verdict, imputed or candidates (AT-40)
    *((start, "Past Due", "impute", "Active") for start in (
        "(none)", "Lead", "Trial", "Suspended", "Expired", "Cancelled")),
    *((start, "Suspended", "impute", "Active") for start in ("(none)", "Lead", "Trial", "Expired", "Cancelled")),
    ("Past Due", "Trial", "impute", "Cancelled"),
    *((start, "Expired", "ambiguous", "Active | Trial") for start in ("(none)", "Lead", "Cancelled")),
    ("(none)", "Cancelled", "ambiguous", "Active | Lead | Trial"),
    ("Past Due", "Expired", "ambiguous", "Active | Suspended"),
    *((start, "Trial", "ambiguous", "Cancelled | Expired") for start in ("Active", "Suspended")),
    *((start, "Lead", "contradiction", "") for start in STATUSES if start != "Lead"),
]  # fmt: skip
WAY_TO: dict[str, list[Row]] = {  # lawful rows that lead to a state
    "(none)": [],
    "Lead": [(1, None, "Lead")],
    "Trial": [(1, None, "Trial")],
    "Active": [(1, None, "Active")],
    "Past Due": [(1, None, "Active"), (2, "Active", "Past Due")],
    "Suspended": [(1, None, "Active"), (2, "Active", "Suspended")],
    "Expired": [(1, None, "Active"), (2, "Active", "Expired")],
    "Cancelled": [(1, None, "Active"), (2, "Active", "Cancelled")],
}


def changes(*rows: Row, account: str = "ACC_1") -> pl.DataFrame:
    """Return status rows that arrive in the order given."""
    return pl.DataFrame(
        [
            (account, date(2024, 1, day), previous, new, datetime(2024, 2, 1, tzinfo=UTC), "a.ndjson", "b", number, 0)
            for number, (day, previous, new) in enumerate(rows, start=1)
        ],
        schema={
            "account_id": pl.String, "change_date": pl.Date, "previous_status": pl.String, "new_status": pl.String,
            "_arrival": pl.Datetime("us", "UTC"), "_file": pl.String, "_batch_id": pl.String, "_row": pl.Int64,
            "_bucket": pl.Int32,
        },
        orient="row",
    )  # fmt: skip


def cases(*rows: Row, graph: Graph = DEFAULT_GRAPH) -> list[Case]:
    found = status_timeline(changes(*rows), graph)[1]
    return found.select("kind", "from", "to", "verdict", "imputed", "candidates").rows()


def steps(*rows: Row, graph: Graph = DEFAULT_GRAPH) -> list[Step]:
    laid = status_timeline(changes(*rows), graph)[0]
    return laid.select(pl.col("change_date").dt.day().cast(pl.Int64), "from_status", "status", "is_imputed").rows()


def days(*rows: Row) -> list[tuple[int, str]]:
    """Return from which day of January on each status stands at the end of the day."""
    ended = end_of_day(status_timeline(changes(*rows), DEFAULT_GRAPH)[0])
    return ended.select(pl.col("change_date").dt.day().cast(pl.Int64), "status").rows()


@pytest.mark.parametrize(("start", "end", "verdict", "between"), ILLEGAL)
def test_an_illegal_jump_is_one_case_with_its_verdict_at40(start: str, end: str, verdict: str, between: str) -> None:
    previous = None if start == "(none)" else start
    imputed, candidates = (between, "") if verdict == "impute" else ("", between)

    actual = cases(*WAY_TO[start], (9, previous, end))

    assert [("illegal_edge", start, end, verdict, imputed, candidates)] == actual


def test_the_lawful_edges_and_the_illegal_jumps_are_all_there_are_at40() -> None:
    lawful = {(start, end) for start, ends in DEFAULT_GRAPH.items() for end in ends}
    illegal = {(start.replace("(none)", NO_STATUS), end) for start, end, _, _ in ILLEGAL}

    assert (24, 25) == (len(lawful), len(illegal))
    assert lawful | illegal == {pair for pair in product((NO_STATUS, *STATUSES), STATUSES) if pair[0] != pair[1]}


@pytest.mark.parametrize(
    ("start", "end"), [(start, end) for start, ends in DEFAULT_GRAPH.items() for end in ends], ids=str
)
def test_a_lawful_step_raises_nothing_active_to_expired_among_them_at19(start: str, end: str) -> None:
    rows = [*WAY_TO[start or "(none)"], (9, start or None, end)]

    assert [] == cases(*rows)
    assert len(rows) == len(steps(*rows))


@pytest.mark.parametrize(
    ("first", "expected_cases", "expected_steps"),
    [
        ((5, None, "Active"), [], []),
        ((5, "Lead", "Active"), [], []),
        ((5, "Trial", "Active"), [], []),
        ((5, "Active", "Expired"), [("(none)", "Active", "impute", "Active", "")], [(5, "", "Active", True)]),
        (
            (5, "Past Due", "Active"),
            [("(none)", "Past Due", "impute", "Active > Past Due", "")],
            [(5, "", "Active", True), (5, "Active", "Past Due", True)],
        ),
        (
            (5, "Suspended", "Active"),
            [("(none)", "Suspended", "impute", "Active > Suspended", "")],
            [(5, "", "Active", True), (5, "Active", "Suspended", True)],
        ),
        ((5, "Expired", "Active"), [("(none)", "Expired", "ambiguous", "", "Active | Trial")], []),
        ((5, "Cancelled", "Active"), [("(none)", "Cancelled", "ambiguous", "", "Active | Lead | Trial")], []),
    ],
)
def test_a_first_row_that_is_no_beginning_misses_its_start_u31(
    first: Row, expected_cases: list[tuple[str, ...]], expected_steps: list[Step]
) -> None:
    own = (5, first[1] or "", first[2], False)

    assert [("missing_start", *case) for case in expected_cases] == cases(first)
    assert [*expected_steps, own] == steps(first)


@pytest.mark.parametrize(
    ("state", "previous", "expected", "imputed_steps"),
    [
        ("Trial", "Active", ("impute", "Active", ""), [("Trial", "Active")]),
        ("Lead", "Past Due", ("impute", "Active > Past Due", ""), [("Lead", "Active"), ("Active", "Past Due")]),
        ("Past Due", "Trial", ("impute", "Cancelled > Trial", ""), [("Past Due", "Cancelled"), ("Cancelled", "Trial")]),
    ],
)
def test_a_chain_break_with_one_way_is_bridged_on_the_day_that_reveals_it_u32(
    state: str, previous: str, expected: tuple[str, str, str], imputed_steps: list[tuple[str, str]]
) -> None:
    end = DEFAULT_GRAPH[previous][0]
    row = (9, previous, end)

    assert [("chain_break", state, previous, *expected)] == cases(*WAY_TO[state], row)
    tail = steps(*WAY_TO[state], row)[len(WAY_TO[state]) :]
    assert [*((9, start, to, True) for start, to in imputed_steps), (9, previous, end, False)] == tail


@pytest.mark.parametrize(
    ("state", "previous", "verdict", "candidates"),
    [
        ("Past Due", "Expired", "ambiguous", "Active | Suspended"),
        ("Lead", "Expired", "ambiguous", "Active | Trial"),
        ("Trial", "Lead", "contradiction", ""),
        ("Trial", None, "contradiction", ""),
    ],
)
def test_a_chain_break_without_one_way_is_unknown_from_the_row_before_to_the_day_before_this_one_u33(
    state: str, previous: str | None, verdict: str, candidates: str
) -> None:
    rows = [*WAY_TO[state], (9, previous, "Active")]
    last_known = WAY_TO[state][-1][0]

    assert [("chain_break", state, previous or "(none)", verdict, "", candidates)] == cases(*rows)
    assert [(last_known, "Unknown"), (9, "Active")] == days(*rows)[-2:]


def test_a_chain_break_within_a_day_leaves_no_unknown_day() -> None:
    assert [(5, "Active")] == days((5, None, "Lead"), (5, "Expired", "Active"))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(1, None, "Active"), (9, "Active", "Trial")], [(1, "Active"), (9, "Trial")]),  # ambiguous
        ([(1, None, "Active"), (9, "Active", "Lead")], [(1, "Active"), (9, "Lead")]),  # contradiction
        ([(1, None, "Trial"), (9, "Trial", "Past Due")], [(1, "Trial"), (9, "Past Due")]),  # imputed on that day
    ],
)
def test_at_an_illegal_edge_the_status_before_holds_until_its_day_u33(
    rows: list[Row], expected: list[tuple[int, str]]
) -> None:
    assert expected == days(*rows)


def test_the_states_between_stand_before_the_row_and_lead_to_it_u32() -> None:
    expected = [(1, "", "Trial", False), (9, "Trial", "Active", True), (9, "Active", "Past Due", False)]

    assert expected == steps((1, None, "Trial"), (9, "Trial", "Past Due"))


def test_a_row_may_open_two_cases_and_both_are_imputed_in_order_u35() -> None:
    rows = [(1, None, "Lead"), (9, "Trial", "Suspended")]

    assert cases(*rows) == [
        ("chain_break", "Lead", "Trial", "impute", "Trial", ""),
        ("illegal_edge", "Trial", "Suspended", "impute", "Active", ""),
    ]
    assert steps(*rows) == [
        (1, "", "Lead", False),
        (9, "Lead", "Trial", True),
        (9, "Trial", "Active", True),
        (9, "Active", "Suspended", False),
    ]


def test_a_first_row_may_open_two_cases_u35() -> None:
    assert cases((9, "Active", "Trial")) == [
        ("illegal_edge", "Active", "Trial", "ambiguous", "", "Cancelled | Expired"),
        ("missing_start", "(none)", "Active", "impute", "Active", ""),
    ]


def test_a_case_and_its_steps_are_bounded_by_the_row_before_and_this_row() -> None:
    laid, found = status_timeline(changes((1, None, "Trial"), (9, "Active", "Expired")), DEFAULT_GRAPH)

    bounds = [date(2024, 1, 1), date(2024, 1, 9)]
    assert [(*bounds, bounds[1])] == found.select("earliest", "latest", "event_date").rows()
    assert [tuple(bounds)] == laid.filter("is_imputed").select("earliest", "latest").rows()
    first = status_timeline(changes((9, "Active", "Expired")), DEFAULT_GRAPH)[1]
    assert [(None, bounds[1])] == first.select("earliest", "latest").rows()


def test_a_real_row_replaces_the_imputed_step_and_closes_the_case_at41() -> None:
    gap: list[Row] = [(1, None, "Trial"), (9, "Active", "Expired")]

    before, after = cases(*gap), cases(*gap, (4, "Trial", "Active"))

    assert ([("chain_break", "Trial", "Active", "impute", "Active", "")], []) == (before, after)
    assert [(1, "Trial"), (4, "Active"), (9, "Expired")] == days(*gap, (4, "Trial", "Active"))


def test_the_company_s_graph_alone_says_what_is_missing_x6() -> None:
    graph = {"": ("Lead",), "Lead": ("Trial",), "Trial": ("Active",)}

    assert cases((1, None, "Lead"), (9, "Lead", "Active"), graph=graph) == [
        ("illegal_edge", "Lead", "Active", "impute", "Trial", "")
    ]
    assert cases((9, None, "Cancelled"), graph=graph) == [
        ("illegal_edge", "(none)", "Cancelled", "contradiction", "", "")
    ]


def test_no_graph_leads_back_to_lead_u37() -> None:
    graph = {"": ("Lead",), "Lead": ("Trial",), "Trial": ("Cancelled",), "Cancelled": ("Trial", "Lead")}

    assert cases((1, None, "Lead"), (5, "Lead", "Trial"), (9, "Trial", "Lead"), graph=graph) == [
        ("illegal_edge", "Trial", "Lead", "contradiction", "", "")
    ]


# Seven rows of one day that chain in one way only, last first; an eighth is one too many.
SEVEN: list[Row] = [
    (5, "Expired", "Cancelled"), (5, "Suspended", "Expired"), (5, "Past Due", "Suspended"), (5, "Active", "Past Due"),
    (5, "Trial", "Active"), (5, "Lead", "Trial"), (5, None, "Lead"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "expected", "is_ambiguous"),
    [
        ([(5, "Trial", "Active"), (5, None, "Trial")], [1, 0], False),
        ([(1, None, "Active"), (5, "Past Due", "Active"), (5, "Active", "Past Due")], [0, 2, 1], False),
        ([(1, None, "Trial"), (5, "Past Due", "Active"), (5, "Active", "Past Due")], [0, 1, 2], True),
        ([(5, "Trial", "Active"), (5, "Suspended", "Expired")], [0, 1], True),
        # Two loops from the status before the day: two orders start from it, so neither is taken.
        ([(1, None, "Active"), (5, "Active", "Suspended"), (5, "Suspended", "Active"), (5, "Active", "Past Due"),
          (5, "Past Due", "Active")], [0, 1, 2, 3, 4], True),
        (SEVEN, [6, 5, 4, 3, 2, 1, 0], False),
        ([(5, "Cancelled", "Trial"), *SEVEN], [0, 1, 2, 3, 4, 5, 6, 7], True),
        ([(6, "Lead", "Trial"), (5, None, "Lead")], [1, 0], False),
    ],
)  # fmt: skip
def test_the_events_of_a_day_go_in_their_only_order_or_as_they_arrived_u36(
    rows: list[Row], expected: list[int], is_ambiguous: bool
) -> None:
    ordered = order_of_events(changes(*rows))

    assert expected == [row - 1 for row in ordered.get_column("_row")]
    assert is_ambiguous == ordered.get_column("is_ambiguous_day").any()


def test_accounts_do_not_mix() -> None:
    one, other = changes((1, None, "Trial"), (9, "Trial", "Active")), changes((5, "Active", "Expired"), account="ACC_2")

    both = status_timeline(pl.concat([other, one]), DEFAULT_GRAPH)
    alone = [status_timeline(each, DEFAULT_GRAPH) for each in (one, other)]

    assert all(frame.equals(pl.concat([each[index] for each in alone])) for index, frame in enumerate(both))
