"""Those who are told, on loopback: a web server that answers, refuses or hangs, and a mail server."""

import contextlib
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Web:
    """A web server: `/ok` takes, `/bad` answers 500, `/hang` says nothing until the test is over; a path may change."""

    port: int = 0
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    mood: dict[str, str] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [body for where, body in self.taken if where.startswith(f"/{path}")]


@contextlib.contextmanager
def web() -> Iterator[Web]:
    told = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            path = self.path.split("/")[1]
            mood = told.mood.get(path, path)
            if mood == "hang":
                told.over.wait(60)
                return
            if mood != "bad":
                told.taken.append((self.path, body))
            self.send_response(500 if mood == "bad" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    told.port = server.server_port
    with served(server):
        try:
            yield told
        finally:
            told.over.set()


@contextlib.contextmanager
def mail() -> Iterator[tuple[int, list[EmailMessage]]]:
    """A mail server that takes every message: its port, and what it took."""
    boxes: list[EmailMessage] = []

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 loopback")
            while line := self.rfile.readline():
                word = line.decode().strip().upper()
                if word == "DATA":
                    self.say("354 go on")
                    boxes.append(message_from_bytes(self.message(), _class=EmailMessage, policy=email.policy.default))
                    self.say("250 taken")
                elif word == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 loopback" if word.startswith(("EHLO", "HELO")) else "250 well")

        def message(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line)
            return b"".join(lines)

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with served(server):
        yield server.server_address[1], boxes


@contextlib.contextmanager
def served(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
