"""What would become of lines if they landed: the pipeline's own judgement, said line by line in words.

No value of a record is ever repeated: a reason names the field or the rule. Source: `data.md` A.0, A.11.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from compute.company import Company
from compute.contracts.contract import Contract, disposition_letter
from compute.contracts.meanings import meanings, own_meanings
from compute.current import Beside, refused_days, settle
from compute.judging import judge
from compute.schema import Schema, typed
from compute.wording import worded

# Each line has one; a warned line is accepted and flagged. The last two fail a check.
VERDICTS = ("accepted", "warned", "duplicate", "superseded", "quarantined", "rejected")
HELD = ("quarantined", "rejected")
LINE: Schema = {
    "feed": pl.String,
    "file": pl.String,
    "line": pl.Int64,
    "verdict": pl.String,
    "codes": pl.List(pl.String),
    "reason": pl.String,
}
# Codes that reading gives: what it says of a row names the field, so the meaning of the code adds nothing.
_OF_READING = ("R00", "R01", "Q90", "Q91", "Q92", "Q93", "W92")


@dataclass(frozen=True, slots=True)
class Checked:
    """The lines of one feed, judged.

    Attributes:
        lines: LINE rows, by file and line.
        judged: the rows as the judge left them, for the accounts that they name.
        current: the current accepted rows.
        refused: arrival dates whose rows are refused together.
        meanings: of every code that the feed knows.
    """

    contract: Contract
    lines: pl.DataFrame
    judged: pl.DataFrame
    current: pl.DataFrame
    refused: frozenset[date]
    meanings: Mapping[str, str]

    def verdicts(self) -> dict[str, int]:
        """Return how many lines have each verdict."""
        found = dict(self.lines.group_by("verdict").len().rows())
        return {verdict: found.get(verdict, 0) for verdict in VERDICTS}

    def codes(self) -> dict[str, int]:
        """Return how many lines carry each code: rejecting, then quarantining, then warning ones."""
        counted = self.lines.get_column("codes").explode().drop_nulls().value_counts().rows()
        return dict(sorted(counted, key=lambda row: ("RQW".index(disposition_letter(row[0])), row[0])))


def check(
    received: pl.DataFrame,
    contract: Contract,
    company: Company,
    *,
    accounts: pl.Series | None,
    as_of: datetime,
    key: bytes,
) -> Checked:
    """Judge and settle lines as the pipeline would, if they were all that has ever arrived.

    Args:
        received: rows as landed: the contract's place columns, `payload`, and where the line is: `file`, `line`.
        contract: the feed's contract.
        company: the company's choices.
        accounts: those that the file feeds name; None when that is not known, and every account then is.
        as_of: decides the age of unknown accounts and of open sessions.
        key: makes pseudonyms, within this check alone.
    """
    judged = judge(received, contract, company, key)
    refused = refused_days(judged, company)
    known = accounts if accounts is not None else _named(judged)
    settled = settle(judged, contract, company, refused, Beside(known, as_of))
    row_key = list(contract.row_key)
    placed = settled.join(received.select(*row_key, "file", "line"), on=row_key, how="left").sort("file", "line")
    current = settled.filter(pl.col("_disposition") == "accepted")
    return Checked(contract, _lines(placed, contract, company), judged, current, refused, meanings(contract, company))


def _named(judged: pl.DataFrame) -> pl.Series:
    none = pl.Series([], dtype=pl.String)
    return judged.get_column("account_id").drop_nulls().unique() if "account_id" in judged.columns else none


def _lines(placed: pl.DataFrame, contract: Contract, company: Company) -> pl.DataFrame:
    is_flagged = (pl.col("_disposition") == "accepted") & (pl.col("_codes").list.len() > 0)
    lines = _with_other(placed, contract).select(
        pl.lit(contract.dataset).alias("feed"),
        "file",
        "line",
        pl.when(is_flagged).then(pl.lit("warned")).otherwise("_disposition").alias("verdict"),
        pl.col("_codes").alias("codes"),
        "_detail",
        "_other",
    )
    reasons = _Reasons(meanings(contract, company), frozenset(own_meanings(contract, company)))
    found = [
        reasons.of(verdict, tuple(codes), detail, other)
        for verdict, codes, detail, other in lines.select("verdict", "codes", "_detail", "_other").iter_rows()
    ]
    return lines.with_columns(pl.Series("reason", found, dtype=pl.String)).pipe(typed, LINE)


def _with_other(placed: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Add `_other`: for a duplicate the line that it repeats, for a superseded one the line that replaces it."""
    taken = placed.filter(~pl.col("_disposition").is_in(HELD)).sort(contract.order)
    is_current = pl.col("_disposition") == "accepted"

    def other(column: str) -> pl.Expr:
        first, last = pl.col(column).first().over("_identity"), pl.col(column).filter(is_current).first()
        return pl.when(pl.col("_disposition") == "duplicate").then(first).otherwise(last.over(contract.key))

    file, line = other("file"), other("line")
    words = pl.when(file == pl.col("file")).then(worded("line {}", line)).otherwise(worded("{}:{}", file, line))
    by_other = taken.select(*contract.row_key, _other=pl.when(~is_current).then(words))
    return placed.join(by_other, on=list(contract.row_key), how="left", maintain_order="left")


@dataclass(frozen=True, slots=True)
class _Reasons:
    meanings: Mapping[str, str]
    own: frozenset[str]

    def of(self, verdict: str, codes: tuple[str, ...], detail: str | None, other: str | None) -> str:
        """Say in words why a line has its verdict; nothing for a plainly accepted one."""
        said = [f"the same record as {other}"] if verdict == "duplicate" else []
        said += [f"replaced by {other}"] if verdict == "superseded" else []
        read = detail.split("; ") if detail else []
        said += read
        # No own rule is judged beside an unreadable field, so such a code is then not the rule's.
        is_typed = all(words.startswith("currency") for words in read)
        for code in codes:
            is_read = code.partition("-")[2] in _OF_READING and not (is_typed and code in self.own)
            # That the whole day is refused is the least of a line's own faults.
            is_aside = code.endswith("-Q99") and said
            said += [] if is_aside or (read and is_read) else [self.meanings[code]]
        return "; ".join(said)


def only_refused(lines: pl.DataFrame) -> pl.Series:
    """Return which LINE rows are held only because too many others of their day are bad (U-13)."""
    held = [[code for code in codes if disposition_letter(code) != "W"] for codes in lines.get_column("codes")]
    return pl.Series([bool(codes) and all(code.endswith("-Q99") for code in codes) for codes in held], dtype=pl.Boolean)
