"""How does a run grow with the company? Prints a table; run by hand.

    .venv/bin/python tests/benchmarks/accounts.py [ACCOUNTS ...]

Multiplies the accounts of the clean company (34, 14 months) by renaming them and runs all months as a user does, in a
process of its own, inline. Each line: accounts, records, seconds of the run, peak memory of the process, and the
stages that took longest.
"""

import gzip
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import polars as pl

from storage.lake import Lake
from storage.runs import runs
from tests.conftest import EXAMPLES, environment

MONTHS = "2023-01..2024-02"
ACCOUNTS = 34
_NAME = re.compile(rb"ACC_(\d+)")
_USER = re.compile(rb"USER_(\d+)")


def multiply(company: Path, copies: int) -> int:
    """Copy every record under new account and user names; returns how many records there are."""
    count = 0
    for path in sorted((company / "landing").rglob("*")):
        if path.is_file() and path.parent.name != "topics":
            lines = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).splitlines()
            # Salaries and shared costs are the company's own: they stay as they are.
            own = path.parent.name == "salaries"
            path.unlink()
            name = path.name.removesuffix(".gz") + ".gz"
            with gzip.open(path.with_name(name), "wb", compresslevel=1) as out:
                for copy in range(1 if own else copies):
                    named = [line for line in lines if own or copy == 0 or _NAME.search(line)]
                    out.write(b"".join(_renamed(line, copy) + b"\n" for line in named))
                    count += len(named)
    for path in sorted((company / "landing" / "topics").iterdir()):
        count += _multiply_topic(path, copies)
    _multiply_ledger(company / "ledger.sqlite", copies)
    return count


def _renamed(line: bytes, copy: int) -> bytes:
    line = _NAME.sub(lambda found: b"ACC_%s%06d" % (found[1], copy), line)
    return _USER.sub(lambda found: b"USER_%s%06d" % (found[1], copy), line)


def _multiply_topic(path: Path, copies: int) -> int:
    lines = path.read_bytes().splitlines()
    with gzip.open(f"{path}.gz", "wb", compresslevel=1) as out:
        for line in lines:
            envelope = json.loads(line)
            for copy in range(copies):
                moved = envelope | {"offset": envelope["offset"] * copies + copy}
                out.write(_renamed(json.dumps(moved).encode(), copy) + b"\n")
    path.unlink()
    return copies * len(lines)


def _multiply_ledger(path: Path, copies: int) -> None:
    with sqlite3.connect(path) as ledger:
        columns = [row[1] for row in ledger.execute("PRAGMA table_info(accounting_revenue)")]
        rows = ledger.execute("SELECT * FROM accounting_revenue").fetchall()
        ledger.execute("DELETE FROM accounting_revenue")
        at = columns.index("account_id")
        for copy in range(copies):
            named = [(*row[:at], f"{row[at]}{copy:06d}", *row[at + 1 :]) for row in rows]
            ledger.executemany(f"INSERT INTO accounting_revenue VALUES ({', '.join('?' * len(columns))})", named)


def measure(accounts: int) -> tuple[int, int, float, float, str]:
    """Return accounts, records, seconds, peak MiB, and the slowest stages."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(EXAMPLES / "clean.tar.xz") as packed:
            packed.extractall(folder, filter="data")
        home, copies = Path(folder) / "clean", max(1, round(accounts / ACCOUNTS))
        records = multiply(home, copies)
        env = environment(home, home / "landing", Path(folder) / "prefect", TECHFLOW_EXECUTOR="inline")
        script = str(Path(sys.executable).with_name("techflow"))
        begin = time.perf_counter()
        process = subprocess.Popen([script, "run", MONTHS], env=env, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        if status:
            raise SystemExit(f"the run of {accounts} accounts ended with {status}")
        done = runs(Lake(str(home / "lake"))).group_by("dataset").agg(pl.col("seconds").sum())
        slowest = done.sort("seconds", descending=True).head(4).rows()
        shutil.rmtree(home)
    return (
        copies * ACCOUNTS,
        records,
        seconds,
        usage.ru_maxrss / 1024,
        ", ".join(f"{name} {took:.1f}" for name, took in slowest),
    )


def main() -> None:
    """Print the table."""
    print(f"{'accounts':>9} {'records':>11} {'run s':>7} {'MiB':>6}  slowest stages, s")  # noqa: T201
    for accounts in [int(word) for word in sys.argv[1:]] or [34, 100, 1_000, 10_000]:
        made, records, seconds, memory, slowest = measure(accounts)
        print(f"{made:>9,} {records:>11,} {seconds:>7.1f} {memory:>6.0f}  {slowest}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
