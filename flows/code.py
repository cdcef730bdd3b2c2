"""Whose code runs: the commit that it was checked out at, and who wrote it (S-2, S-12)."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Origin:
    """A commit and how its author is known; both empty where the code is no checkout."""

    commit: str = ""
    authors: tuple[str, ...] = ()


def code_origin() -> Origin:
    """Return the commit of the running code; its author by name, address, and the address's first part."""
    if not (_ROOT / ".git").exists():
        return Origin()
    asked = ["git", "-C", str(_ROOT), "log", "-1", "--format=%H%n%an%n%ae"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return Origin()  # a machine without git: the version alone names the code
    commit, name, address = told
    return Origin(commit, (name, address, address.partition("@")[0]))
