"""A lake in a bucket behind an S3 API. The one file that speaks obstore.

Where the store is and who we are stands in the usual AWS_* variables, which every library reads for itself in every
process; nothing of it is passed on, kept or logged. A commit is a PUT that succeeds for one writer alone
(If-None-Match), so a store that takes it from two is refused.
"""

import contextlib
import io
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore, from_url

from compute.errors import PipelineError
from storage.errors import BadRoot, StoreAway, StoreRefused, StoreUnsafe

_ROOT = re.compile(r"s3://[a-z0-9][a-z0-9.-]*[a-z0-9](/[A-Za-z0-9._=-]+)*")
# What is begun is given up in time for a person to hear of it; a part of a file needs no longer either.
_OPTIONS = {
    "aws_conditional_put": "etag", "allow_http": "true", "connect_timeout": "5s", "timeout": "30s",
    "retry_timeout": "10s",
}  # fmt: skip

_COLOUR = re.compile(r"\x1b\[\d+m")  # deltalake paints its messages
_CODE, _STATUS = re.compile(r"<Code>(\w+)</Code>"), re.compile(r"status code\D+([45]\d\d)\b")
_ADDRESS = re.compile(r"(https?://[^/\s]+)")
_SILENT = "error sending request"
_NO_IDENTITY = "169.254.169.254"  # where a machine of a cloud would say who it is
_REDIRECTED = "incorrectly configured region"  # the client's own words for a redirection
_OTHER_REGION = "the bucket is in another region: correct AWS_REGION"
_REASONS = {
    "timed out": "no answer in time",
    "Timeout": "no answer in time",
    "Connection refused": "connection refused",
    "dns error": "there is no such host",
    "certificate": "its certificate is not trusted",
}
# Answers that are none of the store's fault, nor of whoever asks.
_ORDINARY = frozenset({"NoSuchKey", "PreconditionFailed", "ConditionalRequestConflict"})
_REFUSALS = {
    "NoSuchBucket": "there is no such bucket: make it, or correct --lake",
    "InvalidAccessKeyId": "it does not know the key: correct AWS_ACCESS_KEY_ID",
    "XAdminUserNotFound": "it does not know the key: correct AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret is another: correct AWS_SECRET_ACCESS_KEY",
    "AccessDenied": "the key has no right to it: let it list, read, write and delete there",
    "ExpiredToken": "the session token has expired: renew AWS_SESSION_TOKEN",
    "AuthorizationHeaderMalformed": _OTHER_REGION,
}


class Bucket:
    """A prefix of a bucket."""

    def __init__(self, root: str) -> None:
        if not _ROOT.fullmatch(root):
            raise BadRoot(root=root)
        self._root = root

    @property
    def options(self) -> dict[str, str] | None:
        """What deltalake and Polars must know; asked for the first time, the store is asked whether it answers."""
        self._reached()
        return dict(_OPTIONS)

    @contextlib.contextmanager
    def writing(self, path: str) -> Iterator[Any]:
        """Open a new object, there to be seen when it is closed."""
        with self._told(), _Sink(_store(self._root), path) as sink:
            yield sink

    def read(self, path: str) -> bytes | None:
        """Return an object's bytes; None when it is not there."""
        with self._told():
            try:
                return bytes(obstore.get(_store(self._root), path).bytes())
            except FileNotFoundError:
                return None

    def size(self, path: str) -> int:
        """Return how many bytes the store holds of an object."""
        with self._told():
            return int(obstore.head(_store(self._root), path)["size"])

    def names(self, folder: str) -> list[str]:
        """Return the paths of the objects in a folder."""
        with self._told():
            return [each["path"] for each in obstore.list_with_delimiter(_store(self._root), folder)["objects"]]

    def remove(self, path: str) -> None:
        """Remove an object."""
        with self._told():
            obstore.delete(_store(self._root), path)

    def tables(self) -> Iterator[str]:
        """Yield layer/table of what may be tables."""
        self._reached()
        with self._told():
            for layer in _folders(_store(self._root), ""):
                yield from _folders(_store(self._root), layer)

    def require_writable(self) -> None:
        """See that a new object can be written, and that a second writer of it is told so."""
        store, probe = _store(self._root, is_patient=False), f".writable-{uuid.uuid4().hex}"
        with self._told():
            # Its own second try can meet what its first one wrote.
            with contextlib.suppress(AlreadyExistsError):
                obstore.put(store, probe, b"", mode="create")
            try:
                obstore.put(store, probe, b"", mode="create")
            except AlreadyExistsError:
                return
            finally:
                obstore.delete(store, probe)
        raise StoreUnsafe(root=self._root)

    def said(self, error: Exception) -> PipelineError | None:
        """Return in our own words what the store answered, or that it did not."""
        text = _COLOUR.sub("", str(error))
        code, status, address = (_found(pattern, text) for pattern in (_CODE, _STATUS, _ADDRESS))
        if _NO_IDENTITY in address:
            return StoreRefused(root=self._root, at="", reason="nobody is named: set AWS_ACCESS_KEY_ID and its secret")
        if _REDIRECTED in text:
            return StoreRefused(root=self._root, at=address, reason=_OTHER_REGION)
        if _SILENT in text or status.startswith("5"):
            reason = next((words for sign, words in _REASONS.items() if sign in text), code or status or "no answer")
            return StoreAway(root=self._root, at=address, reason=reason)
        if code in _ORDINARY or not status or (status == "404" and not code):
            return None
        code = code or ("AccessDenied" if status in ("401", "403") else status)
        return StoreRefused(root=self._root, at=address, reason=_REFUSALS.get(code, f"it says {code}"))

    def _reached(self) -> None:
        with self._told():
            _answered(self._root)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except PipelineError:
            raise
        except Exception as error:
            if said := self.said(error):
                raise said from error
            raise


class _Sink(io.RawIOBase):
    """A new object as a file of Python, which Parquet writers know."""

    def __init__(self, store: ObjectStore, path: str) -> None:
        self._writer = obstore.open_writer(store, path)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._writer.write(data)

    def close(self) -> None:
        if not self.closed:
            self._writer.close()
        super().close()


@lru_cache(maxsize=8)
def _store(root: str, *, is_patient: bool = True) -> ObjectStore:
    """Return the client, made once in a process: it keeps its connections."""
    seconds, retried = (30, 10) if is_patient else (5, 3)
    return from_url(
        root,
        client_options={
            "allow_http": True,
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=seconds),
        },
        retry_config={"retry_timeout": timedelta(seconds=retried)},
    )


@lru_cache(maxsize=8)
def _answered(root: str) -> bool:
    """Ask once whether the store is there and lets us in, before the patient libraries find out."""
    obstore.list_with_delimiter(_store(root, is_patient=False), "_")
    return True


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _folders(store: ObjectStore, folder: str) -> list[str]:
    return list(obstore.list_with_delimiter(store, folder)["common_prefixes"])
