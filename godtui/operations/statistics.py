"""Asking for statistics."""

from __future__ import annotations

from godtui.bloodbank.asking import asking
from godtui.candystore.statistics import Question, Statistics, ask
from godtui.clock import Clock
from godtui.eventlog import EventLog
from godtui.operations.protocols import StatisticsOperations
from godtui.operations.shared import History, require


class EngineStatistics:
    """Statistics of the engine's log."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    async def ask(self, question: Question) -> Statistics:
        with asking():
            return await ask(self._log, question, self._clock.now())


class SharedStatistics:
    """Statistics, which are where the history is."""

    def __init__(self, statistics: StatisticsOperations, history: History) -> None:
        self._statistics = statistics
        self._history = history

    async def ask(self, question: Question) -> Statistics:
        await require(self._history)
        return await self._statistics.ask(question)
