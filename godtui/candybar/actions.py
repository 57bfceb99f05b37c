"""What the reader asked to be done, until it is known what came of it."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import Any, Generic, NamedTuple, TypeVar

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class Outcome(NamedTuple, Generic[Answer]):
    """What came of something that was asked: the command line it equals, and the answer or a sentence."""

    command: str
    answer: Answer | None
    error: str = ""


class Actions(Generic[Answer]):
    """Each is named by its command line; `expected` are the errors whose sentence says it all."""

    def __init__(self, *expected: type[Exception]) -> None:
        self._expected = expected
        self._under_way: list[tuple[str, Future[Answer] | None]] = []

    @property
    def pending(self) -> bool:
        """Whether of any it is not known yet what came of it."""
        return bool(self._under_way)

    def waits_for(self, command: str) -> bool:
        """Whether just that is being asked already."""
        return any(command == asked for asked, _ in self._under_way)

    def begin(self, command: str, work: Future[Answer] | None) -> None:
        """This was asked; None where there is no engine to do it."""
        self._under_way.append((command, work))

    def outcomes(self) -> list[Outcome[Answer]]:
        """What came of those that are done, each once."""
        done = [one for one in self._under_way if one[1] is None or one[1].done()]
        self._under_way = [one for one in self._under_way if one not in done]
        return [self._outcome(command, future) for command, future in done]

    def error(self, question: Future[Any]) -> str | None:
        """Why a question was not answered, as its sentence; None where it was."""
        if question.cancelled():
            return "it was not answered: the engine is stopping"
        error = question.exception()
        if error is None:
            return None
        if not isinstance(error, self._expected):
            log.warning("the engine cannot be asked: %s", error, exc_info=error)
        return str(error) or type(error).__name__

    def _outcome(self, command: str, future: Future[Answer] | None) -> Outcome[Answer]:
        if future is None:
            return Outcome(command, None, "the engine does not run: nothing was done")
        error = self.error(future)
        return Outcome(command, None, error) if error is not None else Outcome(command, future.result())
