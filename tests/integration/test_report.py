"""The report as people get it: written by the command, looked at in a browser.

Source: `operations.md` E.1, E.2; AT-80, AT-81, AT-83.
"""

import csv
import io
import json
import re
import shutil
import subprocess
import zipfile
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from compute.anchors import parse_anchor
from compute.errors import BadMonth
from compute.months import Month
from flows.aggregated import aggregated
from flows.commands.report import FORMS, write_report
from storage.catalog import STATEMENT
from storage.editions import edition
from storage.lake import Lake
from storage.snapshots import figures_of

pytestmark = pytest.mark.integration
MONTHS, JAN = "2023-12..2024-02", Month(2024, 1)


def written(lake: Lake, folder: Path, month: Month = JAN) -> dict[str, bytes]:
    """Return the report of a month, by form."""
    return {
        path.suffix[1:]: path.read_bytes()
        for path in write_report(lake, edition(lake, month), folder, "TechFlow Solutions", "USD")
    }


def texts(forms: dict[str, bytes]) -> str:
    """Return all that can be read in the forms."""
    with zipfile.ZipFile(io.BytesIO(forms["xlsx"])) as book:
        sheets = b"".join(book.read(name) for name in book.namelist() if name.endswith(".xml"))
    return b"".join((*(forms[form] for form in FORMS if form != "xlsx"), sheets)).decode()


def test_the_golden_report_says_what_finance_adds_up_by_hand(lake: Lake, tmp_path: Path) -> None:
    """`metrics.md` §11.2."""
    aggregated(MONTHS)

    forms = written(lake, tmp_path / "reports")

    assert set(FORMS) == set(forms)
    text = forms["md"].decode()
    for line in (
        "| Closing MRR | 47,416.67 | 46,166.67 | +1,250.00 |",
        "| ARR (run rate) | 569,000.04 | 554,000.04 | +15,000.00 |",
        "| NRR, 12 months | n/m (not enough months) |",
        "| − Churn | 0.00 | 2,500.00 |",
        "| Operating result (pipeline scope) | −19,133.33 |",
        "| Largest account | 63.3 % |",
        "| RC-3: gross difference within the tolerance | passes |",
        "| HHI (0 to 1) | 0.45 |",
        "Reconciled to the accounting ledger version v1 within 0.00%.",
    ):
        assert line in text, line
    rows = {row["metric_id"]: row for row in csv.DictReader(io.StringIO(forms["csv"].decode()))}
    assert Decimal("0.967509") == round(Decimal(rows["M-08"]["value"]), 6)
    manifest = json.loads(forms["json"])
    assert ("2024-01-d1", "VALIDATED") == (manifest["snapshot_id"], manifest["state"])
    assert manifest["upstream"]["gold/growth_figure"]["version"] >= 0


def test_the_same_snapshot_gives_the_same_bytes_whatever_ran_since(lake: Lake, tmp_path: Path) -> None:
    """AT-80."""
    aggregated(MONTHS)
    first = written(lake, tmp_path / "first")
    aggregated("2024-01")  # finds nothing new

    assert first == written(lake, tmp_path / "second")


def test_a_statement_follows_its_sources_and_only_them(lake: Lake, tmp_path: Path) -> None:
    aggregated(MONTHS)
    version, before = lake.open(STATEMENT).version, written(lake, tmp_path / "before")
    aggregated(MONTHS)
    assert version == lake.open(STATEMENT).version

    landing = tmp_path / "landing"
    shutil.copytree(Path(__file__).parents[1] / "examples" / "golden" / "landing", landing)
    bad = json.dumps({"account_id": "ACC_001", "billing_date": "2024-01-20", "payment_status": "?"})
    (landing / "revenue" / "late.ndjson").write_text(bad + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TECHFLOW_LANDING", str(landing))
        aggregated(MONTHS)

    after = written(lake, tmp_path / "after")
    assert "Quarantined rows of revenue" not in before["md"].decode()
    assert "| Quarantined rows of revenue | 1" in after["md"].decode()
    assert before["csv"] == after["csv"]


def test_nothing_in_any_form_names_an_account_or_a_user(lake: Lake, tmp_path: Path) -> None:
    """AT-83."""
    aggregated(MONTHS)

    found = texts(written(lake, tmp_path / "reports"))

    assert figures_of(lake, JAN).filter(pl.col("grain_key").str.starts_with("ACC_")).height
    assert [] == re.findall(r"ACC_\d+|USER_\w+", found)


def test_every_address_of_the_page_is_a_figure_of_the_snapshot(lake: Lake, tmp_path: Path) -> None:
    """AT-81."""
    aggregated(MONTHS)

    page = written(lake, tmp_path / "reports")["html"].decode()

    keys = {row[1:4] for row in figures_of(lake, JAN).select("month", "metric_id", "grain", "grain_key").iter_rows()}
    addresses = [parse_anchor(each) for each in re.findall(r'id="(fig:[^"]+)"', page)]
    assert len(addresses) > 90
    assert [] == [each for each in addresses if (each.metric_id, each.grain, each.key) not in keys]


def test_a_month_without_a_draft_says_how_to_make_one(lake: Lake, tmp_path: Path) -> None:
    aggregated("2024-01")

    with pytest.raises(BadMonth, match="2023-12 has no draft yet: make one with `techflow run 2023-12`"):
        written(lake, tmp_path / "reports", Month(2023, 12))
    assert not (tmp_path / "reports").exists()


def browse(*words: str) -> bytes:
    """Run a headless browser; it fetches nothing."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "a browser is needed: apt-get install chromium"
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
    return subprocess.run([program, *quiet, *words], capture_output=True, timeout=120, check=True).stdout


@pytest.mark.parametrize("width", [1440, 820, 500])
def test_the_page_fits_a_browser_wide_and_narrow(lake: Lake, tmp_path: Path, width: int) -> None:
    aggregated("2024-01")
    page = written(lake, tmp_path / "reports")["html"].decode()
    probe = "<script>document.title = [document.documentElement.scrollWidth, innerWidth, " \
            "document.querySelectorAll('svg').length].join(' ')</script>"  # fmt: skip
    (tmp_path / "probe.html").write_text(page.replace("</body>", f"{probe}</body>"), encoding="utf-8")

    shown = browse(f"--window-size={width},900", "--dump-dom", f"file://{tmp_path}/probe.html").decode()

    needed, room, charts = map(int, re.findall(r"<title>(\d+) (\d+) (\d+)</title>", shown)[0])
    assert needed <= room
    assert room == width
    assert charts >= 9


def test_the_page_prints(lake: Lake, tmp_path: Path) -> None:
    aggregated("2024-01")
    written(lake, tmp_path / "reports")
    paper = tmp_path / "report.pdf"

    browse("--no-pdf-header-footer", f"--print-to-pdf={paper}", f"file://{tmp_path}/reports/report-{JAN}.html")

    assert paper.read_bytes().startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())) > 5


def test_the_command_says_what_it_wrote(lake: Lake, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from flows.commands.main import app

    aggregated("2024-01")
    done = CliRunner().invoke(app, ["report", "2024-01", "--out", str(tmp_path / "out")])

    assert 0 == done.exit_code
    assert [str(tmp_path / "out" / f"report-2024-01.{form}") for form in FORMS] == done.stdout.split()
