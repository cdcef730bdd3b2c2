"""Write `docs/metrics.md` from the registry: `python docs/write_metrics.py`."""

from pathlib import Path

from compute.metrics import METRICS

TARGET = Path(__file__).with_name("metrics.md")

HEAD = """# Metrics

Written from the registry in `compute/metrics.py` by `make docs`; a test keeps it current.
Grains: AD account and day, AM account and month, TM own team and month, XD customer's team and day, CD company and day, CM company and month.
Money is in the reporting currency; 0.40 as a ratio is 40 %.
A figure that cannot be made is null with its reason, never 0.

| id | name | unit | grains | definition | label | version |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    rows = (
        f"| `{each.metric_id}` | {each.name} | {each.unit} | {each.grains} | {each.definition} | {each.label} | {each.version} |"
        for each in METRICS
    )
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
