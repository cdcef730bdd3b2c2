"""A real S3 server for tests: versitygw on loopback, over a folder of its own, with a proxy that spoils its answers."""

import hashlib
import hmac
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.conftest import a_port, end, start

ROOT = Path(__file__).parents[2]
INSTALL, GATEWAY = ROOT / "deployments" / "object-store" / "install.sh", ROOT / ".tools" / "bin" / "versitygw"
KEY, SECRET, REGION = "testkey", "testsecret-of-the-store", "us-east-1"


@dataclass(frozen=True)
class ObjectStore:
    """A server, and what tests do to it beside the program."""

    port: int
    folder: Path

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def variables(self, endpoint: str = "", key: str = KEY, secret: str = SECRET) -> dict[str, str]:
        """Return what the program is to find in its environment."""
        return {
            "AWS_ENDPOINT_URL": endpoint or self.endpoint, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
        }  # fmt: skip

    def make_bucket(self, name: str) -> None:
        """Make a bucket through the API: a folder made beside it would have no owner."""
        now, empty = datetime.now(UTC), hashlib.sha256(b"").hexdigest()
        headers = {
            "host": f"127.0.0.1:{self.port}", "x-amz-content-sha256": empty, "x-amz-date": f"{now:%Y%m%dT%H%M%SZ}",
        }  # fmt: skip
        signed, scope = ";".join(headers), f"{now:%Y%m%d}/{REGION}/s3/aws4_request"
        lines = [f"{header}:{value}" for header, value in headers.items()]
        request = "\n".join(["PUT", f"/{name}", "", *lines, "", signed, empty])
        text = "\n".join(
            ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(request.encode()).hexdigest()]
        )
        key = f"AWS4{SECRET}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        credential = f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={signed}, Signature={signature}"
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("PUT", f"/{name}", headers=headers | {"authorization": credential})
        assert connection.getresponse().status == 200

    @contextmanager
    def spoilt(self, how: str, pattern: str, times: int = 1_000_000) -> Iterator[str]:
        """Yield the address of a proxy that spoils so many answers to PUTs of keys that match; `spoiling.py` says how."""
        port = a_port()
        words = [sys.executable, "-m", "tests.integration.spoiling", port, str(self.port), how, pattern, str(times)]
        running = start(words, dict(os.environ) | {"PYTHONPATH": str(ROOT)})
        try:
            answering(f"http://127.0.0.1:{port}/health", running)
            yield f"http://127.0.0.1:{port}"
        finally:
            end(running)


def answering(address: str, running: "subprocess.Popen[bytes]") -> None:
    """Wait until a server answers, and see that it is ours."""
    for _ in range(600):
        assert running.poll() is None, f"{running.args} ended with {running.returncode}"
        try:
            urllib.request.urlopen(address, timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"{address} does not answer")


def running_object_store(folder: Path) -> Iterator[ObjectStore]:
    """Yield a server; without Go to build it the tests are skipped, in CI they fail."""
    if not GATEWAY.exists() and not shutil.which("go"):
        reason = "no S3 server: Go is not found, with which deployments/object-store/install.sh builds it"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    if not GATEWAY.exists():
        subprocess.run([str(INSTALL)], check=True, timeout=1200)
    store = ObjectStore(int(a_port()), folder)
    words = [str(GATEWAY), "--port", f"127.0.0.1:{store.port}", "--health", "/health", "--keep-alive", "--quiet",
             "posix", str(folder)]  # fmt: skip
    running = start(words, dict(os.environ) | {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET})
    try:
        answering(f"{store.endpoint}/health", running)
        store.make_bucket("lake")
        yield store
    finally:
        # At once: it would wait for the connections that are kept.
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
