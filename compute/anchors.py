"""The name of a figure of a snapshot: what the report links from and `techflow explain` finds again.

    fig:M-08:2024-01:d3                          the company's figure, in draft 3
    fig:M-08:2024-01:r1                          in revision 1
    fig:M-52:2024-01:d3:Past%20Due               the company's figure of a second dimension
    fig:M-01:2024-01:d3:account_month:ACC_001    a figure of any other grain

Keys are percent-encoded: an anchor has no space and no colon of its own, so it is a sound HTML id.
Source: `operations.md` E.2, "Provenance".
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from compute.errors import BadMonth, PermanentError
from compute.figures import COMPANY
from compute.months import Month

COMPANY_MONTH = "company_month"
_DIMENSION = f"{COMPANY}|"


class BadAnchor(PermanentError):
    """An anchor that is none, or that no figure answers to; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A figure's place.

    Attributes:
        stand: the draft or the revision: d3, r1.
    """

    metric_id: str
    month: Month
    stand: str
    grain: str = COMPANY_MONTH
    key: str = COMPANY


def anchor(
    metric_id: str, month: Month | str, draft_or_revision: str, grain: str = COMPANY_MONTH, key: str = COMPANY
) -> str:
    """Return the anchor of a figure.

    Args:
        metric_id: the metric.
        month: the period.
        draft_or_revision: d3 of draft 3, r1 of revision 1.
        grain: as in FIGURE.
        key: the grain key, as in FIGURE.

    >>> anchor("M-08", "2024-01", "d3")
    'fig:M-08:2024-01:d3'
    >>> anchor("M-52", "2024-01", "d3", key="company|Past Due")
    'fig:M-52:2024-01:d3:Past%20Due'
    >>> anchor("M-45", "2024-01", "d3", "account_month", "ACC_001|API Access")
    'fig:M-45:2024-01:d3:account_month:ACC_001%7CAPI%20Access'
    """
    parts = ["fig", metric_id, str(month), draft_or_revision]
    if grain != COMPANY_MONTH:
        parts += [grain, quote(key, safe="")]
    elif key != COMPANY:
        parts.append(quote(key.removeprefix(_DIMENSION), safe=""))
    return ":".join(parts)


def parse_anchor(text: str) -> Anchor:
    """Read an anchor.

    Raises:
        BadAnchor: when the text is none.

    >>> parse_anchor("fig:M-52:2024-01:d3:Past%20Due").key
    'company|Past Due'
    >>> parse_anchor("fig:M-01:2024-01:r1:account_month:ACC_001").grain
    'account_month'
    """
    # A grain is a plain word and a colon after it; a key holds no colon that is not encoded.
    found = re.fullmatch(r"fig:([^:\s]+):([^:\s]+):([dr][1-9][0-9]*)(?::([a-z_]+)(?=:))?(?::([^:\s]+))?", text)
    if found is None:
        raise BadAnchor(f"'{text}' is no anchor: write it as fig:M-08:2024-01:d3, as the report shows it.")
    metric_id, month, stand, grain, name = found.groups()
    key = COMPANY if name is None else unquote(name) if grain else _DIMENSION + unquote(name)
    try:
        return Anchor(metric_id, Month.parse(month), stand, grain or COMPANY_MONTH, key)
    except BadMonth as error:
        raise BadAnchor(f"'{text}' is no anchor: {error}") from error
