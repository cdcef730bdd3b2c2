"""Workbooks as LibreOffice computes them, and what their front sheets say."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from storage.book_file import FRONT

Cells = dict[str, tuple[Any, ...]]


def computed(folder: Path, *books: Path) -> list[Any]:
    """Return workbooks as LibreOffice computes them; no formula carries a value before."""
    program = shutil.which("soffice")
    if not program:
        # A developer may be without it; `.ci/run` installs it, so in CI its absence is a failure.
        reason = "soffice not found (apt-get install libreoffice-calc-nogui)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    words = [f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to", "xlsx"]
    out = ["--outdir", str(folder / "computed"), *map(str, books)]
    subprocess.run([str(program), *words, *out], check=True, capture_output=True, timeout=300)
    return [openpyxl.load_workbook(folder / "computed" / book.name, data_only=True) for book in books]


def checks(book: Any) -> Cells:
    """Return the lines of the front sheet below its heads: check → difference, verdict, here, must equal."""
    rows = list(book[FRONT].iter_rows(values_only=True, max_col=5))
    (head,) = [line for line, row in enumerate(rows) if row[0] == "difference"]
    return {row[4]: row[:4] for row in rows[head + 1 :] if row[4]}


def differing(book: Any) -> set[str]:
    return {told for told, (left, verdict, *_) in checks(book).items() if verdict in ("differs", "FAIL") or left}
