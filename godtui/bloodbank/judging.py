"""What is irregular about an event that comes in, said in the same words whichever way it comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from godtui.bloodbank.bus import HeaderValue, Message
from godtui.bloodbank.deaths import is_of_the_way, kept, said
from godtui.bloodbank.handed import headers_text
from godtui.envelope import (
    Fault,
    event_type_fault,
    name_faults,
    read_envelope,
    read_own_form,
    version_fault,
    violations_text,
)
from godtui.eventlog import Record
from godtui.holyfields import Registry, UnknownContractError
from godtui.jsontext import Json

MAX_SHOWN = 255


def judge(message: Message, registry: Registry) -> Record:
    """A message that anyone may have sent as the log keeps it, with what is irregular about it.

    The body is kept in our own form. How large an event may be is a rule for publishing, none for keeping. Raises
    InvalidEventError where the body names no event.
    """
    headers = kept_headers(message.headers) if message.headers else None
    own = read_own_form(message.body)
    if own is not None:
        event_id, event_type, source, correlation_id, time, version, payload = own
        faults = None
        if message.routing_key != event_type or not _regular(registry, event_type, version, payload):
            found = [*name_faults(event_type, version), *contract_faults(registry, event_type, version, payload)]
            faults = violations_text([*found, *route_faults(message.routing_key, event_type)])
        return Record(event_id, event_type, source, correlation_id, time, faults, headers, message.body)
    envelope, irregular = read_envelope(message.body)
    irregular += contract_faults(registry, envelope.event_type, envelope.version, envelope.payload)
    irregular += route_faults(message.routing_key, envelope.event_type)
    return Record.of(envelope, envelope.to_json(), violations=violations_text(irregular), headers=headers)


def contract_faults(registry: Registry, event_type: str, version: str | None, payload: Json) -> Sequence[Fault]:
    """Why a payload is not what its contract allows, or that there is no contract to judge it by.

    Of names that no contract can have, other faults tell.
    """
    if event_type_fault(event_type):
        return ()
    if version is not None and version_fault(version):
        if registry.versions(event_type):
            return ()
        version = None
    try:
        return registry.faults(event_type, version, payload)
    except UnknownContractError as error:
        return [error.fault]


def route_faults(routing_key: str, event_type: str) -> Sequence[Fault]:
    """Whether an event was sent as what it says it is."""
    if routing_key == event_type:
        return ()
    shown = said(routing_key[:MAX_SHOWN])
    return [Fault("/event_type", f"the routing key is {shown!r}, which is not the event's type; the type counts")]


def kept_headers(headers: Mapping[str, HeaderValue]) -> bytes | None:
    """A publisher's headers as the log keeps them, whatever they hold; those that tell of deaths are left out."""
    return headers_text({said(name): kept(value) for name, value in headers.items() if not is_of_the_way(name)})


def _regular(registry: Registry, event_type: str, version: str, payload: Json) -> bool:
    try:
        return registry.valid(event_type, version, payload) and event_type_fault(event_type) is None
    except UnknownContractError:
        return False
