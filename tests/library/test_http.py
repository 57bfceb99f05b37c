"""The library through a running godtui: positions, interruptions, refusals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from godtui.bloodbank import (
    EventDraft,
    EventEnvelope,
    InvalidEventError,
    NotConfirmedError,
    Publisher,
    Subscriber,
    UnknownPositionError,
)
from godtui.bloodbank.frames import Events, Frame, Gap, Position, Replayed, Welcome
from godtui.bloodbank.http import publishing
from godtui.bloodbank.http.connection import Connection
from godtui.clock import to_datetime
from godtui.envelope import current_cause, handling, new_id
from godtui.operations import InstanceUnreachableError, StoreUnavailableError
from tests.api.test_stream import scripted
from tests.clock import MORNING, ManualClock
from tests.library.test_ways import BOUND, TYPE, taken, texts
from tests.library.ways import TOKEN, HttpWay


async def send(way: HttpWay, *messages: str) -> None:
    async with way.publisher() as publisher:
        report = await publisher.publish_batch(
            {"event_type": TYPE, "payload": {"message": message}} for message in messages
        )
    assert report.accepted == len(messages)


async def until(subscriber: Subscriber, status: str) -> None:
    async with asyncio.timeout(BOUND):
        while subscriber.state.status != status:
            await asyncio.sleep(0.01)


async def test_after_a_restart_it_goes_on_where_it_was(http: HttpWay, caplog: pytest.LogCaptureFixture) -> None:
    handled: list[str] = []

    async def handle(event: EventEnvelope) -> None:
        handled.append(event.payload["message"])

    async with http.subscriber() as subscriber:
        running = asyncio.create_task(subscriber.run(handle))
        await send(http, "a", "b")
        for text in ("c", "d"):
            await http.stop()
            await until(subscriber, "waiting")
            assert f"127.0.0.1:{http.port}" in subscriber.state.detail
            await http.start()
            await send(http, text)
            await until(subscriber, "connected")
        async with asyncio.timeout(BOUND):
            while subscriber.position != 4:
                await asyncio.sleep(0.01)
        await subscriber.close()
        await running
    assert handled == ["a", "b", "c", "d"]
    warnings = [record for record in caplog.records if record.name.startswith("godtui.bloodbank.library")]
    assert [record.levelname for record in warnings if record.levelno >= logging.WARNING] == ["WARNING"] * 2
    assert not any(record.exc_info for record in warnings)


async def test_the_whole_store_comes_once_and_in_order(http: HttpWay) -> None:
    numbers = [str(number) for number in range(1_700)]
    await send(http, *numbers)
    async with http.subscriber(after=0) as subscriber:
        assert texts(await taken(subscriber, len(numbers))) == numbers
        assert subscriber.position == len(numbers)


async def test_positions_move_past_what_nobody_asked_for(http: HttpWay) -> None:
    await send(http, "a", "b", "c")
    async with http.subscriber(after=0, filter="payload.message=b") as subscriber:
        assert texts(await taken(subscriber)) == ["b"]
        assert subscriber.position == 2
        waiting = asyncio.create_task(subscriber.run(_nothing))
        async with asyncio.timeout(BOUND):
            while subscriber.position != 3:
                await asyncio.sleep(0.01)
        await subscriber.close()
        await waiting


async def test_without_a_position_it_begins_at_the_end(http: HttpWay) -> None:
    await send(http, "a")
    async with http.subscriber() as subscriber:
        assert subscriber.position == 1
        await send(http, "b")
        assert texts(await taken(subscriber)) == ["b"]


async def test_a_position_that_was_never_given_out_is_an_error(http: HttpWay) -> None:
    async with http.subscriber(after=99) as subscriber:
        for _ in range(2):
            with pytest.raises(UnknownPositionError, match="the log ends at 0; 99 was never given out"):
                await subscriber.run(_nothing)


async def test_the_wrong_token_is_said_and_not_repeated(http: HttpWay) -> None:
    async with Publisher.connect(http.url, "abd") as publisher:
        with pytest.raises(NotConfirmedError, match="lets nobody in") as caught:
            await publisher.publish(TYPE, {"message": "a"})
    async with Subscriber.connect(http.url, "abd") as subscriber:
        assert subscriber.state.status == "waiting"
        assert "lets nobody in" in subscriber.state.detail
    assert "abd" not in str(caught.value) + subscriber.state.detail


async def test_a_chain_goes_on_where_its_cause_is_not_known(http: HttpWay) -> None:
    """As when the cause came over a broker, or from another godtui."""
    chain, elsewhere, other = new_id(), new_id(), new_id()
    cause = EventEnvelope(
        event_id=elsewhere, event_type=TYPE, timestamp=to_datetime(MORNING), source={}, correlation_id=chain, payload={}
    )
    async with http.subscriber() as subscriber, http.publisher() as publisher:
        with handling(cause):
            await publisher.publish(TYPE, {"message": "inherits"})
            await publisher.publish(TYPE, {"message": "says otherwise"}, correlation_id=other)
            own = await publisher.publish(TYPE, {"message": "has another cause"}, causation_id=other)
        events = await taken(subscriber, 3)
    assert [event.correlation_id for event in events] == [chain, other, own.event_id]
    assert [event.source["causation_id"] for event in events] == [str(elsewhere), str(elsewhere), str(other)]


async def test_an_instance_that_does_not_answer_confirms_nothing() -> None:
    left = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Publisher.connect(url, timeout=0.05) as publisher:
        with pytest.raises(NotConfirmedError, match=r"no confirmation within 0\.05 s"):
            await publisher.publish(TYPE, {"message": "a"})
        await publisher.close()
        await asyncio.wait_for(left.wait(), BOUND)


async def test_a_gap_is_said_and_gone_past(caplog: pytest.LogCaptureFixture) -> None:
    async def script() -> AsyncGenerator[Frame]:
        yield Welcome(90)
        yield Gap(3, 40)
        yield Position(60)
        await asyncio.Event().wait()

    _, starting = scripted(script, ManualClock())
    async with await starting as service, Subscriber.connect(service.url, after=2) as subscriber:
        running = asyncio.create_task(subscriber.run(_nothing))
        async with asyncio.timeout(BOUND):
            while subscriber.position != 60:
                await asyncio.sleep(0.01)
        await subscriber.close()
        await running
    assert "positions 3 to 40 are no longer kept" in caplog.text


async def test_a_store_that_cannot_be_read_is_waited_for() -> None:
    tries = 0

    async def script() -> AsyncGenerator[Frame]:
        nonlocal tries
        tries += 1
        yield Welcome(9)
        if tries == 1:
            raise StoreUnavailableError("the disk is gone")
        yield Position(9)
        await asyncio.Event().wait()

    _, starting = scripted(script, ManualClock())
    async with await starting as service, Subscriber.connect(service.url, after=0) as subscriber:
        running = asyncio.create_task(subscriber.run(_nothing))
        async with asyncio.timeout(BOUND):
            while subscriber.position != 9:
                await asyncio.sleep(0.01)
        await subscriber.close()
        await running
    assert tries == 2


async def test_what_comes_twice_is_handled_once(http: HttpWay) -> None:
    await send(http, "a", "b")
    page = await http.engine.operations.store.query(_everything(), order="asc")

    async def script() -> AsyncGenerator[Frame]:
        yield Welcome(2)
        yield Events(page.events[:1])
        yield Events(page.events)
        await asyncio.Event().wait()

    _, starting = scripted(script, ManualClock())
    async with await starting as service, Subscriber.connect(service.url, after=0) as subscriber:
        assert texts(await taken(subscriber, 2)) == ["a", "b"]


async def test_what_a_replay_sends_comes_again_and_moves_no_position(http: HttpWay) -> None:
    await send(http, "a", "b")
    page = await http.engine.operations.store.query(_everything(), order="asc")
    replay_id = new_id()

    async def script() -> AsyncGenerator[Frame]:
        yield Welcome(2)
        yield Events(page.events)
        yield Replayed(replay_id, page.events[0])
        await asyncio.Event().wait()

    _, starting = scripted(script, ManualClock())
    async with await starting as service, Subscriber.connect(service.url, after=0) as subscriber:
        assert texts(await taken(subscriber, 2)) == ["a", "b"]
        for again in (False, True):
            # What fails is tried again as what it is.
            async with asyncio.timeout(BOUND), await anext(subscriber) as event:
                cause = current_cause()
                assert cause is not None
                assert (event.payload["message"], cause.replay_id) == ("a", replay_id)
                if not again:
                    raise ValueError("not yet")
        assert subscriber.position == 2


def _everything() -> Any:
    from godtui.filters import Filter

    return Filter()


async def _nothing(event: object) -> None:
    """A handler of no events."""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"queue": "q"}, "^queue= is for a broker; .*after="),
        ({"message_ttl": 0.0}, "^message_ttl= is for a broker"),
        ({"single_active_consumer": False}, "^single_active_consumer= is for a broker"),
        ({"prefetch": 1}, "^prefetch= is for a broker"),
        ({"bindings": "a.b"}, "^bindings= is a list"),
        ({"bindings": []}, "^bindings= is a list"),
        ({"bindings": ["a.b", ""]}, "."),
        ({"filter": "type:"}, "."),
        ({"after": -1}, "^after= is a position"),
        ({"max_attempts": 0}, "at least once"),
        ({"first_pause": -1}, "first pause"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Subscriber.connect("http://localhost:8000", **options)


@pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://me:hunter2@localhost", "http://me:hunter2@localhost"])
def test_an_address_that_leads_nowhere_is_refused_and_not_repeated(url: str) -> None:
    for connect in (Publisher.connect, Subscriber.connect):
        with pytest.raises(ValueError, match=r"http://|URL of an instance") as caught:
            connect(url)
        assert "hunter2" not in str(caught.value)


def test_a_running_godtui_judges_by_its_own_contracts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^schemas= is for a broker"):
        Publisher.connect("http://localhost", schemas=tmp_path)


class Requests(Connection):
    """Counts requests; from the number `fails_from` on nothing answers."""

    def __init__(self, way: HttpWay, fails_from: int = 99) -> None:
        super().__init__(way.url, TOKEN)
        self.sizes: list[int] = []
        self.fails_from = fails_from

    async def request(self, method: str, path: str, **parts: Any) -> Any:
        if len(self.sizes) == self.fails_from:
            raise InstanceUnreachableError("nobody there")
        self.sizes.append(len(parts["content"]))
        return await super().request(method, path, **parts)


def drafts(number: int, size: int = 1) -> list[EventDraft]:
    return [EventDraft(event_type=TYPE, payload={"message": "x" * size}) for _ in range(number)]


async def test_a_batch_of_any_number_is_sent_in_as_many_requests_as_it_takes(http: HttpWay) -> None:
    connection = Requests(http)
    report = await publishing.publish_batch(connection, drafts(2_001))
    await connection.close()
    assert report.accepted == 2_001
    assert len(connection.sizes) == 3


async def test_no_request_is_larger_than_one_may_be(http: HttpWay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "MAX_BATCH_BYTES", 10_000)
    connection = Requests(http)
    report = await publishing.publish_batch(connection, [*drafts(7, 3_000), *drafts(1, 12_000), *drafts(1)])
    await connection.close()
    assert report.accepted == 9
    assert len(connection.sizes) == 5
    assert [size for size in connection.sizes if size > 10_000] == [connection.sizes[3]]


async def test_what_could_no_more_be_sent_is_unconfirmed(http: HttpWay) -> None:
    some = drafts(2_500)
    some[2_400] = EventDraft(event_type=TYPE, payload={"message": float("nan")})
    connection = Requests(http, fails_from=1)
    report = await publishing.publish_batch(connection, some)
    await connection.close()
    assert report.accepted == 1_000
    assert [one.index for one in report.rejected] == [2_400]
    expected = [index for index in range(1_000, 2_500) if index != 2_400]
    assert [one.index for one in report.unconfirmed] == expected
    assert [one.event_id for one in report.unconfirmed] == [some[index].event_id for index in expected]


async def test_where_nothing_was_sent_that_is_said(http: HttpWay) -> None:
    connection = Requests(http, fails_from=0)
    with pytest.raises(InstanceUnreachableError):
        await publishing.publish_batch(connection, drafts(2))
    with pytest.raises(InvalidEventError):
        await publishing.publish(connection, EventDraft(event_type=TYPE, payload={"message": float("nan")}))
    await connection.close()
