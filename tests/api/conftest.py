"""One engine below, the application on it, and clients that speak to it without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from godtui.api.application import create_application
from godtui.api.configuration import ApiConfig
from godtui.operations import Operations
from tests.api.fake_engine import FakeEngine
from tests.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def operations(clock: ManualClock) -> AsyncIterator[Operations]:
    """What the API stands on in every test that does not bring its own; `test.event.created` is registered in it."""
    yield FakeEngine(clock)


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
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", headers=headers)
