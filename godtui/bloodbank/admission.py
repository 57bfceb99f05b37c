"""What a message must be for the log, or what stands before it, to take it."""

from __future__ import annotations

from godtui.bloodbank.bus import Already, Confirmed, Conflict, Message, PublishOutcome, Refused
from godtui.bloodbank.handed import headers_text
from godtui.envelope import InvalidEventError, read_envelope, violations_text
from godtui.eventlog import Outcome, Record, Verdict


def record_of(message: Message) -> Record | Refused:
    """The message as the log keeps it, or why it cannot be kept."""
    record = message.record
    if record is None:
        try:
            envelope, faults = read_envelope(message.body)
        except InvalidEventError as error:
            return Refused(f"not an event: {error}")
        record = Record.of(envelope, envelope.to_json(), violations=violations_text(faults))
    try:
        message.routing_key.encode()
        headers = headers_text(message.headers)
    except (UnicodeEncodeError, TypeError, ValueError) as error:
        return Refused(f"its headers or its routing key cannot be kept: {error}")
    return record._replace(headers=headers) if headers else record


def answer(outcome: Outcome) -> PublishOutcome:
    """What a publisher is told of what the log did."""
    match outcome.verdict:
        case Verdict.STORED:
            return Confirmed(outcome.seq)
        case Verdict.ALREADY:
            return Already(outcome.seq or None)
        case Verdict.CONFLICT:
            return Conflict(outcome.seq)
