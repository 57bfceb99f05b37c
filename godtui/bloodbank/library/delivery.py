"""One event in the hands of a handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from types import TracebackType
from typing import TypeAlias
from uuid import UUID

from godtui.envelope import EventEnvelope, handling

Settle: TypeAlias = Callable[["Delivery", Exception | None], Awaitable[None]]
"""What becomes of a delivery that was handled, or whose handling failed."""


class Delivery:
    """An event to be handled in `async with delivery as event:`.

    Within the block publishes inherit the event's correlation and name it as their cause, with the replay that sent
    it. Leaving the block settles the event: it is handled, or, where the block raised an Exception, which is logged and
    goes no further, handed out again later. What is no Exception (a cancellation) goes on and settles nothing.
    """

    def __init__(
        self,
        event: EventEnvelope,
        attempt: int,
        settle: Settle,
        *,
        seq: int | None = None,
        replay_id: UUID | None = None,
    ) -> None:
        self.event = event
        self.attempt = attempt
        """1 on first delivery."""
        self.seq = seq
        """Its position in the store, where it came through a running godtui."""
        self.replay_id = replay_id
        """The replay that sent it once more, None where it came as it was published."""
        self.settled = False
        self._settle = settle
        self._handling = ExitStack()

    async def __aenter__(self) -> EventEnvelope:
        if self.settled:
            raise RuntimeError("this delivery is settled already")
        self._handling.enter_context(handling(self.event, self.replay_id))
        return self.event

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._handling.close()
        if error is not None and not isinstance(error, Exception):
            return False
        await self._settle(self, error)
        self.settled = True
        return True
