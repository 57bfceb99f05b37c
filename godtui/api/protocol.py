"""HTTP/1.1 and WebSocket as uvicorn speaks them, with fewer system calls, and problems for its own refusals."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Response
from websockets.server import ServerProtocol

from godtui import jsontext
from godtui.api.problems import MEDIA_TYPE, TITLES, ProblemError

MAX_WAITING_BYTES = 64 * 1024


class JoinedHttpProtocol(HttpToolsProtocol):
    """uvicorn writes head and body apart; here what is written within one turn of the loop leaves together."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(JoiningTransport(transport, self.loop))  # type: ignore[arg-type]

    def handle_websocket_upgrade(self) -> None:
        """As uvicorn does, but a handshake that its parser refuses is answered, where uvicorn leaves it hanging."""
        super().handle_websocket_upgrade()
        taken_over: Any = self.transport.get_protocol()
        if not taken_over.handshake_initiated:
            self._refuse(_OVERLONG)

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is told so as a problem, too."""
        self._refuse(_NOT_HTTP)

    def _refuse(self, problem: ProblemError) -> None:
        body = jsontext.dumps(problem.document())
        head = _HEAD % (problem.status, TITLES[problem.status].encode(), MEDIA_TYPE.encode(), len(body))
        self.transport.write(head + body)
        self.transport.close()


_HEAD = b"HTTP/1.1 %d %b\r\ncontent-type: %b\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
_NOT_HTTP = ProblemError(400, "the request is not HTTP/1.1")
_OVERLONG = ProblemError(
    431, "the path or a header is longer than a WebSocket handshake may carry (8 KiB); shorten the filter"
)


class ProblemWebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn takes a denied handshake for one left open and logs an error; here a denial completes it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.conn = _Handshake(max_size=self.config.ws_max_size, logger=self.logger)

    async def send(self, message: Any) -> None:
        """As uvicorn does; what denies the handshake completes it."""
        await super().send(message)
        if self.close_sent:
            self.handshake_complete = True


class _Handshake(ServerProtocol):
    """Refuses what is no WebSocket handshake with a problem."""

    def reject(self, status: int, text: str) -> Response:
        """As websockets does; `text` becomes the detail."""
        problem = ProblemError(int(status), text.partition("\n")[0].removesuffix(".") or TITLES[int(status)])
        response = super().reject(status, jsontext.dumps(problem.document()).decode())
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = MEDIA_TYPE
        return response


class JoiningTransport:
    """A transport that gathers small writes until the loop's next turn; anything else goes straight through."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Send soon; at once where so much waits that the transport's own back-pressure must decide."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(data)
        self._size += len(data)
        if self._size > MAX_WAITING_BYTES:
            self._flush()

    def close(self) -> None:
        """Send what waits, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._waiting:
            joined = b"".join(self._waiting)
            self._waiting.clear()
            self._size = 0
            self._transport.write(joined)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
