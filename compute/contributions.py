"""The rows that a part of a figure adds up: by account, user, team or record, with amount and quality.

Source: `operations.md` F.2, `techflow explain` and `techflow why`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from compute.figures import RANKS, Exact, Reason, exact_sum
from compute.lineage import Scope
from compute.money import RATIO
from compute.parts import PARTS, Part
from compute.schema import Schema, typed
from compute.wording import escaped

CONTRIBUTION: Schema = {
    "key": pl.String,
    "account_id": pl.String,
    "amount": RATIO,
    "quality": pl.String,
    "cause": pl.String,
    "detail": pl.String,
}
Read = Callable[[str], pl.LazyFrame]


@dataclass(frozen=True, slots=True)
class Contributions:
    """A part with its rows.

    Attributes:
        name: as the formula has it, `mrr` or `mrr@2023-01`.
        filter: which rows of the table.
        input_rows: how many rows of the table that are.
        rows: CONTRIBUTION rows, by key.
    """

    name: str
    part: Part
    scope: Scope
    filter: str
    input_rows: int
    rows: pl.DataFrame

    @property
    def value(self) -> Exact:
        """The sum of the rows; `missing_input` when the amount of one is unknown."""
        has_null = self.rows.get_column("amount").null_count() > 0
        return Reason.MISSING_INPUT if has_null else exact_sum(self.rows, "amount")


def contributions(name: str, scope: Scope, read: Read) -> Contributions:
    """Return a part with the rows that it adds up.

    Args:
        name: of the part; `@2023-01` after it names another month than the scope's.
        scope: of the figure.
        read: returns a table's rows, at the version that the figure was made from.
    """
    plain_name, _, month = name.partition("@")
    own = scope.at(month) if month else scope
    part = PARTS[plain_name]
    where = _filter(part, own)
    rows = _chosen(part, own, where, read).collect()
    return Contributions(name, part, own, where, rows.height, _by_key(part, rows))


def _filter(part: Part, scope: Scope) -> str:
    where = part.where.format_map(scope.words)
    return f"{where} and account_id = '{escaped(scope.account)}'" if scope.account else where


def _chosen(part: Part, scope: Scope, where: str, read: Read) -> pl.LazyFrame:
    table = read(part.table)
    if part.within:
        table = table.filter(pl.sql_expr(part.within.format_map(scope.words)))
    rows = table.with_columns(**part.columns(scope.month)).filter(pl.sql_expr(where))
    if part.among:
        other = read(part.among.table).filter(pl.sql_expr(part.among.where.format_map(scope.words)))
        rows = rows.join(other, left_on=part.among.on, right_on=part.among.column, how="semi")
    if part.once:
        rows = rows.unique(list(part.once))
    has_account = "account_id" in rows.collect_schema()
    texts = [pl.col(name).cast(pl.String) for name in part.key]
    return rows.select(
        key=pl.concat_str(texts, separator="|"),
        account_id="account_id" if has_account else pl.lit(""),
        amount=pl.sql_expr(part.amount).cast(RATIO),
        quality=pl.sql_expr(part.quality),
        cause=pl.sql_expr(part.cause),
        detail=pl.sql_expr(part.detail),
    )


def _by_key(part: Part, rows: pl.DataFrame) -> pl.DataFrame:
    amount = pl.when(pl.col("amount").null_count() == 0).then(pl.col("amount").sum())
    worst = pl.col("quality").sort_by(pl.col("quality").replace_strict(RANKS, return_dtype=pl.Int64)).last()
    account = pl.col("account_id") if "account_id" in part.key else pl.lit("").alias("account_id")
    grouped = rows.group_by("key").agg(account.first(), pl.col("cause", "detail").first(), amount=amount, quality=worst)
    return grouped.pipe(typed, CONTRIBUTION).sort("key")
