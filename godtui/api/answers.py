"""What an instance answered, as the values and errors of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from godtui.envelope import StoredEvent
from godtui.operations import BadCursorError, ComponentHealth, Health, Page, distant
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
    return Page([StoredEvent.from_document(event) for event in told["events"]], told["next_cursor"])


def health(told: dict[str, Any]) -> Health:
    """How the instance is."""
    components = {name: _component(one) for name, one in told["components"].items()}
    return Health(told["status"], told["version"], told["instance"], components)


def _component(told: dict[str, Any]) -> ComponentHealth:
    figures = {name: value for name, value in told.items() if name not in ("status", "detail")}
    return ComponentHealth(told["status"], told["detail"], figures)
