"""The exact way of reading: one line after another, whatever it holds.

Source: `data.md` A.0, steps 1 and 2.
"""

import re
from typing import Any

import polars as pl

from compute.company import Company
from compute.contracts.contract import DTYPES, NO_ENVELOPE, Contract, Field
from compute.reading import NoRecord, parse_record, read_field

CURRENCIES = ("currency", "currency_code")
WORDS = {
    "R01": "is missing and names the row",
    "Q91": "is missing",
    "Q92": "is no readable {kind}",
    "Q93": "has no offset, and local time is never assumed",
    "W92": "was rounded to cents",
}


def typed_exactly(received: pl.DataFrame, contract: Contract, company: Company) -> pl.DataFrame:
    """Return the typed fields of received rows with `_codes`, `_detail`, `_unknown`, in the order of the rows.

    Args:
        received: `_source` and `payload`.
        contract: the dataset's contract.
        company: the company's choices.
    """
    records: list[dict[str, Any] | None] = []
    codes: list[list[str]] = [[] for _ in range(received.height)]
    details: list[list[str]] = [[] for _ in range(received.height)]
    for index, (source, payload) in enumerate(received.select("_source", "payload").iter_rows()):
        try:
            records.append(_record(source, payload))
        except NoRecord as error:
            records.append(None)
            codes[index].append(contract.code("R00"))
            details[index].append(str(error))
    pattern = re.compile(company.company.account_id_pattern)
    columns = [_read_column(field, records, codes, details, contract, pattern) for field in contract.fields]
    _judge_currency(records, codes, details, contract, company)
    unique = [list(dict.fromkeys(row)) for row in codes]
    known = {*(field.name for field in contract.fields), *CURRENCIES}
    unknown = [sorted(record.keys() - known) if record else [] for record in records]
    return pl.DataFrame(
        [
            *columns,
            pl.Series("_codes", unique, dtype=pl.List(pl.String)),
            pl.Series("_detail", ["; ".join(row) or None for row in details], dtype=pl.String),
            pl.Series("_unknown", unknown, dtype=pl.List(pl.String)),
        ]
    )


def _record(source: str, payload: bytes) -> dict[str, Any]:
    if source == NO_ENVELOPE:
        raise NoRecord("no envelope of a record")
    return parse_record(payload)


def _read_column(
    field: Field,
    records: list[dict[str, Any] | None],
    codes: list[list[str]],
    details: list[list[str]],
    contract: Contract,
    pattern: re.Pattern[str],
) -> pl.Series:
    values: list[Any] = []
    for index, record in enumerate(records):
        value, code = (None, None) if record is None else read_field(field, record.get(field.name), pattern)
        values.append(value)
        if code:
            codes[index].append(contract.code(code))
            details[index].append(said(field, code))
    return pl.Series(field.name, values, dtype=DTYPES[field.kind], strict=False)


def said(field: Field, code: str) -> str:
    """Return in words what a code says of a field."""
    return f"{field.name} {WORDS[code].format(kind=field.kind)}"


def _judge_currency(
    records: list[dict[str, Any] | None],
    codes: list[list[str]],
    details: list[list[str]],
    contract: Contract,
    company: Company,
) -> None:
    own = company.company.reporting_currency
    for index, record in enumerate(records):
        for name in CURRENCIES:
            if record is not None and name in record and record[name] is not None and record[name] != own:
                codes[index].append(contract.code("Q90"))
                details[index].append(f"{name} is not {own}")
