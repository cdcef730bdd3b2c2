"""The summaries of judged files say what their rows say, however the rows are spread over files.

Source: `operations.md` C.1, L-1; `data.md` U-13, U-19.
"""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from compute.clock import clock_marks, moved_in_files, moved_rows
from compute.company import Company, parse_company
from compute.contracts.contract import Contract
from compute.contracts.feeds import BY_NAME, FEEDS
from compute.current import Beside, refused_days, refused_of
from compute.releases import RELEASED
from compute.summaries import BATCH, FIX, SUMMARY, arrivals_by_day, batches, rejects, summary
from storage import summaries as module
from storage.catalog import JUDGED, SUMMARIES
from storage.files import write_files
from storage.lake import Lake
from storage.summaries import summaries_of
from storage.work import Work
from tests.unit.records import judged, record

COMPANY = Company()
TOPICS = [contract for contract in FEEDS if contract.is_topic]
BEGIN, HOUR, INSTANT = datetime(2024, 1, 10, tzinfo=UTC), timedelta(hours=1), timedelta(microseconds=1)
ACCOUNTS = ("ACC_001", "ACC_002", "ACC_003")


def any_rows(contract: Contract, chance: random.Random, many: int = 130) -> pl.DataFrame:
    """Return judged rows of several batches, accounts and months; open sessions, fixes and bad rows among them."""
    opened = {"session_end": None} if contract.dataset == "usage_sessions" else {}
    good = judged(
        contract.dataset,
        *(
            record(contract.dataset, account_id=account, **{contract.dated: f"{month}-05{'' if is_day else 'T00:00:00Z'}"},
                   **opened if is_open else {})
            for account in ACCOUNTS for month in ("2024-01", "2023-12") for is_open in (False, True)
            for is_day in [contract.dataset == "team_activity"]
        ),
        b"{",
    )  # fmt: skip
    picked = good[[chance.randrange(good.height) for _ in range(many)]]
    arrivals = [BEGIN + HOUR * chance.randrange(60) for _ in range(many)]
    verdicts = [
        verdict if verdict == "rejected" or chance.random() > 0.05 else "quarantined" for verdict in picked["_verdict"]
    ]
    return picked.with_columns(
        pl.Series("_arrival", arrivals, dtype=pl.Datetime("us", "UTC")),
        pl.Series("_batch_id", [chance.choice("abcd") for _ in range(many)]),
        pl.Series("_verdict", verdicts),
        pl.Series("_source", [RELEASED if chance.random() < 0.1 else "topic" for _ in range(many)]),
    )


def files_of(rows: pl.DataFrame, chance: random.Random) -> dict[str, pl.DataFrame]:
    """Spread rows over files, each of one month."""
    parts = rows.with_columns(pl.Series("_part", [chance.randrange(3) for _ in range(rows.height)]))
    return {
        f"month={month}/{part}": of_part.drop("_part")
        for (month, part), of_part in parts.partition_by("month", "_part", as_dict=True).items()
    }


