"""An engine in a thread and loop of its own, for those whose own loop must stay free."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from godtui.operations.protocols import Operations

Result = TypeVar("Result")


class Hosted(Protocol):
    """Operations that live on another loop; everything awaited on them goes through `submit`."""

    @property
    def operations(self) -> Operations:
        """Raises RuntimeError before `started`."""

    @property
    def started(self) -> bool:
        """Whether the operations are there."""

    @property
    def error(self) -> BaseException | None:
        """Why they never will be, or None."""

    @property
    def url(self) -> str | None:
        """Where others reach the same operations over HTTP, if they can."""

    @property
    def description(self) -> str:
        """Where the operations are: `embedded`, or the URL that is attached to."""

    @property
    def failure(self) -> str | None:
        """Why the engine's thread ended, or None while it runs."""

    def begin(self) -> None:
        """Start, unless that was done before; `started` or `error` tell how it went."""

    def submit(self, work: Coroutine[Any, Any, Result]) -> concurrent.futures.Future[Result]:
        """Run a coroutine on the engine's loop; may be called from any thread."""


async def call(hosted: Hosted, work: Coroutine[Any, Any, Result]) -> Result:
    """Await on this loop what runs on the engine's."""
    return await asyncio.wrap_future(hosted.submit(work))
