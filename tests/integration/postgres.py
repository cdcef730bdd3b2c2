"""A real PostgreSQL for tests: Debian's, started once on loopback in a folder of its own, by a user who is not root."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from adbc_driver_postgresql import dbapi

OWNER, READER = "owner", "reader"
PASSWORD = "p@ss w/ord%"  # what must be percent-encoded in an address
ROWS = tuple[str, str, str, str]  # account, period, amount, version


@dataclass(frozen=True)
class Postgres:
    """A server, and what tests do to it beside the program."""

    port: int

    def address(
        self, schema: str = "", user: str = READER, password: str = PASSWORD, database: str = "postgres"
    ) -> str:
        """Return the address of a schema's ledger."""
        place = f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"
        return f"{place}?options=-csearch_path%3D{schema}" if schema else place

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as their owner; returns the rows of the last one."""
        connection = dbapi.connect(self.address(user=OWNER), autocommit=True)
        with closing(connection), closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def books(self, schema: str, rows: Iterable[ROWS] = (), *, amount: str = "numeric(18, 2)") -> str:
        """Make a schema with a ledger that the reader may read; returns its address."""
        self.run(
            f"CREATE SCHEMA {schema}",
            f"CREATE TABLE {schema}.accounting_revenue (account_id text NOT NULL, period char(7) NOT NULL, "
            f"amount {amount}, ledger_version text, posted_at timestamptz DEFAULT now())",
            f"GRANT USAGE ON SCHEMA {schema} TO {READER}",
            f"GRANT SELECT ON {schema}.accounting_revenue TO {READER}",
        )
        self.post(schema, rows)
        return self.address(schema)

    def post(self, schema: str, rows: Iterable[ROWS]) -> None:
        """Add rows to a schema's ledger."""
        values = ", ".join("('{}', '{}', {}, '{}')".format(*row) for row in rows)
        if values:
            columns = "account_id, period, amount, ledger_version"
            self.run(f"INSERT INTO {schema}.accounting_revenue ({columns}) VALUES {values}")


def running_postgres() -> Iterator[Postgres]:
    """Start a server, and stop it in the end."""
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[4]))
    if not tools:
        if "CI" in os.environ:
            pytest.fail("PostgreSQL is not installed: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed")  # by hand only: in CI it is a failure, see above
    # Not pytest's folder: that is closed to the user whom root has to become, for the server refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="techflow-postgres-"))
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    secret = folder / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    if become:
        for each in (folder, secret):
            shutil.chown(each, "postgres")

    def tool(name: str, *words: str) -> None:
        command = [*become, str(tools[-1].with_name(name)), "-D", str(folder / "data"), *words]
        # Into a file: the server would keep a pipe open.
        with (folder / f"{name}.log").open("a") as log:
            done = subprocess.run(command, cwd="/", stdout=log, stderr=log, timeout=120, check=False)
        assert done.returncode == 0, (folder / f"{name}.log").read_text(encoding="utf-8")

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    try:
        tool(
            "initdb", "-U", OWNER, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C", "--no-sync"
        )
        options = f"-c listen_addresses=127.0.0.1 -c fsync=off -p {port} -k {folder}"
        tool("pg_ctl", "-w", "-l", str(folder / "server.log"), "-o", options, "start")
        try:
            server = Postgres(port)
            server.run(f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'")
            yield server
        finally:
            tool("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
