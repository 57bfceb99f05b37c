"""What an instance answered, as values and errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from godtui.bloodbank.errors import (
    ConflictError,
    HistoryElsewhereError,
    InstanceUnreachableError,
    NotConfirmedError,
    PublishError,
    StoreUnavailableError,
    TooLargeError,
    UnknownPositionError,
)
from godtui.bloodbank.frames import Dropped, Events, Frame, Gap, Position, Replayed, Welcome
from godtui.bloodbank.holder import Holder
from godtui.bloodbank.receipt import Receipt
from godtui.bloodbank.report import BatchReport, Rejection, Unconfirmed
from godtui.clock import to_microseconds
from godtui.envelope import Fault, InvalidEventError, StoredEvent, read_timestamp
from godtui.filters import FilterError

Result = TypeVar("Result")


class TooLargeThereError(TooLargeError):
    """The instance refused the event for its size; the sentence is its own."""

    def __init__(self, event_id: UUID, message: str) -> None:
        PublishError.__init__(self, event_id, message)


class Answer(NamedTuple):
    """One HTTP answer of the instance at an address."""

    address: str
    status: int
    media_type: str
    body: bytes

    @property
    def is_problem(self) -> bool:
        """Whether a godtui refused, rather than something else that answers there."""
        return self.media_type.startswith("application/problem+json")

    def document(self) -> Any:
        """The body. Raises InstanceUnreachableError where it is not JSON; integers keep every digit."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise self._foreign() from None

    def read(self, reading: Callable[[Any], Result]) -> Result:
        """What a reading makes of the body. Raises InstanceUnreachableError where it is not what a godtui says."""
        told = self.document()
        try:
            return reading(told)
        except (LookupError, TypeError, ValueError, AttributeError):
            raise self._foreign() from None

    def problem(self) -> dict[str, Any]:
        """The problem. Raises InstanceUnreachableError where it is none."""
        told = self.document() if self.is_problem else None
        if not isinstance(told, dict):
            raise self._foreign()
        return told

    def _foreign(self) -> InstanceUnreachableError:
        return InstanceUnreachableError(
            f"what answers at {self.address} is not a godtui (status {self.status}); check the address"
        )


def publish_error(answer: Answer, event_id: UUID) -> Exception:
    """Why a publish did not end in a receipt."""
    problem = answer.problem()
    match answer.status:
        case 409:
            return ConflictError(event_id)
        case 413:
            return TooLargeThereError(event_id, problem["detail"])
        case 503:
            return NotConfirmedError(event_id, problem.get("reason", problem["detail"]))
        case 400 | 422:
            return InvalidEventError(faults(problem) or [Fault("", problem["detail"])])
    return error(answer)


def filter_error(answer: Answer) -> Exception:
    """Why a stream or a query was refused."""
    problem = answer.problem()
    for fault in faults(problem) if answer.status == 422 else ():
        parameter, _, offset = fault.path.partition(":")
        if parameter == "filter" and offset.isdigit():
            return FilterError(fault.message, int(offset))
        if fault.path == "query:after":
            return UnknownPositionError(fault.message)
    return error(answer)


def error(answer: Answer) -> Exception:
    """Any other refusal."""
    problem = answer.problem()
    if answer.status == 503 and "history" in problem:
        return HistoryElsewhereError(problem["history"] and Holder.read(problem["history"]))
    if answer.status == 503:
        return StoreUnavailableError(problem["detail"])
    if answer.status in (401, 403):
        return InstanceUnreachableError(f"the instance at {answer.address} lets nobody in: {problem['detail']}")
    return InstanceUnreachableError(f"the instance at {answer.address} answered {answer.status}: {problem['detail']}")


def receipt(told: dict[str, Any]) -> Receipt:
    """The answer to a publish."""
    return Receipt(
        UUID(told["event_id"]),
        told["event_type"],
        told["version"],
        UUID(told["correlation_id"]),
        to_microseconds(read_timestamp(told["timestamp"])[0]),
    )


def batch_report(told: dict[str, Any]) -> BatchReport:
    """The answer to a batch."""
    return BatchReport(
        told["accepted"],
        [Rejection(one["index"], faults(one)) for one in told["rejected"]],
        [Unconfirmed(one["index"], UUID(one["event_id"])) for one in told["unconfirmed"]],
    )


def frame(told: dict[str, Any]) -> Frame:
    """One frame of a stream. Raises LookupError or ValueError on what is none."""
    match told["type"]:
        case "event" if "replay_id" in told:
            return Replayed(UUID(told["replay_id"]), StoredEvent.from_document(told["event"]))
        case "event":
            return Events([StoredEvent.from_document(told["event"])])
        case "events":
            return Events([StoredEvent.from_document(event) for event in told["events"]])
        case "welcome":
            return Welcome(told["seq"])
        case "position":
            return Position(told["seq"])
        case "gap":
            return Gap(told["from_seq"], told["to_seq"])
        case "dropped":
            return Dropped(told["count"], told["from_seq"], told["to_seq"])
    raise ValueError("a frame of no known kind")


def faults(told: dict[str, Any]) -> list[Fault]:
    """The faults that a problem, or a rejection, lists."""
    return [Fault(one["path"], one["message"], one.get("keyword")) for one in told.get("errors", [])]
