"""A figure followed to what it is made of: formulas, sums, rows, received records.

Source: `operations.md` F.2 `techflow explain`; AT-81.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from compute.anchors import COMPANY_MONTH, Anchor, BadAnchor, anchor
from compute.contributions import Contributions, contributions
from compute.details import DETAILS
from compute.figures import COMPANY
from compute.formulas import names, parse
from compute.lineage import ACCOUNT_MONTH, PIPELINES, Scope, formula_of, operand_key
from compute.metrics import BY_ID
from compute.months import Month
from compute.wording import escaped
from storage.catalog import FIGURES
from storage.lake import Lake
from storage.provenance import Snapshot, records_behind, snapshot_of
from storage.snapshots import figures_in


@dataclass(frozen=True, slots=True)
class Question:
    """Which figure is asked for.

    Attributes:
        stand: the draft or revision; the live draft without it.
        grain: with `key`, the figure's place; without them the account's figure, or else the company's.
        account: the account, of whose figure or of whose part in the company's it is asked.
    """

    metric_id: str
    month: Month
    stand: str | None = None
    grain: str | None = None
    key: str | None = None
    account: str | None = None

    @classmethod
    def of(cls, place: Anchor, account: str | None) -> "Question":
        """Return the question for an anchor's figure."""
        return cls(place.metric_id, place.month, place.stand, place.grain, place.key, account)


@dataclass(frozen=True, slots=True)
class Step:
    """A metric on the way, with its FIGURE row and how it is derived."""

    metric_id: str
    formula: str
    figure: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sum:
    """A part on the way, the table and the version that it adds rows of, and the pipeline that read it."""

    of: Contributions
    pipeline: str
    table: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A figure and what it is made of.

    Attributes:
        steps: the figure first, then the metrics that it is derived from, down to those that are sums.
        sums: the sums that the formulas name.
        account: the account whose rows and records alone are shown, of a company figure.
    """

    snapshot: Snapshot
    steps: Sequence[Step]
    sums: Sequence[Sum]
    records: pl.DataFrame
    account: str | None = None

    @property
    def figure(self) -> dict[str, Any]:
        """The FIGURE row that is explained."""
        return self.steps[0].figure

    @property
    def anchor(self) -> str:
        """The figure's anchor."""
        row = self.figure
        return anchor(row["metric_id"], row["month"], self.snapshot.stand, row["grain"], row["grain_key"])

    @property
    def source(self) -> str:
        """The gold table that the figure stands in, at its version."""
        return _versioned(self.snapshot, PIPELINES[self.figure["metric_id"]], None)

    @property
    def filter(self) -> str:
        """Which row of that table."""
        columns = ("month", "metric_id", "grain", "grain_key")
        return " and ".join(f"{name} = '{escaped(self.figure[name])}'" for name in columns)


def explain(lake: Lake, question: Question) -> Explanation:
    """Follow a figure of a snapshot to its rows and records.

    Raises:
        BadMonth: when the month has no draft.
        BadAnchor: when no figure of the snapshot is the one that is asked for.
    """
    snapshot = snapshot_of(lake, question.month, question.stand)
    walk = Walk(snapshot)
    figure = find_figure(walk.figures, question, snapshot)
    walk.follow(figure)
    is_company = figure["grain"] != ACCOUNT_MONTH
    shown = question.account if is_company else None
    if shown and all(shown not in each.of.rows.get_column("account_id") for each in walk.sums.values()):
        raise BadAnchor(f"{shown} has no part in {figure['metric_id']} of {question.month}: leave out --account.")
    found = records_behind(snapshot, [(each.pipeline, each.of) for each in walk.sums.values()])
    if shown:
        found = found.filter(pl.col("account_id").is_in([shown, ""]))
    return Explanation(snapshot, list(walk.steps.values()), list(walk.sums.values()), found, shown)


@dataclass(slots=True)
class Walk:
    """The way from a figure down through formulas; every metric and every sum is met once."""

    snapshot: Snapshot
    steps: dict[str, Step] = field(default_factory=dict)
    sums: dict[str, Sum] = field(default_factory=dict)
    figures: pl.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        """Read the snapshot's figures."""
        self.figures = figures_in(self.snapshot.lake, self.snapshot.snapshot_id)

    def follow(self, figure: dict[str, Any]) -> None:
        """Take the steps from a figure down."""
        scope = Scope.of(self.snapshot.month, figure["grain"], figure["grain_key"])
        grain, key = operand_key(figure["grain"], scope)
        metric_id = figure["metric_id"]
        text = formula_of(metric_id, figure["grain"], scope)
        self.steps[metric_id] = Step(metric_id, text, figure)
        for name in names(parse(text)) if text else ():
            if name not in PIPELINES:
                self._add(name, scope, PIPELINES[metric_id])
            elif name not in self.steps:
                self.follow(row_of(self.figures, name, grain, key))

    def _add(self, name: str, scope: Scope, pipeline: str) -> None:
        if name not in self.sums:
            part = contributions(name, scope, lambda table: self.snapshot.open(pipeline, table).scan())
            self.sums[name] = Sum(part, pipeline, _versioned(self.snapshot, pipeline, part.part.table))


def _versioned(snapshot: Snapshot, pipeline: str, table: str | None) -> str:
    name = table or FIGURES[pipeline].name
    return f"{name}@{snapshot.version(pipeline, name)}"


def row_of(figures: pl.DataFrame, metric_id: str, grain: str, key: str) -> dict[str, Any]:
    """Return a FIGURE row that is there."""
    here = (pl.col("metric_id") == metric_id) & (pl.col("grain") == grain) & (pl.col("grain_key") == key)
    return figures.row(by_predicate=here, named=True)


def find_figure(figures: pl.DataFrame, question: Question, snapshot: Snapshot) -> dict[str, Any]:
    """Return the FIGURE row that is asked for.

    Raises:
        BadAnchor: when there is none; says what there is instead.
    """
    name, month = question.metric_id, question.month
    if name not in BY_ID:
        raise BadAnchor(f"{name} is no metric: docs/metrics.md lists them.")
    if question.grain in DETAILS:
        raise BadAnchor(f"No snapshot holds an {question.grain} figure: `techflow export metrics {month}` shows them.")
    of_metric = figures.filter(pl.col("metric_id") == name).sort("grain", "grain_key")
    for grain, key in _places(question):
        found = of_metric.filter((pl.col("grain") == grain) & (pl.col("grain_key") == key))
        if found.height:
            return found.row(0, named=True)
    there = [
        anchor(name, month, snapshot.stand, *place) for place in of_metric.select("grain", "grain_key").head(3).rows()
    ]
    remedy = (
        f"it has others: {', '.join(there)}"
        if there
        else f"no row of the month has it: `techflow export metrics {month}` shows those that are there"
    )
    raise BadAnchor(f"{snapshot.snapshot_id} has no such figure of {name}; {remedy}.")


def _places(question: Question) -> list[tuple[str, str]]:
    if question.grain and question.key:
        return [(question.grain, question.key)]
    company = (COMPANY_MONTH, COMPANY)
    return [(ACCOUNT_MONTH, question.account), company] if question.account else [company]
