"""Every way to the bus, for tests that ask the same of each."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from godtui.settings import packaged
from tests import broker
from tests.library.ways import BrokerWay, BusWay, HttpWay, Way


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped contracts that these tests publish by."""
    folder = tmp_path_factory.mktemp("schemas")
    shutil.copytree(packaged("schemas") / "test", folder / "test")
    return folder


@pytest.fixture(scope="session")
def vhost() -> str:
    """The URL of a virtual host of a broker that nobody else uses."""
    node = broker.shared()
    name = f"library-{uuid4().hex[:8]}"
    node.add_vhost(name)
    return node.url_of(name)


@pytest.fixture
async def http(tmp_path: Path, schemas: Path) -> AsyncIterator[HttpWay]:
    way = HttpWay(tmp_path, schemas)
    await way.start()
    yield way
    await way.stop()


@pytest.fixture
async def rabbit(tmp_path: Path, schemas: Path, vhost: str) -> AsyncIterator[BrokerWay]:
    way = BrokerWay(tmp_path, schemas, vhost)
    await way.start()
    yield way
    await way.stop()


@pytest.fixture
async def embedded(tmp_path: Path, schemas: Path) -> AsyncIterator[BusWay]:
    way = BusWay(tmp_path, schemas)
    await way.start()
    yield way
    await way.stop()


@pytest.fixture(params=["http", "embedded", "rabbit"])
def way(request: pytest.FixtureRequest) -> Way:
    """Each of them in turn."""
    found: Way = request.getfixturevalue(request.param)
    return found
