"""One connection to a broker that is kept: tried again with growing pauses, on each of several nodes in turn."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, cast

import aio_pika
from aio_pika.abc import AbstractConnection
from aiormq.channel import Channel
from pamqp.common import FieldTable
from yarl import URL

from godtui.backoff import Backoff
from godtui.bloodbank.rabbitmq.answers import ANSWER_SECONDS as ANSWER_SECONDS
from godtui.bloodbank.rabbitmq.answers import CLOSE_SECONDS, answered, cancelled_by_us
from godtui.bloodbank.rabbitmq.explain import BROKER_ERRORS, explained
from godtui.bloodbank.rabbitmq.socket import Socket
from godtui.bloodbank.rabbitmq.state import LinkState, Status
from godtui.clock import Clock
from godtui.settings import shown_url

HEARTBEAT_SECONDS: Final = 5
CONNECT_SECONDS: Final = 5.0
PAUSES: Final = Backoff(0.25, 5.0)
STEADY_SECONDS: Final = 5.0

logger = logging.getLogger(__name__)


class Link:
    """A supervised connection. `opened` is called with each new one before anyone else may use it."""

    def __init__(
        self,
        urls: Sequence[str],
        name: str,
        clock: Clock,
        *,
        opened: Callable[[Link], Awaitable[None]] | None = None,
        is_second: bool = False,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Of a second connection to the same broker nothing is logged but what is wrong with it alone."""
        self._urls = [_with_heartbeat(url) for url in urls]
        self._name = name
        self._clock = clock
        self._opened = opened
        self._is_second = is_second
        self._jitter = jitter
        self._connection: AbstractConnection | None = None
        self._socket = Socket()
        self._up = asyncio.Event()
        self._gone = asyncio.Event()
        self._reason = ""
        self._running: asyncio.Task[None] | None = None
        self._leavings: set[asyncio.Future[None]] = set()
        self._closed = False
        self.tried = asyncio.Event()
        """Set once a first connection stands, or every node was asked in vain."""
        self.generation = 0
        """How many connections there have been: what belonged to an earlier one is void."""
        self.state = LinkState("connecting", "not connected yet", clock.now())

    @property
    def up(self) -> bool:
        """Whether there is a connection that may be used."""
        return self._up.is_set()

    @property
    def version(self) -> tuple[int, ...]:
        """The broker's version, such as (3, 10, 8); nothing where it does not say."""
        connection = self._connection
        if connection is None or connection.transport is None:
            return ()
        properties = connection.transport.connection.server_properties or {}
        return tuple(int(part) for part in re.findall(r"\d+", str(properties.get("version", "")))[:3])

    @property
    def blocked(self) -> bool:
        """Whether the broker takes no publishes for now."""
        return self.state.status == "blocked"

    def start(self) -> None:
        """Begin to connect, and to stay connected."""
        self._running = asyncio.create_task(self._run(), name=f"{self._name} link")

    async def close(self) -> None:
        """Leave the broker; bounded in time."""
        self._closed = True
        if self._running is not None:
            self._running.cancel()
            if not self.up:
                self._socket.abort()
            await asyncio.wait((self._running,), timeout=CLOSE_SECONDS)
        self._leave()
        if self._leavings:
            await asyncio.wait(self._leavings, timeout=2 * CLOSE_SECONDS)
        self._up.clear()
        self._say("closed", "the bus is closed")
        self.tried.set()
        self._gone.set()

    async def wait(self) -> None:
        """Until there is a connection."""
        await self._up.wait()

    async def gone(self, generation: int) -> None:
        """Until the connection of that generation is lost."""
        while self.generation == generation and self._up.is_set():
            await self._gone.wait()

    async def channel(self, *, confirms: bool = False) -> Channel:
        """A channel of its own. Raises ConnectionError while there is no connection, and what the broker objects."""
        connection = self._connection
        if connection is None or connection.transport is None:
            raise ConnectionError(self.state.detail)
        async with answered():
            opened = await connection.transport.connection.channel(publisher_confirms=confirms, on_return_raises=True)
            return cast("Channel", opened)

    @asynccontextmanager
    async def talk(self) -> AsyncGenerator[Channel]:
        """A channel for a short talk. Raises as `channel` does, and TimeoutError where it takes too long."""
        async with answered():
            channel = await self.channel()
            yield channel
            await channel.close()

    def lost(self, reason: str) -> None:
        """Someone found that the connection is no good: drop it and make another."""
        if self._up.is_set():
            self._reason = reason
            self._up.clear()
            self._gone.set()
            # It answers no farewell either.
            self._socket.abort()

    async def look(self) -> None:
        """Notice whether the broker keeps this connection from publishing, or does so no more."""
        connection = self._connection
        if not self._up.is_set() or connection is None or connection.transport is None:
            return
        ready = asyncio.ensure_future(connection.transport.connection.ready())
        await asyncio.sleep(0)
        blocked = not ready.done()
        ready.cancel()
        await asyncio.gather(ready, return_exceptions=True)
        if blocked and self.state.status == "open":
            self._say("blocked", "the broker takes nothing: its memory or disk alarm is on; free some there")
        elif not blocked and self.state.status == "blocked":
            self._say("open", "connected")

    async def _run(self) -> None:
        tries = 0
        while True:
            began = self._clock.monotonic()
            reached = await self._try_all_safely(tries)
            # A broker that throws us out as soon as we are in is not there either.
            steady = reached and self._clock.monotonic() - began >= STEADY_SECONDS
            tries = 0 if steady else tries + 1
            self.tried.set()
            if tries:
                pause = PAUSES.jittered(tries, self._jitter())
                self._say("waiting", self._reason, next_try=self._clock.monotonic() + pause, tries=tries)
                await self._clock.sleep(pause)

    async def _try_all_safely(self, tries: int) -> bool:
        """As `_try_all`, for whatever goes wrong with one connection, the next must be tried."""
        try:
            return await self._try_all(tries)
        except asyncio.CancelledError:
            if cancelled_by_us():
                raise
            self._reason = "the connection to the broker was lost"
        except Exception as error:
            logger.exception("the connection to the broker failed")
            self._reason = f"{type(error).__name__}: {error}"
        self._up.clear()
        self._leave()
        return False

    async def _try_all(self, tries: int) -> bool:
        """Try every node once; True where one was reached and later lost."""
        for url in self._urls:
            if self.state.status != "waiting":
                self._say("connecting", self._reason or "connecting", node=url, tries=tries)
            try:
                await self._connect(url)
            except BROKER_ERRORS as error:
                self._reason = f"{_address(url)}: {explained(error, url)}"
                if self.state.status != "waiting" or tries == 0:
                    self._log(logging.WARNING, "no broker at %s", self._reason)
                self._leave()
                continue
            await self._stay(url)
            return True
        return False

    async def _connect(self, url: str) -> None:
        properties: FieldTable = {"connection_name": self._name, "product": "godtui"}
        connection = self._connection = aio_pika.Connection(URL(url), client_properties=properties)
        socket = self._socket = Socket()
        connection.kwargs["transport_factory"] = socket
        # A broker that hangs would hold up the end of a TLS connection as well.
        timer = asyncio.get_running_loop().call_later(CONNECT_SECONDS, socket.abort)
        try:
            async with answered(CONNECT_SECONDS):
                await connection.connect()
        finally:
            timer.cancel()
        self._reason = ""
        connection.close_callbacks.add(self._on_close)
        self._gone.clear()
        self.generation += 1
        if self._opened is not None:
            await self._opened(self)

    async def _stay(self, url: str) -> None:
        if not self._gone.is_set():
            self._say("open", "connected", node=url)
            self.tried.set()
            self._log(logging.INFO, "connected to the broker at %s", _address(url))
            self._up.set()
            await self._gone.wait()
        self._up.clear()
        self._reason = f"{_address(url)}: {self._reason or 'the connection was lost'}"
        logger.warning("the broker is gone: %s", self._reason)
        self._leave()

    def _on_close(self, connection: object, error: BaseException | None) -> None:
        if connection is not self._connection:
            return
        if error is not None and not isinstance(error, asyncio.CancelledError) and not self._reason:
            self._reason = explained(error)
        self._up.clear()
        self._gone.set()

    def _leave(self) -> None:
        """Close what there is without waiting: a broker that hangs answers no farewell."""
        connection, self._connection = self._connection, None
        if connection is None or connection.is_closed:
            return
        leaving = asyncio.ensure_future(_close(connection, self._socket))
        self._leavings.add(leaving)
        leaving.add_done_callback(self._leavings.discard)

    def _log(self, level: int, words: str, *values: object) -> None:
        logger.log(logging.DEBUG if self._is_second else level, words, *values)

    def _say(
        self, status: Status, detail: str, *, node: str = "", next_try: float | None = None, tries: int = 0
    ) -> None:
        since = self.state.since if _alike(status, self.state.status) else self._clock.now()
        shown = _address(node) if node else self.state.node
        self.state = LinkState(status, detail, since, shown, next_try, tries)


def _alike(one: Status, other: Status) -> bool:
    """Whether two states are one trouble, which lasts since it began."""
    return one == other or {one, other} <= {"connecting", "waiting"}


async def _close(connection: AbstractConnection, socket: Socket) -> None:
    """Leave in order if the broker lets us, else without a farewell."""
    closing = asyncio.ensure_future(connection.close())
    closing.add_done_callback(lambda task: task.cancelled() or task.exception())
    await asyncio.wait((closing,), timeout=CLOSE_SECONDS)
    socket.abort()
    if not closing.done():
        await asyncio.wait((closing,), timeout=CLOSE_SECONDS)


def _with_heartbeat(url: str) -> str:
    parsed = URL(url)
    return url if "heartbeat" in parsed.query else str(parsed.update_query(heartbeat=HEARTBEAT_SECONDS))


def _address(url: str) -> str:
    """A node without its password and options."""
    return shown_url(url.partition("?")[0])
