"""A hook that admits whatever it is sent at once, and nothing else; prints its address."""

from __future__ import annotations

import asyncio
import signal
from typing import Final

ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
LENGTH: Final = b"content-length:"


class Admitting(asyncio.Protocol):
    """One connection, on which requests may follow one another; each begins a run of its own."""

    runs = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(transport)
        self._transport = transport
        self._read = b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            size = end + 4 + int(head[head.index(LENGTH) + len(LENGTH) :].split(b"\r\n", 1)[0])
            if len(self._read) < size:
                return
            self._read = self._read[size:]
            Admitting.runs += 1
            body = b'{"ok":true,"runId":"run-%d"}' % Admitting.runs
            self._transport.write(ANSWER % (len(body), body))


async def main() -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    server = await loop.create_server(Admitting, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks/agent", flush=True)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
