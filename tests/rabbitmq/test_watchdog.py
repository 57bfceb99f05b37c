"""The watchdog: how long what was seen counts, and what it says when the memory's queue is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from aiormq.exceptions import ChannelNotFoundEntity

from godtui.bloodbank.bus import Message
from godtui.bloodbank.rabbitmq import MEMORY, Topology
from godtui.bloodbank.rabbitmq.watchdog import CHECK_SECONDS, TRUSTED_SECONDS, Watchdog
from tests.clock import ManualClock
from tests.contract.messages import event, events, ids


class Broker:
    """Answers as a broker does that has one queue, or lost it; a channel and a link of its own."""

    is_closed = False
    up = True
    blocked = False
    version = (3, 10, 8)

    def __init__(self) -> None:
        self.exists = False
        self.bindings: set[str] = set()
        self.waiting = 0
        self.error: Exception | None = None
        self.losses: list[str] = []
        self.answering = asyncio.Event()
        self.answering.set()

    async def channel(self) -> Broker:
        return self

    @asynccontextmanager
    async def talk(self) -> AsyncGenerator[Broker]:
        yield self

    async def look(self) -> None:
        return

    def lost(self, reason: str) -> None:
        self.losses.append(reason)

    async def exchange_declare(self, *arguments: Any, **options: Any) -> None:
        if self.error is not None:
            raise self.error

    async def queue_declare(self, name: str, *, passive: bool = False, **options: Any) -> Any:
        await self.answering.wait()
        if self.error is not None:
            raise self.error
        if name == MEMORY and passive and not self.exists:
            raise ChannelNotFoundEntity("no queue")
        if name == MEMORY:
            self.exists = True
        return SimpleNamespace(message_count=self.waiting, consumer_count=1)

    async def queue_bind(self, name: str, exchange: str, pattern: str) -> None:
        if name == MEMORY:
            self.bindings.add(pattern)


class Consumer:
    """Who consumes the memory's queue."""

    is_consuming = True
    is_served = True
    has_no_leader = False
    unsettled = 0


class Confirming:
    """A sender whose messages are all confirmed, as far as the test does not say otherwise."""

    verdicts = under_way = 0

    def __init__(self) -> None:
        self.flying: set[str] = set()

    def is_under_way(self, identity: str) -> bool:
        return identity in self.flying


