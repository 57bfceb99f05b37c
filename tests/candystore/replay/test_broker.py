"""Replays of an engine on a broker: over the exchange or to one queue, and nothing is stored again."""

from __future__ import annotations

from contextlib import aclosing
from uuid import UUID

import pytest

from godtui.bloodbank.bus import QueueSpec
from godtui.bloodbank.holder import Holder
from godtui.bloodbank.replayed import REPLAY, TARGET, replay_of
from godtui.filters import parse
from godtui.operations import (
    HistoryElsewhereError,
    Replayed,
    ReplayRefusedError,
    ReplayRequest,
    ReplayView,
)
from godtui.operations.replays import SharedReplays
from godtui.runtime.engine import Engine
from tests.contract.messages import eventually
from tests.instances.test_shared import HandHistory
from tests.runtime.test_broker import draft, started, stored, url

__all__ = ["url"]

WANTED = "type:test.event.created"
QUEUE = QueueSpec("agent.inbox", ("test.#",))
OWN = [(queue, "godtui's own") for queue in ("bloodbank.dead-letters", "godtui.persister", "godtui.dispatcher.active")]
ASIDE = QueueSpec("aside", ("nothing.of.this",))


async def over(engine: Engine, view: ReplayView, state: str = "completed") -> ReplayView:
    """The replay once it is in a state."""
    found: list[ReplayView] = []

    async def is_over() -> bool:
        now = await engine.operations.replays.replay(view.replay_id)
        assert now is not None
        found[:] = [now]
        return now.state == state

    await eventually(is_over)
    return found[0]


async def taken(engine: Engine, spec: QueueSpec, number: int) -> list[tuple[UUID, str, dict[str, object]]]:
    """The next messages of a queue: id, routing key, headers."""
    got: list[tuple[UUID, str, dict[str, object]]] = []
    async with engine._transport.bus.subscribe(spec) as consumer:
        while len(got) < number:
            batch = await consumer.batch(number)
            for each in batch.deliveries:
                message = each.message
                got.append((UUID(message.message_id), message.routing_key, dict(message.headers)))
            await batch.settle()
    return got


async def test_over_the_exchange_and_to_one_queue(url: str) -> None:
    async with started(url) as engine:
        ids = [(await engine.operations.bus.publish(draft(f"{number}"))).event_id for number in range(3)]
        await eventually(stored(engine, WANTED, 3))
        replays, bus = engine.operations.replays, engine._transport.bus
        await bus.declare(QUEUE)
        await bus.declare(ASIDE)
        async with aclosing(engine.operations.store.stream(parse(WANTED, now=0))) as frames:
            await anext(frames)
            made = await replays.create(ReplayRequest(filter=WANTED, speed="max"))
            again = [await anext(frames) for _ in ids]
            assert [frame.replay_id for frame in again if isinstance(frame, Replayed)] == [made.replay_id] * 3
        assert (await over(engine, made)).sent == 3
        got = await taken(engine, QUEUE, 3)
        assert [event_id for event_id, _, _ in got] == ids
        assert {headers[TARGET] for _, _, headers in got} == {"bus"}
        aside = await replays.create(ReplayRequest(filter=WANTED, speed="max", to="queue:aside"))
        await over(engine, aside)
        got = await taken(engine, ASIDE, 3)
        assert [(event_id, key) for event_id, key, _ in got] == [(each, "test.event.created") for each in ids]
        assert {replay_of({REPLAY: str(headers[REPLAY])}) for _, _, headers in got} == {aside.replay_id}

        async def is_told() -> bool:
            figures = engine.health().components["persister"].figures
            return bool(figures["replayed"] == 3)

        await eventually(is_told)
        await eventually(stored(engine, "type:candystore.replay.*", 4))
        assert await stored(engine, WANTED, 3)()
        assert engine.health().components["persister"].figures["held_before"] == 0
        for queue, said in (
            ("nowhere", "no queue named nowhere"),
            ("candystore.events", "not stored again"),
            ("ünïcode*", "over AMQP"),
            *OWN,
        ):
            with pytest.raises(ReplayRefusedError, match=said):
                await replays.create(ReplayRequest(filter=WANTED, to=f"queue:{queue}"))
        plan = await replays.plan(ReplayRequest(filter=WANTED, speed="max"))
        assert (plan.total, plan.exact, plan.invalid) == (3, True, 0)
        assert any("registry.yaml" in note for note in plan.notes)


async def test_while_there_is_no_broker_a_replay_says_what_it_waits_for() -> None:
    async with started("amqp://guest:guest@127.0.0.1:1/") as engine:
        made = await engine.operations.replays.create(ReplayRequest(filter=""))
        assert (made.state, made.reason) == ("running", "there is no connection to the broker")
        assert await engine.operations.replays.replay(made.replay_id) == made


async def test_where_the_history_is_elsewhere_there_are_no_replays() -> None:
    history = HandHistory()
    history.go(Holder("other-17", None, 1))

    class NoReplays:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"{name} was asked where it is not known")

    shared = SharedReplays(NoReplays(), history)  # type: ignore[arg-type]
    one = UUID(int=1)
    for asking in (
        shared.plan(ReplayRequest(filter="")),
        shared.create(ReplayRequest(filter="")),
        shared.replays(),
        shared.replay(one),
        shared.pause(one),
        shared.resume(one),
        shared.step(one),
        shared.seek(one, seq=1),
        shared.adjust(one, speed=1.0, rate=None, max_gap_s=None),
        shared.cancel(one),
    ):
        with pytest.raises(HistoryElsewhereError, match="other-17"):
            await asking
