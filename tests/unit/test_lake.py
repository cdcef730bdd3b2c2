"""The lake: what is committed whole, once, or not at all; and its errors, which travel between processes.

Flows that are killed between two commits are tested in `tests/integration`. Rule: X2, a retry doubles no figure.
"""

import pickle
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from compute.errors import BadMonth, BadSetting, ContractViolation, PermanentError, PipelineError, TransientError
from compute.money import MONEY
from storage.contents import NEVER_WRITTEN
from storage.dataset import Dataset
from storage.errors import LAKE_FORMAT, LakeBusy, LakeFormat, LakeUnwritable
from storage.files import Replacement, write_changes, write_files
from storage.lake import Lake
from storage.meanings import meaning
from storage.shape import ALL
from storage.table import Table
from storage.work import DataFile, Work, changed_files

MONTHLY = Dataset(
    name="test/monthly",
    schema={"month": pl.String, "account_id": pl.String, "amount": MONEY},
    key=("month", "account_id"),
    partition_by="month",
    description="An amount of an account in a month.",
)
WHOLE = replace(MONTHLY, name="test/whole", partition_by=None)
WORK = Work(flow="test", dataset=MONTHLY.name, months="2024-01", rows=1, inputs={"silver/revenue": 3})
JAN, FEB = ("2024-01", "ACC_1", "1.00"), ("2024-02", "ACC_1", "2.00")
NEW_JAN = ("2024-01", "ACC_2", "3.00")

Row = tuple[str, str, str]


def rows(*given: Row) -> pl.DataFrame:
    return pl.DataFrame(
        [(month, account, Decimal(amount)) for month, account, amount in given],
        schema=dict(MONTHLY.schema),
        orient="row",
    )


