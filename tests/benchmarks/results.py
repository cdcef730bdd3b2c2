"""Where the benchmarks keep what they make: `.benchmarks/`, with the other engines and a JSON file of each run."""

import json
import os
import platform
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PLACE = Path(".benchmarks")
REQUIREMENTS = Path("tests/benchmarks/peers/requirements.txt")
OURS = ("techflow-pipelines", "prefect", "ray", "polars", "deltalake", "numpy")


class Results:
    """The figures of one run, written anew with each that comes, so that none is lost when the run ends early."""

    def __init__(self) -> None:
        self.file = PLACE / "results" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.json"
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self._kept: dict[str, Any] = {}

    def keep(self, name: str, figures: object) -> None:
        """Keep figures under a name."""
        self._kept[name] = figures
        self.file.write_text(json.dumps(self._kept, indent=1, default=str) + "\n", encoding="utf-8")


def peers() -> str:
    """Return the Python of the other engines, installed once."""
    python, made = PLACE / "peers" / "bin" / "python", PLACE / "peers" / "made"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not made.exists() or made.read_text(encoding="utf-8") != wanted:
        print("  installing the other engines into .benchmarks/peers, a minute …", file=sys.stderr, flush=True)  # noqa: T201
        subprocess.run([sys.executable, "-m", "venv", str(PLACE / "peers")], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", str(REQUIREMENTS)], check=True)
        made.write_text(wanted, encoding="utf-8")
    return str(python.absolute())  # not resolved: that would be the Python that it was made with


def machine() -> dict[str, str]:
    """Return what the figures are of: processors, memory, versions."""
    told = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    model = next((line.partition(": ")[2] for line in told.splitlines() if line.startswith("model name")), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    java = []
    if shutil.which("java"):
        java = subprocess.run(["java", "-version"], check=True, capture_output=True, text=True).stderr.splitlines()
    wanted = [line.partition("#")[0].strip() for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines()]
    return {
        "processors": f"{len(os.sched_getaffinity(0))} of {model}, {memory:.0f} GiB, load {os.getloadavg()[0]:.1f}",
        "ours": ", ".join(f"{name} {version(name)}" for name in OURS) + f", Python {platform.python_version()}",
        "others": ", ".join(line.replace("==", " ") for line in wanted if line),
        "java": java[0] if java else "none: PySpark will fail",
    }
