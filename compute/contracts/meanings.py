"""What codes mean, in words: those that every feed has, and those of a feed's own rules."""

from collections.abc import Mapping
from datetime import UTC, datetime

from compute.company import Company
from compute.contracts.contract import Contract

# By suffix. Source: `data.md` A.0, "Common codes".
COMMON: Mapping[str, str] = {
    "R00": "no readable record: not UTF-8, not JSON, no object, NaN or Infinity, a member twice",
    "R01": "a key field is absent, null or empty",
    "Q90": "another currency than the reporting one",
    "Q91": "a needed field is absent or null",
    "Q92": "a field of the wrong type or format",
    "Q93": "an instant without an offset: local time is never assumed",
    "Q99": "the rows of the arrival date are refused: too many of them are bad",
    "W90": "the row replaces an earlier different one",
    "W92": "an amount had more than two decimals and was rounded, half-even",
}
_ANY_TIME = datetime(2024, 1, 1, tzinfo=UTC)


def own_meanings(contract: Contract, company: Company) -> dict[str, str]:
    """Return code and meaning of the feed's own rules, those of the current state and of unknown accounts included."""
    rules = (*contract.rules(company), *contract.current_rules(company, _ANY_TIME))
    found = {rule.code: rule.meaning for rule in rules}
    if contract.unknown_account:
        found[contract.unknown_account] = "no file feed names the account, for more than unknown_account_days"
    return found


def meanings(contract: Contract, company: Company) -> dict[str, str]:
    """Return code and meaning of everything that a row of the feed may carry."""
    return {contract.code(suffix): words for suffix, words in COMMON.items()} | own_meanings(contract, company)
