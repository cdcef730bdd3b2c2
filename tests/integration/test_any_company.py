"""Laws of the real lake on random companies: how records arrive, when a run is made and what it starts from decide nothing.

Source: AT-30, AT-32, AT-34. A few examples run with the other tests; to try many, by hand:

    python -m pytest tests/integration/test_any_company.py --hypothesis-profile=long

tries 200 of each; a failure is shrunk and printed, and tried first the next time. `lakes.INGEST_COLUMNS` says which
columns may differ and why.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.property.companies import AS_OF, MONTHS, Step, Whole, at_once, histories, parted, wholes
from tests.property.lakes import Home, difference, plain_flows

pytestmark = pytest.mark.integration
IS_LONG = settings.get_current_profile_name() == "long"
ALL = f"{MONTHS[0]}..{MONTHS[-1]}"
# From the first instant at which the last month may be asked as a whole, when many a trial has not run out.
CLOCKS = [datetime(year, month, 1, tzinfo=UTC) for year, month in ((2024, 4), (2024, 5), (2024, 7), (2027, 1))]
any_company = settings(
    deadline=None,
    max_examples=200 if IS_LONG else 2,
    phases=tuple(Phase) if IS_LONG else (Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.fixture(scope="module", autouse=True)
def _plain_flows() -> Iterator[None]:
    with plain_flows():
        yield


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def home(folder: str, name: str, whole: Whole) -> Home:
    made = Home(Path(folder) / name)
    made.keep_ledger(whole.ledger)
    return made


def live(home_: Home, steps: list[Step]) -> None:
    for step in steps:
        home_.put(step)
        home_.run(step.pipeline, step.months, AS_OF)


@any_company
@given(st.data())
def test_order_batching_and_repetition_of_arrivals_change_no_table_nor_does_a_rebuild(data: st.DataObject) -> None:
    """AT-30, AT-32."""
    whole = data.draw(wholes())
    steps = data.draw(histories(whole))
    with TemporaryDirectory() as folder:
        one, grown = home(folder, "one", whole), home(folder, "grown", whole)
        live(one, [at_once(whole)])
        live(grown, steps)

        bit_by_bit = grown.state()
        grown.run("aggregated", ALL, AS_OF, rebuild=True)

        assert {} == difference(one.state(), bit_by_bit)
        assert {} == difference(bit_by_bit, grown.state())


@any_company
@given(st.data())
def test_months_run_one_by_one_in_any_order_at_any_time_give_the_figures_of_one_run(data: st.DataObject) -> None:
    """AT-34: the clock goes on between the runs, by years; no record arrives."""
    whole = data.draw(wholes(clocks=False))
    order = data.draw(st.permutations(MONTHS))
    clocks = sorted(data.draw(st.lists(st.sampled_from(CLOCKS), min_size=len(order), max_size=len(order))))
    with TemporaryDirectory() as folder:
        together, apart = home(folder, "together", whole), home(folder, "apart", whole)
        for each in (together, apart):
            each.put(at_once(whole))
        together.clock = CLOCKS[0]
        together.run("aggregated", ALL)
        for month, apart.clock in zip(order, clocks, strict=True):
            apart.run("aggregated", str(month))

        for month in MONTHS:
            assert {} == difference({"": together.figures(month)}, {"": apart.figures(month)}), month
            assert together.draft(month)[1] == apart.draft(month)[1]


@any_company
@given(st.data())
def test_a_past_month_keeps_its_figures_when_later_months_arrive_and_are_run(data: st.DataObject) -> None:
    """AT-34: rerun years later, after records of later months that say nothing of it."""
    whole = data.draw(wholes(refusals=False, clocks=False))
    month = data.draw(st.sampled_from(MONTHS[:-1]))
    before, after = parted(whole, month)
    with TemporaryDirectory() as folder:
        lake = home(folder, "lake", whole)
        lake.put(at_once(before))
        lake.clock = CLOCKS[0]
        lake.run("aggregated", str(month))
        figures, draft = lake.figures(month), lake.draft(month)
        lake.put(at_once(after))
        lake.clock = CLOCKS[1]
        lake.run("aggregated", f"{month.plus(1)}..{MONTHS[-1]}")
        lake.clock = CLOCKS[-1]

        lake.run("aggregated", str(month))

        assert {} == difference({"": figures}, {"": lake.figures(month)})
        assert draft == lake.draft(month)
