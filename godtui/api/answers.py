"""What an instance answered, as the values and errors of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from godtui.envelope import StoredEvent
from godtui.operations import (
    BadCursorError,
    ComponentHealth,
    DeadLetter,
    Health,
    LetterPage,
    NotRequeuedError,
    Page,
    Requeued,
    RequeueRefusedError,
    UnknownLetterError,
    distant,
)
from godtui.operations.distant import Answer

Result = TypeVar("Result")


def query_error(answer: Answer) -> Exception:
    """Why a query was refused."""
    if answer.status == 400:
        return BadCursorError(answer.problem()["detail"])
    return distant.filter_error(answer)


def found(answer: Answer, reading: Callable[[dict[str, Any]], Result]) -> Result | None:
    """What was asked for, or None where there is none."""
    if answer.status == 404 and answer.is_problem:
        return None
    if answer.status != 200:
        raise distant.error(answer)
    return answer.read(reading)


def page(told: dict[str, Any]) -> Page:
    """One page of stored events."""
    events = [StoredEvent.from_document(event) for event in told["events"]]
    return Page(events, told["next_cursor"], told.get("looked_to"))


def health(told: dict[str, Any]) -> Health:
    """How the instance is."""
    components = {name: _component(one) for name, one in told["components"].items()}
    return Health(told["status"], told["version"], told["instance"], components)


def _component(told: dict[str, Any]) -> ComponentHealth:
    figures = {name: value for name, value in told.items() if name not in ("status", "detail")}
    return ComponentHealth(told["status"], told["detail"], figures)


def letter_page(told: dict[str, Any]) -> LetterPage:
    """One page of dead letters."""
    return LetterPage([DeadLetter.from_document(letter) for letter in told["dead_letters"]], told["next_cursor"])


def requeued(told: dict[str, Any]) -> Requeued:
    """The answer to a requeue."""
    return Requeued(told["id"], told["queue"], told["message_id"], told["routing_key"], told["requeues"])


def letter_error(answer: Answer, letter_id: int) -> Exception:
    """Why nothing was done with a letter."""
    if answer.status == 404 and answer.is_problem:
        return UnknownLetterError(letter_id)
    return distant.error(answer)


def requeue_error(answer: Answer, letter_id: int, correction: Any) -> Exception:
    """Why a letter was not requeued."""
    detail = answer.problem()["detail"]
    match answer.status:
        case 409:
            return RequeueRefusedError(detail)
        case 503:
            return NotRequeuedError(detail)
        case 400 | 413 | 422 if correction is not None:
            return distant.publish_error(answer, _event_id(correction))
    return letter_error(answer, letter_id)


def _event_id(correction: Any) -> UUID:
    """The id that a correction names; any where it names none."""
    try:
        return UUID(correction["event_id"])
    except (LookupError, TypeError, ValueError, AttributeError):
        return UUID(int=0)
