"""Sockets that are read in large pieces: the client reads 4 KiB at a time, and asks for the interpreter each time.

`kafka_client` is the client's own option; the two names that it calls private, and that are touched here alone, are
held against it by `tests/unit/test_sockets.py`. A client built otherwise reads as it does, and slower.
"""

from typing import Any

from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

_PIECE = 2**20


class WideSocket:
    """A socket that is read a mebibyte at a time; whatever else is asked of it, the socket itself answers."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, size: int) -> Any:
        """Return what is there, at least so much of it as is asked for."""
        return self._sock.recv(max(size, _PIECE))


class _WideManager(KafkaConnectionManager):  # type: ignore[misc]
    async def _build_transport(self, *given: Any, **named: Any) -> Any:
        transport = await super()._build_transport(*given, **named)
        if hasattr(transport, "_sock"):
            transport._sock = WideSocket(transport._sock)
        return transport


def wide_client(**options: Any) -> Any:
    """Return what a consumer speaks through, for its option `kafka_client`."""
    net = NetworkSelector(**options)
    return KafkaNetClient(net=net, manager=_WideManager(net, **options), **options)
