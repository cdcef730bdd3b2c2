"""`techflow check` as a producer runs it: a verdict a line, exit codes, nothing left behind."""

import csv
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EXAMPLES
from tests.unit.records import ABSENT, record

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
SCRIPT = "from flows.commands.main import main; main()"


def check(*words: str | Path, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TECHFLOW_")}
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, "check", *map(str, words)],
        cwd=folder, env={**kept, "PYTHONPATH": str(ROOT), **more}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def found(*words: str | Path, folder: Path, **more: str) -> dict[str, Any]:
    done = check(*words, "--format", "json", folder=folder, **more)
    assert not done.stderr
    return dict(json.loads(done.stdout))


def bill(**changes: Any) -> bytes:
    return record("revenue", **changes)


# One fault a line, its verdict, its codes, and words of its reason.
FAULTS = (
    (b'{"account_id": "ACC_\xe9"}', "rejected", ["REV-R00"], "not UTF-8"),
    (bill()[:40], "rejected", ["REV-R00"], "not JSON"),
    (bill(account_id=ABSENT), "rejected", ["REV-R01"], "account_id is missing"),
    (bill(account_id="ACC_2", payment_status=None), "quarantined", ["REV-Q91"], "payment_status is missing"),
    (bill(account_id="ACC_3", monthly_revenue="12,50"), "quarantined", ["REV-Q92"], "monthly_revenue is no readable money"),
    (bill(account_id="ACC_4", currency="EUR"), "quarantined", ["REV-Q90"], "currency is not USD"),
    (bill(account_id="ACC_5", total_monthly_revenue=1, subscription_tier="Gold"), "quarantined", ["REV-Q01", "REV-W02"],
     "total is not monthly + feature revenue; unknown tier"),
    (bill(account_id="ACC_6", billing_date="2099-01-15"), "quarantined", ["REV-Q03"], "billed after it arrived"),
    (bill(account_id="ACC_7", user_licenses=-1), "quarantined", ["REV-Q06"], "licences are negative"),
    (bill(account_id="ACC_8", payment_status="Partially Refunded"), "quarantined", ["REV-Q05"], "partially refunded"),
)  # fmt: skip


@pytest.fixture
def faults(tmp_path: Path) -> Path:
    """A file of a plainly accepted bill, a fault a line, and the first bill again."""
    file = tmp_path / "revenue" / "faults-20240601T000000Z.ndjson"
    file.parent.mkdir()
    file.write_bytes(b"\n".join((bill(), *(line for line, *_ in FAULTS), bill())) + b"\n")
    return file


def test_ten_faults_have_ten_verdicts(faults: Path, tmp_path: Path) -> None:
    report = found(faults, folder=tmp_path)

    lines = report["lines"]
    assert [*range(2, 13)] == [each["line"] for each in lines]
    for (_, verdict, codes, words), line in zip(FAULTS, lines, strict=False):
        assert (verdict, codes) == (line["verdict"], line["codes"])
        assert words in line["reason"]
    assert ("duplicate", "the same record as line 1") == (lines[-1]["verdict"], lines[-1]["reason"])
    (counts,) = report["counts"]
    assert {
        "lines": 12,
        "accepted": 1,
        "duplicate": 1,
        "quarantined": 7,
        "rejected": 3,
        "warned": 0,
        "superseded": 0,
    } == {name: count for name, count in counts.items() if name not in ("feed", "codes")}
    assert {"code": "REV-W02", "lines": 1, "meaning": "unknown tier"} in counts["codes"]


def test_in_a_pipe_a_line_is_a_line(faults: Path, tmp_path: Path) -> None:
    done = check("revenue", folder=tmp_path)

    assert done.returncode == 1
    assert (
        f"revenue/{faults.name}:8: quarantined REV-Q01 REV-W02: total is not monthly + feature revenue; unknown tier"
        in done.stdout
    )
    assert f"revenue/{faults.name}:1:" not in done.stdout
    assert "no expenses: M-22, M-23, M-25…M-30 null (missing_input)" in done.stdout
    assert "no ledger: reconciliation unverified" in done.stdout
    assert done.stdout.endswith("not ok: 10 of 12 lines quarantined or rejected.\n")


def test_a_terminal_of_80_columns_is_wide_enough(faults: Path, tmp_path: Path) -> None:
    done = check("revenue", folder=tmp_path, FORCE_COLOR="1", COLUMNS="80", NO_COLOR="1", TERM="xterm")

    shown = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "8  quarantined  REV-Q01  total is not monthly + feature revenue" in shown


def test_the_golden_landing_is_good_and_nothing_is_left_behind(golden: Path, tmp_path: Path) -> None:
    done = check(golden / "landing", folder=tmp_path)

    assert done.returncode == 0, done.stdout
    assert "ok: none of 41 lines is quarantined or rejected." in done.stdout
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nowhere",), "nothing at nowhere"),
        (("bills.ndjson",), "--feed"),
        (("bills.ndjson", "--feed", "invoices"), "is no feed"),
        (("bills.csv",), "no file of a feed"),
        (("empty",), "neither a feed's folder nor"),
        (("revenue",), "holds no file of a feed"),
        (("bills.ndjson", "--feed", "revenue", "--as-of", "2024"), "is no instant"),
        ((), "Missing argument"),
    ],
)
def test_wrong_usage_is_exit_code_2(words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "bills.ndjson").write_bytes(bill())
    (tmp_path / "bills.csv").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    (tmp_path / "revenue").mkdir()

    done = check(*words, folder=tmp_path, COLUMNS="200", TERM="dumb")

    assert done.returncode == 2
    assert sentence in done.stderr


