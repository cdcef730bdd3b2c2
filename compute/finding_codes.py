"""All findings there are, by what they are found in: records of accounts, or the use of a month."""

from compute.findings import Check
from compute.findings_engagement import ENGAGEMENT_CHECKS
from compute.findings_growth import GROWTH_CHECKS
from compute.findings_profit import PROFIT_CHECKS
from compute.findings_refused import REFUSED_CHECKS
from compute.findings_status import STATUS_CHECKS

# Records of accounts are compared over all months at once; use is compared month by month, for there is most of it.
RECORD_CHECKS: tuple[Check, ...] = (*PROFIT_CHECKS, *GROWTH_CHECKS, *STATUS_CHECKS, *REFUSED_CHECKS)
USE_CHECKS: tuple[Check, ...] = ENGAGEMENT_CHECKS
CHECKS: tuple[Check, ...] = (*RECORD_CHECKS, *USE_CHECKS)
