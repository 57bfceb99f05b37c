"""Replays of an engine in this process, and those of an instance that shares its broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from godtui.bloodbank.asking import asking as asking_log
from godtui.bloodbank.errors import StoreUnavailableError
from godtui.candystore.replay.carriers import NotNowError
from godtui.candystore.replay.replays import Replays
from godtui.candystore.replay.views import ReplayPlan, ReplayRequest, ReplayView, Speed
from godtui.operations.protocols import ReplayOperations
from godtui.operations.shared import History, require


@contextmanager
def asking() -> Iterator[None]:
    """Within the block, a log that cannot be read or written, or a bus that takes nothing now, raises
    StoreUnavailableError.
    """
    try:
        with asking_log():
            yield
    except NotNowError as error:
        raise StoreUnavailableError(str(error)) from None


class EngineReplays:
    """The replays of the engine's log."""

    def __init__(self, replays: Replays) -> None:
        self._replays = replays

    async def plan(self, request: ReplayRequest) -> ReplayPlan:
        with asking():
            return await self._replays.plan(request)

    async def create(self, request: ReplayRequest) -> ReplayView:
        with asking():
            return await self._replays.create(request)

    async def replays(self, limit: int = 100) -> list[ReplayView]:
        with asking():
            return await self._replays.newest(limit)

    async def replay(self, replay_id: UUID) -> ReplayView | None:
        with asking():
            return await self._replays.find(replay_id)

    async def pause(self, replay_id: UUID) -> ReplayView:
        with asking():
            return await self._replays.pause(replay_id)

    async def resume(self, replay_id: UUID) -> ReplayView:
        with asking():
            return await self._replays.resume(replay_id)

    async def step(self, replay_id: UUID, count: int = 1) -> ReplayView:
        with asking():
            return await self._replays.step(replay_id, count)

    async def seek(self, replay_id: UUID, *, seq: int | None = None, at: int | None = None) -> ReplayView:
        with asking():
            return await self._replays.seek(replay_id, seq=seq, at=at)

    async def adjust(self, replay_id: UUID, *, speed: Speed, rate: float | None, max_gap_s: float | None) -> ReplayView:
        with asking():
            return await self._replays.adjust(replay_id, speed=speed, rate=rate, max_gap_s=max_gap_s)

    async def cancel(self, replay_id: UUID) -> ReplayView:
        with asking():
            return await self._replays.cancel(replay_id)


class SharedReplays:
    """Replays, which are where the history is."""

    def __init__(self, replays: ReplayOperations, history: History) -> None:
        self._replays = replays
        self._history = history

    async def plan(self, request: ReplayRequest) -> ReplayPlan:
        await require(self._history)
        return await self._replays.plan(request)

    async def create(self, request: ReplayRequest) -> ReplayView:
        await require(self._history)
        return await self._replays.create(request)

    async def replays(self, limit: int = 100) -> list[ReplayView]:
        await require(self._history)
        return await self._replays.replays(limit)

    async def replay(self, replay_id: UUID) -> ReplayView | None:
        await require(self._history)
        return await self._replays.replay(replay_id)

    async def pause(self, replay_id: UUID) -> ReplayView:
        await require(self._history)
        return await self._replays.pause(replay_id)

    async def resume(self, replay_id: UUID) -> ReplayView:
        await require(self._history)
        return await self._replays.resume(replay_id)

    async def step(self, replay_id: UUID, count: int = 1) -> ReplayView:
        await require(self._history)
        return await self._replays.step(replay_id, count)

    async def seek(self, replay_id: UUID, *, seq: int | None = None, at: int | None = None) -> ReplayView:
        await require(self._history)
        return await self._replays.seek(replay_id, seq=seq, at=at)

    async def adjust(self, replay_id: UUID, *, speed: Speed, rate: float | None, max_gap_s: float | None) -> ReplayView:
        await require(self._history)
        return await self._replays.adjust(replay_id, speed=speed, rate=rate, max_gap_s=max_gap_s)

    async def cancel(self, replay_id: UUID) -> ReplayView:
        await require(self._history)
        return await self._replays.cancel(replay_id)
