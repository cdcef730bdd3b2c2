"""What becomes of personal data on its way to silver: pseudonyms, reduced user agents, addresses without queries.

Source: `data.md` A.11.
"""

import hmac
import ipaddress
from functools import lru_cache
from hashlib import sha256

from ua_parser import parse

_DEVICES = {  # operating system family = device class, where the device itself says nothing
    "Windows": "Desktop",
    "Mac OS X": "Desktop",
    "Linux": "Desktop",
    "Ubuntu": "Desktop",
    "Chrome OS": "Desktop",
    "iOS": "Mobile",
    "Android": "Mobile",
}
OTHER = "Other"


def pseudonym(user: str, key: bytes) -> str:
    """Return a user's pseudonym: HMAC-SHA256 under the company's key, in hexadecimal."""
    return hmac.digest(key, user.encode(), sha256).hex()


def key_check(key: bytes) -> str:
    """Return what tells two keys apart and gives neither away."""
    return hmac.digest(key, b"techflow pseudonym key", sha256).hex()


def without_query(url: str) -> str:
    """Return an address without query string and fragment, which may carry tokens.

    >>> without_query("/reports?token=abc#top")
    '/reports'
    """
    return url.partition("#")[0].partition("?")[0]


@lru_cache(maxsize=4096)
def _agent(text: str) -> tuple[str, str, str]:
    found = parse(text)
    browser = found.user_agent.family if found.user_agent else OTHER
    system = found.os.family if found.os else OTHER
    device = found.device.family if found.device else ""
    if device == "Spider":
        return browser, system, "Bot"
    if device == "iPad" or "Tablet" in device:
        return browser, system, "Tablet"
    return browser, system, _DEVICES.get(system, OTHER)


def browser_of(agent: str) -> str:
    """Return the browser family of a user agent."""
    return _agent(agent)[0]


def system_of(agent: str) -> str:
    """Return the operating system family of a user agent."""
    return _agent(agent)[1]


def device_of(agent: str) -> str:
    """Return the device class of a user agent: Desktop, Mobile, Tablet, Bot, Other."""
    return _agent(agent)[2]


def address_class(text: str) -> str:
    """Return `global`, `special` (private, loopback, link-local, shared, documentation, …) or `none` of an IP text.

    >>> address_class("8.8.8.8"), address_class("10.0.0.1"), address_class("8.8.8")
    ('global', 'special', 'none')
    """
    try:
        return "global" if ipaddress.ip_address(text).is_global else "special"
    except ValueError:
        return "none"