class Kennel:
    """A watchdog that runs on the test's time."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.broker = Broker()
        self.sender = Confirming()
        self.restored: list[str] = []
        self.refused = 0
        link: Any = self.broker
        sender: Any = self.sender
        self.dog = Watchdog(link, link, sender, Topology(), self.clock, self._restore)

    async def looks(self, number: int = 1) -> None:
        """Let it look so often."""
        for _ in range(number):
            await self.clock.sleepers()
            self.clock.advance(CHECK_SECONDS)
            await self.clock.sleepers()

    async def _restore(self, messages: Sequence[Message]) -> Sequence[Message]:
        if self.refused:
            self.refused -= 1
            return messages
        self.restored += ids(messages)
        return ()


@pytest_asyncio.fixture
async def kennel() -> AsyncGenerator[Kennel]:
    kennel = Kennel()
    link: Any = kennel.broker
    await kennel.dog.opened(link)
    running = asyncio.create_task(kennel.dog.run())
    yield kennel
    running.cancel()
    await asyncio.wait((running,))


async def test_what_was_seen_counts_for_five_seconds(kennel: Kennel) -> None:
    kennel.broker.answering.clear()
    assert kennel.dog.trusted
    assert kennel.broker.bindings == {"#"}
    kennel.clock.advance(TRUSTED_SECONDS)
    assert kennel.dog.trusted
    kennel.clock.advance(0.001)
    assert not kennel.dog.trusted
    assert kennel.dog.distrust == "the memory's queue was not seen for too long"


async def test_an_answer_tells_how_it_was_when_it_was_asked_for(kennel: Kennel) -> None:
    kennel.broker.answering.clear()
    await kennel.clock.sleepers()
    kennel.clock.advance(CHECK_SECONDS)
    while kennel.clock.sleeping:
        await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(0)
    kennel.clock.advance(60)
    kennel.broker.answering.set()
    await kennel.clock.sleepers()
    assert not kennel.dog.trusted


async def test_an_alert_is_looked_into_at_once(kennel: Kennel) -> None:
    await kennel.clock.sleepers()
    kennel.broker.bindings.clear()
    kennel.dog.alert("someone says so")
    assert not kennel.dog.trusted
    assert kennel.dog.distrust == "someone says so"
    while not kennel.dog.trusted:
        await asyncio.sleep(0)
    assert kennel.broker.bindings == {"#"}


async def test_a_deleted_queue_is_said_and_what_was_confirmed_is_put_back(
    kennel: Kennel, caplog: pytest.LogCaptureFixture
) -> None:
    sent = events(5)
    for message in sent:
        kennel.dog.outstanding.sent(message)
    kennel.dog.confirmed = 4
    kennel.sender.flying = {sent[4].message_id}
    kennel.dog.outstanding.decided(sent[0].message_id)
    kennel.broker.waiting = 7
    await kennel.looks()
    kennel.dog.confirmed = 4
    kennel.broker.exists, kennel.broker.waiting = False, 0
    kennel.refused = 1
    await kennel.looks(2)
    (gap,) = kennel.dog.gaps
    assert (gap.cause, gap.confirmed, gap.backlog, gap.restored) == ("deleted", 4, 7, 3)
    assert gap.until - gap.since == CHECK_SECONDS * 1_000_000
    assert caplog.messages.count(str(gap)) == 1
    assert kennel.restored == ids(sent[1:4])
    assert kennel.dog.trusted


async def test_a_cancelled_consumer_is_enough_to_confirm_nothing_more(kennel: Kennel) -> None:
    await kennel.clock.sleepers()
    kennel.broker.exists = False
    kennel.dog.cancelled()
    assert not kennel.dog.trusted
    assert "was deleted" in kennel.dog.distrust
    while not kennel.dog.trusted:
        await asyncio.sleep(0)
    assert kennel.broker.exists
    assert len(kennel.dog.gaps) == 1


async def test_a_look_that_was_under_way_does_not_outdo_an_alarm(
    kennel: Kennel, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kennel.clock.sleepers()

    async def bind_too_late(*arguments: str) -> None:
        monkeypatch.undo()
        kennel.broker.exists = False
        kennel.dog.cancelled()

    monkeypatch.setattr(kennel.broker, "queue_bind", bind_too_late)
    await kennel.dog.check()
    assert not kennel.dog.trusted
    while not kennel.dog.trusted:
        await asyncio.sleep(0)
    assert kennel.broker.exists
    assert len(kennel.dog.gaps) == 1


async def test_a_broker_that_lost_the_queue_while_we_were_away(kennel: Kennel) -> None:
    kennel.broker.exists = False
    link: Any = kennel.broker
    await kennel.dog.opened(link)
    assert len(kennel.dog.gaps) == 1
    assert kennel.dog.trusted


async def test_what_does_not_come_out_although_later_ones_do_is_put_back(kennel: Kennel) -> None:
    kennel.dog.keeper = Consumer()
    early, late = event(), event()
    kennel.broker.waiting = 1
    kennel.dog.outstanding.sent(early)
    await kennel.looks(3)
    kennel.dog.outstanding.sent(late)
    await kennel.looks(1)
    assert not kennel.dog.gaps
    kennel.dog.outstanding.decided(late.message_id)
    await kennel.looks(2)
    (gap,) = kennel.dog.gaps
    assert (gap.cause, gap.restored) == ("unbound", 1)
    assert kennel.restored == [early.message_id]


async def test_what_does_not_come_out_although_nothing_is_left_is_put_back(kennel: Kennel) -> None:
    keeper = kennel.dog.keeper = Consumer()
    message = event()
    kennel.dog.outstanding.sent(message)
    keeper.unsettled = 1
    await kennel.looks(9)
    assert not kennel.dog.gaps, "it may be in someone's hands"
    keeper.unsettled = 0
    await kennel.looks(4)
    assert kennel.restored == [message.message_id]


async def test_who_stands_by_cannot_tell(kennel: Kennel) -> None:
    keeper = kennel.dog.keeper = Consumer()
    keeper.is_consuming = False
    for message in events(20):
        kennel.dog.outstanding.sent(message)
        await kennel.looks()
    assert not kennel.dog.gaps
    assert len(kennel.dog.outstanding) <= 3, "no more than what was sent lately is kept"


async def test_a_broker_that_answers_and_confirms_nothing_is_said(
    kennel: Kennel, caplog: pytest.LogCaptureFixture
) -> None:
    kennel.sender.under_way = 1
    await kennel.looks(2)
    assert kennel.dog.silence is None
    await kennel.looks(5)
    assert "has lost its leader" in str(kennel.dog.silence)
    assert caplog.messages.count(str(kennel.dog.silence)) == 1
    kennel.sender.verdicts = 1
    await kennel.looks()
    assert kennel.dog.silence is None


async def test_an_error_nobody_thought_of_does_not_end_it(kennel: Kennel, caplog: pytest.LogCaptureFixture) -> None:
    kennel.broker.error = KeyError("a bug")
    await kennel.looks(4)
    assert not kennel.dog.trusted
    assert "the watchdog failed, and goes on" in caplog.text
    kennel.broker.error = None
    await kennel.looks()
    assert kennel.dog.trusted
