"""Asking for chains."""

from __future__ import annotations

from uuid import UUID

from godtui.bloodbank.asking import asking
from godtui.candystore.chains import Chain, read_chain
from godtui.eventlog import EventLog
from godtui.operations.protocols import ChainOperations
from godtui.operations.shared import History, require


class EngineChains:
    """Chains out of the engine's log."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def chain(self, correlation_id: UUID, *, after: int = 0) -> Chain | None:
        with asking():
            return await read_chain(self._log, correlation_id, after=after)


class SharedChains:
    """Chains, which are where the history is."""

    def __init__(self, chains: ChainOperations, history: History) -> None:
        self._chains = chains
        self._history = history

    async def chain(self, correlation_id: UUID, *, after: int = 0) -> Chain | None:
        await require(self._history)
        return await self._chains.chain(correlation_id, after=after)
