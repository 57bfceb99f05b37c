"""Chains and statistics of another instance, asked over HTTP."""

from __future__ import annotations

from uuid import UUID

from godtui.api import answers
from godtui.operations import Chain, Question, Statistics, StatisticsRefusedError, distant
from godtui.operations.distant import Answer, Connection


class HttpChains:
    """ChainOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def chain(self, correlation_id: UUID, *, after: int = 0) -> Chain | None:
        parameters = {"after": str(after)} if after else {}
        answer = await self._connection.request("GET", f"/chains/{correlation_id}", params=parameters)
        return answers.found(answer, Chain.from_document)


class HttpStatistics:
    """StatisticsOperations."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def ask(self, question: Question) -> Statistics:
        question.require_known()
        parameters = {"by": question.by, "limit": str(question.limit), **_parameters(question)}
        if question.bucket is not None:
            parameters["bucket"] = question.bucket
        answer = await self._connection.request("GET", "/stats", params=parameters)
        if answer.status != 200:
            raise _refused(answer)
        return answer.read(Statistics.model_validate)


def _parameters(question: Question) -> dict[str, str]:
    """Each kind of term as its parameter. Raises StatisticsRefusedError where there are two of a kind."""
    found: dict[str, str] = {}
    for term in question.wanted.terms:
        key, _, value = term.condition().partition(":")
        if key in found:
            raise StatisticsRefusedError(f"{key}: is given twice; give it once, with commas for any of", key)
        found[key] = value
    return found


def _refused(answer: Answer) -> Exception:
    faults = distant.faults(answer.problem()) if answer.status == 422 else []
    if faults and faults[0].path.startswith("query:"):
        return StatisticsRefusedError(faults[0].message, faults[0].path.removeprefix("query:"))
    return distant.filter_error(answer)
