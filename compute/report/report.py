"""The investor report of a snapshot: its blocks in the order of every month.

Source: `operations.md` E.1.
"""

from compute.footnotes import FOOTNOTES
from compute.report.business import engagement, profitability, risk
from compute.report.document import Document
from compute.report.figures import Source
from compute.report.front import header, headline
from compute.report.growth import movements, outlook, retention
from compute.report.trust import definitions, quality, sign_offs

BLOCKS = (
    header, headline, movements, retention, outlook, profitability, engagement, risk, quality, definitions, sign_offs,
)  # fmt: skip

# What stands on the first page; a draft is a draft until it is certified, whatever gates it has passed (AT-82).
_MARKS = {"CERTIFIED": "", "SUPERSEDED": "SUPERSEDED", "REVOKED": "REVOKED"}


def report(source: Source) -> Document:
    """Return the report: a function of the snapshot and its statement, so that its bytes never change."""
    head = source.header
    texts = {name: FOOTNOTES[name] for name in sorted(source.footnotes())} | head.manifest.get("waivers", {})
    return Document(
        title=f"{head.company}: investor report {head.month}",
        subtitle=f"{head.month.first:%B %Y}",
        mark=_MARKS.get(head.state, "DRAFT"),
        blocks=tuple(block(source) for block in BLOCKS),
        footnotes=tuple((text[0], text[2:]) for text in texts.values()),
    )