@pytest.mark.parametrize("contract", TOPICS, ids=lambda each: each.dataset)
@pytest.mark.parametrize("seed", range(4))
def test_summaries_of_any_files_decide_as_all_their_rows_do(contract: Contract, seed: int) -> None:
    chance = random.Random(seed)
    rows = any_rows(contract, chance)
    files = files_of(rows, chance)
    summaries = pl.concat(summary(part, contract, name, name[6:].split("/")[0]) for name, part in files.items())
    waited = timedelta(days=COMPANY.limits.unknown_account_days)
    times = [
        BEGIN + HOUR * hours + more for hours in (-200, 0, 7, 30, 59, 90) for more in (timedelta(), INSTANT, waited)
    ]
    seen = set()

    for as_of in [*times, datetime(2023, 12, 6, tzinfo=UTC), datetime(2024, 1, 6, tzinfo=UTC) + INSTANT]:
        for known in ((), ACCOUNTS[:1], ACCOUNTS):
            beside = Beside(pl.Series(known, dtype=pl.String), as_of)
            counted, doubtful = moved_in_files(summaries, COMPANY, beside)
            looked_at = moved_rows(
                pl.concat([rows.clear(), *(files[name] for name in doubtful)]), contract, COMPANY, beside
            )
            expected = clock_marks(moved_rows(rows, contract, COMPANY, beside))
            assert expected == clock_marks(pl.concat([counted, looked_at]))
            seen.add((bool(expected), bool(doubtful)))
    assert {(False, False), (True, False), (True, True)} <= seen
    for ratio in ("0.01", "0.2", "0.9"):
        company = parse_company(f"[limits]\nmax_bad_ratio = {ratio}", source="company.toml")
        doubled = pl.concat([rows] * 4)  # a date of fewer than a hundred rows is never refused
        of_files = pl.concat([summaries] * 4)
        assert refused_days(doubled, company) == refused_of(arrivals_by_day(of_files), company)
    is_fix = pl.col("_source") == RELEASED
    assert set(rows.filter(is_fix)["_batch_id"]) == set(batches(summaries, FIX))
    assert set(rows.filter(~is_fix)["_batch_id"]) == set(batches(summaries, BATCH))
    counts = rows.filter(pl.col("_verdict") == "rejected").group_by("_batch_id").len().sort("_batch_id")
    assert dict(counts.rows()) == rejects(summaries)


def test_a_topic_says_from_when_on_its_rows_carry_the_codes_of_age() -> None:
    rows = any_rows(BY_NAME["usage_sessions"], random.Random(1))
    for contract in TOPICS:
        assert bool(contract.current_rules(COMPANY, BEGIN)) == (contract.ages_at is not None)
    contract = BY_NAME["usage_sessions"]
    assert contract.ages_at is not None
    (begin,) = {datetime(2024, 1, 5, tzinfo=UTC)} & set(rows["session_start"])

    for as_of in (begin + 24 * HOUR, begin + 24 * HOUR + INSTANT, begin, begin + 90 * HOUR):
        (rule,) = contract.current_rules(COMPANY, as_of)
        holds, is_past = rule.when.fill_null(value=False), (contract.ages_at < as_of).fill_null(value=False)
        assert rows.select(holds).to_series().to_list() == rows.select(is_past).to_series().to_list()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that summaries are made of."""
    names: list[str] = []

    def noted(rows: pl.LazyFrame, contract: Contract, file: str, month: str) -> pl.DataFrame:
        names.append(file)
        return summary(rows, contract, file, month)

    monkeypatch.setattr(module, "summary", noted)
    return names


def test_a_file_is_summed_up_once_and_what_was_said_of_files_that_are_gone_counts_no_more(
    lake: Lake, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    contract, dataset, work = BY_NAME["click_events"], JUDGED["click_events"], Work("test", "test")
    monkeypatch.setattr(module, "_MANY_FILES", 3)
    frames = [any_rows(contract, random.Random(seed)).with_columns(_batch_id=pl.lit(str(seed))) for seed in range(6)]

    def brought() -> pl.DataFrame:
        return summaries_of(lake, lake.open(dataset), contract, lambda _: work)

    assert brought().is_empty()
    for frame in frames:
        table = lake.open(dataset)
        table.created()
        table.append_files(write_files(lake, dataset, frame), {}, work)
        known = brought()
        assert known.sort(list(SUMMARY)).equals(brought().sort(list(SUMMARY)))
    assert sorted(made) == sorted(lake.open(dataset).files())
    assert lake.open(SUMMARIES).file_counts()["click_events"] <= 3
    for month in lake.open(dataset).partitions():
        lake.open(dataset).compact(month)
    del made[:]

    compacted = brought()

    assert sorted(made) == sorted(lake.open(dataset).files()) == sorted(set(compacted["file"]))
    for told in (
        rejects,
        lambda rows: arrivals_by_day(rows).sort("day").rows(),
        lambda rows: set(batches(rows, BATCH)),
    ):
        assert told(known) == told(compacted) == told(summary(pl.concat(frames), contract))
    assert lake.open(dataset).scan(lake.open(dataset).files()).collect().sort(pl.all().exclude("_codes", "_unknown")).equals(
        lake.open(dataset).read().sort(pl.all().exclude("_codes", "_unknown"))
    )  # fmt: skip
