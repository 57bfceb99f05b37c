"""HTTP/1.1 over keep-alive connections, as little of it as load needs: the server's time is measured, not ours."""

from __future__ import annotations

import json
import re
import selectors
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

RECEIVE_BYTES: Final = 65_536
SILENT_SECONDS: Final = 30.0
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)

MakeRequest = Callable[[], bytes]


def request(method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a request with a JSON body."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Connection:
    """One connection with at most one request under way."""

    __slots__ = ("_buffer", "_socket")

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._socket = socket.create_connection((address.hostname, address.port), timeout=SILENT_SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        self._socket.sendall(request)

    def receive(self) -> bytes | None:
        """The body of a good answer, None while it is not all there. Raises RuntimeError on any other answer."""
        received = self._socket.recv(RECEIVE_BYTES)
        if not received:
            raise RuntimeError("the server closed the connection")
        self._buffer += received
        end = self._buffer.find(b"\r\n\r\n") + 4
        if end < 4:
            return None
        length = _LENGTH.search(self._buffer, 0, end)
        size = int(length[1]) if length else 0
        if len(self._buffer) < end + size:
            return None
        if not self._buffer.startswith(b"HTTP/1.1 20") or self._buffer.startswith(b"HTTP/1.1 207"):
            raise RuntimeError(f"the server refused: {self._buffer[:300]!r}")
        body, self._buffer = self._buffer[end:], b""
        return body

    def ask(self, request: bytes) -> Any:
        """Send, wait, and read the answer's JSON."""
        self.send(request)
        while (body := self.receive()) is None:
            pass
        return json.loads(body)

    def close(self) -> None:
        self._socket.close()


class Pool:
    """Connections of which those with an answer can be asked for."""

    def __init__(self, url: str, size: int) -> None:
        self._connections = [Connection(url) for _ in range(size)]
        self._selector = selectors.DefaultSelector()
        for connection in self._connections:
            self._selector.register(connection, selectors.EVENT_READ, connection)

    def all(self) -> list[Connection]:
        return self._connections

    def answered(self, seconds: float = SILENT_SECONDS) -> list[Connection]:
        """Those whose answer has come, waiting for the first at most so long."""
        ready: list[Connection] = [key.data for key, _ in self._selector.select(max(0.0, seconds))]
        return [connection for connection in ready if connection.receive() is not None]

    def close(self) -> None:
        self._selector.close()
        for connection in self._connections:
            connection.close()


def closed_loop(url: str, make: MakeRequest, connections: int, *, warm_up: float, seconds: float) -> float:
    """Answers a second, each connection asking anew as soon as it is answered. Raises RuntimeError."""
    pool = Pool(url, connections)
    for connection in pool.all():
        connection.send(make())
    started = now = time.perf_counter()
    counted = started + warm_up
    answers = 0
    while now < counted + seconds:
        ready = pool.answered()
        for connection in ready:
            connection.send(make())
        now = time.perf_counter()
        if now < counted:
            started = now
        else:
            answers += len(ready)
    pool.close()
    return answers / (now - started)


def open_loop(url: str, make: MakeRequest, connections: int, rate: float, ended: Callable[[], bool]) -> None:
    """So many requests a second, evenly, whatever the server does, as far as that many connections allow."""
    pool = Pool(url, connections)
    idle = list(pool.all())
    due = time.perf_counter()
    while not ended():
        idle += pool.answered(due - time.perf_counter() if idle else SILENT_SECONDS)
        while idle and due <= time.perf_counter():
            idle.pop().send(make())
            due += 1 / rate
    pool.close()
