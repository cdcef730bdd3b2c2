"""A certified month against what its figures would be now: what changed, and whether it asks for a revision.

Source: `operations.md` S-1, S-5, C.1.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

import polars as pl

from compute.details import DETAILS
from compute.figures import COMPANY
from compute.metrics import HEADLINE
from compute.money import RATIO
from compute.months import Month
from compute.schema import Schema, typed

PENDING: Schema = {
    "month": pl.String,
    "revision": pl.Int64,
    "metric_id": pl.String,
    "grain": pl.String,
    "grain_key": pl.String,
    "old": pl.String,
    "new": pl.String,
    "delta": pl.String,
    "cause": pl.String,
    "first_seen": pl.Datetime("us", "UTC"),
}
PENDING_KEY = ("month", "metric_id", "grain", "grain_key")
RETENTION: Collection[str] = ("M-10", "M-11")
GATE = "gate"  # the grain of a verdict among figures
_WHOLE = Decimal(1)
_FIGURE = ["metric_id", "grain", "grain_key"]
NOTHING_CHANGED = pl.DataFrame(
    schema={**dict.fromkeys(_FIGURE, pl.String), **dict.fromkeys(("old", "new", "delta"), RATIO)}
)


def is_material(metric_id: str, old: Decimal | None, new: Decimal | None, share: Decimal) -> bool:
    """Tell whether a change of a headline figure asks for a revision (S-5).

    Args:
        metric_id: the figure.
        old: as certified; None when it has no value.
        new: as it would be now.
        share: of the old value, from which on a change is material.

    >>> old = Decimal("47416.67")
    >>> [is_material("M-01", old, old + Decimal(change), Decimal("0.005")) for change in ("237.08", "237.09")]
    [False, True]
    """
    if old == new:
        return False
    if old is None or new is None or old * new <= 0:
        return True
    crosses = metric_id in RETENTION and (old < _WHOLE) != (new < _WHOLE)
    return crosses or abs(new - old) >= share * abs(old)


def changed_figures(certified: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Return the signed figures that differ: `metric_id, grain, grain_key, old, new, delta`; a missing side is null.

    Args:
        certified: FIGURE rows of the revision.
        now: FIGURE rows as they would be now.
    """
    sides = [_signed(certified).rename({"value": "old"}), _signed(now).rename({"value": "new"})]
    both = sides[0].join(sides[1], on=_FIGURE, how="full", coalesce=True, suffix="_now")
    differs = ~pl.col("old").eq_missing(pl.col("new")) | ~pl.col("told").eq_missing(pl.col("told_now"))
    return (
        both.filter(differs).with_columns(delta=pl.col("new") - pl.col("old")).select(*_FIGURE, "old", "new", "delta")
    )


def _signed(figures: pl.DataFrame) -> pl.DataFrame:
    hashed = figures.filter(~pl.col("grain").is_in(DETAILS) & (pl.col("metric_id") != "M-47"))
    told = pl.concat_str("quality", "null_reason", "footnote_ids", separator="|", ignore_nulls=True)
    return hashed.select(*_FIGURE, "value", told=told)


def difference(changed: pl.DataFrame) -> list[dict[str, str]]:
    """Return the headline figures that changed: metric, old, new, Δ and Δ %, as text; no Δ % of nothing."""
    rows = changed.filter((pl.col("grain") == "company_month") & pl.col("metric_id").is_in(HEADLINE))
    order = {name: place for place, name in enumerate(HEADLINE)}
    return [
        {"metric": metric, "old": _text(old), "new": _text(new), "delta": _text(delta), "share": _share(old, delta)}
        for metric, old, new, delta in sorted(
            rows.select("metric_id", "old", "new", "delta").rows(), key=lambda row: order[row[0]]
        )
    ]


def _text(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _share(old: Decimal | None, delta: Decimal | None) -> str:
    return f"{delta / abs(old) * 100:.4f}" if old and delta is not None else ""


def is_due(changed: pl.DataFrame, share: Decimal) -> bool:
    """Tell whether the changes of a certified month, taken together, ask for a revision."""
    rows = changed.filter((pl.col("grain") == "company_month") & pl.col("metric_id").is_in(HEADLINE))
    return any(is_material(name, old, new, share) for name, old, new in rows.select("metric_id", "old", "new").rows())


def pending(
    changed: pl.DataFrame, flipped: Mapping[str, tuple[str, str]], month: Month, revision: int, cause: str
) -> pl.DataFrame:
    """Return the PENDING rows of a month, not yet seen.

    Args:
        changed: as `changed_figures` returns.
        flipped: gates whose verdict another ledger has changed: then and now.
        month: the certified period.
        revision: that in force.
        cause: why figures changed, a reason of S-5.
    """
    figures = changed.with_columns(pl.col("old", "new", "delta").cast(pl.String), cause=pl.lit(cause))
    gates = [(name, GATE, COMPANY, old, new, None, "LEDGER_ADJUSTMENT") for name, (old, new) in flipped.items()]
    rows = pl.concat([figures, pl.DataFrame(gates, schema=figures.schema, orient="row")])
    named = {"month": pl.lit(str(month)), "revision": pl.lit(revision), "first_seen": pl.lit(None)}
    return typed(rows.with_columns(**named), PENDING)


def waiting(rows: pl.DataFrame) -> str:
    """Return PENDING rows of a month in a line: its headline figures, how many there are, since when.

    >>> row = {"month": "2024-01", "revision": 1, "metric_id": "M-01", "grain": "company_month", "grain_key": ""}
    >>> more = {"old": "10.50", "new": "12.00", "delta": "1.50", "first_seen": datetime(2024, 3, 4)}
    >>> waiting(pl.DataFrame([row | more]))
    'M-01 10.5 to 12 (+1.5); 1 figure since 2024-03-04'
    """
    if rows.is_empty():
        return ""
    values = pl.col("old", "new", "delta").cast(RATIO, strict=False)
    heads = "; ".join(
        f"{row['metric']} {row['old'] or 'n/m'} to {row['new'] or 'n/m'}{_signed_text(row['delta'])}"
        for row in difference(rows.with_columns(values))
    )
    count, since = rows.height, rows.select(pl.col("first_seen").min().dt.strftime("%Y-%m-%d")).item()
    return f"{heads or 'no headline figure'}; {count} figure{'s' * (count != 1)} since {since}"


def _signed_text(delta: str) -> str:
    return f" ({'' if delta.startswith('-') else '+'}{delta})" if delta else ""


def seen(found: pl.DataFrame, known: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Return PENDING rows with the instant at which each was first seen: now, unless it is known of the revision."""
    place = ["revision", *_FIGURE]
    before = known.select(*place, "first_seen")
    first = (
        found.drop("first_seen").join(before, on=place, how="left").with_columns(pl.col("first_seen").fill_null(now))
    )
    return typed(first, PENDING)


def cause_of(*, is_method: bool, is_late: bool) -> str:
    """Return the reason of S-5 that lies nearest: other rules, late events, else other records."""
    return "METHOD_CHANGE" if is_method else "LATE_DATA" if is_late else "CORRECTED_SOURCE"
