"""The feeds there are, in the order of their pipelines."""

from collections.abc import Mapping

from compute.contracts.account_status_changes import ACCOUNT_STATUS_CHANGES
from compute.contracts.contract import Contract
from compute.contracts.expenses import EXPENSES
from compute.contracts.license_changes import LICENSE_CHANGES
from compute.contracts.revenue import REVENUE
from compute.contracts.salaries import SALARIES
from compute.contracts.subscription_renewals import SUBSCRIPTION_RENEWALS

PROFIT_FEEDS: tuple[Contract, ...] = (REVENUE, EXPENSES, SALARIES)
GROWTH_FEEDS: tuple[Contract, ...] = (ACCOUNT_STATUS_CHANGES, LICENSE_CHANGES, SUBSCRIPTION_RENEWALS)
FEEDS: tuple[Contract, ...] = PROFIT_FEEDS + GROWTH_FEEDS
BY_NAME: Mapping[str, Contract] = {contract.dataset: contract for contract in FEEDS}
