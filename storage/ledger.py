"""The accounting ledger: a SQL table, read through ADBC. SQLite here, PostgreSQL in production.

Source: `data.md` A.0a, "Ledger" (U-27); `operations.md` L-27.
"""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import polars as pl
import pyarrow as pa
from pydantic import SecretStr

from compute.errors import BadLedger
from compute.months import Month
from compute.reconciliation_ledger import LEDGER
from compute.schema import typed
from storage import ledger_query

# All as text, so that no driver turns a decimal into a float; never null, for a driver guesses a column's type by
# its first rows. What decides nothing is not read: the order of rows, `posted_at`.
_QUERY = (
    "SELECT COALESCE(CAST(account_id AS TEXT), '') AS account_id, CAST(period AS TEXT) AS period, "
    "COALESCE(CAST(amount AS TEXT), '') AS amount, COALESCE(CAST(ledger_version AS TEXT), '') AS ledger_version "
    "FROM accounting_revenue WHERE period IN ({months})"
)
_POSTGRESQL = ("postgresql://", "postgres://")
# An address of which surely nothing is a part of a password; what libpq reads otherwise is not shown at all.
_PLAIN = re.compile(
    r"postgres(?:ql)?://(?:[^:@/?#]*(?::[^@/?#]*)?@)?(?P<shown>[\w.-]+(?::\d+)?(?:/[\w.-]*)?)(?:\?[^@]*)?"
)
# What a driver says, behind the SQLSTATE where there is one, and what we say of it.
_CAUSES = (
    (
        r"^42P01|no such table: accounting_revenue",
        "it has no table accounting_revenue that we can see: make it, or correct the database and schema",
    ),
    (
        r"no such column: (\w+)|column \"(\w+)\" does not exist",
        "its table accounting_revenue has no column {}: docs/reconciliation.md lists the five",
    ),
    (r"^(?:22007|22P02|42883)", "its column period is no text: write periods as 2024-01"),
    (r"^42501|permission denied", "this user may not read accounting_revenue: grant SELECT on it"),
    (
        r"password authentication failed|no password supplied|role \".*\" does not exist",
        "the server refuses user or password: correct them in TECHFLOW_LEDGER",
    ),
    (r"no pg_hba\.conf entry", "the server does not let this user in from this machine: see its pg_hba.conf"),
    (r"database \".*\" does not exist", "the server has no database of that name: correct it in TECHFLOW_LEDGER"),
    (
        r"unexpected spaces|invalid percent-encoded|invalid port|invalid integer|invalid URI|URI query parameter",
        "that is no address that PostgreSQL reads: percent-encode what is special in user and password",
    ),
    (r"could not translate host name", "no host has that name: correct it in TECHFLOW_LEDGER"),
    (
        r"Connection refused|No such file or directory|No route to host|Network is unreachable",
        "no server answers there: start it, or correct TECHFLOW_LEDGER",
    ),
    (
        r"^(?:57P|53)|starting up|shutting down|too many clients|connection slots|server closed the connection",
        "the server takes no queries now: run again later",
    ),
    (r"SSL|certificate", "the encrypted connection fails: see the server's certificate and sslmode"),
    (
        r"not a database|malformed|unable to open database file",
        "it is no SQLite database that we can open: give the ledger's file",
    ),
    (r"is locked|database is busy", "somebody is writing to it: run again later"),
    (r"[Ii]nvalid UTF-?8", "its text is not UTF-8: write it anew"),
    (
        r"^57014",
        "it has not answered within {seconds} s and was stopped: "
        "see its server, give accounting_revenue an index on period, or raise [sla] query_seconds",
    ),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the ledger said, and how long the caller waited for it (L-27).

    Attributes:
        rows: LEDGER rows of the months that were asked for.
        seconds: wall time, the process that asks included.
    """

    rows: pl.DataFrame
    seconds: float


def read_ledger(place: SecretStr, months: Iterable[Month], seconds: float) -> Reading:
    """Ask the ledger for its rows of some months, in one query, without ever writing to it.

    Args:
        place: a SQLite file or `postgresql://…`; it may hold a password, which no message repeats.
        months: the periods.
        seconds: after which the query is stopped.

    Raises:
        BadLedger: when it cannot be read; one sentence says why and what to do.
    """
    begin = time.perf_counter()
    query = _QUERY.format(months=", ".join(f"'{month}'" for month in months))
    database, address = _address(place)
    request = {"database": database, "address": address, "query": query, "seconds": seconds}
    asked = subprocess.run(
        [sys.executable, "-P", str(ledger_query.__file__)],
        input=json.dumps(request).encode(), capture_output=True, check=False,
    )  # fmt: skip
    if asked.returncode:
        raise BadLedger(f"The ledger at {shown(place)} cannot be read: {_cause(asked, seconds)}.")
    with pa.ipc.open_stream(asked.stdout) as stream:
        rows = typed(pl.DataFrame(pl.from_arrow(stream.read_all())), LEDGER)
    return Reading(rows, time.perf_counter() - begin)


def _address(place: SecretStr) -> tuple[str, str]:
    address = place.get_secret_value()
    if address.startswith(_POSTGRESQL):
        return "postgresql", address
    if not Path(address).is_file():
        raise BadLedger(f"There is no ledger at {shown(place)}: give one with --ledger or TECHFLOW_LEDGER.")
    return "sqlite", f"file:{quote(str(Path(address).absolute()))}?mode=ro"


def is_there(place: SecretStr) -> bool:
    """Tell whether a ledger is named that may be readable; a server is not asked."""
    address = place.get_secret_value()
    return address.startswith(_POSTGRESQL) or Path(address).is_file()


def shown(place: SecretStr) -> str:
    """Return a place as people may see it: of a server host, port and database, never user or password.

    >>> shown(SecretStr("postgresql://owner:secret@db.example:5432/books?sslmode=require"))
    'postgresql://db.example:5432/books'
    >>> shown(SecretStr("postgresql://owner:se/cret@db.example/books"))
    'postgresql://…'
    """
    address = place.get_secret_value()
    if "://" not in address:
        return address
    plain = _PLAIN.fullmatch(address)
    return f"postgresql://{plain['shown']}" if plain else f"{address.partition('://')[0]}://…"


def _cause(asked: subprocess.CompletedProcess[bytes], seconds: float) -> str:
    """Return why a reading failed, in words of our own."""
    if asked.returncode == -signal.SIGALRM:
        told = "57014"  # what PostgreSQL calls it
    elif asked.returncode == 1 and asked.stderr.startswith(b"{"):
        told = "{sqlstate} {message}".format(**json.loads(asked.stderr))
    else:
        return f"the process that asks it ended with code {asked.returncode}; this is a fault of the program: report it"
    for pattern, words in _CAUSES:
        if found := re.search(pattern, told):
            return words.format(*filter(None, found.groups()), seconds=f"{seconds:g}")
    return "the driver cannot connect, or the query fails: try the same address with sqlite3 or psql"