def held(lake: Lake, dataset: Dataset = MONTHLY) -> list[Row]:
    return [(month, account, str(amount)) for month, account, amount in sorted(lake.read(dataset).rows())]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake in which January and February are written."""
    lake = Lake(str(tmp_path / "lake"))
    lake.open(MONTHLY).replace(rows(JAN, FEB), {"2024-01": "a", "2024-02": "a"}, WORK)
    return lake


def test_a_table_that_was_never_written_has_no_rows_and_no_version(tmp_path: Path) -> None:
    table = Lake(str(tmp_path / "lake")).open(MONTHLY)

    assert (-1, 0, {}, [], False) == (
        table.version, table.count(), table.partitions(), table.history(), table.done("2024-01", "a")
    )  # fmt: skip
    assert table.read().equals(rows())
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize("dataset", [MONTHLY, WHOLE])
def test_a_lake_lies_in_any_folder_that_has_a_name(tmp_path: Path, dataset: Dataset) -> None:
    table = Lake(str(tmp_path / "lake of José")).open(dataset)
    table.replace(rows(JAN, FEB), dict.fromkeys(["2024-01", "2024-02"] if dataset is MONTHLY else [ALL], "a"), WORK)

    again = Lake(str(tmp_path / "lake of José")).open(dataset)
    assert [FEB[1:]] == [
        (account, str(amount)) for _, account, amount in again.read(pl.col("month") == "2024-02").rows()
    ]
    assert rows(JAN, FEB).equals(again.read().sort("month"))


def test_replace_leaves_other_partitions_as_they_are(lake: Lake) -> None:
    lake.open(MONTHLY).replace(rows(NEW_JAN), {"2024-01": "b"}, WORK)

    assert [NEW_JAN, FEB] == held(lake)


def test_replacing_again_doubles_nothing(lake: Lake) -> None:
    for _ in range(2):
        lake.open(MONTHLY).replace(rows(NEW_JAN), {"2024-01": "b"}, WORK)

    assert [NEW_JAN, FEB] == held(lake)
    assert 2 == lake.open(MONTHLY).count()


def test_a_partition_is_done_with_the_inputs_it_was_last_made_from(lake: Lake) -> None:
    lake.open(MONTHLY).replace(rows(NEW_JAN), {"2024-01": "b"}, WORK)

    table = lake.open(MONTHLY)

    asked = [("2024-01", "a"), ("2024-01", "b"), ("2024-02", "a"), ("2024-03", "a")]
    assert [False, True, True, False] == [table.done(*each) for each in asked]


def test_replacing_by_no_rows_empties_the_partition(lake: Lake) -> None:
    lake.open(MONTHLY).replace(rows(), {"2024-01": "b"}, WORK)

    assert [FEB] == held(lake)
    assert lake.open(MONTHLY).done("2024-01", "b")
    assert ["2024-02"] == list(lake.open(MONTHLY).partitions())


def test_a_table_without_partitions_is_replaced_whole(lake: Lake) -> None:
    lake.open(WHOLE).replace(rows(JAN, FEB), {ALL: "a"}, WORK)
    lake.open(WHOLE).replace(rows(NEW_JAN), {ALL: "b"}, WORK)

    assert [NEW_JAN] == held(lake, WHOLE)
    assert (False, True) == (lake.open(WHOLE).done(ALL, "a"), lake.open(WHOLE).done(ALL, "b"))


def paths(lake: Lake, dataset: Dataset = MONTHLY) -> set[str]:
    return set(DeltaTable(lake.open(dataset).location).file_uris())


@pytest.mark.parametrize("order", [1, -1])
def test_a_partition_that_holds_these_rows_already_keeps_its_files_and_takes_the_key(lake: Lake, order: int) -> None:
    lake.open(MONTHLY).replace(rows(JAN, NEW_JAN), {"2024-01": "b"}, WORK)
    before, files = lake.open(MONTHLY), paths(lake)

    before_prints = before.partitions()
    lake.open(MONTHLY).replace(rows(*(JAN, NEW_JAN)[::order]), {"2024-01": "c"}, WORK, {"#next": 7})

    after = lake.open(MONTHLY)
    assert (files, before_prints) == (paths(lake), after.partitions())
    assert (before.version + 1, True, True, 7) == (
        after.version, after.done("2024-01", "c"), after.done("2024-02", "a"), after.position("#next")
    )  # fmt: skip


def test_of_several_partitions_only_those_that_differ_are_written(lake: Lake) -> None:
    before = lake.open(MONTHLY).partitions()

    new_feb = ("2024-02", "ACC_1", "2.01")
    lake.open(MONTHLY).replace(rows(JAN, new_feb), dict.fromkeys(("2024-01", "2024-02", "2024-03"), "b"), WORK)

    table = lake.open(MONTHLY)
    assert [JAN, new_feb] == held(lake)
    assert {"2024-01"} == {name for name, print_ in table.partitions().items() if before[name] == print_}
    assert all(table.done(month, "b") for month in ("2024-01", "2024-02", "2024-03"))


def test_a_table_without_partitions_that_holds_these_rows_keeps_its_files(lake: Lake) -> None:
    lake.open(WHOLE).replace(rows(JAN, FEB), {ALL: "a"}, WORK)
    files, print_ = paths(lake, WHOLE), lake.open(WHOLE).fingerprint()

    lake.open(WHOLE).replace(rows(FEB, JAN), {ALL: "b"}, WORK)

    table = lake.open(WHOLE)
    assert (files, print_, True) == (paths(lake, WHOLE), table.fingerprint(), table.done(ALL, "b"))


@pytest.mark.parametrize(
    ("stored", "given", "is_same"),
    [
        (["a", "b"], ["a", "b"], True),
        ([], [], True),
        (None, None, True),
        (["a", None], ["a", None], True),
        (["a", "b"], ["a", "c"], False),
        ([], None, False),
        ([None], [], False),
    ],
)
def test_lists_are_compared_with_their_members(
    tmp_path: Path, stored: list[str] | None, given: list[str] | None, is_same: bool
) -> None:
    listed = replace(MONTHLY, name="test/listed", schema={**MONTHLY.schema, "codes": pl.List(pl.String)})
    lake = Lake(str(tmp_path / "lake"))
    prints = []

    for codes in (stored, given):
        frame = rows(JAN).with_columns(codes=pl.Series([codes], dtype=pl.List(pl.String)))
        lake.open(listed).replace(frame, {"2024-01": str(codes)}, WORK)
        prints.append(lake.open(listed).fingerprint())

    assert is_same == (prints[0] == prints[1])
    assert [given] == lake.read(listed).get_column("codes").to_list()


def test_equal_rows_beside_a_commit_of_someone_else_are_told_all_the_same(lake: Lake) -> None:
    one, other = lake.open(MONTHLY), lake.open(MONTHLY)
    one.replace(rows(NEW_JAN), {"2024-01": "b"}, WORK)

    with pytest.raises(LakeBusy):
        other.replace(rows(FEB), {"2024-02": "c"}, WORK)

    assert (False, [NEW_JAN, FEB]) == (lake.open(MONTHLY).done("2024-02", "c"), held(lake))


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"?" * 9999)]
)
def test_rows_that_can_no_longer_be_read_are_written_anew(lake: Lake, damage: Callable[[Path], object]) -> None:
    for file in paths(lake):
        damage(Path(file))

    lake.open(MONTHLY).replace(rows(JAN, FEB), {"2024-01": "b", "2024-02": "b"}, WORK)

    assert [JAN, FEB] == held(lake)


def test_rewrite_replaces_every_partition(lake: Lake) -> None:
    lake.open(MONTHLY).rewrite(rows(NEW_JAN), WORK, {"2024-01": "b"})

    assert [NEW_JAN] == held(lake)


def test_an_open_table_stays_at_its_version(lake: Lake) -> None:
    before = lake.open(MONTHLY)
    lake.open(MONTHLY).replace(rows(NEW_JAN), {"2024-01": "b"}, WORK)

    assert before.read().sort("month").equals(rows(JAN, FEB))
    assert lake.open(MONTHLY, version=before.version).read().sort("month").equals(rows(JAN, FEB))
    assert before.version < lake.open(MONTHLY).version


@pytest.mark.parametrize("month", ["2024-01", "2024-02", "2024-03"])
def test_of_two_that_opened_the_same_version_one_commits_and_the_other_is_told(lake: Lake, month: str) -> None:
    one, other = lake.open(MONTHLY), lake.open(MONTHLY)
    one.replace(rows(NEW_JAN), {"2024-01": "b"}, WORK)

    with pytest.raises(LakeBusy, match="run again"):
        other.replace(rows((month, "ACC_9", "9.00")), {month: "c"}, WORK)

    assert [NEW_JAN, FEB] == held(lake)


def test_of_two_that_append_to_the_same_version_one_is_told(lake: Lake) -> None:
    one, other = lake.open(WHOLE), lake.open(WHOLE)
    one.created()
    other.created()
    one.append(rows(JAN), WORK)

    with pytest.raises(LakeBusy):
        other.append(rows(JAN), WORK)

    assert [JAN] == held(lake, WHOLE)


def _by_rows(_lake: Lake, table: Table) -> None:
    table.append(rows(JAN), WORK)


def _by_files(lake: Lake, table: Table) -> None:
    table.append_files(write_files(lake, MONTHLY, rows(JAN)), {}, WORK)


@pytest.mark.parametrize("append", [_by_rows, _by_files])
def test_of_two_that_found_no_table_one_makes_it_and_the_other_is_told(
    tmp_path: Path, append: Callable[[Lake, Table], None]
) -> None:
    lake = Lake(str(tmp_path / "lake"))
    first, second = lake.open(MONTHLY), lake.open(MONTHLY)
    first.append(rows(JAN), WORK)

    with pytest.raises(LakeBusy):
        append(lake, second)

    assert [JAN] == held(lake)


def test_a_table_that_was_made_and_not_yet_written_is_everyone_s(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    table = lake.open(MONTHLY)
    lake.open(MONTHLY).created()
    table.append(rows(JAN), WORK)

    assert [JAN] == held(lake)


def test_after_a_commit_a_table_stands_at_what_it_wrote_whatever_came_since(lake: Lake) -> None:
    table = lake.open(MONTHLY)
    table.append_files(write_files(lake, MONTHLY, rows(NEW_JAN)), {}, WORK)
    lake.open(MONTHLY).append(rows(("2024-02", "ACC_2", "4.00")), WORK)

    assert 3 == table.count()


def test_files_and_rows_do_not_overtake_each_other(lake: Lake) -> None:
    one, other = lake.open(MONTHLY), lake.open(MONTHLY)
    one.replace(rows(NEW_JAN), {"2024-01": "b"}, WORK)

    with pytest.raises(LakeBusy):
        other.replace_files(write_files(lake, MONTHLY, rows(FEB)), {"2024-02": "c"}, WORK)

    assert [NEW_JAN, FEB] == held(lake)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (rows(JAN).drop("amount"), "columns are"),
        (rows(JAN).with_columns(more=1), "columns are"),
        (rows(JAN).select("account_id", "month", "amount").cast({"amount": pl.Float64}), "columns are"),
        (rows(JAN).cast({"amount": pl.Decimal(38, 2)}), "columns are"),
        (rows(JAN, ("2024-01", "ACC_1", "5.00")), "month, account_id names two rows"),
        (rows(JAN, FEB), "rows outside the partitions"),
        (rows(JAN, FEB).with_columns(month=pl.lit(None, dtype=pl.String)).head(1), "rows outside the partitions"),
    ],
)
def test_a_frame_that_breaks_its_promise_is_not_written(lake: Lake, wrong: pl.DataFrame, why: str) -> None:
    version = lake.open(MONTHLY).version

    with pytest.raises(ContractViolation, match=why):
        lake.open(MONTHLY).replace(wrong, {"2024-01": "b"}, WORK)

    assert [JAN, FEB] == held(lake)
    assert (version, True) == (lake.open(MONTHLY).version, lake.open(MONTHLY).done("2024-01", "a"))


def test_files_replace_the_partitions_that_they_are_made_for(lake: Lake) -> None:
    files = write_files(lake, MONTHLY, rows(NEW_JAN))

    lake.open(MONTHLY).replace_files(files, {"2024-01": "b"}, WORK)

    assert [NEW_JAN, FEB] == held(lake)
    assert (2, True) == (lake.open(MONTHLY).count(), lake.open(MONTHLY).done("2024-01", "b"))


def test_no_files_empty_the_partition(lake: Lake) -> None:
    lake.open(MONTHLY).replace_files([], {"2024-01": "b"}, WORK)

    assert [FEB] == held(lake)


def test_files_outside_the_partitions_are_refused(lake: Lake) -> None:
    files = write_files(lake, MONTHLY, rows(NEW_JAN, ("2024-02", "ACC_9", "9.00")))

    with pytest.raises(ContractViolation, match=r"month=2024-02/part-.* is outside the partitions"):
        lake.open(MONTHLY).replace_files(files, {"2024-01": "b"}, WORK)

    assert [JAN, FEB] == held(lake)


def test_a_fingerprint_changes_with_the_files_of_the_partition_and_no_others(lake: Lake) -> None:
    before = lake.open(MONTHLY)
    lake.open(MONTHLY).replace(rows(NEW_JAN), {"2024-01": "b"}, WORK)
    after = lake.open(MONTHLY)

    same = {name for name, print_ in before.partitions().items() if after.partitions()[name] == print_}

    assert {"2024-02"} == same
    assert before.fingerprint() != after.fingerprint()


@pytest.mark.parametrize("amount", ["9999999999999999.99", "-9999999999999999.99", "9007199254740993.01", "0.01"])
def test_a_filter_on_money_finds_every_amount(tmp_path: Path, amount: str) -> None:
    """Statistics of decimals are floats: 9999999999999999.99 would be 10¹⁶ there, and its file skipped."""
    lake, row = Lake(str(tmp_path / "lake")), ("2024-01", "ACC_1", amount)
    lake.open(MONTHLY).replace(rows(row), {"2024-01": "a"}, WORK)

    wanted = Decimal(amount)
    found = [
        lake.read(MONTHLY, where).height
        for where in (pl.col("amount") == wanted, pl.col("amount") >= wanted, pl.col("amount") <= wanted)
    ]

    assert [1, 1, 1] == found


def test_statistics_are_kept_of_the_key_and_never_of_money(lake: Lake) -> None:
    kept = DeltaTable(lake.open(MONTHLY).location).metadata().configuration["delta.dataSkippingStatsColumns"]

    assert "account_id" == kept


def test_a_new_table_says_what_its_columns_mean_and_goes_on_saying_so(lake: Lake) -> None:
    lake.open(MONTHLY).replace_files(write_files(lake, MONTHLY, rows(NEW_JAN)), {"2024-01": "b"}, WORK)
    lake.open(MONTHLY).append(rows(("2024-01", "ACC_3", "5.00")), WORK)
    lake.open(MONTHLY).replace(rows(("2024-02", "ACC_3", "5.00")), {"2024-02": "b"}, WORK)
    lake.open(MONTHLY).rewrite(rows(JAN), WORK, {"2024-01": "c"})

    fields = DeltaTable(lake.open(MONTHLY).location).schema().fields

    assert {name: meaning(MONTHLY, name) for name in MONTHLY.schema} == {
        field.name: field.metadata["comment"] for field in fields
    }


def test_a_commit_says_who_did_it_from_what(lake: Lake) -> None:
    last = lake.open(MONTHLY).history()[0]

    assert ('"test"', '"2024-01"', '{"silver/revenue": 3}') == (
        last["techflow.flow"], last["techflow.months"], last["techflow.inputs"]
    )  # fmt: skip


def test_the_history_of_an_older_version_ends_with_it(lake: Lake) -> None:
    table = lake.open(MONTHLY)
    before = table.history()
    lake.open(MONTHLY).append(rows(("2024-02", "ACC_3", "5.00")), replace(WORK, months="2024-02"))

    older = lake.open(MONTHLY, table.version).history()

    assert [commit["version"] for commit in before] == [commit["version"] for commit in older]
    assert '"2024-01"' == older[0]["techflow.months"]
    assert [] == lake.open(MONTHLY, NEVER_WRITTEN).history()


def test_a_lake_that_can_be_written_is_made(tmp_path: Path) -> None:
    Lake(str(tmp_path / "a" / "lake")).require_writable()

    assert [] == list((tmp_path / "a" / "lake").iterdir())


@pytest.mark.parametrize("place", ["file", "file/lake"])
def test_a_lake_that_cannot_be_written_says_where_and_what_to_do(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(LakeUnwritable, match=f"{tmp_path / place} cannot be written .*--lake"):
        Lake(str(tmp_path / place)).require_writable()


@pytest.mark.parametrize(
    ("properties", "what_to_do"),
    [
        (
            {"techflow.lakeFormat": "0"},
            f"has format 0, this program has format {LAKE_FORMAT}: give a new folder with --lake",
        ),
        ({"techflow.lakeFormat": "10"}, f"has format 10, this program has format {LAKE_FORMAT}: run the newer program"),
        (
            {"techflow.lakeFormat": "new"},
            "has format new, .* give a new folder with --lake and run again from the landing",
        ),
        ({}, "has format none, .* give a new folder with --lake and run again from the landing area"),
    ],
)
def test_a_lake_of_another_format_says_what_to_do_and_is_left_as_it_is(
    tmp_path: Path, properties: dict[str, str], what_to_do: str
) -> None:
    root = tmp_path / "lake"
    DeltaTable.create(
        str(root / MONTHLY.name),
        schema=rows().to_arrow().schema,
        configuration=properties,
        raise_if_key_not_exists=False,
    )
    before = {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))}

    with pytest.raises(LakeFormat, match=what_to_do):
        Lake(str(root)).require_writable()

    assert before == {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))}


def test_a_lake_of_this_format_goes_on(lake: Lake) -> None:
    lake.require_writable()


def test_of_a_lake_of_many_tables_one_is_asked_for_its_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, opened = Lake(str(tmp_path / "lake")), []
    for number in range(50):
        lake.open(replace(MONTHLY, name=f"test/t{number}")).created()
    monkeypatch.setattr(
        "storage.lake.DeltaTable", lambda *given, **how: opened.append(given) or DeltaTable(*given, **how)
    )

    lake.require_writable()

    assert 1 == len(opened)


def test_a_table_whose_making_was_cut_off_hides_nothing(tmp_path: Path) -> None:
    (tmp_path / "lake" / MONTHLY.name / "_delta_log").mkdir(parents=True)

    lake = Lake(str(tmp_path / "lake"))
    lake.require_writable()
    lake.open(MONTHLY).replace(rows(JAN), {"2024-01": "a"}, WORK)

    assert [JAN] == held(lake)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (LakeBusy(dataset="silver/revenue"), TransientError),
        (LakeUnwritable(root="/lake", reason="permission denied"), PermanentError),
        (LakeFormat(root="/lake", found="1"), PermanentError),
        (ContractViolation(dataset="revenue", failures=("REV-Q01", "REV-Q02")), PermanentError),
        (BadSetting("no such key"), PermanentError),
        (BadMonth("no month"), PermanentError),
    ],
)
def test_an_error_keeps_its_kind_its_message_and_its_fields_on_its_way(error: PipelineError, kind: type) -> None:
    back = pickle.loads(pickle.dumps(error))

    assert (type(error), str(error), vars(error)) == (type(back), str(back), vars(back))
    assert isinstance(back, kind)


EARLY, LATE = pl.col("account_id") < "ACC_2", pl.col("account_id") >= "ACC_2"


@pytest.mark.parametrize(
    ("late", "is_kept"), [((NEW_JAN,), True), (((*NEW_JAN[:2], "5.00"),), False), ((), False)],
    ids=["equal", "another amount", "gone"],
)  # fmt: skip
def test_a_partition_given_in_parts_is_kept_when_all_of_them_are_there(
    lake: Lake, late: tuple[Row, ...], is_kept: bool
) -> None:
    lake.open(MONTHLY).replace(rows(JAN, NEW_JAN), {"2024-01": "b"}, WORK)
    before = lake.open(MONTHLY).partitions()["2024-01"]

    replacement = Replacement(lake, MONTHLY)
    replacement.add_parts("2024-01", [(EARLY, rows(JAN)), (LATE, rows(*late))])
    replacement.commit({"2024-01": "c"}, WORK)

    assert sorted([JAN, FEB, *late]) == held(lake)
    assert is_kept == (lake.open(MONTHLY).partitions()["2024-01"] == before)


def test_a_part_that_differs_takes_the_equal_parts_after_it_along(lake: Lake) -> None:
    lake.open(MONTHLY).replace(rows(JAN, NEW_JAN), {"2024-01": "b"}, WORK)
    changed = (*JAN[:2], "7.00")

    replacement = Replacement(lake, MONTHLY)
    replacement.add_parts("2024-01", [(EARLY, rows(changed)), (LATE, rows(NEW_JAN))])
    replacement.commit({"2024-01": "c"}, WORK)

    assert sorted([changed, FEB, NEW_JAN]) == held(lake)


def one_file(lake: Lake, **wrong: object) -> DataFile:
    lake.open(MONTHLY).created()
    (file,) = write_files(lake, MONTHLY, rows(NEW_JAN))
    return replace(file, **wrong)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"path": "month=2024-02/part-1.parquet"}, "part-1.parquet is not in the folder of its partition"),
        ({"rows": 2}, "is counted wrongly"),
        ({"stats": '{"numRecords": 2}'}, "is counted wrongly"),
        ({"size": 0}, "is counted wrongly"),
    ],
)
def test_a_file_that_is_not_as_its_task_says_is_refused(lake: Lake, wrong: dict[str, object], why: str) -> None:
    file = one_file(lake, **wrong)

    for commit in (
        lambda: lake.open(MONTHLY).replace_files([file], {"2024-01": "b"}, WORK),
        lambda: lake.open(MONTHLY).append_files([file], {}, WORK),
    ):
        with pytest.raises(ContractViolation, match=why):
            commit()
    assert [JAN, FEB] == held(lake)


def test_a_file_that_is_named_twice_is_refused(lake: Lake) -> None:
    with pytest.raises(ContractViolation, match="is named 2 times"):
        lake.open(MONTHLY).append_files([one_file(lake)] * 2, {}, WORK)


def test_files_that_hold_other_rows_than_the_tasks_made_are_refused(lake: Lake) -> None:
    whole = write_changes(lake, MONTHLY, rows(NEW_JAN, FEB), rows(FEB), ["2024-01", "2024-02"])
    assert {"2024-01": 1, "2024-02": 1} == whole.rows
    assert ["2024-02"] == changed_files(MONTHLY, [whole], whole.rows)[1]

    lost = replace(whole, files=whole.files[:1])
    with pytest.raises(ContractViolation, match="2024-02: tasks made 1 rows, their files hold 0"):
        changed_files(MONTHLY, [lost], lost.rows)
    twice = replace(whole, files=(*whole.files, *whole.files[:1]))
    with pytest.raises(ContractViolation, match="2024-01: tasks made 1 rows, their files hold 2"):
        changed_files(MONTHLY, [twice], twice.rows)
