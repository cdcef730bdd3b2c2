"""The feeds there are, in the order of their pipelines."""

from compute.contracts.contract import Contract
from compute.contracts.revenue import REVENUE

FEEDS: tuple[Contract, ...] = (REVENUE,)
