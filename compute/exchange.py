"""The exchange format: tables as text, the same bytes for the same rows.

Source: `interface.md` "Exports", `metrics.md` §1.7, `operations.md` S-1.
"""

import hashlib

import polars as pl

from compute.details import DETAILS

METRIC_COLUMNS = (
    "period", "revision", "metric_id", "grain", "grain_key", "value", "unit", "quality", "null_reason", "footnote_ids",
)  # fmt: skip


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


def to_csv(table: pl.DataFrame) -> str:
    """Return a table as CSV: comma, LF, header first, empty for null."""
    texts = pl.col(pl.String)
    return table.with_columns(pl.when(texts != "").then(texts)).write_csv(null_value="")


def content_hash(figures: pl.DataFrame, footnotes: dict[str, str]) -> str:
    """Return the hash that a draft, a sign-off and a certified revision stand on (S-1)."""
    hashed = figures.filter(~pl.col("grain").is_in(DETAILS) & (pl.col("metric_id") != "M-47"))
    body = to_csv(metrics_table(hashed).drop("revision"))
    notes = "".join(f"{key},{footnotes[key]}\n" for key in sorted(footnotes))
    return hashlib.sha256((body + notes).encode()).hexdigest()
