"""What a subscriber gets its events from."""

from __future__ import annotations

from typing import Protocol

from godtui.bloodbank.library.delivery import Delivery
from godtui.bloodbank.library.state import State


class Inlet(Protocol):
    """A source of events that outlives its connections."""

    @property
    def state(self) -> State: ...

    @property
    def position(self) -> int | None:
        """The last position of the store that is done with, where there are positions."""

    async def open(self) -> None:
        """Begin to connect, and wait a moment for it; where nothing answers, that is tried again for ever.

        Raises QueueError.
        """

    async def next(self) -> Delivery | None:
        """The next event, once the one before is settled; None when closed. Raises what no new try can help."""

    async def close(self) -> None: ...
