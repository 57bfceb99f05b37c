"""Operations in a thread and loop of their own, so that a screen never holds them up, nor they the screen."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, TypeVar

from godtui.operations.protocols import Operations
from godtui.runtime.interpreter import tune

STOP_SECONDS: Final = 30.0

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


class Guest(Protocol):
    """What runs in the thread: an engine, or a client of one."""

    @property
    def operations(self) -> Operations: ...

    @property
    def url(self) -> str | None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Host:
    """Runs a guest in its own thread from `begin` or `start` to `stop`.

    `make` is called in that thread, so that what it imports holds nobody up.
    """

    def __init__(self, make: Callable[[], Guest], description: str) -> None:
        self.description = description
        self.failure: str | None = None
        self._make = make
        self._guest: Guest | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    @property
    def operations(self) -> Operations:
        if self._guest is None or not self.started:
            raise RuntimeError("the engine is not started")
        return self._guest.operations

    @property
    def url(self) -> str | None:
        """Where the guest can be reached over HTTP, once it is started and if it can."""
        return self._guest.url if self.started and self._guest is not None else None

    @property
    def started(self) -> bool:
        """Whether the guest runs, or ran."""
        return self._started.done() and self._started.exception() is None

    @property
    def error(self) -> BaseException | None:
        """What the guest's start raised, if it did."""
        return self._started.exception() if self._started.done() else None

    def begin(self) -> None:
        """Start the guest, unless that was done before, without waiting for it."""
        if self._thread.ident is None:
            self._thread.start()

    def start(self) -> None:
        """Start the guest and wait until it runs; raises what its start raises."""
        self.begin()
        self._started.result()

    def submit(self, work: Coroutine[Any, Any, Result]) -> concurrent.futures.Future[Result]:
        """Run a coroutine on the guest's loop; may be called from any thread."""
        if self._loop is None or self.failure is not None:
            work.close()
            raise RuntimeError(self.failure or "the engine is not started")
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # it ended just now
            work.close()
            raise RuntimeError("the engine has stopped") from None

    def stop(self) -> None:
        """Stop the guest and wait for its thread to end; blocks."""
        loop, stopping = self._loop, self._stopping
        if loop is not None and stopping is not None:
            with contextlib.suppress(RuntimeError):  # it ended by itself
                loop.call_soon_threadsafe(stopping.set)
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)
            if self._thread.is_alive():
                logger.error("the engine's thread does not end")

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:  # noqa: BLE001 - whoever watches is told, whatever it was
            self.failure = f"{type(error).__name__}: {error}"
            if not self._started.done():
                self._started.set_exception(error)
        else:
            self.failure = "the engine has stopped"

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        guest = self._guest = self._make()
        await guest.start()
        tune()
        try:
            self._started.set_result(None)
            await self._stopping.wait()
        finally:
            await guest.stop()
