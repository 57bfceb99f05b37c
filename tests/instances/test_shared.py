"""An instance has the history or says who has; its streams end when that changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import aclosing
from typing import Any
from uuid import UUID

import httpx
import pytest

from godtui.api.application import create_application
from godtui.api.client import HttpOperations
from godtui.api.configuration import ApiConfig
from godtui.api.server import ApiService, serve
from godtui.bloodbank import Subscriber
from godtui.bloodbank.holder import Holder
from godtui.bloodbank.judging import judge
from godtui.candystore.passing import Passing
from godtui.cli.failures import UnreachableError, explained
from godtui.filters import Filter
from godtui.holyfields import Registry
from godtui.operations import (
    Dropped,
    Events,
    Frame,
    HistoryElsewhereError,
    Page,
    StoreUnavailableError,
    Welcome,
)
from godtui.operations.shared import SharedLetters, SharedStore
from godtui.settings import packaged
from tests.api.conftest import Idle
from tests.candystore.taps import Taps
from tests.clock import ManualClock
from tests.contract.messages import event
from tests.eventlog.records import until

OTHER = Holder("other-17", "http://other:8000", 1_700_000_000_000_000)
SAID = "the history is not here, but with other-17 at http://other:8000; ask there"


class HandHistory:
    """A history that the test sends about."""

    def __init__(self) -> None:
        self.here = True
        self.holder: Holder | None = None
        self._change = asyncio.Event()

    async def known(self) -> None:
        return

    def changed(self) -> Awaitable[object]:
        return self._change.wait()

    def go(self, holder: Holder | None) -> None:
        self.here, self.holder = holder is None, holder
        self.stir()

    def stir(self) -> None:
        change, self._change = self._change, asyncio.Event()
        change.set()


class Log(Idle):
    """A store whose stream tells of position 7 and what it is asked for, then waits for ever."""

    async def stream(
        self, wanted: Filter, *, after: int | None = None, positions: bool = False
    ) -> AsyncGenerator[Frame]:
        yield Welcome(7 if after is None else after)
        await asyncio.Event().wait()

    async def page(self, *args: Any, **options: Any) -> Page:
        return Page([], None)


class Shared(Idle):
    """Everything of an instance that shares its broker; the bus under it is the test's."""

    def __init__(self, history: HandHistory, taps: Taps) -> None:
        super().__init__()
        registry = Registry.load(packaged("schemas"))
        passing = Passing(taps, lambda message: judge(message, registry), ManualClock())
        self.store: Any = SharedStore(Log(), history, passing)
        self.letters: Any = SharedLetters(Log(), history)  # type: ignore[arg-type]


@pytest.fixture
def history() -> HandHistory:
    return HandHistory()


@pytest.fixture
def taps() -> Taps:
    return Taps()


@pytest.fixture
async def service(history: HandHistory, taps: Taps) -> AsyncIterator[ApiService]:
    application = create_application(Shared(history, taps), ApiConfig(), ManualClock())  # type: ignore[arg-type]
    async with await serve(application, "127.0.0.1", 0) as running:
        yield running


@pytest.fixture(params=["in process", "over HTTP"])
async def operations(
    request: pytest.FixtureRequest, service: ApiService, history: HandHistory, taps: Taps
) -> AsyncIterator[Any]:
    """The same promises on both sides of the wire."""
    if request.param == "in process":
        yield Shared(history, taps)
        return
    async with HttpOperations(service.url) as client:
        yield client


async def test_what_only_the_log_knows_is_asked_elsewhere(operations: Any, history: HandHistory) -> None:
    await operations.store.query(Filter())
    history.go(OTHER)
    questions = [
        operations.store.query(Filter()),
        operations.store.event(UUID(int=7)),
        anext(operations.store.stream(Filter(), after=3)),
        operations.letters.page(Filter()),
        operations.letters.letter(1),
        operations.letters.discard(1),
    ]
    for question in questions:
        with pytest.raises(HistoryElsewhereError) as error:
            await question
        assert str(error.value) == SAID
        assert error.value.holder is not None
        assert (error.value.holder.instance, error.value.holder.url) == ("other-17", "http://other:8000")
        told = explained(error.value)
        assert isinstance(told, UnreachableError)
        assert (told.exit_code, told.format_message()) == (3, SAID)


