"""Dead letters are those of what is judged, whether they are added to others or written anew (data.md A.0)."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest

from compute.company import Company
from compute.contracts.click_events import CLICK_EVENTS
from compute.judging import judge
from compute.releases import NO_RELEASES
from flows.dead_letters import bring_dead_letters
from flows.job import Job
from flows.received import Received, bring_summaries
from storage.catalog import BRONZE, DEAD_LETTER, JUDGED
from storage.files import write_files
from storage.lake import Lake
from storage.work import Work
from tests.unit.records import KEY, received, record

WORK, JUDGED_CLICKS, BRONZE_CLICKS = Work("test", "test"), JUDGED["click_events"], BRONZE["click_events"]


def rows(batch: str, *, arrival: str = "2024-01-16T09:00:00Z") -> pl.DataFrame:
    """Return a click, two lines that are none, and one without a user, as received in a batch."""
    lines = record("click_events"), b"{", b"no json", record("click_events", user_id=None, session_id=batch)
    first = 10 * ord(batch)
    return pl.concat(
        received("click_events", line, arrival=arrival, offset=first + number) for number, line in enumerate(lines)
    ).with_columns(_batch_id=pl.lit(batch))


class House:
    """A lake into which batches come."""

    def __init__(self, root: Path) -> None:
        self.lake = Lake(str(root))
        job = SimpleNamespace(lake=self.lake, company=Company(), is_rebuild=False, flow="test", code_version="1")
        self.job = cast(Job, job)

    def land(self, batch: str) -> None:
        table = self.lake.open(BRONZE_CLICKS)
        table.created()
        now = pl.lit(None).cast(pl.Datetime("us", "UTC")).alias("_ingested_at")
        frame = rows(batch).with_columns(now).select(list(BRONZE_CLICKS.schema))
        table.append_files(write_files(self.lake, BRONZE_CLICKS, frame), {}, WORK)

    def judge(self, *batches: str, is_whole: bool = False) -> pl.DataFrame:
        """Judge batches, and no others when that is the whole; returns the summaries before."""
        before, table = bring_summaries(self.job, self.received()), self.lake.open(JUDGED_CLICKS)
        table.created()
        frame = judge(pl.concat(map(rows, batches)), CLICK_EVENTS, Company(), KEY)
        files, kept = write_files(self.lake, JUDGED_CLICKS, frame), dict.fromkeys(table.partitions(), "")
        if is_whole:
            table.replace_files(files, kept, WORK)
        else:
            table.append_files(files, {}, WORK)
        return before

    def received(self) -> Received:
        judged, bronze = self.lake.open(JUDGED_CLICKS), self.lake.open(BRONZE_CLICKS)
        return Received(CLICK_EVENTS, judged, bronze, NO_RELEASES, None)

    def bring(self, before: pl.DataFrame | None = None, *, unseen: Any = None) -> pl.DataFrame:
        """Bring the dead letters up to date and return them, in order."""
        received = self.received()
        object.__setattr__(received, "unseen", unseen)
        now = bring_summaries(self.job, received)
        bring_dead_letters(self.job, received, now if before is None else before, now)
        return self.lake.read(DEAD_LETTER).sort(DEAD_LETTER.key)

    @property
    def version(self) -> int:
        return self.lake.open(DEAD_LETTER).version


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, pl.DataFrame]:
    """The dead letters of some batches, written at once."""
    made = {}
    for batches in ("a", "b", "ab", "abc"):
        house = House(tmp_path / f"once-{batches}")
        for batch in batches:
            house.land(batch)
        house.judge(*batches)
        made[batches] = house.bring()
        assert 3 * len(batches) == made[batches].height
    return made


def test_dead_letters_are_those_of_what_is_judged(tmp_path: Path, expected: dict[str, pl.DataFrame]) -> None:
    house = House(tmp_path / "lake")
    house.land("a")
    house.bring(house.judge("a"))
    assert expected["a"].equals(house.bring())

    # What came since is added, and of bronze the files that nobody had seen are all that is read.
    seen = set(house.lake.open(BRONZE_CLICKS).files())
    house.land("b")
    unseen = sorted(set(house.lake.open(BRONZE_CLICKS).files()) - seen)
    for name in seen:
        (Path(house.lake.root) / BRONZE_CLICKS.name / name).rename(tmp_path / "aside")
    assert expected["ab"].equals(house.bring(house.judge("b"), unseen=unseen))
    for name in seen:
        (tmp_path / "aside").rename(Path(house.lake.root) / BRONZE_CLICKS.name / name)

    # Other files of the same rows are nothing new.
    version = house.version
    for month in house.lake.open(JUDGED_CLICKS).partitions():
        house.lake.open(JUDGED_CLICKS).compact(month)
    assert expected["ab"].equals(house.bring())
    assert version == house.version

    # A run that was killed between judging and here: the next one knows of no batch that is new.
    house.land("c")
    house.judge("c")
    assert expected["abc"].equals(house.bring())

    # A batch that is no longer there takes its dead letters along, also beside one that came.
    before = house.judge("b", is_whole=True)
    assert expected["b"].equals(house.bring(before))
