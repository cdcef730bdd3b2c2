"""The accounting ledger: a SQL table, read through ADBC. SQLite here, PostgreSQL in production.

Source: `data.md` A.0a, "Ledger" (U-27).
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from compute.errors import BadLedger
from compute.months import Month
from compute.reconciliation import LEDGER
from compute.schema import typed

# The amount is read as text, so that no driver turns a decimal into a float.
_QUERY = (
    "SELECT account_id, period, CAST(amount AS TEXT) AS amount, CAST(ledger_version AS TEXT) AS ledger_version "
    "FROM accounting_revenue WHERE period = '{month}' ORDER BY 1, 4, 3"
)


def read_ledger(place: str, month: Month) -> pl.DataFrame:
    """Return the ledger's rows of a month, LEDGER columns.

    Raises:
        BadLedger: when there is no ledger, no such table, or no connection.
    """
    try:
        with _connection(place) as connection, connection.cursor() as cursor:
            cursor.execute(_QUERY.format(month=month))
            return typed(pl.DataFrame(pl.from_arrow(cursor.fetch_arrow_table())), LEDGER)
    except BadLedger:
        raise
    except Exception as error:  # the drivers share no base class
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadLedger(f"The ledger at {_shown(place)} cannot be read ({reason}).") from error


def ledger_hash(rows: pl.DataFrame) -> str:
    """Return the content hash of ledger rows, whatever their order."""
    return hashlib.sha256(rows.sort(list(LEDGER)).write_csv().encode()).hexdigest()


@contextmanager
def _connection(place: str) -> Iterator[Any]:
    if place.startswith(("postgresql://", "postgres://")):
        from adbc_driver_postgresql import dbapi as driver  # noqa: PLC0415

        address = place
    else:
        from adbc_driver_sqlite import dbapi as driver  # noqa: PLC0415

        if not Path(place).is_file():
            raise BadLedger(f"There is no ledger at {place}: give one with --ledger or TECHFLOW_LEDGER.")
        address = f"file:{quote(str(Path(place).absolute()))}?mode=ro"
    with driver.connect(address) as connection:
        yield connection


def _shown(place: str) -> str:
    """Return a place without the password that it may carry."""
    head, at, tail = place.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at else place
