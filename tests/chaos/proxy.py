"""A TCP proxy between us and a broker that reads AMQP frames, and fails at the one it is told to."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Literal, TypeAlias

from yarl import URL

Place: TypeAlias = Literal["before", "after", "within"]
"""Where a connection is cut: before the frame is passed on, right behind it, or in its middle."""

METHOD: Final = 1
BODY: Final = 3
CONFIRMS: Final = ((60, 80), (60, 120))
"""basic.ack and basic.nack: what a broker says of publishes, and a consumer of deliveries."""
_GREETING_BYTES: Final = 8
_HEAD: Final = struct.Struct(">BHI")


def is_confirm(frame: bytes) -> bool:
    """Whether a frame, from a broker, is the verdict on publishes."""
    return frame[0] == METHOD and struct.unpack_from(">HH", frame, _HEAD.size) in CONFIRMS


def is_body(frame: bytes) -> bool:
    """Whether a frame is a piece of a message."""
    return frame[0] == BODY


class Trap:
    """Cuts the connection on which the n-th of certain frames passes."""

    def __init__(self, frames: Callable[[bytes], bool], number: int, place: Place, *, from_broker: bool) -> None:
        self._frames = frames
        self._left = number
        self.place = place
        self.from_broker = from_broker
        self.fired = asyncio.Event()

    def catches(self, frame: bytes, *, from_broker: bool) -> bool:
        """Whether this is the frame."""
        if self.fired.is_set() or from_broker is not self.from_broker or not self._frames(frame):
            return False
        self._left -= 1
        if self._left:
            return False
        self.fired.set()
        return True


class Pipe:
    """One connection through the proxy."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._ours = (reader, writer)
        self._theirs: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self) -> None:
        """Pass on both ways until one side ends or it is cut."""
        await self._proxy.admitting.wait()
        try:
            self._theirs = await asyncio.open_connection("127.0.0.1", self._proxy.target)
        except OSError:
            self.cut()
            return
        ways = [
            asyncio.ensure_future(self._pass_on(self._ours[0], self._theirs[1], from_broker=False)),
            asyncio.ensure_future(self._pass_on(self._theirs[0], self._ours[1], from_broker=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.cut()

    def cut(self) -> None:
        """Drop both sides at once."""
        for side in (self._ours, self._theirs):
            if side is not None:
                side[1].transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_broker: bool) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if not from_broker:
                writer.write(await reader.readexactly(_GREETING_BYTES))
            while True:
                await self._proxy.reading.wait()
                head = await reader.readexactly(_HEAD.size)
                frame = head + await reader.readexactly(_HEAD.unpack(head)[2] + 1)
                await self._proxy.reading.wait()
                if from_broker:
                    await self._proxy.mute.wait()
                if self._proxy.deaf:
                    continue
                if await self._sprung(frame, writer, from_broker=from_broker):
                    return
                writer.write(frame)
                await writer.drain()

    async def _sprung(self, frame: bytes, writer: asyncio.StreamWriter, *, from_broker: bool) -> bool:
        trap = self._proxy.trap
        if trap is None or not trap.catches(frame, from_broker=from_broker):
            return False
        shown = {"before": 0, "within": len(frame) // 2, "after": len(frame)}[trap.place]
        writer.write(frame[:shown])
        await writer.drain()
        return True


class Proxy:
    """Listens on a port of its own, which stays the same, for connections to a port on this machine."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.trap: Trap | None = None
        self.reading = asyncio.Event()
        """Cleared, nothing is read from either side, and whoever sends is held up: the network stalls."""
        self.reading.set()
        self.mute = asyncio.Event()
        """Cleared, what the broker says is held back."""
        self.mute.set()
        self.deaf = False
        """Set, everything is read and nothing passed on: each side believes that the other still listens."""
        self.admitting = asyncio.Event()
        """Cleared, connections are accepted and hear nothing: a broker that is slow to start."""
        self.admitting.set()
        self._server: asyncio.Server | None = None
        self._pipes: dict[asyncio.Task[None], Pipe] = {}

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._pipes)

    def url_of(self, url: str) -> str:
        """A broker's URL, through here."""
        return str(URL(url).with_port(self.port))

    async def accept(self) -> None:
        """Let connections be made."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, start_serving=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Cut all connections, and let none be made."""
        if self._server is not None:
            self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Cut the connections that there are."""
        for pipe in self._pipes.values():
            pipe.cut()
        for task in list(self._pipes):
            task.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def set_trap(
        self, frames: Callable[[bytes], bool], number: int, place: Place, *, from_broker: bool = True
    ) -> asyncio.Event:
        """Cut one connection at the n-th such frame from now on; the event is set when that was."""
        self.trap = Trap(frames, number, place, from_broker=from_broker)
        return self.trap.fired

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pipe = Pipe(self, reader, writer)
        task = asyncio.ensure_future(pipe.run())
        self._pipes[task] = pipe
        task.add_done_callback(lambda ended: self._pipes.pop(ended, None))
