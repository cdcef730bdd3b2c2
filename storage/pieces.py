"""A month's figures in pieces of bounded size, so that a large company's month is never one frame."""

from collections.abc import Callable, Iterator, Sequence

import polars as pl

from compute.exchange import at_once

ROWS_AT_ONCE = 1_000_000  # of figures; a few hundred megabytes while they are sorted
ACCOUNTS_AT_ONCE = 50_000


def figure_parts(
    company: pl.DataFrame, accounts: pl.DataFrame, of_accounts: Callable[[pl.DataFrame], pl.DataFrame]
) -> Iterator[tuple[pl.Expr, pl.DataFrame]]:
    """Return the FIGURE rows of a month part by part: which of its rows they are, and they themselves.

    Args:
        company: the figures that are none of an account's; they go with those of the first accounts.
        accounts: a row per account of the month.
        of_accounts: makes the figures of some of these rows.
    """
    slices = list(accounts.sort("account_id").iter_slices(ACCOUNTS_AT_ONCE)) or [accounts]
    is_account = pl.col("grain") == "account_month"
    keys = ranges("grain_key", [each.item(0, "account_id") for each in slices[1:]])
    yield ~is_account | keys[0], pl.concat([of_accounts(slices[0]), company])
    for where, part in zip(keys[1:], slices[1:], strict=True):
        yield is_account & where, of_accounts(part)


def ranges(column: str, edges: Sequence[str]) -> list[pl.Expr]:
    """Return conditions of which just one holds for every text: below the first edge, from each edge on.

    Parts that replace a partition must cover it: else what only the rows before had would stay.
    """
    text = pl.col(column)
    low = [pl.lit(value=True), *(text >= edge for edge in edges)]
    high = [*(text < edge for edge in edges), pl.lit(value=True)]
    return [begins & ends for begins, ends in zip(low, high, strict=True)]


def by_metric(figures: pl.LazyFrame) -> Iterator[tuple[pl.Expr, pl.DataFrame]]:
    """Return figures by as many metrics at once as memory allows, in the order of their names."""
    groups = at_once(metric_counts(figures), ROWS_AT_ONCE) or [[]]
    for where in ranges("metric_id", [names[0] for names in groups[1:]]):
        yield where, figures.filter(where).collect()


def metric_counts(figures: pl.LazyFrame) -> dict[str, int]:
    """Return how many figures there are of each metric."""
    return dict(figures.group_by("metric_id").agg(pl.len()).collect(engine="streaming").rows())
