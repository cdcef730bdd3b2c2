"""All findings there are, by what they are found in: records of accounts, or the use of a month."""

from collections.abc import Mapping

from compute.findings import Check
from compute.findings_accounts import ACCOUNT_CHECKS, UNLISTED
from compute.findings_arrival import ARRIVAL_CHECKS
from compute.findings_engagement import ENGAGEMENT_CHECKS
from compute.findings_growth import GROWTH_CHECKS
from compute.findings_profit import PROFIT_CHECKS
from compute.findings_status import STATUS_CHECKS

# Records of accounts are compared over all months at once; use is compared month by month, for there is most of it.
RECORD_CHECKS: tuple[Check, ...] = (
    *PROFIT_CHECKS, *GROWTH_CHECKS, *STATUS_CHECKS, *ACCOUNT_CHECKS, *ARRIVAL_CHECKS,
)  # fmt: skip
USE_CHECKS: tuple[Check, ...] = (*ENGAGEMENT_CHECKS, UNLISTED)
CHECKS: tuple[Check, ...] = (*RECORD_CHECKS, *USE_CHECKS)

# The code under which each cross-dataset check of `data.md` A.10 is found.
CROSS_CHECKS: Mapping[str, str] = {
    "XR-1": "XR-1",
    "XR-2": "status_without_billing",
    "XR-3": "billing_without_status",
    "XR-4": "REV-W05",
    "XR-5": "XR-5",
    "XR-6": "billing_without_status",
    "XR-7": "XR-7",
    "XR-8": "USE-W03",
}
