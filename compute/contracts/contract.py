"""What a dataset's contract is made of: fields, key, row rules; each rule a code, a meaning, a condition.

A code says its own disposition: the letter after the prefix is R (reject), Q (quarantine) or W (warn).
Source: `data.md` A.0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import polars as pl

from compute.company import Company
from compute.money import MONEY
from compute.schema import Schema

Kind = Literal["money", "number", "int", "text", "account", "date", "month", "instant", "list", "map"]
Need = Literal["key", "must", "may"]

# Twenty places keep any number that people write; sums of it stay exact.
NUMBER = pl.Decimal(38, 20)
INSTANT = pl.Datetime("us", "UTC")
DTYPES: Mapping[Kind, pl.DataType | type[pl.DataType]] = {
    "money": MONEY,
    "number": NUMBER,
    "int": pl.Int64,
    "text": pl.String,
    "account": pl.String,
    "date": pl.Date,
    "month": pl.String,
    "instant": INSTANT,
    "list": pl.List(pl.String),
    "map": pl.List(pl.Struct({"key": pl.String, "value": MONEY})),
}

# Where a row came from, and when: the columns of a landed file's rows, and of a topic's.
PLACE: Schema = {
    "_source": pl.String,
    "_file": pl.String,
    "_row": pl.Int64,
    "_arrival": INSTANT,
    "_batch_id": pl.String,
    "_payload_sha256": pl.String,
}
TOPIC_PLACE: Schema = {
    "_source": pl.String,
    "_topic": pl.String,
    "_partition": pl.Int64,
    "_offset": pl.Int64,
    "_arrival": INSTANT,
    "_batch_id": pl.String,
    "_payload_sha256": pl.String,
}
# The source of a topic's row that holds no record: a line that is no envelope, a payload that is no string.
NO_ENVELOPE = "no envelope"
# The order of rows (U-01); the digest of a file only parts two contents under one name.
ORDER = ("_arrival", "_file", "_batch_id", "_row")
TOPIC_ORDER = ("_arrival", "_topic", "_partition", "_offset")


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a record.

    Attributes:
        need: `key` missing → R01, `must` missing → Q91, `may` is nullable.
        default: stands for an absent or null `may` member.
        synonyms: texts read as other texts, before any rule.
        kept: what silver keeps instead of the field, by column, made from its text; all of the field without it.
            An empty mapping drops personal data after rules and identity have seen it (A.11).
        known: what own rules see of the field beside it, by column, made from its text.
        is_user: names a person; silver keeps a pseudonym (A.11).
    """

    name: str
    kind: Kind
    need: Need
    meaning: str
    default: Any = None
    synonyms: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, Callable[[str], str]] | None = None
    known: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    is_user: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A code with the condition under which a row carries it; a null condition is false.

    Attributes:
        is_last: a row that carries this code is not judged by the rules after it.
    """

    code: str
    meaning: str
    when: pl.Expr
    is_last: bool = False


def no_rules(_company: Company, _as_of: datetime) -> tuple[Rule, ...]:
    """Return no rules."""
    return ()


@dataclass(frozen=True, slots=True)
class Contract:
    """What a feed promises.

    Attributes:
        dated: the field that gives a row its month; always part of the key, so a key never leaves its month.
        account: the field that names the account, when there is one.
        user: the field that names the user, when there is one; account and user then share the bucket.
        rules: own rules of a row, given the company's choices; `_arrival` is there beside the fields.
        current_rules: codes of the current state, on the current rows of one month, given the as-of.
        is_topic: it arrives as records of a topic, not as lines of files.
        unknown_account: the code of a row whose account no file feed names (U-19); topics alone.
        has_revisions: a different row of the key replaces the one before; without, the first one stays (U-16).
        event_time: the last instant that a row speaks of, which its arrival is compared with (C.1).
        ages_at: the instant after which a topic's row carries a current rule's code, null for never.
    """

    dataset: str
    prefix: str
    version: str
    grain: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    dated: str
    rules: Callable[[Company], tuple[Rule, ...]]
    current_rules: Callable[[Company, datetime], tuple[Rule, ...]] = no_rules
    account: str | None = "account_id"
    user: str | None = None
    is_topic: bool = False
    unknown_account: str | None = None
    has_revisions: bool = True
    event_time: pl.Expr | None = None
    ages_at: pl.Expr | None = None

    def code(self, suffix: str) -> str:
        """Return a common code with this dataset's prefix: `R00` → `REV-R00`."""
        return f"{self.prefix}-{suffix}"

    @property
    def columns(self) -> Schema:
        """The typed columns that silver keeps, with their types; personal data is not among them."""
        columns: Schema = {}
        for each in self.fields:
            columns |= {each.name: DTYPES[each.kind]} if each.kept is None else dict.fromkeys(each.kept, pl.String)
        return columns

    @property
    def place(self) -> Schema:
        """The columns that say where a row came from."""
        return TOPIC_PLACE if self.is_topic else PLACE

    @property
    def order(self) -> tuple[str, ...]:
        """The columns that rows are ordered by; of a topic they name a row, of a file too."""
        return TOPIC_ORDER if self.is_topic else ORDER

    @property
    def spread_by(self) -> tuple[str, ...]:
        """The columns that give a row its bucket: all rows of a key, and of a user, lie in one."""
        return tuple(name for name in (self.account, self.user) if name)

    @property
    def row_key(self) -> tuple[str, ...]:
        """The columns that name a received row."""
        return ("_partition", "_offset", "_payload_sha256") if self.is_topic else ("_batch_id", "_row")


ARRIVED_ON = pl.col("_arrival").dt.date()


def disposition_letter(code: str) -> str:
    """Return R, Q or W.

    >>> disposition_letter("REV-Q03")
    'Q'
    """
    return code.partition("-")[2][0]


def exactly_one(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Return where one condition holds and the other does not."""
    return left.fill_null(value=False) ^ right.fill_null(value=False)