def test_the_feed_and_the_arrival_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "bills.ndjson").write_bytes(bill(billing_date="2024-03-15"))

    early = check("bills.ndjson", "--feed", "revenue", "--as-of", "2024-03-13T00:00:00Z", folder=tmp_path)
    late = check("bills.ndjson", "--feed", "revenue", "--as-of", "2024-03-14T00:00:00Z", folder=tmp_path)

    assert (1, 0) == (early.returncode, late.returncode)
    assert "REV-Q03" in early.stdout


def test_a_corrupt_gz_is_one_sentence_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "revenue"
    folder.mkdir(parents=True)
    (folder / "good.ndjson.gz").write_bytes(gzip.compress(bill()))
    (folder / "good-too.ndjson").write_bytes(bill())
    (folder / "cut.ndjson.gz").write_bytes(gzip.compress(bill() * 50)[:-9])
    (folder / "bills.csv").write_bytes(b"")
    (tmp_path / "landing" / "invoices").mkdir()

    done, report = check("landing", folder=tmp_path), found("landing", folder=tmp_path)

    assert done.returncode == 1
    assert 1 == done.stdout.count("cut.ndjson.gz")
    assert "not ok: 1 file unreadable.\n" in done.stdout
    assert "revenue  1 line, all accepted" in done.stdout
    assert {"landing/revenue/good.ndjson.gz", "landing/revenue/good-too.ndjson", "landing/revenue/cut.ndjson.gz"} == {
        each["file"] for each in report["files"]
    }
    assert any("holds the same bytes as" in note for note in report["notes"])
    assert any("invoices is no feed" in note for note in report["notes"])
    assert any("bills.csv is not read" in note for note in report["notes"])


def envelope(offset: int, payload: bytes) -> bytes:
    members = {
        "topic": "click_events",
        "partition": 0,
        "offset": offset,
        "ts": 1705395600000,
        "payload": payload.decode(),
    }
    return json.dumps(members).encode()


def test_a_topic_is_read_as_the_log_that_it_is(tmp_path: Path) -> None:
    secret = {"user_id": "SECRET", "page_url": "/?SECRET", "ip_address": "SECRET", "user_agent": "SECRET"}
    lines = (
        envelope(1, record("click_events")),
        envelope(2, record("click_events")),
        envelope(2, record("click_events")),
        b"no envelope",
        envelope(3, record("click_events", timestamp="2024-01-15T10:30:00")),
        envelope(4, record("click_events", **secret)),
        envelope(5, record("click_events", user_id="U2", feature_name=None)),
    )
    (tmp_path / "click_events.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines)))

    done, report = check("click_events.jsonl.gz", folder=tmp_path), found("click_events.jsonl.gz", folder=tmp_path)

    assert [
        (2, "duplicate", []), (4, "rejected", ["CLK-R00"]), (5, "quarantined", ["CLK-Q93"]),
        (6, "quarantined", ["CLK-Q92"]), (7, "quarantined", ["CLK-Q91"]),
    ] == [(each["line"], each["verdict"], each["codes"]) for each in report["lines"]]  # fmt: skip
    assert "ip_address is no IPv4 or IPv6 address" == report["lines"][3]["reason"]
    assert "repeats offsets" in done.stdout
    assert "no bills or licence changes so far: M-44" in done.stdout
    assert "SECRET" not in done.stdout + done.stderr + json.dumps(report)


def test_accounts_that_no_file_feed_names_are_found_in_a_landing_folder(tmp_path: Path) -> None:
    (tmp_path / "topics").mkdir()
    (tmp_path / "revenue").mkdir()
    (tmp_path / "topics" / "click_events.jsonl").write_bytes(envelope(1, record("click_events", account_id="ACC_9")))
    (tmp_path / "revenue" / "a.ndjson").write_bytes(bill())

    (tmp_path / "topics" / "usage_sessions.jsonl").write_bytes(b"no envelope")
    one = found("topics", "--feed", "click_events", folder=tmp_path)
    (tmp_path / "topics" / "usage_sessions.jsonl").unlink()

    alone, together = check("topics", folder=tmp_path), check(".", folder=tmp_path)

    assert [1] == [each["lines"] for each in one["counts"]]
    assert (0, 1) == (alone.returncode, together.returncode)
    assert "accounts that nobody knows are not looked for" in alone.stdout
    assert "CLK-Q03" in together.stdout


def test_a_refused_day_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "revenue").mkdir()
    bad = [bill(account_id=f"ACC_{each}", user_licenses=-1 if each < 6 else 5) for each in range(100)]
    (tmp_path / "revenue" / "a-20240601T000000Z.ndjson").write_bytes(b"\n".join(bad))

    done = check("revenue", folder=tmp_path)

    assert done.returncode == 1
    assert 6 == done.stdout.count(": quarantined ")
    assert "arrived on 2024-06-01 (revenue): too many lines are bad" in done.stdout
    assert "100 quarantined" in done.stdout


