"""One engine below, the application on it, and clients that speak to it without a network."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from godtui.api.application import create_application
from godtui.api.configuration import ApiConfig
from godtui.eventlog import Ownership
from godtui.operations import Count, Health, Operations, Page, Statistics
from godtui.runtime.engine import Engine
from godtui.settings import Settings, packaged
from tests.bloodbank.letters import Write
from tests.clock import ManualClock

Bury = Callable[..., Awaitable[None]]
Waiting = Callable[[str], Awaitable[int]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one shipped contract that these tests publish by; all of them take longer to load than a test to run."""
    folder = tmp_path_factory.mktemp("schemas")
    shutil.copytree(packaged("schemas") / "test", folder / "test")
    return folder


@pytest.fixture
async def engine(clock: ManualClock, schemas: Path, tmp_path: Path) -> AsyncIterator[Engine]:
    settings = Settings(data_dir=tmp_path / "data", schemas=schemas)
    engine = Engine(settings, Ownership.take(settings.data_dir), workers=False, clock=clock)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.fixture
def operations(engine: Engine) -> Operations:
    """What the API stands on in every test that does not bring its own."""
    return engine.operations


@pytest.fixture
def bury(engine: Engine) -> Bury:
    """Lets letters be in the engine's log, as `tests.bloodbank.letters.row` makes them."""

    async def write(*rows: tuple[Any, ...]) -> None:
        await engine._log.submit(Write(rows))

    return write


@pytest.fixture
def waiting(engine: Engine) -> Waiting:
    """How many messages of their own wait in a queue of the engine's."""
    statement = "SELECT count(*) FROM deliveries WHERE queue = (SELECT id FROM queues WHERE name = ?) AND held = 0"

    async def count(queue: str) -> int:
        return int((await engine._log.rows(statement, (queue,), purpose="a test"))[0][0])

    return count


@pytest.fixture
def config() -> ApiConfig:
    return ApiConfig()


@pytest.fixture
def application(operations: Operations, config: ApiConfig, clock: ManualClock) -> FastAPI:
    return create_application(operations, config, clock)


@pytest.fixture
async def http(application: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client on this machine."""
    async with connect(application) as client:
        yield client


class Idle:
    """Operations with nothing in them; whoever publishes fails the test."""

    def __init__(self) -> None:
        self.bus = self.store = self.chains = self.statistics = self.archive = self.letters = self.schemas = (
            self.monitor
        ) = self

    async def query(self, *args: Any, **options: Any) -> Page:
        return Page([], None)

    async def event(self, *args: Any) -> None:
        return None

    async def cut_at(self, *args: Any) -> None:
        return None

    async def count(self, *args: Any) -> Count:
        return Count(0, True)

    async def ask(self, *args: Any) -> Statistics:
        return Statistics(number=0, rate_1m=0, rate_5m=0, counted_to=0, last_seq=0, complete=True)

    async def chain(self, *args: Any, **options: Any) -> None:
        return None

    async def contracts(self) -> list[dict[str, Any]]:
        return []

    async def health(self) -> Health:
        return Health("ok", "1", "idle", {})


@cache
def idle_application(config: ApiConfig) -> FastAPI:
    """The API over nothing; it keeps no state, so that tests share it."""
    return create_application(Idle(), config, ManualClock())  # type: ignore[arg-type]


@pytest.fixture
async def gate() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API behind whose checks nothing can be published."""
    async with connect(idle_application(ApiConfig())) as client:
        yield client


def connect(application: FastAPI, **headers: str) -> httpx.AsyncClient:
    """A client whose requests never leave the process."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", headers=headers)
