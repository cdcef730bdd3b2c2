"""Write `docs/codes.md` from the contracts: `python docs/write_codes.py`."""

from pathlib import Path

from compute.company import Company
from compute.contracts.contract import Contract
from compute.contracts.feeds import BY_NAME, FEEDS
from compute.contracts.meanings import COMMON, own_meanings
from compute.finding_codes import CHECKS
from compute.findings import Check
from compute.findings_arrival import ARRIVAL_CHECKS

TARGET = Path(__file__).with_name("codes.md")

HEAD = """# Feeds: fields and codes

Written from the contracts in `compute/contracts/` by `make docs`; a test keeps it current.
The letter after the prefix is the disposition: R rejected (a dead letter, kept verbatim), Q quarantined (kept, out of the figures, releasable), W warned (accepted and flagged).
`techflow check FILE` tells which of them the lines of a file would get.

Codes that every feed has:

| code | meaning |
|---|---|
"""

FINDINGS = """
## Findings

Warnings that compare rows, one per code and key, on the current accepted state; they change no figure and no disposition.
`blocking` keeps a month from being certified until what it awaits is there; `footnote` does not.
What has no month, an account or a file or a member as such, has `undated` for it.
`techflow export findings [MONTH]` lists them; [the runbook](runbook.md#reading-findings) says what to do.

| code | dataset | when | bears on | severity | awaits |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page."""
    common = "".join(f"| `{suffix}` | {meaning} |\n" for suffix, meaning in COMMON.items())
    findings = "".join(
        f"| {code} | {dataset} | {check.meaning} | {check.touches} | {check.severity} | {check.awaits} |\n"
        for (code, dataset), check in _findings().items()
    )
    return HEAD + common + "".join(_section(contract) for contract in FEEDS) + FINDINGS + findings


def _findings() -> dict[tuple[str, str], Check]:
    """Return the checks by code and dataset as shown; one that every feed has stands there once."""
    of_feeds = {check.code.replace(f"{BY_NAME[check.dataset].prefix}-", ""): check for check in ARRIVAL_CHECKS}
    own = {(f"`{check.code}`", f"`{check.dataset}`"): check for check in CHECKS if check not in ARRIVAL_CHECKS}
    return own | {(f"`{code}`", "every feed"): check for code, check in of_feeds.items()}


def _section(contract: Contract) -> str:
    fields = "\n".join(f"| `{each.name}` | {each.kind} | {each.need} | {each.meaning} |" for each in contract.fields)
    codes = "\n".join(
        f"| `{code}` | {meaning} |" for code, meaning in sorted(own_meanings(contract, Company()).items())
    )
    return (
        f"\n## `{contract.dataset}`\n\n{contract.grain.capitalize()}. Key: {', '.join(f'`{name}`' for name in contract.key)}; "
        f"month of `{contract.dated}`; contract {contract.version}.\n\n"
        f"| field | type | need | meaning |\n|---|---|---|---|\n{fields}\n\n| code | when |\n|---|---|\n{codes}\n"
    )


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
