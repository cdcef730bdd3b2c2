"""The feeds there are, in the order of their pipelines."""

from collections.abc import Mapping

from compute.contracts.account_status_changes import ACCOUNT_STATUS_CHANGES
from compute.contracts.click_events import CLICK_EVENTS
from compute.contracts.contract import Contract
from compute.contracts.expenses import EXPENSES
from compute.contracts.license_changes import LICENSE_CHANGES
from compute.contracts.revenue import REVENUE
from compute.contracts.salaries import SALARIES
from compute.contracts.subscription_renewals import SUBSCRIPTION_RENEWALS
from compute.contracts.team_activity import TEAM_ACTIVITY
from compute.contracts.usage_sessions import USAGE_SESSIONS

PROFIT_FEEDS: tuple[Contract, ...] = (REVENUE, EXPENSES, SALARIES)
GROWTH_FEEDS: tuple[Contract, ...] = (ACCOUNT_STATUS_CHANGES, LICENSE_CHANGES, SUBSCRIPTION_RENEWALS)
ENGAGEMENT_FEEDS: tuple[Contract, ...] = (CLICK_EVENTS, USAGE_SESSIONS, TEAM_ACTIVITY)
# The topics come last: whether their accounts are known is read from the others (U-19).
FEEDS: tuple[Contract, ...] = PROFIT_FEEDS + GROWTH_FEEDS + ENGAGEMENT_FEEDS
BY_NAME: Mapping[str, Contract] = {contract.dataset: contract for contract in FEEDS}
