"""One engine below, the application on it, and clients that speak to it without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from godtui.api.application import create_application
from godtui.api.configuration import ApiConfig
from godtui.eventlog import Ownership
from godtui.operations import Operations
from godtui.runtime.engine import Engine
from godtui.settings import Settings
from tests.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def operations(clock: ManualClock, tmp_path: Path) -> AsyncIterator[Operations]:
    """What the API stands on in every test that does not bring its own."""
    settings = Settings(data_dir=tmp_path / "data")
    engine = Engine(settings, Ownership.take(settings.data_dir), workers=False, clock=clock)
    await engine.start()
    yield engine.operations
    await engine.stop()


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


def connect(application: FastAPI, **headers: str) -> httpx.AsyncClient:
    """A client whose requests never leave the process."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", headers=headers)
