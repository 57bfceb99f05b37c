"""Our wildcards are the broker's: what a binding selects here is what it selects there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiormq
from aiormq.channel import Channel
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from godtui.topics import matches

words = st.sampled_from(["a", "b", "ab", "a-b_1"])
keys = st.lists(words, min_size=1, max_size=6).map(".".join)
patterns = st.lists(st.one_of(words, st.sampled_from("*#")), min_size=1, max_size=6).map(".".join)
EXAMPLES = 200


class Exchange:
    """A topic exchange with one queue."""

    def __init__(self, channel: Channel, name: str, queue: str) -> None:
        self._channel = channel
        self._name = name
        self._queue = queue

    async def selects(self, pattern: str, sent: list[str]) -> list[str]:
        """The routing keys that reach the queue while it is bound so."""
        channel, found = self._channel, []
        await channel.queue_bind(self._queue, self._name, pattern)
        for key in sent:
            await channel.basic_publish(b"", exchange=self._name, routing_key=key)
        while isinstance((got := await channel.basic_get(self._queue, no_ack=True)).delivery, aiormq.spec.Basic.GetOk):
            found.append(got.routing_key or "")
        await channel.queue_unbind(self._queue, self._name, pattern)
        return found


@asynccontextmanager
async def exchange(url: str) -> AsyncGenerator[Exchange]:
    connection = await aiormq.connect(url)
    channel = await connection.channel(on_return_raises=False)
    assert isinstance(channel, Channel)
    await channel.exchange_declare("wildcards", exchange_type="topic")
    queue = (await channel.queue_declare("", exclusive=True)).queue or ""
    yield Exchange(channel, "wildcards", queue)
    await connection.close()


def test_any_binding_selects_what_the_broker_says(url: str) -> None:
    """One connection for all examples: they take milliseconds each."""
    with asyncio.Runner() as runner:
        context = exchange(url)
        topic = runner.run(context.__aenter__())

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(pattern=patterns, sent=st.lists(keys, min_size=1, max_size=8, unique=True))
        @example(pattern="#", sent=["a", "a.b"])
        @example(pattern="#.#", sent=["a", "a.b", "a.b.a"])
        @example(pattern="*.#.*", sent=["a", "a.b", "a.b.a"])
        @example(pattern="#.a.#", sent=["a", "b.a", "a.b", "b.ab"])
        def check(pattern: str, sent: list[str]) -> None:
            expected = [key for key in sent if matches(pattern, key)]
            assert runner.run(topic.selects(pattern, sent)) == expected

        try:
            check()
        finally:
            runner.run(context.__aexit__(None, None, None))
