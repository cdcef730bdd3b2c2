"""A home with a lake in which the flows' own functions run, without Prefect around them.

Every flow and task is replaced by the function that it wraps, so a run does what `techflow run` does but for retries,
run records and artifacts, in half the time. The executor is `inline`: that Ray gives the same is tested elsewhere.
"""

import importlib
import logging
import pkgutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from prefect import Flow, Task

import flows
from compute.errors import BadMonth
from compute.figures import FIGURE_KEY
from compute.months import Month
from storage.catalog import DATASETS, SNAPSHOT, SNAPSHOT_FIGURE, STATEMENT, SUMMARIES, Dataset
from storage.lake import Lake
from storage.snapshots import drafted_months, figures_of, live_draft
from tests.property.companies import Ledger, Step

# What tells how records were brought, not what they say. Arrivals are no ingest columns: they decide revisions.
INGEST_COLUMNS: dict[str, str] = {
    "_batch_id": "digest of the file, or of the log, that a record came in",
    "_file": "name of that file",
    "_row": "its line there",
    "batch_id": "as _batch_id, in judged/held",
    "batch": "as _batch_id, in gold/late_event_audit",
    "file": "as _file, in judged/held and judged/dead_letter",
    "row": "as _row, there",
    "case_id": "digest of a held row's place: file and line",
}
# Bronze is the record of the ingest itself, and summaries speak of its files; a draft's number and manifest count runs and versions, its figures and its
# statement do not. What a replaced draft had stays.
_NOT_COMPARED = (SNAPSHOT, SNAPSHOT_FIGURE, STATEMENT, SUMMARIES)
State = dict[str, pl.DataFrame]


class Home:
    """A landing area, a ledger and a lake of one company."""

    def __init__(self, root: Path, lake: str = "") -> None:
        self.root, self.lake, self.clock = root, Lake(lake or str(root / "lake")), datetime(2024, 7, 1, tzinfo=UTC)
        (root / "landing" / "topics").mkdir(parents=True)

    def keep_ledger(self, rows: Ledger) -> None:
        """Write the accounting ledger."""
        with sqlite3.connect(self.root / "ledger.sqlite") as connection:
            connection.execute(
                "CREATE TABLE accounting_revenue (account_id, period, amount, ledger_version, posted_at)"
            )
            connection.executemany("INSERT INTO accounting_revenue VALUES (?, ?, ?, ?, '')", rows)
        connection.close()

    def put(self, step: Step) -> None:
        """Lay files into the landing area."""
        for name, content in step.files.items():
            path = self.root / "landing" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        for name, content in step.logs.items():
            (self.root / "landing" / "topics" / name).write_bytes(content)

    def run(self, pipeline: str, months: str, as_of: datetime | None = None, *, rebuild: bool = False) -> str:
        """Run a pipeline; returns why it refused the months, nothing when it did not."""
        wrapped = vars(importlib.import_module(f"flows.{pipeline}"))[pipeline]
        with _settings(self):
            try:
                wrapped(months, as_of.isoformat() if as_of else None, rebuild=rebuild)
            except BadMonth as refused:
                return str(refused)
        return ""

    def act(self, name: str, *given: Any, module: str = "close", **named: Any) -> Any:
        """Do an act of a close, a flow of `flows.close` or of another module."""
        wrapped = vars(importlib.import_module(f"flows.{module}"))[name]
        with _settings(self):
            return wrapped(*given, **named)

    def state(self) -> State:
        """Return every table behind bronze, and the figures of the live drafts, without ingest columns, sorted."""
        tables = {table.name: _sorted(self._rows(table)) for table in DATASETS
                  if not table.name.startswith("bronze/") and table not in _NOT_COMPARED}  # fmt: skip
        months = drafted_months(self.lake)
        drafts = {f"draft of {month}": self.figures(month) for month in months}
        return tables | drafts | {f"statement of {month}": self.statement(month) for month in months}

    def figures(self, month: Month) -> pl.DataFrame:
        """Return the figures of a month's live draft, sorted."""
        return figures_of(self.lake, month).sort(FIGURE_KEY)

    def statement(self, month: Month) -> pl.DataFrame:
        """Return what the report of a month's live draft tells beside the figures."""
        live = live_draft(self.lake, month)
        assert live is not None
        return self.lake.read(STATEMENT, pl.col("snapshot_id") == live.snapshot_id, ["told"])

    def draft(self, month: Month) -> tuple[int, str]:
        """Return number and content hash of a month's live draft."""
        live = live_draft(self.lake, month)
        assert live is not None
        return live.number, live.content_hash

    def _rows(self, table: Dataset) -> pl.DataFrame:
        return self.lake.read(table).drop(list(INGEST_COLUMNS), strict=False)


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows in an order of their own: by every column, as text where it has no order."""
    has_order = [name for name, dtype in rows.schema.items() if not dtype.is_nested()]
    texts = [
        pl.col(name).map_elements(lambda value: repr(list(value)), return_dtype=pl.String, skip_nulls=True).alias(f"#{name}")
        for name, dtype in rows.schema.items() if dtype.is_nested()
    ]  # fmt: skip
    names = [*has_order, *(text.meta.output_name() for text in texts)]
    return rows.with_columns(texts).sort(names, nulls_last=True).select(rows.columns)


def difference(expected: State, actual: State) -> dict[str, str]:
    """Return, by table, the rows that only one of two lakes has."""
    found = {}
    for name in sorted({*expected, *actual}):
        here, there = expected.get(name, pl.DataFrame()), actual.get(name, pl.DataFrame())
        if not here.equals(there):
            rows = [{repr(row) for row in frame.to_dicts()} for frame in (here, there)]
            lines = [f"- {row}" for row in sorted(rows[0] - rows[1])] + [
                f"+ {row}" for row in sorted(rows[1] - rows[0])
            ]
            found[name] = "\n".join([f"{here.height} and {there.height} rows", *lines[:12]])
    return found


@contextmanager
def plain_flows() -> Iterator[None]:
    """Let every flow and task be the function that it wraps, in all modules of `flows`."""
    with pytest.MonkeyPatch.context() as patch:
        for found in pkgutil.iter_modules(flows.__path__):
            module = importlib.import_module(f"flows.{found.name}")
            for name, value in list(vars(module).items()):
                if isinstance(value, Flow | Task):
                    patch.setattr(module, name, value.fn)
        patch.setattr("flows.job.get_run_logger", lambda: logging.getLogger("flows"))
        for shows in ("artifacts.create_table_artifact", "artifacts.create_markdown_artifact",
                      "progress.create_progress_artifact", "progress.update_progress_artifact"):  # fmt: skip
            patch.setattr(f"flows.{shows}", lambda *_, **__: None)
        patch.setattr("flows.aggregated.publish", lambda _job, _drafts: None)
        patch.setattr("prefect.assets.Asset.add_metadata", lambda _asset, _metadata: None)
        yield


@contextmanager
def _settings(home: Home) -> Iterator[None]:
    """Let the settings name the home, and its clock be the clock of a run's start."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return home.clock

    with pytest.MonkeyPatch.context() as patch:
        for name in ("LANDING", "LEDGER", "COMPANY"):
            patch.delenv(f"TECHFLOW_{name}", raising=False)
        patch.setenv("TECHFLOW_LAKE", home.lake.root)
        patch.setenv("TECHFLOW_HOME", str(home.root))
        patch.setenv("TECHFLOW_EXECUTOR", "inline")
        patch.setenv("TECHFLOW_PSEUDONYM_KEY", "the key of the tests")
        for module in ("job", "close"):
            patch.setattr(f"flows.{module}.datetime", Clock)
        yield
