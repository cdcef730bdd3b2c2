"""Releases: what people decide of quarantined rows. Bronze is never edited; a release is a row of its own.

*Accept* takes the row as it is, with its arrival and its codes. *Discard* closes its case. *Fix* closes it too and is
a received record of its own, which arrives with the release and is judged anew. Of several releases of a row the last
one stands, so their order, their batching and their repetition do not matter, and a decision is undone by another.
Source: `data.md` A.0, "Release" (AT-05).
"""

import hashlib

import polars as pl

from compute.contracts.contract import INSTANT, Contract
from compute.errors import PermanentError
from compute.schema import Schema, typed

RELEASE: Schema = {
    "release_id": pl.String,
    "dataset": pl.String,
    "batch_id": pl.String,
    "row": pl.Int64,
    "partition": pl.Int64,
    "offset": pl.Int64,
    "payload_sha256": pl.String,
    "verdict": pl.String,
    "payload": pl.Binary,
    "by": pl.String,
    "why": pl.String,
    "at": INSTANT,
}
VERDICTS = ("fix", "accept", "discard")
RELEASED = "release"  # the source of a fixed record
FIXED_PARTITION = -3  # of a topic's fixed record: nobody gave it an offset
# What leaves no typed value cannot be accepted as it is.
_UNTYPED = ("R00", "R01", "Q91", "Q92", "Q93")
_PLACES = {
    "_batch_id": "batch_id", "_row": "row", "_partition": "partition", "_offset": "offset",
    "_payload_sha256": "payload_sha256",
}  # fmt: skip
NO_RELEASES = pl.DataFrame(schema=RELEASE)


class BadRelease(PermanentError):
    """A release that cannot stand; nothing was released."""


def standing(releases: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return the release that stands of every released row of a feed: the contract's row key, and RELEASE columns.

    The release of a fixed record falls with the fix that made the record.
    """
    mine = releases.filter(pl.col("dataset") == contract.dataset).sort("at", "release_id")
    named = mine.with_columns(pl.col(_PLACES[name]).alias(name) for name in contract.row_key)
    stands, key = named.unique(contract.row_key, keep="last", maintain_order=True), list(contract.row_key)
    made = _records(named, contract).select(key)
    while True:
        fallen = made.join(_records(stands, contract), on=key, how="anti")
        kept = stands.join(fallen, on=key, how="anti", maintain_order="left")
        if kept.height == stands.height:
            return kept
        stands = kept


def fixed_rows(releases: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return the fixed records that stand, as rows received from the releases: the contract's place, `payload`."""
    return _records(standing(releases, contract), contract)


def _records(releases: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Return the records of the fixes among releases."""
    fixes = releases.filter(pl.col("verdict") == "fix")
    digests = [hashlib.sha256(payload).hexdigest() for payload in fixes.get_column("payload")]
    # A number that no other release has: sixty bits of its id.
    numbers = [int(release_id[:15], 16) for release_id in fixes.get_column("release_id")]
    rows = fixes.select(
        _source=pl.lit(RELEASED), _arrival="at", _batch_id="release_id", _file=pl.lit(RELEASED), _topic="dataset",
        _partition=pl.lit(FIXED_PARTITION), payload="payload",
    ).with_columns(
        pl.Series("_payload_sha256", digests, dtype=pl.String), pl.Series("_offset", numbers, dtype=pl.Int64),
        _row=pl.lit(1),
    )  # fmt: skip
    return typed(rows, {**contract.place, "payload": pl.Binary})


def with_release(rows: pl.DataFrame, releases: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Add `_release`, the verdict that stands of a row; null where nobody released it."""
    stands = standing(releases, contract).select(*contract.row_key, _release="verdict")
    return rows.join(stands, on=list(contract.row_key), how="left", maintain_order="left")


def release_marks(judged: pl.DataFrame, releases: pl.DataFrame, contract: Contract) -> dict[str, str]:
    """Return by month the releases that stand of its rows: equal marks over equal rows give equal settled rows."""
    stands = standing(releases, contract)
    if stands.is_empty():
        return {}
    found = judged.select("month", *contract.row_key).join(stands, on=list(contract.row_key))
    marks = found.group_by("month").agg(pl.col("release_id").sort().str.join(" "))
    return dict(marks.rows())


def refused_accepts(codes: list[str], contract: Contract) -> list[str]:
    """Return the codes that keep a row from being accepted as it is."""
    return [code for code in codes if code in {contract.code(suffix) for suffix in _UNTYPED}]


def has_value(contract: Contract) -> pl.Expr:
    """Return where a row's codes leave a typed value that can be accepted, whatever the rules were at its release."""
    untyped = [contract.code(suffix) for suffix in _UNTYPED]
    return pl.col("_codes").list.set_intersection(untyped).list.len() == 0


def is_accepted_as_is() -> pl.Expr:
    """Return where a current row carries a code that quarantines: a release let it in, not the contract."""
    return pl.col("_codes").list.eval(pl.element().str.contains("-Q")).list.any()


def case_id(place: tuple[object, ...], contract: Contract, digits: int = 8) -> str:
    """Return the name by which people call a held row: short, and the same whenever it is read.

    >>> from compute.contracts.revenue import REVENUE
    >>> case_id(("batch", 1), REVENUE)
    'REV-06a1fedd'
    """
    text = "|".join((contract.dataset, *map(str, place)))
    return f"{contract.prefix}-{hashlib.sha256(text.encode()).hexdigest()[:digits]}"
