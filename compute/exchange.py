"""The exchange format: tables as text, the same bytes for the same rows.

Source: `interface.md` "Exports", `metrics.md` §1.7, `operations.md` S-1.
"""

import hashlib
from collections.abc import Iterable, Mapping

import polars as pl

from compute.details import DETAILS

METRIC_COLUMNS = (
    "period", "revision", "metric_id", "grain", "grain_key", "value", "unit", "quality", "null_reason", "footnote_ids",
)  # fmt: skip
HASHED_COLUMNS = tuple(name for name in METRIC_COLUMNS if name != "revision")


def metrics_table(figures: pl.DataFrame, revision: str = "") -> pl.DataFrame:
    """Return FIGURE rows with the columns of the `metrics` export, all text, sorted."""
    return (
        figures.with_columns(period="month", revision=pl.lit(revision), value=plain(pl.col("value"), pl.col("unit")))
        .select(METRIC_COLUMNS)
        .sort(METRIC_COLUMNS)
    )


def plain(value: pl.Expr, unit: pl.Expr) -> pl.Expr:
    """Return a decimal in plain notation: no zeros that say nothing, money with two places at least."""
    text = value.cast(pl.String).str.strip_chars_end("0")
    places = text.str.extract(r"\.(\d*)$").str.len_chars()
    padded = text + pl.lit("00").str.slice(0, (2 - places.cast(pl.Int64)).clip(0, 2))
    return pl.when(unit == "money").then(padded).otherwise(text.str.strip_chars_end(".")).fill_null("")


def to_csv(table: pl.DataFrame, *, has_header: bool = True) -> str:
    """Return a table as CSV: comma, LF, header first if it has one, empty for null."""
    texts = pl.col(pl.String)
    shown = table.with_columns(pl.when(texts != "").then(texts))
    return shown.write_csv(null_value="", include_header=has_header)


def content_hash(parts: Iterable[pl.DataFrame], footnotes: Mapping[str, str]) -> str:
    """Return the hash that a draft, a sign-off and a certified revision stand on (S-1).

    Args:
        parts: the FIGURE rows of a month, metric by metric: no part has a metric before one of an earlier part.
        footnotes: id → text.
    """
    digest = hashlib.sha256((",".join(HASHED_COLUMNS) + "\n").encode())
    for figures in parts:
        hashed = figures.filter(~pl.col("grain").is_in(DETAILS) & (pl.col("metric_id") != "M-47"))
        digest.update(to_csv(metrics_table(hashed).select(HASHED_COLUMNS), has_header=False).encode())
    digest.update("".join(f"{key},{footnotes[key]}\n" for key in sorted(footnotes)).encode())
    return digest.hexdigest()


def at_once(counts: Mapping[str, int], most: int) -> list[list[str]]:
    """Return the names in order, grouped so that each group counts no more than is allowed, or is one name.

    >>> at_once({"c": 1, "a": 2, "b": 9, "d": 3}, most=4)
    [['a'], ['b'], ['c', 'd']]
    """
    groups, size = list[list[str]](), 0
    for name in sorted(counts):
        if not groups or size + counts[name] > most:
            groups.append([])
            size = 0
        groups[-1].append(name)
        size += counts[name]
    return groups
