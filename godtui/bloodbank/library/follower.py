"""A stream of a running godtui that is kept open, and gone on with where it broke off."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, TypeAlias

from godtui.backoff import Backoff
from godtui.bloodbank.errors import InstanceUnreachableError, StoreUnavailableError
from godtui.bloodbank.frames import Events, Frame, Gap, Position, Replayed, Welcome
from godtui.bloodbank.http.connection import Connection
from godtui.bloodbank.http.streaming import stream
from godtui.bloodbank.library.state import State
from godtui.clock import Clock

BACKOFF: Final = Backoff(first=0.25, longest=15.0)
FRAMES_AHEAD: Final = 2
STEADY_SECONDS: Final = 5.0
SLOW_SECONDS: Final = 15.0
"""A stream that is not read for longer may be cut as if nobody were there; that is not worth a warning."""

Progress: TypeAlias = Events | Position | Replayed

logger = logging.getLogger(__name__)


class Follower:
    """Reads ahead a little, in a task of its own, so that who waits for a frame may be cancelled and lose nothing.

    `after` None begins at the store's end as it is when the instance first answers.
    """

    def __init__(
        self,
        connection: Connection,
        wanted: str,
        after: int | None,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.state = State("connecting")
        self.begins = after
        """The position after which it begins, once that is known."""
        self._connection = connection
        self._wanted = wanted
        self._read = after
        self._clock = clock
        self._jitter = jitter
        self._frames: deque[Progress] = deque()
        self._turn = asyncio.Condition()
        self._tried = asyncio.Event()
        self._tries = 0
        self._reached_at = clock.monotonic()
        self._was_slow = False
        self._error: Exception | None = None
        self._following: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, and wait until the instance has answered or has not."""
        self._following = asyncio.create_task(self._follow(), name="stream")
        await self._tried.wait()

    async def close(self) -> None:
        """End; whoever waits for a frame is told so."""
        self.state = State("closed")
        self._tried.set()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
        async with self._turn:
            self._frames.clear()
            self._turn.notify_all()

    async def frame(self) -> Progress | None:
        """What comes next, None when closed. Raises UnknownPositionError, FilterError, and what else is for good."""
        async with self._turn:
            await self._turn.wait_for(lambda: self._frames or self._error or self.state.status == "closed")
            if self._frames:
                self._turn.notify_all()
                return self._frames.popleft()
        if self._error is not None and self.state.status != "closed":
            raise self._error
        return None

    async def _follow(self) -> None:
        while True:
            try:
                await self._follow_once()
                continue
            except (InstanceUnreachableError, StoreUnavailableError) as error:
                self._lost(str(error))
            except Exception as error:  # noqa: BLE001 - whoever waits for a frame gets it
                await self._fail(error)
                return
            self._tried.set()
            await self._clock.sleep(BACKOFF.jittered(self._tries, self._jitter()))

    async def _follow_once(self) -> None:
        """One stream: without a position only its welcome, which is where the next begins."""
        begun = self._read is not None
        async with aclosing(self._stream()) as frames:
            async for frame in frames:
                match frame:
                    case Welcome(None):
                        raise StoreUnavailableError(f"the instance at {self._connection.address} has no history now")
                    case Welcome(int(seq)) if not begun:
                        self.begins = seq
                        self._reached()
                        await self._put(Position(seq), seq)
                        return
                    case Welcome():
                        self._reached()
                    case Events(events):
                        await self._put(frame, events[-1].seq)
                    case Replayed():
                        await self._put(frame, self._read)
                    case Position(seq):
                        await self._put(frame, seq)
                    case Gap(first, last):
                        logger.warning("positions %d to %d are no longer kept; going on after them", first, last)
                        await self._put(Position(last), last)
        raise InstanceUnreachableError(f"the stream from {self._connection.address} ended")

    def _stream(self) -> AsyncGenerator[Frame]:
        return stream(self._connection, self._wanted, after=self._read, positions=True)

    async def _put(self, frame: Progress, seq: int | None) -> None:
        began = self._clock.monotonic()
        async with self._turn:
            await self._turn.wait_for(lambda: len(self._frames) < FRAMES_AHEAD)
            self._was_slow |= self._clock.monotonic() - began > SLOW_SECONDS
            self._frames.append(frame)
            self._read = seq
            self._turn.notify_all()

    def _reached(self) -> None:
        self._reached_at = self._clock.monotonic()
        self.state = State("connected")
        self._tried.set()

    def _lost(self, reason: str) -> None:
        """Said once for each time that it breaks; one that breaks as soon as it is there counts as never mended."""
        was_there = self.state.status == "connected"
        if was_there and self._clock.monotonic() - self._reached_at >= STEADY_SECONDS:
            self._tries = 0
        self._tries += 1
        if was_there or self._tries == 1:
            logger.log(logging.DEBUG if self._was_slow else logging.WARNING, "%s; trying again", reason)
        self._was_slow = False
        self.state = State("waiting", reason)

    async def _fail(self, error: Exception) -> None:
        self.state = State("waiting", str(error))
        self._tried.set()
        async with self._turn:
            self._error = error
            self._turn.notify_all()
