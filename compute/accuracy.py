"""Accuracy: who has signed off on just these figures, and who is missing.

Source: `operations.md` L-15, S-10, S-11.
"""

from collections.abc import Iterable
from dataclasses import dataclass

SIGNING = ("finance", "accounts", "product", "analytics", "cfo")  # the CFO last


@dataclass(frozen=True, slots=True)
class SignOff:
    """A role's word for the figures of a content hash."""

    role: str
    content_hash: str


def missing_roles(given: Iterable[SignOff], content_hash: str) -> tuple[str, ...]:
    """Return the roles that have not signed the figures of a content hash: changed figures void a sign-off.

    >>> missing_roles([SignOff("finance", "a1"), SignOff("cfo", "b2")], "a1")
    ('accounts', 'product', 'analytics', 'cfo')
    """
    signed = {each.role for each in given if each.content_hash == content_hash}
    return tuple(role for role in SIGNING if role not in signed)
