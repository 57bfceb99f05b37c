"""Ids that the log holds already, known before they are published to a bus that does not know them."""

from __future__ import annotations

from collections.abc import Sequence

from godtui.bloodbank.admission import record_of
from godtui.bloodbank.bus import Already, Conflict, Message, PublishOutcome, Sink
from godtui.eventlog import EventLog, LogUnavailableError, Record, same_body


class Recollection:
    """A Sink in front of another: what the log holds is answered from there and not delivered again.

    What is on its way to the log is not known yet; of that, the log tells when it comes. A log that cannot be asked
    holds nobody up.
    """

    def __init__(self, sink: Sink, log: EventLog) -> None:
        self._sink = sink
        self._log = log

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
        try:
            held = await self._log.event(record.event_id)
        except LogUnavailableError:
            return None
        if held is None:
            return None
        return Already(held.seq) if same_body(held.body, record.body) else Conflict(held.seq)
