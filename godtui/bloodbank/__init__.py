"""The typed event bus: one protocol, its transports, and publishing with contracts.

For programs beside godtui: `Publisher` and `Subscriber` connect to a broker (`amqp://…`) or to a running godtui
(`http://…`). What they raise is listed in `godtui.bloodbank.errors`. For the rooms of godtui
itself: `announce`. Each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from godtui.bloodbank.announcing import announce
    from godtui.bloodbank.errors import (
        ConflictError,
        GiveUpError,
        NotConfirmedError,
        PublishError,
        QueueError,
        TooLargeError,
        UnknownPositionError,
    )
    from godtui.bloodbank.library.delivery import Delivery
    from godtui.bloodbank.library.publisher import Publisher
    from godtui.bloodbank.library.state import State
    from godtui.bloodbank.library.subscriber import Subscriber
    from godtui.bloodbank.receipt import Receipt
    from godtui.bloodbank.report import BatchReport
    from godtui.envelope import EventDraft, EventEnvelope, EventError, InvalidEventError

__all__ = [
    "BatchReport",
    "ConflictError",
    "Delivery",
    "EventDraft",
    "EventEnvelope",
    "EventError",
    "GiveUpError",
    "InvalidEventError",
    "NotConfirmedError",
    "PublishError",
    "Publisher",
    "QueueError",
    "Receipt",
    "State",
    "Subscriber",
    "TooLargeError",
    "UnknownPositionError",
    "announce",
]

_MODULES = {
    "BatchReport": "report",
    "Delivery": "library.delivery",
    "Publisher": "library.publisher",
    "Receipt": "receipt",
    "State": "library.state",
    "Subscriber": "library.subscriber",
    "announce": "announcing",
}
_OF_ENVELOPE = ("EventDraft", "EventEnvelope", "EventError", "InvalidEventError")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = "godtui.envelope" if name in _OF_ENVELOPE else f"{__name__}.{_MODULES.get(name, 'errors')}"
    value = globals()[name] = getattr(import_module(place), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
