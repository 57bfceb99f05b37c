"""What the library promises whichever way it goes."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from godtui.bloodbank import (
    ConflictError,
    Delivery,
    EventDraft,
    EventEnvelope,
    EventError,
    GiveUpError,
    InvalidEventError,
    NotConfirmedError,
    Publisher,
    Subscriber,
    TooLargeError,
)
from godtui.envelope import new_id
from tests.library.ways import Way

TYPE = "test.event.created"
BOUND = 30.0


async def taken(subscriber: Subscriber, number: int = 1) -> list[EventEnvelope]:
    """So many events, each handled."""
    events = []
    async with asyncio.timeout(BOUND):
        while len(events) < number:
            async with await anext(subscriber) as event:
                events.append(event)
    return events


def texts(events: list[EventEnvelope]) -> list[str]:
    return [event.payload["message"] for event in events]


async def test_an_event_is_published_and_comes(way: Way) -> None:
    async with way.subscriber() as subscriber, way.publisher(service="mine") as publisher:
        receipt = await publisher.publish(TYPE, {"message": "a"}, agent_context={"big": 10**30}, note=None)
        [event] = await taken(subscriber)
    assert (receipt.event_type, receipt.version, receipt.correlation_id) == (TYPE, "v1", receipt.event_id)
    assert (event.event_id, event.event_type, event.time) == (receipt.event_id, TYPE, receipt.timestamp)
    assert event.correlation_id == event.event_id
    assert event.payload == {"message": "a"}
    assert event.source_name == "mine"
    assert event.extra == {"agent_context": {"big": 10**30}, "note": None}


async def test_everything_that_is_said_is_kept(way: Way) -> None:
    ids = [new_id() for _ in range(3)]
    stamp = datetime(2026, 2, 12, 14, 2, 11, 1, UTC)
    async with way.subscriber() as subscriber, way.publisher() as publisher:
        receipt = await publisher.publish(
            TYPE, {"message": "a"}, event_id=ids[0], timestamp=stamp, version="v1", source={"app": "x"},
            correlation_id=str(ids[1]), causation_id=ids[2],
        )  # fmt: skip
        await publisher.publish(EventDraft(event_type=TYPE, payload={"message": "b"}))
        one, other = await taken(subscriber, 2)
    assert receipt.event_id == one.event_id == ids[0]
    assert receipt.correlation_id == one.correlation_id == ids[1]
    assert one.timestamp == stamp
    assert (one.source["app"], one.source["causation_id"]) == ("x", str(ids[2]))
    assert (other.payload, other.source_name) == ({"message": "b"}, "python")


@pytest.mark.parametrize(
    ("event_type", "payload", "path"),
    [
        (TYPE, {"message": 1}, "/payload/message"),
        (TYPE, {}, "/payload"),
        (TYPE, None, "/payload"),
        ("test.event.creatd", {"message": "a"}, "/event_type"),
        ("Nothing", {"message": "a"}, "/event_type"),
    ],
)
async def test_what_is_not_valid_is_refused_with_its_place(way: Way, event_type: str, payload: Any, path: str) -> None:
    async with way.publisher() as publisher:
        with pytest.raises(InvalidEventError) as caught:
            await publisher.publish(event_type, payload)
    assert any(fault.path.startswith(path) for fault in caught.value.faults), caught.value.faults
    assert isinstance(caught.value, EventError)


@pytest.mark.parametrize("value", [float("nan"), datetime(2026, 1, 1, tzinfo=UTC), b"x", "\ud800"])
async def test_what_json_cannot_say_is_refused(way: Way, value: Any) -> None:
    async with way.publisher() as publisher:
        with pytest.raises(InvalidEventError):
            await publisher.publish(TYPE, {"message": value})
        with pytest.raises(InvalidEventError):
            await publisher.publish(TYPE, {"message": "a"}, note={"deep": [value]})


async def test_what_is_too_large_is_refused(way: Way) -> None:
    async with way.publisher() as publisher:
        with pytest.raises(TooLargeError) as caught:
            await publisher.publish(TYPE, {"message": "x" * 1_100_000})
    assert caught.value.event_id.version == 7


async def test_an_id_with_other_content_is_a_conflict_where_that_is_known(way: Way) -> None:
    async with way.publisher() as publisher:
        first = await publisher.publish(TYPE, {"message": "a"})
        assert (await publisher.publish(TYPE, {"message": "a"}, event_id=first.event_id)).event_id == first.event_id
        if way.knows_conflicts:
            with pytest.raises(ConflictError) as caught:
                await publisher.publish(TYPE, {"message": "b"}, event_id=first.event_id)
            assert caught.value.event_id == first.event_id


async def test_a_batch_is_told_by_its_places(way: Way) -> None:
    events: list[Any] = [
        {"event_type": TYPE, "payload": {"message": "0"}},
        {"event_type": "no", "payload": {}},
        EventDraft(event_type=TYPE, payload={"message": "2"}),
        {"event_type": TYPE, "payload": {"message": 3}},
        {"event_type": TYPE, "payload": {"message": "x" * 1_100_000}},
        {"event_type": TYPE, "payload": {"message": "5"}},
        {"event_type": TYPE, "payload": {"message": float("nan")}},
    ]
    async with way.subscriber() as subscriber, way.publisher() as publisher:
        report = await publisher.publish_batch(events)
        assert texts(await taken(subscriber, 3)) == ["0", "2", "5"]
        assert (await publisher.publish_batch([])).accepted == 0
    assert report.accepted == 3
    assert [one.index for one in report.rejected] == [1, 3, 4, 6]
    assert report.rejected[2].faults[0].keyword == "maxBytes"
    assert report.unconfirmed == []


async def test_bindings_choose(way: Way) -> None:
    patterns = ["nothing.at.all", "test.*.created"]
    async with way.subscriber(bindings=patterns) as some, way.subscriber("library.none", bindings=["no.#"]) as none:
        async with way.publisher() as publisher:
            await publisher.publish(TYPE, {"message": "a"})
        assert texts(await taken(some)) == ["a"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await anext(none)


async def test_what_a_handler_publishes_inherits_correlation_and_cause(way: Way) -> None:
    seen: list[EventEnvelope] = []
    done = asyncio.Event()

    async with way.subscriber() as subscriber, way.publisher() as publisher:

        async def handle(event: EventEnvelope) -> None:
            seen.append(event)
            match event.payload["message"]:
                case "cause":
                    await publisher.publish(TYPE, {"message": "effect"})
                    await publisher.publish_batch([{"event_type": TYPE, "payload": {"message": "effect"}}])
                case "after":
                    done.set()

        chain = new_id()
        running = asyncio.create_task(subscriber.run(handle))
        cause = await publisher.publish(TYPE, {"message": "cause"}, correlation_id=chain)
        async with asyncio.timeout(BOUND):
            while len(seen) < 3:
                await asyncio.sleep(0.01)
            own = await publisher.publish(TYPE, {"message": "after"})
            await done.wait()
        await subscriber.close()
        await running
    effects = [event for event in seen if event.payload["message"] == "effect"]
    assert [event.correlation_id for event in effects] == [chain, chain]
    assert [event.source["causation_id"] for event in effects] == [str(cause.event_id)] * 2
    assert own.correlation_id == own.event_id, "outside a handler a chain of its own begins"


async def test_what_fails_is_tried_again(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    attempts: list[tuple[str, int]] = []
    async with way.subscriber() as subscriber, way.publisher() as publisher:
        await publisher.publish(TYPE, {"message": "a"})
        async with asyncio.timeout(BOUND):
            async for delivery in subscriber:
                async with delivery as event:
                    attempts.append((event.payload["message"], delivery.attempt))
                    if len(attempts) < 3:
                        raise RuntimeError("not yet")
                if len(attempts) == 3:
                    break
    assert attempts == [("a", 1), ("a", 2), ("a", 3)]
    said = [record for record in caplog.records if "attempt 1 of 5" in record.message]
    assert len(said) == 1
    assert said[0].exc_info is not None
    assert await way.letters() == []


async def test_what_fails_too_often_is_given_up_and_holds_up_nothing(
    way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    handled: list[str] = []
    given_up: list[tuple[str, int, str]] = []
    everything = asyncio.Event()

    async def on_give_up(delivery: Delivery, reason: str) -> None:
        given_up.append((delivery.event.payload["message"], delivery.attempt, reason))

    async def handle(event: EventEnvelope) -> None:
        text = event.payload["message"]
        if text == "bad":
            raise LookupError("no such thing")
        if text == "worse":
            raise GiveUpError("nobody wants it")
        handled.append(text)
        if len(handled) == 2:
            everything.set()

    async with way.subscriber(max_attempts=2, on_give_up=on_give_up) as subscriber, way.publisher() as publisher:
        for text in ("bad", "worse", "good"):
            await publisher.publish(TYPE, {"message": text})
        running = asyncio.create_task(subscriber.run(handle))
        async with asyncio.timeout(BOUND):
            while len(given_up) < 2:
                await asyncio.sleep(0.01)
            await publisher.publish(TYPE, {"message": "last"})
            await everything.wait()
        await subscriber.close()
        await running
    expected = [("bad", 2, "LookupError: no such thing"), ("worse", 1, "nobody wants it")]
    assert sorted(given_up) == expected
    assert handled == ["good", "last"]
    if way.keeps_letters:
        assert sorted(reason for reason, _ in await way.letters()) == [expected[0][2], expected[1][2]]
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2
    assert all("is given up" in message for message in errors)


async def test_where_giving_up_cannot_be_told_nothing_is_given_up(way: Way) -> None:
    async def on_give_up(delivery: Delivery, reason: str) -> None:
        raise OSError("the pager is off")

    async def handle(event: EventEnvelope) -> None:
        raise GiveUpError("nobody wants it")

    async with way.publisher() as publisher:
        async with way.subscriber(on_give_up=on_give_up) as subscriber:
            position = subscriber.position
            await publisher.publish(TYPE, {"message": "a"})
            with pytest.raises(OSError, match="the pager is off"):
                async with asyncio.timeout(BOUND):
                    await subscriber.run(handle)
        assert subscriber.position == position
        async with way.subscriber(after=position) as subscriber:
            assert texts(await taken(subscriber)) == ["a"]
    assert await way.letters() == []


async def test_what_is_not_settled_comes_again(way: Way) -> None:
    async with way.publisher() as publisher:
        async with way.subscriber() as subscriber:
            for text in ("a", "b", "c"):
                await publisher.publish(TYPE, {"message": text})
            assert texts(await taken(subscriber)) == ["a"]
            interrupted = await anext(subscriber)
            with pytest.raises(KeyboardInterrupt):
                async with interrupted:
                    raise KeyboardInterrupt
            assert not interrupted.settled
            position = subscriber.position
        async with way.subscriber(after=position) as subscriber:
            assert texts(await taken(subscriber, 2)) == ["b", "c"]


async def test_an_event_that_is_left_unhandled_is_an_error_at_once(way: Way) -> None:
    async with way.publisher() as publisher, way.subscriber() as subscriber:
        await publisher.publish(TYPE, {"message": "a"})
        async with asyncio.timeout(BOUND):
            await anext(subscriber)
        with pytest.raises(RuntimeError, match="async with delivery"):
            await anext(subscriber)


async def test_who_stops_waiting_loses_nothing(way: Way) -> None:
    async with way.publisher() as publisher, way.subscriber() as subscriber:
        for text in ("a", "b"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await anext(subscriber)
            await publisher.publish(TYPE, {"message": text})
            assert texts(await taken(subscriber)) == [text]


async def test_closing_ends_whoever_waits(way: Way) -> None:
    async with way.subscriber() as subscriber:
        assert subscriber.state.status == "connected"
        waiting = asyncio.create_task(subscriber.run(_nothing))
        await asyncio.sleep(0)
        await subscriber.close()
        await asyncio.wait_for(waiting, BOUND)
        assert subscriber.state.status == "closed"
        assert [delivery async for delivery in subscriber] == []


async def _nothing(event: EventEnvelope) -> None:
    """A handler of no events."""


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "amqp://me:hunter2@127.0.0.1:1"])
async def test_where_nothing_answers_nothing_is_confirmed_and_no_password_shown(
    url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("godtui.bloodbank.library.broker.READY_SECONDS", 0.05)
    async with Publisher.connect(url) as publisher:
        with pytest.raises(NotConfirmedError, match=r"not confirmed: .*127\.0\.0\.1:1") as caught:
            await publisher.publish("test.event.created", {"message": "a"})
        event_id = caught.value.event_id
        report = await publisher.publish_batch(
            [{"event_type": TYPE, "payload": {"message": "a"}, "event_id": event_id}]
        )
    assert [one.event_id for one in report.unconfirmed] == [event_id]
    queue = {"queue": "q"} if url.startswith("amqp") else {}
    async with Subscriber.connect(url, **queue) as subscriber:  # type: ignore[arg-type]
        assert subscriber.state.status == "waiting"
        assert "127.0.0.1:1" in subscriber.state.detail
    said = " ".join([caplog.text, str(caught.value), subscriber.state.detail])
    assert "hunter2" not in said
    assert "Traceback" not in said
