"""A publisher that writes its own frames: what other clients can put onto a broker and ours would never."""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from pamqp import frame as frames
from pamqp.commands import Basic, Channel, Confirm, Connection
from pamqp.header import ProtocolHeader

_METHOD, _HEADER, _BODY = 1, 2, 3
_END: Final = b"\xce"
_PUBLISH: Final = struct.pack(">HHH", 60, 40, 0)
FLAGS: Final = {
    "content_type": 15, "headers": 13, "delivery_mode": 12, "correlation_id": 10, "expiration": 8, "message_id": 7,
    "timestamp": 6, "type": 5, "app_id": 3,
}  # fmt: skip
"""The bit of each property, in the order in which they follow the flags."""


def short(text: bytes) -> bytes:
    """A short string."""
    return bytes([len(text)]) + text


def table(*fields: tuple[bytes, bytes]) -> bytes:
    """A table of names and values; each value begins with the letter of its type."""
    content = b"".join(short(name) + value for name, value in fields)
    return struct.pack(">I", len(content)) + content


class RawPublisher:
    """One channel in confirm mode. Blocks; for use from a thread or before a loop matters."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._path = unquote(parts.path[1:]) or "/"
        self._login = f"\0{parts.username}\0{parts.password}"
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        self._read = b""

    def __enter__(self) -> Self:
        self._socket.sendall(ProtocolHeader().marshal())
        self._receive()
        self._send(Connection.StartOk({}, "PLAIN", self._login, "en_US"))
        tune = self._receive()
        assert isinstance(tune, Connection.Tune)
        self._send(Connection.TuneOk(tune.channel_max, tune.frame_max, 0))
        self._send(Connection.Open(self._path))
        self._receive()
        for request in (Channel.Open(), Confirm.Select()):
            self._send(request, 1)
            self._receive()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def publish(self, body: bytes, exchange: bytes, routing_key: bytes, **properties: bytes) -> None:
        """Publish and wait for the confirm; every property as its encoded bytes."""
        method = _PUBLISH + short(exchange) + short(routing_key) + b"\0"
        flags = sum(1 << FLAGS[name] for name in properties)
        values = b"".join(properties[name] for name in FLAGS if name in properties)
        header = struct.pack(">HHQH", 60, 0, len(body), flags) + values
        content = _frame(_METHOD, method) + _frame(_HEADER, header)
        for start in range(0, len(body), 100_000):
            content += _frame(_BODY, body[start : start + 100_000])
        self._socket.sendall(content)
        answer = self._receive()
        assert isinstance(answer, Basic.Ack), answer

    def _send(self, method: frames.FrameTypes, channel: int = 0) -> None:
        self._socket.sendall(frames.marshal(method, channel))

    def _receive(self) -> frames.FrameTypes:
        while True:
            if len(self._read) >= 7:
                size = struct.unpack(">I", self._read[3:7])[0] + 8
                if len(self._read) >= size:
                    whole, self._read = self._read[:size], self._read[size:]
                    return frames.unmarshal(whole)[2]
            more = self._socket.recv(65_536)
            assert more, "the broker closed the connection"
            self._read += more


def _frame(kind: int, content: bytes) -> bytes:
    return struct.pack(">BHI", kind, 1, len(content)) + content + _END
