"""Reading the accounting ledger from SQLite and from PostgreSQL: the same rows, a deadline that holds, causes by name.

Source: `data.md` A.0a "Ledger" (U-27); `operations.md` C.3, L-27.
"""

import socket
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from pydantic import SecretStr

from compute.errors import BadLedger
from compute.months import Month
from compute.reconciliation_ledger import ledger_amounts, ledger_rows
from storage.ledger import read_ledger
from tests.integration.postgres import PASSWORD, Postgres
from tests.integration.test_run import unpacked

pytestmark = pytest.mark.integration
JANUARY = Month(2024, 1)
SECONDS = 30.0


def read(place: str | Path, *months: Month, seconds: float = SECONDS) -> pl.DataFrame:
    return read_ledger(SecretStr(str(place)), months or (JANUARY,), seconds).rows


def all_rows(ledger: Path) -> list[tuple[str, str, str, str]]:
    query = "SELECT account_id, period, amount, ledger_version FROM accounting_revenue"
    with closing(sqlite3.connect(ledger)) as database:
        return [(account, period, amount, str(version)) for account, period, amount, version in database.execute(query)]


def sqlite_books(place: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(place)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return place


@pytest.mark.parametrize(
    ("company", "amount"),
    [
        ("golden", "numeric(18, 2)"), ("golden", "text"), ("golden", "double precision"),
        ("offset", "numeric(18, 2)"), ("clean", "numeric(18, 2)"), ("faulty", "numeric(18, 2)"),
    ],
)  # fmt: skip
def test_a_company_s_ledger_is_the_same_from_both(
    company: str, amount: str, golden: Path, tmp_path: Path, postgres: Postgres
) -> None:
    places = {"golden": golden / "ledger.sqlite", "offset": golden / "ledger_offset.sqlite"}
    here = places[company] if company in places else unpacked(company, tmp_path) / "ledger.sqlite"
    rows = all_rows(here)
    quoted = [(account, period, f"'{value}'", version) for account, period, value, version in rows]
    there = postgres.books(f"{company}_{amount[:4]}", quoted, amount=amount)
    months = [Month.parse(name) for name in sorted({period for _, period, _, _ in rows})]

    ours, theirs = (read(place, *months) for place in (here, there))

    assert len(rows) == ours.height == theirs.height
    for month in map(str, months):
        mine, other = (ledger_rows(each.filter(pl.col("period") == month), month) for each in (ours, theirs))
        assert mine.equals(other)
        assert ledger_amounts(mine).equals(ledger_amounts(other))


def test_an_exact_numeric_and_a_null_keep_what_they_are(postgres: Postgres) -> None:
    rows = [
        ("A", "2024-01", "9999999999999999.995", "v10"),
        ("B", "2024-01", "NULL", "v1"),
        ("C", "2024-02", "1", "v1"),
    ]

    found = read(postgres.books("exact", rows, amount="numeric"))

    assert [("A", "2024-01", "9999999999999999.995", "v10"), ("B", "2024-01", "", "v1")] == found.sort(
        "account_id"
    ).rows()
    with pytest.raises(BadLedger, match="B version v1: the amount '' is no decimal"):
        ledger_rows(found, "2024-01")


def test_a_quarter_million_rows_are_read_and_add_up(
    postgres: Postgres, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    postgres.books("many")
    postgres.run(
        "INSERT INTO many.accounting_revenue SELECT 'ACC_' || n % 125000, '2024-01', n / 100.0, 'v1' "
        "FROM generate_series(1, 250000) AS n"
    )
    here = sqlite_books(
        tmp_path / "many.sqlite",
        "CREATE TABLE accounting_revenue (account_id TEXT, period TEXT, amount NUMERIC, ledger_version INTEGER)",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 250000) INSERT INTO accounting_revenue "
        "SELECT 'ACC_' || (n % 125000), '2024-01', CAST(n / 100 AS TEXT) || '.' || printf('%02d', n % 100), 1 FROM t",
    )
    amounts = []
    for name, place in (("postgresql", postgres.address("many")), ("sqlite", str(here))):
        reading = read_ledger(SecretStr(place), [JANUARY], SECONDS)
        record_property(f"seconds from {name}", round(reading.seconds, 2))
        amounts.append(ledger_amounts(ledger_rows(reading.rows, "2024-01")).select("account_id", "ledger"))

    assert amounts[0].equals(amounts[1])
    assert (125_000, Decimal("312501250.00")) == (
        amounts[0].height,
        amounts[0].get_column("ledger").sum(),
    )  # n(n+1)/200


def require_stopped(place: str | Path) -> None:
    """Read with a second's time, and see that no more than that, and what a busy machine adds, was waited for."""
    begin = time.monotonic()
    with pytest.raises(BadLedger, match="it has not answered within 1 s and was stopped"):
        read(place, seconds=1)

    assert time.monotonic() - begin < 15


def test_a_query_of_sqlite_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    endless = sqlite_books(
        tmp_path / "slow.sqlite",
        "CREATE VIEW accounting_revenue AS WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) "
        "SELECT 'A' AS account_id, '2024-' || (n + 20) AS period, '1' AS amount, 'v1' AS ledger_version FROM t",
    )

    require_stopped(endless)


def test_a_query_of_postgresql_that_takes_too_long_is_stopped_on_the_server_too(postgres: Postgres) -> None:
    slow = "CASE WHEN pg_sleep(60) IS NULL THEN '2024-01' ELSE '2024-01' END"
    postgres.run(
        "CREATE SCHEMA slow", "GRANT USAGE ON SCHEMA slow TO reader",
        f"CREATE VIEW slow.accounting_revenue AS SELECT 'A' AS account_id, {slow} AS period, 1 AS amount, 'v1' AS ledger_version",
        "GRANT SELECT ON slow.accounting_revenue TO reader",
    )  # fmt: skip

    require_stopped(postgres.address("slow"))

    asking = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader'"
    end = time.monotonic() + 20
    while postgres.run(asking) != [(0,)]:
        assert time.monotonic() < end, "the server goes on with a query that nobody waits for"


def test_a_server_that_says_nothing_is_not_waited_for() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        require_stopped(f"postgresql://a:b@127.0.0.1:{silent.getsockname()[1]}/x")


def test_reading_cannot_write(postgres: Postgres) -> None:
    postgres.books("guarded", [("A", "2024-01", "5", "v1")])
    postgres.run(
        "CREATE FUNCTION guarded.spoil() RETURNS text LANGUAGE sql SECURITY DEFINER AS "
        "$$ DELETE FROM guarded.accounting_revenue; SELECT 'A' $$",
        "CREATE SCHEMA spoiling", "GRANT USAGE ON SCHEMA spoiling TO reader",
        "CREATE VIEW spoiling.accounting_revenue AS SELECT guarded.spoil() AS account_id, '2024-01' AS period, "
        "1 AS amount, 'v1' AS ledger_version",
        "GRANT SELECT ON spoiling.accounting_revenue TO reader",
    )  # fmt: skip

    with pytest.raises(BadLedger):
        read(postgres.address("spoiling"))

    assert [("A", "2024-01", "5.00", "v1")] == read(postgres.address("guarded")).rows()


def places(postgres: Postgres, tmp_path: Path) -> dict[str, str]:
    """Return ledgers that cannot be read."""
    postgres.run("DROP SCHEMA IF EXISTS odd CASCADE", "CREATE SCHEMA odd", "GRANT USAGE ON SCHEMA odd TO reader",
                 "DROP SCHEMA IF EXISTS closed CASCADE", "CREATE SCHEMA closed", "GRANT USAGE ON SCHEMA closed TO reader",
                 "DROP SCHEMA IF EXISTS dated CASCADE", "CREATE SCHEMA dated", "GRANT USAGE ON SCHEMA dated TO reader",
                 "CREATE TABLE odd.accounting_revenue (account_id text, period text, ledger_version text)",
                 "CREATE TABLE closed.accounting_revenue (account_id text, period text, amount text, ledger_version text)",
                 "CREATE TABLE dated.accounting_revenue (account_id text, period date, amount text, ledger_version text)",
                 "GRANT SELECT ON odd.accounting_revenue, dated.accounting_revenue TO reader")  # fmt: skip
    (tmp_path / "text.sqlite").write_text("no database at all " * 100, encoding="utf-8")
    (tmp_path / "empty.sqlite").touch()
    columns = "account_id TEXT, period TEXT, amount TEXT, ledger_version TEXT"
    return {
        "wrong password": postgres.address(password="wrong"),
        "unknown user": postgres.address(user="nobody"),
        "no server": "postgresql://reader:wrong@127.0.0.1:1/books",
        "no database": postgres.address(database="nothere"),
        "no table": postgres.address(),
        "no column": postgres.address("odd"),
        "not allowed": postgres.address("closed"),
        "period is a date": postgres.address("dated"),
        "unencoded": f"postgresql://reader:{PASSWORD}@127.0.0.1:{postgres.port}/postgres",
        "sqlite: none": str(tmp_path / "none.sqlite"),
        "sqlite: a folder": str(tmp_path),
        "sqlite: no database": str(tmp_path / "text.sqlite"),
        "sqlite: empty": str(tmp_path / "empty.sqlite"),
        "sqlite: no column": str(sqlite_books(tmp_path / "odd.sqlite", "CREATE TABLE accounting_revenue (account_id, period, amount)")),
        "sqlite: latin-1": str(sqlite_books(
            tmp_path / "latin.sqlite", f"CREATE TABLE accounting_revenue ({columns})",
            "INSERT INTO accounting_revenue VALUES (CAST(x'ff' AS TEXT), '2024-01', '1', 'v1')")),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ("wrong password", "the server refuses user or password"),
        ("unknown user", "the server refuses user or password"),
        ("no server", "no server answers there"),
        ("no database", "the server has no database of that name"),
        ("no table", "it has no table accounting_revenue"),
        ("no column", "its table accounting_revenue has no column amount"),
        ("not allowed", "this user may not read accounting_revenue"),
        ("period is a date", "its column period is no text"),
        ("unencoded", "that is no address that PostgreSQL reads"),
        ("sqlite: none", "There is no ledger at"),
        ("sqlite: a folder", "There is no ledger at"),
        ("sqlite: no database", "it is no SQLite database"),
        ("sqlite: empty", "it has no table accounting_revenue"),
        ("sqlite: no column", "its table accounting_revenue has no column ledger_version"),
        ("sqlite: latin-1", "its text is not UTF-8"),
    ],
)
def test_a_ledger_that_cannot_be_read_says_why_and_never_its_password(
    what: str, cause: str, postgres: Postgres, tmp_path: Path
) -> None:
    with pytest.raises(BadLedger) as refused:
        read(places(postgres, tmp_path)[what])

    assert cause in str(refused.value)
    assert not [part for part in (PASSWORD, "p@ss", "w/ord", "wrong", "p%40ss") if part in str(refused.value)]


def test_a_ledger_that_somebody_is_writing_to_is_said_to_be(tmp_path: Path) -> None:
    columns = "account_id TEXT, period TEXT, amount TEXT, ledger_version TEXT"
    place = sqlite_books(tmp_path / "busy.sqlite", f"CREATE TABLE accounting_revenue ({columns})")
    with closing(sqlite3.connect(place, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")

        with pytest.raises(BadLedger, match="somebody is writing to it: run again later"):
            read(place)
