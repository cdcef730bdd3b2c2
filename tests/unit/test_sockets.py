"""The client reads its sockets in large pieces, and is told the same: held against the client as it is."""

import inspect
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.consumer.group import KafkaConsumer
from kafka.net.manager import KafkaConnectionManager
from kafka.net.transport import KafkaSSLTransport, KafkaTCPTransport

from storage.kafka.sockets import WideSocket, wide_client

BYTES = bytes(range(256)) * 400


class Noted:
    """A socket that notes how much is asked of it."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.asked = sock, list[int]()

    def recv(self, size: int) -> bytes:
        self.asked.append(size)
        return self.sock.recv(size)


@pytest.mark.parametrize("kind", [KafkaTCPTransport, KafkaSSLTransport])
def test_a_transport_is_given_the_same_bytes_in_fewer_pieces(kind: Any) -> None:
    asked = {}
    for is_wide in (False, True):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(BYTES)
            ours.setblocking(False)
            noted = Noted(ours)
            transport = SimpleNamespace(_sock=WideSocket(noted) if is_wide else noted)
            assert (BYTES, None) == kind._sock_recv(transport)
        asked[is_wide] = noted.asked

    assert len(asked[True]) < len(asked[False]) / 3
    assert set(asked[True]) == {2**20}


def test_whatever_else_is_asked_the_socket_itself_answers() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wide = WideSocket(ours)
        assert (ours.fileno(), ours.getsockname()) == (wide.fileno(), wide.getsockname())
        wide.close()
        assert -1 == ours.fileno()


def test_every_connection_of_a_consumer_is_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "kafka_client" in KafkaConsumer.DEFAULT_CONFIG
    assert inspect.iscoroutinefunction(KafkaConnectionManager._build_transport)
    made = SimpleNamespace(_sock="a socket")

    async def build(*_: Any, **__: Any) -> Any:
        return made

    monkeypatch.setattr(KafkaConnectionManager, "_build_transport", build)
    client = wide_client(bootstrap_servers=["127.0.0.1:1"])

    with pytest.raises(StopIteration):
        client._manager._build_transport(None).send(None)
    assert isinstance(made._sock, WideSocket)
