"""Where the lake's bytes lie: in a folder of this machine, or under a prefix of a bucket. What knows which is here.

Delta's log and what deltalake writes itself go through deltalake, which is told the root and the options; whatever else
is written, read and removed goes through here, by paths from the root.
"""

import errno
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from compute.errors import PipelineError
from storage.errors import LakeFull, LakeUnwritable

_NO_ROOM = ("No space left", "quota exceeded")  # as the system says it, through whichever library
_NO_RIGHT = ("ermission denied", "ead-only")


class Store(Protocol):
    """A place that holds files by path."""

    @property
    def options(self) -> dict[str, str] | None:
        """What deltalake and Polars must know beside the root; they read the rest from the environment, as we do."""

    def writing(self, path: str) -> AbstractContextManager[Any]:
        """Open a new file, there to be seen when it is closed."""

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes; None when it is not there."""

    def size(self, path: str) -> int:
        """Return how many bytes the place holds of a file.

        Raises:
            FileNotFoundError: when it is not there.
        """

    def names(self, folder: str) -> list[str]:
        """Return the paths of the files in a folder, those of its subfolders left out."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def tables(self) -> Iterator[str]:
        """Yield layer/table of what may be tables.

        Raises:
            StoreAway, StoreRefused: when a store that is not on this machine does not answer, or lets nobody in.
        """

    def require_writable(self) -> None:
        """Make the root, and see that files can be written there such that no commit is lost.

        Raises:
            LakeUnwritable, LakeFull: when it cannot be made or written.
            StoreAway, StoreRefused, StoreUnsafe: when a store that is not on this machine is not fit.
        """

    def said(self, error: Exception) -> PipelineError | None:
        """Return in our own words what kept a library from reading or writing; None when the place is not to blame."""


def store_of(root: str) -> Store:
    """Return the place that a root names."""
    if "://" not in root:
        return Folder(root)
    from storage.bucket import Bucket  # noqa: PLC0415 - its client is not loaded for lakes on this machine

    return Bucket(root)


class Folder:
    """A folder of this machine."""

    options: dict[str, str] | None = None

    def __init__(self, root: str) -> None:
        self._root = Path(root)

    @contextmanager
    def writing(self, path: str) -> Iterator[Path]:
        """Make the folder of a new file; the writer opens the file itself."""
        place = self._root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        yield place

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes; None when it is not there."""
        place = self._root / path
        return place.read_bytes() if place.exists() else None

    def size(self, path: str) -> int:
        """Return how many bytes a file has."""
        return (self._root / path).stat().st_size

    def names(self, folder: str) -> list[str]:
        """Return the paths of the files in a folder."""
        return [str(each.relative_to(self._root)) for each in (self._root / folder).iterdir() if each.is_file()]

    def remove(self, path: str) -> None:
        """Remove a file."""
        (self._root / path).unlink()

    def tables(self) -> Iterator[str]:
        """Yield layer/table of what may be tables."""
        return (str(log.parent.relative_to(self._root)) for log in self._root.glob("*/*/_delta_log"))

    def require_writable(self) -> None:
        """Make the folder, and see that it can be written."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            probe = self._root / ".writable"
            probe.touch()
            probe.unlink()
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise LakeFull(root=str(self._root)) from error
            raise LakeUnwritable(root=str(self._root), reason=error.strerror or str(error)) from error

    def said(self, error: Exception) -> PipelineError | None:
        """Return what the disk kept from being done."""
        if any(words in str(error) for words in _NO_ROOM):
            return LakeFull(root=str(self._root))
        if any(words in str(error) for words in _NO_RIGHT):
            return LakeUnwritable(root=str(self._root), reason="permission denied")
        return None
