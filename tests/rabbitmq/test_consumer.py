"""What a consumer on a broker does that the contract of all transports does not ask for."""

from __future__ import annotations

import pytest

from godtui.bloodbank.bus import QueueSpec
from godtui.bloodbank.rabbitmq import consumer
from tests import broker
from tests.contract.messages import collect, drain, event, ids, send
from tests.contract.rabbitmq import RabbitHarness


async def test_a_consumer_that_the_broker_has_forgotten_comes_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue exists, and nobody consumes: one that came just when its queue went is not told."""
    monkeypatch.setattr(consumer, "LOOK_SECONDS", 0.1)
    harness = RabbitHarness(broker.shared().url)
    await harness.start()
    try:
        async with harness.bus.subscribe(QueueSpec("q", ("#",))) as subscription:
            await send(harness.bus, [first := event()])
            assert ids(await drain(subscription, 1)) == [first.message_id]
            assert subscription._channel is not None
            assert subscription._tag is not None
            await subscription._channel.basic_cancel(subscription._tag)
            await send(harness.bus, [second := event()])
            assert ids(await collect(subscription, 1)) == [second.message_id]
    finally:
        await harness.stop()
        await harness.clean()
