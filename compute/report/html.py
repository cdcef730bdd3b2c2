"""The report as one HTML page: no script, no network, nothing beside it.

Source: `operations.md` E.2.
"""

from collections.abc import Callable

import jinja2

from compute.report.document import Document

_PAGES = jinja2.Environment(
    loader=jinja2.PackageLoader("compute.report"), autoescape=True, undefined=jinja2.StrictUndefined
)
_PAGES.filters["kind"] = lambda part: type(part).__name__


def html(document: Document) -> str:
    """Return the page; a figure that stands in several places has its address at the first of them."""
    page = _PAGES.get_template("page.html")
    return page.render(document=document, is_first=_first_sights(), metric_of=metric_of) + "\n"


def metric_of(address: str) -> str:
    """Return the metric of a figure's address.

    >>> metric_of("fig:M-08:2024-01:d1")
    'M-08'
    """
    return address.split(":")[1]


def _first_sights() -> Callable[[str], bool]:
    seen: set[str] = set()

    def is_first(address: str) -> bool:
        if address in seen:
            return False
        seen.add(address)
        return True

    return is_first
