"""A broker to ask, and buses on it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias
from uuid import uuid4

import aiormq
import pytest
import pytest_asyncio
from aiormq.channel import Channel

from godtui.bloodbank.rabbitmq import RabbitBus
from tests import broker
from tests.broker import Node
from tests.chaos.proxy import Proxy

OpenBus: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="session")
def node() -> Node:
    """The node that nobody stops."""
    return broker.shared()


@pytest.fixture(scope="module")
def vhost(node: Node) -> Iterator[str]:
    """The name of a virtual host of the module's own."""
    name = f"rabbitmq-{uuid4().hex}"
    node.add_vhost(name)
    yield name
    node.control("delete_vhost", name)


@pytest.fixture
def url(node: Node, vhost: str) -> str:
    return node.url_of(vhost)


@pytest_asyncio.fixture
async def stranger(url: str) -> AsyncGenerator[Channel]:
    """Someone else's channel on the same virtual host."""
    connection = await aiormq.connect(url)
    channel = await connection.channel()
    assert isinstance(channel, Channel)
    yield channel
    await connection.close()


@pytest_asyncio.fixture
async def proxy(node: Node) -> AsyncGenerator[Proxy]:
    """Between us and the node."""
    proxy = Proxy(node.port)
    await proxy.accept()
    yield proxy
    await proxy.refuse()


@asynccontextmanager
async def opened(*urls: str, **options: Any) -> AsyncGenerator[RabbitBus]:
    """A bus that is started; whether it gets anywhere is for the test to see."""
    bus = RabbitBus(urls, **options)
    await bus.start()
    try:
        yield bus
    finally:
        await bus.close()
