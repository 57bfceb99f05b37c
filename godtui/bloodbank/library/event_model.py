"""Payloads that know which event they are of, as `holyfields generate` makes them."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, runtime_checkable


@runtime_checkable
class EventModel(Protocol):
    """A Pydantic model with the event type and the version of the contract it stands for."""

    EVENT_TYPE: ClassVar[str]
    VERSION: ClassVar[str]

    def model_dump(self, *, mode: str, by_alias: bool, exclude_unset: bool) -> dict[str, Any]: ...


def event_of(model: EventModel) -> dict[str, Any]:
    """The event type, the version and the payload; what was not set is left out of it."""
    payload = model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {"event_type": model.EVENT_TYPE, "version": model.VERSION, "payload": payload}
