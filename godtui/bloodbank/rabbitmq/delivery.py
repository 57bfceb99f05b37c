"""What a consumer has in its hands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiormq.abc import DeliveredMessage

from godtui.bloodbank.bus import AlreadySettledError, Message
from godtui.bloodbank.deaths import DEAD_LETTERS
from godtui.bloodbank.rabbitmq.afterlife import Decision
from godtui.bloodbank.rabbitmq.messages import attempts_of, letter_of, message_of

if TYPE_CHECKING:
    from godtui.bloodbank.rabbitmq.consumer import RabbitSubscription


class RabbitDelivery:
    """A message in a consumer's hands; void once the connection that brought it is gone."""

    __slots__ = ("_consumer", "_message", "attempt", "carrier", "first_at", "generation", "settled")

    def __init__(self, carrier: DeliveredMessage, generation: int, first_at: int, consumer: RabbitSubscription) -> None:
        self.carrier = carrier
        self.generation = generation
        self.first_at = first_at
        self.attempt = attempts_of(carrier, is_dead=consumer.spec.name == DEAD_LETTERS)
        self.settled = False
        self._message: Message | None = None
        self._consumer = consumer

    @property
    def tag(self) -> int:
        """Its number on the channel."""
        return self.carrier.delivery_tag or 0

    @property
    def message(self) -> Message:
        if self._message is None:
            self._message = (letter_of if self._consumer.spec.name == DEAD_LETTERS else message_of)(self.carrier)
        return self._message

    def ack(self) -> None:
        self._settle(None)

    def retry(self, reason: str, after: float = 0.0) -> None:
        self._settle(Decision(self, after=max(0.0, after)))

    def dead_letter(self, reason: str) -> None:
        self._settle(Decision(self, reason=reason.encode(errors="backslashreplace").decode()))

    def _settle(self, decision: Decision | None) -> None:
        if self.settled:
            raise AlreadySettledError(f"message {self.message.message_id} is settled already")
        self.settled = True
        self._consumer.decide(self, decision)


class RabbitBatch:
    """Messages handed out together."""

    def __init__(self, deliveries: Sequence[RabbitDelivery], consumer: RabbitSubscription) -> None:
        self.deliveries = deliveries
        self._consumer = consumer

    async def settle(self) -> None:
        for delivery in self.deliveries:
            if not delivery.settled:
                delivery.ack()
        await self._consumer.flush()
