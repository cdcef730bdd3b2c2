"""The process that asks the ledger: `storage.ledger` starts it as a script of its own for each reading.

ADBC's SQLite driver can neither limit nor cancel a query, and no driver can stop while its network is silent. So the
query has a process to itself, and the kernel ends that when its time is up, whatever it is doing.

It reads a request from standard input as JSON and writes the rows to standard output as an Arrow stream; it fails
with exit code 1 and the driver's message on standard error as JSON, which its parent keeps to itself: a message of a
driver may repeat a part of the address, and with it of a password.
"""

import json
import signal
import sys
from contextlib import closing
from typing import Any

import adbc_driver_manager as adbc
import pyarrow as pa


def main() -> None:
    """Answer one request: `database`, `address`, `query`, `seconds`."""
    request = json.load(sys.stdin)
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])  # unhandled, its signal ends the process
    try:
        table = _rows(request)
    except (adbc.Error, pa.ArrowException) as error:
        told = {"sqlstate": getattr(error, "sqlstate", None) or "", "message": str(error)}
        sys.stderr.write(json.dumps(told))
        sys.exit(1)
    with pa.ipc.new_stream(sys.stdout.buffer, table.schema) as stream:
        stream.write_table(table)


def _rows(request: dict[str, Any]) -> pa.Table:
    if request["database"] == "postgresql":
        import adbc_driver_postgresql as driver  # noqa: PLC0415 - each takes time to load and one is needed

        # The server stops too, and refuses to write. In the transaction, for a pooler keeps nothing else.
        before = ["SET TRANSACTION READ ONLY", f"SET LOCAL statement_timeout = {int(request['seconds'] * 1000)}"]
    else:
        import adbc_driver_sqlite as driver  # noqa: PLC0415

        before = []
    with closing(driver.connect(request["address"])) as database, closing(adbc.AdbcConnection(database)) as connection:
        connection.set_autocommit(False)
        for statement in before:
            with closing(adbc.AdbcStatement(connection)) as preparing:
                preparing.set_sql_query(statement)
                preparing.execute_update()
        with closing(adbc.AdbcStatement(connection)) as asking:
            asking.set_sql_query(request["query"])
            table = pa.RecordBatchReader.from_stream(asking.execute_query()[0]).read_all()
    table.validate(full=True)  # text that is no UTF-8 is found here
    return table


if __name__ == "__main__":
    main()
