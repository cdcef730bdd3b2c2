"""What a dataset's contract is made of: fields, key, row rules; each rule a code, a meaning, a condition.

A code says its own disposition: the letter after the prefix is R (reject), Q (quarantine) or W (warn).
Source: `data.md` A.0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from compute.company import Company
from compute.money import MONEY
from compute.schema import Schema

Kind = Literal["money", "number", "int", "text", "account", "date", "month", "list", "map"]
Need = Literal["key", "must", "may"]

# Twenty places keep any number that people write; sums of it stay exact.
NUMBER = pl.Decimal(38, 20)
DTYPES: Mapping[Kind, pl.DataType | type[pl.DataType]] = {
    "money": MONEY,
    "number": NUMBER,
    "int": pl.Int64,
    "text": pl.String,
    "account": pl.String,
    "date": pl.Date,
    "month": pl.String,
    "list": pl.List(pl.String),
    "map": pl.List(pl.Struct({"key": pl.String, "value": MONEY})),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a record.

    Attributes:
        need: `key` missing → R01, `must` missing → Q91, `may` is nullable.
        default: stands for an absent or null `may` member.
        synonyms: texts read as other texts, before any rule.
        is_personal: personal data; read for rules and identity, gone by silver (A.11).
    """

    name: str
    kind: Kind
    need: Need
    meaning: str
    default: Any = None
    synonyms: Mapping[str, str] = field(default_factory=dict)
    is_personal: bool = False


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


def no_rules(_company: Company) -> tuple[Rule, ...]:
    """Return no rules."""
    return ()


@dataclass(frozen=True, slots=True)
class Contract:
    """What a feed promises.

    Attributes:
        dated: the field that gives a row its month; always part of the key, so a key never leaves its month.
        account: the field that names the account, when there is one.
        rules: own rules of a row, given the company's choices; `_arrival` is there beside the fields.
        current_rules: codes of the current state, on the current rows of one month.
    """

    dataset: str
    prefix: str
    version: str
    grain: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    dated: str
    rules: Callable[[Company], tuple[Rule, ...]]
    current_rules: Callable[[Company], tuple[Rule, ...]] = no_rules
    account: str | None = "account_id"

    def code(self, suffix: str) -> str:
        """Return a common code with this dataset's prefix: `R00` → `REV-R00`."""
        return f"{self.prefix}-{suffix}"

    @property
    def columns(self) -> Schema:
        """The typed columns that silver keeps, with their types; personal fields are not among them."""
        return {each.name: DTYPES[each.kind] for each in self.fields if not each.is_personal}


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
