"""Why a figure changed: a sum by its rows, a ratio by its numerator and its denominator.

The changes of the rows add up to the change of the figure, exactly.
Source: `operations.md` F.2, `techflow why`.
"""

from collections.abc import Mapping
from fractions import Fraction

import polars as pl

from compute.contributions import Contributions
from compute.figures import Exact
from compute.formulas import Formula, Operation, evaluate, text
from compute.money import RATIO, stored
from compute.schema import Schema, typed

CHANGE: Schema = {
    "key": pl.String,
    "of": pl.String,
    "cause": pl.String,
    "detail": pl.String,
    "before": RATIO,
    "after": RATIO,
    "change": RATIO,
}
Parts = Mapping[str, Contributions]
_BEFORE, _AFTER = pl.col("before"), pl.col("after")
# What is said of rows that say nothing themselves.
_PLAIN_CAUSE = (
    pl.when(_BEFORE.is_null() | _AFTER.is_null()).then(pl.lit("unknown"))
    .when(_BEFORE == 0).then(pl.lit("from nothing"))
    .when(_AFTER == 0).then(pl.lit("to nothing"))
    .when(_BEFORE < _AFTER).then(pl.lit("rose"))
    .otherwise(pl.lit("fell"))
)  # fmt: skip


def sum_changes(weights: Mapping[str, Fraction], before: Parts, after: Parts) -> pl.DataFrame:
    """Return the CHANGE rows of a sum, the largest first; rows that stayed are left out.

    Args:
        weights: how often each part counts in the figure.
        before: the parts a month earlier; `after`: now.
        after: the parts now.
    """
    parts = [_part_changes(name, weight, before[name].rows, after[name].rows) for name, weight in weights.items()]
    return pl.concat(parts).sort(pl.col("change").abs(), "of", "key", descending=[True, False, False])


def _part_changes(name: str, weight: Fraction, before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    was = before.select("key", before="amount", was_there=pl.lit(value=True))
    now = after.select("key", "cause", "detail", after="amount", is_there=pl.lit(value=True))
    absent = pl.lit(0, dtype=RATIO)
    both = now.join(was, on="key", how="full", coalesce=True).with_columns(
        before=pl.when("was_there").then(_BEFORE).otherwise(absent),
        after=pl.when("is_there").then(_AFTER).otherwise(absent),
    )
    top, bottom = (pl.lit(number, dtype=RATIO) for number in weight.as_integer_ratio())
    said = pl.col("cause").fill_null("")
    return (
        both.with_columns(
            of=pl.lit(name),
            cause=pl.when(said == "").then(_PLAIN_CAUSE).otherwise(said),
            detail=pl.col("detail").fill_null(""),
            change=(_AFTER - _BEFORE) * top / bottom,
        )
        .pipe(typed, CHANGE)
        .filter((pl.col("change") != 0) | pl.col("change").is_null())
    )


def ratio_changes(
    before: Operation, after: Operation, values_before: Mapping[str, Exact], values_after: Mapping[str, Exact]
) -> pl.DataFrame:
    """Return the CHANGE rows of a quotient: what its numerator did at the old denominator, and the denominator then.

    Args:
        before: the quotient a month earlier, its names those of sums; `after`: now.
        after: the quotient now.
        values_before: what the names came to.
        values_after: what they come to.
    """
    tops = [_value(before.left, values_before), _value(after.left, values_after)]
    bottoms = [_value(before.right, values_before), _value(after.right, values_after)]
    change = stored(tops[1] / bottoms[1]) - stored(tops[0] / bottoms[0])
    of_top = stored((tops[1] - tops[0]) / bottoms[0])
    rows = [
        (name, text(side), "", "", stored(pair[0]), stored(pair[1]), effect)
        for name, side, pair, effect in (
            ("numerator", after.left, tops, of_top),
            ("denominator", after.right, bottoms, change - of_top),
        )
    ]
    said = pl.when(_BEFORE == _AFTER).then(pl.lit("stayed")).otherwise(_PLAIN_CAUSE)
    return pl.DataFrame(rows, schema=CHANGE, orient="row").with_columns(cause=said)


def _value(formula: Formula, values: Mapping[str, Exact]) -> Fraction:
    value = evaluate(formula, values)
    assert isinstance(value, Fraction)  # asked only where the figure has a value
    return value
