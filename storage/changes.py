"""What changed a figure since the month before, from the tables that it was made from.

Source: `operations.md` F.2, `techflow why`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

from compute.anchors import BadAnchor
from compute.changes import ratio_changes, sum_changes
from compute.contributions import Contributions, contributions
from compute.figures import Exact, Reason
from compute.formulas import Formula, Operation, evaluate, parse, replaced, weights
from compute.lineage import ACCOUNT_MONTH, PIPELINES, Scope, formula_of, operand_key
from compute.metrics import BY_ID
from compute.money import stored
from compute.months import Month
from storage.catalog import SNAPSHOT_FIGURE
from storage.explanation import Question, find_figure
from storage.lake import Lake
from storage.provenance import Snapshot, snapshot_of
from storage.snapshots import live_draft


class NoChange(BadAnchor):
    """A figure of which no change can be told; the message says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """A figure now and a month earlier.

    Attributes:
        figure: its FIGURE row now.
        before: what it was a month earlier.
        after: what it is now.
        rows: CHANGE rows; they add up to the difference.
    """

    figure: Mapping[str, Any]
    before: Decimal
    after: Decimal
    rows: pl.DataFrame


@dataclass(slots=True)
class _Month:
    """A figure's formula in a month, down to its sums, and what those come to."""

    snapshot: Snapshot
    scope: Scope
    parts: dict[str, Contributions] = field(default_factory=dict)

    def expanded(self, metric_id: str, grain: str) -> Formula:
        """Return a metric's formula with sums in the place of other metrics."""
        operands, pipeline = operand_key(grain, self.scope)[0], PIPELINES[metric_id]

        def part(name: str) -> Formula:
            if name in PIPELINES:
                return self.expanded(name, operands)
            if name not in self.parts:
                self.parts[name] = contributions(name, self.scope, lambda it: self.snapshot.open(pipeline, it).scan())
            return name

        return replaced(parse(formula_of(metric_id, grain, self.scope)), part)

    @property
    def values(self) -> dict[str, Exact]:
        """What each sum comes to."""
        return {name: part.value for name, part in self.parts.items()}


def change_of(lake: Lake, question: Question) -> Change:
    """Return what changed a figure since the month before.

    Raises:
        BadMonth: when the month has no draft.
        BadAnchor: when no figure of the snapshot is the one that is asked for.
        NoChange: when it, or its figure of the month before, has no value, or when its change has no parts.
    """
    snapshot = snapshot_of(lake, question.month, question.stand)
    figures = lake.read(SNAPSHOT_FIGURE, pl.col("snapshot_id") == snapshot.snapshot_id)
    figure = find_figure(figures, question, snapshot)
    if question.account and figure["grain"] != ACCOUNT_MONTH:
        raise NoChange(f"{question.metric_id} is no figure of an account in {question.month}: leave out --account.")
    for each in (figure, _figure_before(lake, figure)):
        _require_value(each)
    scope = Scope.of(snapshot.month, figure["grain"], figure["grain_key"])
    now, then = _Month(snapshot, scope), _Month(snapshot, scope.at(str(snapshot.month.plus(-1))))
    after, before = (each.expanded(figure["metric_id"], figure["grain"]) for each in (now, then))
    was = evaluate(before, then.values)
    if isinstance(was, Reason):
        raise _no_value(figure["metric_id"], str(then.scope.month), was)
    return Change(figure, stored(was), figure["value"], _rows(figure, (before, after), (then, now)))


def _rows(figure: Mapping[str, Any], formulas: tuple[Formula, Formula], months: tuple[_Month, _Month]) -> pl.DataFrame:
    (before, after), (then, now) = formulas, months
    counts = weights(after)
    if counts is not None:
        return sum_changes(counts, then.parts, now.parts)
    if isinstance(before, Operation) and isinstance(after, Operation) and after.sign == "/":
        return ratio_changes(before, after, then.values, now.values)
    raise NoChange(
        f"{figure['metric_id']} is neither a sum over accounts nor one quotient: "
        f"ask for the figures that it is made of, which `techflow explain {figure['metric_id']}` lists."
    )


def _figure_before(lake: Lake, figure: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the figure's FIGURE row in the live draft of the month before, if there is one."""
    draft = live_draft(lake, Month.parse(figure["month"]).plus(-1))
    if draft is None:
        return None
    same = pl.all_horizontal(pl.col(name) == figure[name] for name in ("metric_id", "grain", "grain_key"))
    rows = lake.read(SNAPSHOT_FIGURE, (pl.col("snapshot_id") == draft.snapshot_id) & same)
    return rows.row(0, named=True) if rows.height else None


def _require_value(figure: Mapping[str, Any] | None) -> None:
    if figure is not None and figure["value"] is None:
        raise _no_value(figure["metric_id"], figure["month"], figure["null_reason"])


def _no_value(metric_id: str, month: str, reason: str) -> NoChange:
    name = BY_ID[metric_id].name
    return NoChange(f"{metric_id} ({name}) has no value in {month} ({reason}): there is no change to explain.")
