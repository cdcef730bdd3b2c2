"""Write `docs/codes.md` from the contracts: `python docs/write_codes.py`."""

from datetime import UTC, datetime
from pathlib import Path

from compute.company import Company
from compute.contracts.contract import Contract
from compute.contracts.feeds import FEEDS

TARGET = Path(__file__).with_name("codes.md")

HEAD = """# Feeds: fields and codes

Written from the contracts in `compute/contracts/` by `make docs`; a test keeps it current.
The letter after the prefix is the disposition: R rejected (a dead letter, kept verbatim), Q quarantined (kept, out of the figures, releasable), W warned (accepted and flagged).

Codes that every feed has:

| code | meaning |
|---|---|
| `R00` | no readable record: not UTF-8, not JSON, no object, NaN or Infinity, a member twice |
| `R01` | a key field is absent, null or empty |
| `Q90` | another currency than the reporting one |
| `Q91` | a needed field is absent or null |
| `Q92` | a field of the wrong type or format |
| `Q93` | an instant without an offset: local time is never assumed |
| `Q99` | the rows of the arrival date are refused: too many of them are bad |
| `W90` | the row replaces an earlier different one |
| `W92` | an amount had more than two decimals and was rounded, half-even |
"""


def page() -> str:
    """Return the page."""
    return HEAD + "".join(_section(contract) for contract in FEEDS)


def _section(contract: Contract) -> str:
    company = Company()
    fields = "\n".join(f"| `{each.name}` | {each.kind} | {each.need} | {each.meaning} |" for each in contract.fields)
    rules = (*contract.rules(company), *contract.current_rules(company, datetime(2024, 1, 1, tzinfo=UTC)))
    meanings = {rule.code: rule.meaning for rule in rules}
    if contract.unknown_account:
        meanings[contract.unknown_account] = "no file feed names the account, for more than unknown_account_days"
    codes = "\n".join(f"| `{code}` | {meaning} |" for code, meaning in sorted(meanings.items()))
    return (
        f"\n## `{contract.dataset}`\n\n{contract.grain.capitalize()}. Key: {', '.join(f'`{name}`' for name in contract.key)}; "
        f"month of `{contract.dated}`; contract {contract.version}.\n\n"
        f"| field | type | need | meaning |\n|---|---|---|---|\n{fields}\n\n| code | when |\n|---|---|\n{codes}\n"
    )


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