async def test_where_nobody_has_it_that_is_said(operations: Any, history: HandHistory) -> None:
    history.here = False
    with pytest.raises(HistoryElsewhereError, match="no instance that holds it is known") as error:
        await operations.store.query(Filter())
    assert error.value.holder is None


async def test_what_passes_is_shown_without_places(operations: Any, history: HandHistory, taps: Taps) -> None:
    history.go(OTHER)
    async with aclosing(operations.store.stream(Filter(), positions=True)) as frames:
        assert await anext(frames) == Welcome(None)
        taps.last.bring(event(message="hello"))
        told = await anext(frames)
        assert isinstance(told, Events)
        assert [(each.seq, each.envelope().payload) for each in told.events] == [(0, {"message": "hello"})]
        history.stir()
        taps.last.bring(event(message="again"))
        told = await anext(frames)
        assert isinstance(told, Events), "another holder elsewhere changes nothing here"


async def test_a_stream_ends_when_the_history_goes_or_comes(operations: Any, history: HandHistory) -> None:
    async with aclosing(operations.store.stream(Filter())) as frames:
        assert await anext(frames) == Welcome(7)
        waiting = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0)
        history.go(OTHER)
        with pytest.raises(StoreUnavailableError, match="the history is not here, but with other-17"):
            await asyncio.wait_for(waiting, 30)
    async with aclosing(operations.store.stream(Filter())) as frames:
        assert await anext(frames) == Welcome(None)
        waiting = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0)
        history.go(None)
        with pytest.raises(StoreUnavailableError, match="holds the history from now on"):
            await asyncio.wait_for(waiting, 30)
    async with aclosing(operations.store.stream(Filter(), after=3)) as frames:
        assert await anext(frames) == Welcome(3)


async def test_a_long_name_does_not_keep_a_stream_from_ending(service: ApiService, history: HandHistory) -> None:
    async with HttpOperations(service.url) as client, aclosing(client.store.stream(Filter())) as frames:
        await anext(frames)
        history.go(Holder("ü" * 255))
        with pytest.raises(StoreUnavailableError, match=r"^the history is not here, but with ü{40}"):
            await anext(frames)


async def test_a_subscriber_waits_until_there_is_something_to_go_on_from(
    service: ApiService, history: HandHistory
) -> None:
    history.go(OTHER)
    async with Subscriber.connect(service.url, bindings=["#"]) as subscriber:
        assert subscriber.state.status == "waiting"
        assert subscriber.state.detail == f"the instance at {service.url} has no history now"
        history.go(None)
        await until(lambda: subscriber.state.status == "connected")


async def test_what_passed_unseen_is_counted_without_places(history: HandHistory) -> None:
    taps = Taps(capacity=2)
    history.go(OTHER)
    application = create_application(Shared(history, taps), ApiConfig(), ManualClock())  # type: ignore[arg-type]
    async with (
        await serve(application, "127.0.0.1", 0) as service,
        HttpOperations(service.url) as client,
        aclosing(client.store.stream(Filter())) as frames,
    ):
        await anext(frames)
        taps.last.bring(*(event(message=str(n)) for n in range(5)))
        assert await anext(frames) == Dropped(5, None, None)


async def test_the_problem_names_who_has_it(service: ApiService, history: HandHistory) -> None:
    history.go(OTHER)
    async with httpx.AsyncClient(base_url=service.url) as http:
        answer = await http.get("/events")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json() == {
        "title": "Service Unavailable",
        "status": 503,
        "detail": SAID,
        "history": {"instance": "other-17", "url": "http://other:8000"},
    }
