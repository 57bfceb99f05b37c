"""Ids that are held already, known before they are published to a bus that does not know them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from godtui.bloodbank.admission import record_of
from godtui.bloodbank.bus import Already, Conflict, Message, PublishOutcome, Sink
from godtui.eventlog import EventLog, LogUnavailableError, Record, same_body


class Recollection:
    """A Sink in front of another: what is held is answered from here and not delivered again.

    Held is what the log has, and what was confirmed here and is on its way there. Of anything else on its way the log
    tells when it comes. A log that cannot be asked holds nobody up.
    """

    def __init__(self, sink: Sink, log: EventLog, pending: Callable[[str], Message | None]) -> None:
        """`pending` finds what was confirmed under an id and is not in the log yet."""
        self._sink = sink
        self._log = log
        self._pending = pending

    async def publish(self, messages: Sequence[Message]) -> list[PublishOutcome]:
        outcomes: list[PublishOutcome | None] = [
            None if message.is_new else await self._held(message) for message in messages
        ]
        unknown = [message for message, outcome in zip(messages, outcomes, strict=True) if outcome is None]
        sent = iter(await self._sink.publish(unknown) if unknown else ())
        return [next(sent) if outcome is None else outcome for outcome in outcomes]

    async def _held(self, message: Message) -> PublishOutcome | None:
        record = record_of(message)
        if not isinstance(record, Record):
            return None
        pending = self._pending(message.message_id)
        if pending is not None:
            return Already(None) if same_body(pending.body, record.body) else Conflict(None)
        try:
            held = await self._log.event(record.event_id)
        except LogUnavailableError:
            return None
        if held is None:
            return None
        return Already(held.seq) if same_body(held.body, record.body) else Conflict(held.seq)