def test_the_company_file_decides(faults: Path, tmp_path: Path) -> None:
    (tmp_path / "company.toml").write_text('[company]\nreporting_currency = "EUR"\n', encoding="utf-8")
    kept = check("revenue", "--format", "csv", folder=tmp_path, TECHFLOW_COMPANY="company.toml")

    assert "REV-Q90" not in kept.stdout
    assert "feed,file,line,verdict,codes,reason" == kept.stdout.splitlines()[0]


def test_all_lists_what_is_plainly_accepted(faults: Path, tmp_path: Path) -> None:
    done = check("revenue", "--all", "--format", "csv", folder=tmp_path)

    assert 13 == len(done.stdout.splitlines())


def test_the_verdicts_are_those_of_the_pipeline(tmp_path: Path) -> None:
    with tarfile.open(EXAMPLES / "faulty.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    home = tmp_path / "faulty"
    report = found(home / "landing", folder=tmp_path, TECHFLOW_COMPANY=str(home / "company.toml"))

    ruled = {(each["feed"], "accepted"): each["accepted"] + each["warned"] for each in report["counts"]}
    ruled |= {
        (each["feed"], name): each[name]
        for each in report["counts"] for name in ("superseded", "duplicate", "quarantined", "rejected")
    }  # fmt: skip
    codes = {(each["feed"], code["code"]): code["lines"] for each in report["counts"] for code in each["codes"]}
    expected = (home / "expected" / "2024-03" / "dispositions.csv").read_text(encoding="utf-8")
    rows = [line.split(",") for line in expected.splitlines()[1:]]
    assert {(feed, disposition): int(count) for feed, disposition, code, count in rows if not code} == {
        key: count for key, count in ruled.items() if count
    }
    wanted: dict[tuple[str, str], int] = {}
    for feed, _, code, count in rows:
        if code:
            wanted[feed, code] = wanted.get((feed, code), 0) + int(count)
    assert wanted == codes


def named(figures: str) -> set[str]:
    """Return the ids that a text such as `M-22, M-25…M-30, M-33.proxy` names."""
    parts = [part for part in figures.split(", ") if not part.endswith(".*")]
    spans = [part.partition("…") for part in parts if "." not in part]
    numbers = {number for first, _, last in spans for number in range(int(first[2:]), int((last or first)[2:]) + 1)}
    return {f"M-{number:02d}" for number in numbers} | {part for part in parts if "." in part}


@pytest.mark.parametrize("company", ["golden", "clean", "faulty"])
def test_what_cannot_be_supported_is_null_in_the_expected_figures(company: str, golden: Path, tmp_path: Path) -> None:
    home = tmp_path / company
    if company == "golden":
        shutil.copytree(golden, home)
    else:
        with tarfile.open(EXAMPLES / f"{company}.tar.xz") as packed:
            packed.extractall(tmp_path, filter="data")
    toml = {"TECHFLOW_COMPANY": str(home / "company.toml")} if (home / "company.toml").exists() else {}
    claims = [each for each in found(home / "landing", folder=tmp_path, **toml)["supports"] if each["missing"]]

    held = 0
    for expected in home.glob("expected/20??-??/metrics.csv"):
        rows = csv.DictReader(expected.read_text(encoding="utf-8").splitlines())
        whole = {row["metric_id"]: row["null_reason"] for row in rows if row["grain_key"] == "company"}
        for claim in claims:
            if expected.parent.name in claim["months"] and claim["effect"].startswith("null"):
                reason = re.search(r"\((\w+_\w+)\)", claim["effect"])
                ids = named(claim["figures"]) & set(whole)
                assert all(whole[each] for each in ids), claim
                assert reason is None or reason[1] in {whole[each] for each in ids}, claim
                held += 1
    assert held


def test_ten_thousand_lines_take_seconds(tmp_path: Path) -> None:
    (tmp_path / "revenue").mkdir()
    lines = (bill(account_id=f"ACC_{each}") for each in range(10_000))
    (tmp_path / "revenue" / "a.ndjson").write_bytes(b"\n".join(lines))
    begin = time.perf_counter()

    done = check("revenue", folder=tmp_path)

    assert done.returncode == 0
    # Two seconds on a machine that does nothing else.
    assert time.perf_counter() - begin < 8


def test_nothing_of_the_check_imports_prefect_or_ray(golden: Path, tmp_path: Path) -> None:
    shutil.copytree(golden / "landing", tmp_path / "landing")
    script = (
        "import sys\nfrom flows.commands.main import app\n"
        "app(['check', 'landing'], standalone_mode=False)\nsys.exit(bool({'prefect', 'ray'} & set(sys.modules)))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}

    assert (
        subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=env, check=False, capture_output=True
        ).returncode
        == 0
    )
