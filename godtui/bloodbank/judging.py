"""What is irregular about an event that comes in, said in the same words whichever way it comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from godtui.bloodbank.bus import HeaderValue, Message
from godtui.bloodbank.deaths import is_of_the_way, kept, said
from godtui.bloodbank.handed import headers_text
from godtui.envelope import EventEnvelope, Fault, event_type_fault, read_envelope, version_fault, violations_text
from godtui.eventlog import Record
from godtui.holyfields import Registry, UnknownContractError, UnknownVersionError


def judge(message: Message, registry: Registry) -> Record:
    """A message that anyone may have sent as the log keeps it, with what is irregular about it.

    The body is kept in our own form; how large an event may be is a rule for publishing, none for keeping. Raises
    InvalidEventError where it names no event.
    """
    envelope, faults = read_envelope(message.body)
    faults += named_faults(registry, envelope)
    faults += route_faults(message.routing_key, envelope.event_type)
    headers = kept_headers(message.headers)
    return Record.of(envelope, envelope.to_json(), violations=violations_text(faults), headers=headers)


def named_faults(registry: Registry, envelope: EventEnvelope) -> Sequence[Fault]:
    """As `contract_faults`, for names that need not be such as a contract could have."""
    event_type = envelope.event_type
    if event_type_fault(event_type):
        return ()
    if not version_fault(envelope.version):
        return contract_faults(registry, event_type, envelope.version, envelope.payload)
    return () if registry.versions(event_type) else contract_faults(registry, event_type, None, envelope.payload)


def contract_faults(registry: Registry, event_type: str, version: str | None, payload: Any) -> Sequence[Fault]:
    """Why a payload is not what its contract allows, or that there is no contract to judge it by."""
    try:
        contract = registry.contract(event_type, version)
    except UnknownContractError as error:
        return [Fault("/version" if isinstance(error, UnknownVersionError) else "/event_type", str(error))]
    return contract.faults(payload)


def route_faults(routing_key: str, event_type: str) -> Sequence[Fault]:
    """Whether an event was sent as what it says it is."""
    if routing_key == event_type:
        return ()
    return [Fault("/event_type", f"it was sent with the routing key {said(routing_key)!r}; its own type counts")]


def kept_headers(headers: Mapping[str, HeaderValue]) -> bytes | None:
    """A publisher's headers as the log keeps them, whatever they hold; those that tell of deaths are left out."""
    return headers_text({said(name): kept(value) for name, value in headers.items() if not is_of_the_way(name)})
