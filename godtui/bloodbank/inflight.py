"""Ids whose publish is under way, so that no second one sets out before the first has landed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from godtui.bloodbank.bus import Message


class InFlight:
    """The ids under way, on one loop. Futures are made only for those that someone waits for."""

    def __init__(self) -> None:
        self._landings: dict[str, asyncio.Future[None] | None] = {}

    def __len__(self) -> int:
        return len(self._landings)

    def __contains__(self, identity: str) -> bool:
        return identity in self._landings

    def enter_at_once(self, ids: Sequence[str]) -> bool:
        """As `enter` where none of these is under way, which is nearly always; else False, and nothing is entered."""
        landings = self._landings
        for one in ids:
            if one in landings:
                return False
        for one in ids:
            landings[one] = None
        return True

    async def enter(self, ids: Sequence[str]) -> None:
        """Wait until none of these is under way; from then on all of them are. Each may be named once."""
        landings = self._landings
        while (busy := next((one for one in ids if one in landings), None)) is not None:
            landing = landings[busy]
            if landing is None:
                landing = landings[busy] = asyncio.get_running_loop().create_future()
            # Not awaited itself: a waiter that is cancelled would cancel it for all the others.
            await asyncio.wait((landing,))
        self.enter_at_once(ids)

    def leave(self, ids: Iterable[str]) -> None:
        """They have landed, or nobody waits for them any more."""
        for one in ids:
            landing = self._landings.pop(one)
            if landing is not None:
                landing.set_result(None)


def distinct_runs(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    """The messages in order, parted so that no part holds an id twice."""
    if len(messages) == 1:
        yield messages
        return
    start = 0
    ids: set[str] = set()
    for end, message in enumerate(messages):
        if message.message_id in ids:
            yield messages[start:end]
            start = end
            ids.clear()
        ids.add(message.message_id)
    if start < len(messages):
        yield messages[start:]
