"""Places to break things on."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from tests import broker
from tests.broker import Node
from tests.chaos.proxy import Proxy


@pytest.fixture(scope="module")
def vhost() -> Iterator[str]:
    """A virtual host of the module's own on the node that nobody kills: its URL."""
    node = broker.shared()
    name = f"chaos-{uuid4().hex}"
    node.add_vhost(name)
    yield node.url_of(name)
    node.control("delete_vhost", name)


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node of the module's own."""
    broker.require()
    node = Node(Path(tempfile.mkdtemp(prefix="godtui-chaos-")))
    node.start()
    yield node
    node.remove()


@pytest_asyncio.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """Between us and the shared node."""
    proxy = Proxy(broker.shared().port)
    await proxy.accept()
    yield proxy
    await proxy.refuse()
